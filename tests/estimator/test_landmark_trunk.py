"""The landmark network in torch is the one that the detector runs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from estimator.errors import InputError
from estimator.landmark_network import LandmarkNetwork
from estimator.landmark_trunk import TRUNK_SIZE, LandmarkTrunk
from estimator.models import load_models


@pytest.fixture(scope="module")
def trunk() -> LandmarkTrunk:
    return LandmarkTrunk.open().eval()


def test_its_feature_is_the_networks_own(trunk: LandmarkTrunk) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    expected = np.stack([LandmarkNetwork.open().look(picture).pooled for picture in pictures])
    with torch.inference_mode():
        found = trunk(torch.from_numpy(pictures).movedim(-1, 1).float() / 255)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("side", [96, 127, 128])
def test_smaller_pictures_give_a_feature_too(trunk: LandmarkTrunk, side: int) -> None:
    with torch.inference_mode():
        assert trunk(torch.rand(1, 3, side, side)).shape == (1, TRUNK_SIZE)


def test_it_learns(trunk: LandmarkTrunk) -> None:
    learning = LandmarkTrunk()
    learning.load_state_dict(trunk.state_dict())
    learning(torch.rand(1, 3, 64, 64)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in learning.parameters())


def test_another_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    palms, _ = load_models()
    monkeypatch.setattr("estimator.landmark_trunk.load_models", lambda *_: [palms, palms])
    with pytest.raises(InputError, match="other layers than expected"):
        LandmarkTrunk.open(Path("any.task"))
