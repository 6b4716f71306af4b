"""Laws of the backbone that stays as it is, and of the store of its features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from estimator.errors import InputError
from estimator.feature_store import FeatureStore
from estimator.image_encoder import ImageEncoder, ImageEncoderConfig
from estimator.landmark_backbone import FEATURE_SIZE, LARGEST, LandmarkBackbone
from estimator.learning.features import measure_features

SAMPLE = Path(__file__).parents[2] / "estimator/assets/sample.jpg"
HAND = (170, 40, 470, 340)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """The sample's hand, the same upside down, and darker."""
    hand = Image.open(SAMPLE).convert("RGB").crop(HAND).resize((96, 96))
    upright = torch.tensor(np.array(hand)).movedim(-1, 0).float() / 255
    return torch.stack([upright, upright.rot90(2, (1, 2)), (upright * 255 * 0.8).floor() / 255])


@pytest.fixture(scope="module")
def backbone() -> LandmarkBackbone:
    return LandmarkBackbone()


def test_measured_features_are_standardised_and_bounded(backbone: LandmarkBackbone, pictures: torch.Tensor) -> None:
    backbone.eval()
    backbone.measure(pictures)
    found = backbone(pictures)
    assert found.shape == (3, FEATURE_SIZE)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(FEATURE_SIZE), atol=1e-3, rtol=0)
    assert found.abs().max() <= LARGEST
    assert not list(backbone.parameters())


def test_a_hand_upside_down_looks_like_the_same_hand(backbone: LandmarkBackbone, pictures: torch.Tensor) -> None:
    with torch.no_grad():
        upright, turned, _ = backbone._raw(pictures)
        other = backbone._raw(pictures.flip(-1))[0]
    assert (upright - turned).norm() < 0.5 * (upright - other).norm()


def test_a_share_of_the_features_is_hidden_while_training(backbone: LandmarkBackbone, pictures: torch.Tensor) -> None:
    backbone.measure(pictures)
    backbone.train()
    assert 0.2 < (backbone(pictures[:1]) == 0).float().mean() < 0.5
    backbone.eval()


def test_an_encoder_on_it_learns_in_its_head_alone_and_comes_back_from_its_file(tmp_path: Path, pictures: torch.Tensor) -> None:
    encoder = ImageEncoder(ImageEncoderConfig("hand_landmarks")).eval()
    encoder.backbone.measure(pictures)
    encoder(pictures).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
    encoder.save(tmp_path / "encoder.safetensors", "toy")
    again = ImageEncoder.load(tmp_path / "encoder.safetensors", "toy")
    torch.testing.assert_close(again(pictures), encoder(pictures), atol=0.02, rtol=0.02)


def test_a_store_gives_back_what_was_put_in_another_process_too(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    one, other = generator.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    row = generator.normal(size=5).astype(np.float16).astype(np.float32)
    FeatureStore(tmp_path / "deep/store.sqlite").put(one, row)
    store = FeatureStore(tmp_path / "deep/store.sqlite")
    np.testing.assert_array_equal(store.get(one), row)
    assert store.get(other) is None


def test_stored_features_are_not_computed_again(tmp_path: Path, pictures: torch.Tensor) -> None:
    backbone = LandmarkBackbone().eval()
    backbone.store = FeatureStore(tmp_path / "store.sqlite")
    first = backbone(pictures)
    backbone._look = lambda picture: pytest.fail("looked again")
    torch.testing.assert_close(backbone(pictures), first, atol=0, rtol=0)


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("this is no database, and long enough to be seen as none " * 40)
    with pytest.raises(InputError, match=r"store\.sqlite: .* remove the file"):
        FeatureStore(tmp_path / "store.sqlite")


def test_an_encoder_is_measured_by_pictures_of_its_data_and_a_damaged_one_is_named(pictures: torch.Tensor) -> None:
    seen = (pictures.movedim(1, -1) * 255).round().byte().numpy()
    encoder = ImageEncoder(ImageEncoderConfig("hand_landmarks")).eval()
    measure_features(encoder, lambda index: seen[index], len(seen), seed=0)
    torch.testing.assert_close(encoder.backbone.mean, encoder.backbone._raw(pictures).mean(dim=0), atol=1e-3, rtol=1e-3)

    def damaged(index: int) -> np.ndarray:
        raise ValueError(f"picture {index}.png: is damaged")

    with pytest.raises(InputError, match=r"\.png: is damaged"):
        measure_features(encoder, damaged, 1, seed=0)
    measure_features(ImageEncoder(ImageEncoderConfig("tiny")), damaged, 1, seed=0)


def test_a_store_that_is_damaged_later_is_named(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "store.sqlite")
    store._database.execute("DROP TABLE features")
    with pytest.raises(InputError, match=r"store\.sqlite"):
        store.get(np.zeros((8, 8, 3), np.uint8))
