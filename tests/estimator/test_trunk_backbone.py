"""Laws of the backbone that goes on learning from where the detector's network stands."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from estimator.image_encoder import ImageEncoder, ImageEncoderConfig
from estimator.landmark_trunk import TRUNK_SIZE
from estimator.trunk_backbone import STEADY_LAYERS, TrunkBackbone

SAMPLE = Path(__file__).parents[2] / "estimator/assets/sample.jpg"


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    """The sample's hand."""
    hand = Image.open(SAMPLE).convert("RGB").crop((170, 40, 470, 340)).resize((128, 128))
    return torch.tensor(np.array(hand)).movedim(-1, 0).float()[None] / 255


@pytest.fixture(scope="module")
def backbone() -> TrunkBackbone:
    return TrunkBackbone().eval()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_hand_is_turned_upright(backbone: TrunkBackbone, picture: torch.Tensor, turns: int) -> None:
    """To a few degrees: the network itself is not quite free of how the hand lies."""
    with torch.inference_mode():
        straight, turned = backbone.upright(picture), backbone.upright(picture.rot90(turns, (2, 3)))
        one, other, as_it_was = backbone(picture), backbone(picture.rot90(turns, (2, 3))), backbone.trunk(picture.rot90(turns, (2, 3)))
    middle = slice(32, 96)  # corners are made up
    assert (straight - turned)[..., middle, middle].abs().mean() < 0.1
    assert (one - other).norm() < 0.6 * (one - as_it_was).norm()


def test_it_starts_from_photographs_and_all_but_the_first_layers_learn(backbone: TrunkBackbone, picture: torch.Tensor) -> None:
    fresh = TrunkBackbone(from_photographs=False)
    assert not torch.equal(fresh.trunk.layers[-2].inner.weight, backbone.trunk.layers[-2].inner.weight)
    assert backbone(picture).shape == (1, TRUNK_SIZE)
    backbone(picture).sum().backward()
    for index, layer in enumerate(backbone.trunk.layers):
        assert all((weight.grad is None) == (index < STEADY_LAYERS) for weight in layer.parameters())


def test_an_encoder_on_it_comes_back_from_its_file(tmp_path: Path, picture: torch.Tensor) -> None:
    encoder = ImageEncoder(ImageEncoderConfig("hand_trunk")).eval()
    encoder.save(tmp_path / "encoder.safetensors", "toy")
    again = ImageEncoder.load(tmp_path / "encoder.safetensors", "toy")
    torch.testing.assert_close(again(picture), encoder(picture), atol=0.02, rtol=0.02)
