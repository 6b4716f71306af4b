"""Encoders by name and by file: each gives a pose in the crop's frame, and what is no encoder is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from estimator.crop import crop_hand
from estimator.encoder import LandmarkEncoder, LandmarkEncoderConfig
from estimator.encoders import HandLook, open_encoder
from estimator.errors import InputError
from estimator.feature_encoder import FeatureEncoder, FeatureEncoderConfig
from estimator.hand.camera import Camera
from estimator.hand.template import HandTemplate
from estimator.image_encoder import ImageEncoder, ImageEncoderConfig
from estimator.landmark_features import POOLED_SIZE, SAMPLED_SIZE, LandmarkFeatures
from estimator.placed_hand import Side
from estimator.refinement import Skeleton

TEMPLATE = HandTemplate.load()
SKELETON = Skeleton.of(TEMPLATE)
CPU = torch.device("cpu")
CAMERA = Camera.from_fov(60.0, 320, 240)


def look_at(side: Side, seed: int = 0) -> HandLook:
    """A hand in the middle of the image, and the network's run on a square around it."""
    random = np.random.default_rng(seed)
    landmarks = np.concatenate([random.uniform(0.3, 0.7, (21, 2)), random.normal(0, 0.1, (21, 1))], axis=1)
    landmarks[0, :2] = 0.5, 0.8
    mm = random.normal(0, 40, (21, 3))
    features = LandmarkFeatures(
        1.0,
        1.0,
        landmarks,
        mm,
        random.normal(size=POOLED_SIZE).astype(np.float32),
        random.normal(size=SAMPLED_SIZE).astype(np.float32),
        random.integers(0, 256, (224, 224, 3), dtype=np.uint8),
        mirrored=side == "left",
    )
    return HandLook(crop_hand(side, landmarks[:, :2] * 100 + (110, 70), mm, CAMERA), features)


def save_toy(kind: str, path: Path) -> Path:
    torch.manual_seed(0)
    if kind == "image-encoder":
        ImageEncoder(ImageEncoderConfig("tiny", "random")).save(path, TEMPLATE.skeleton_id)
    elif kind == "landmark-encoder":
        LandmarkEncoder(LandmarkEncoderConfig(16, 1)).save(path, TEMPLATE.skeleton_id)
    else:
        FeatureEncoder(FeatureEncoderConfig(kind, 16, 1)).save(path, TEMPLATE.skeleton_id)
    return path


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["image-encoder", "landmark-encoder", "features", "pooled", "landmarks"])
def test_every_kind_of_file_gives_a_pose(kind: str, side: Side, tmp_path: Path) -> None:
    reader = open_encoder(str(save_toy(kind, tmp_path / "encoder.safetensors")), SKELETON, TEMPLATE.skeleton_id, CPU)
    found = reader(look_at(side))
    np.testing.assert_allclose(found.R_crop_hand.T @ found.R_crop_hand, np.eye(3), atol=1e-5)
    assert np.linalg.det(found.R_crop_hand) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(found.landmarks.mean(axis=0), 0, atol=1e-3)
    assert (found.error_mm is not None) == (kind in ("features", "pooled", "landmarks"))


def test_a_look_without_features_is_read_by_its_landmarks(tmp_path: Path) -> None:
    reader = open_encoder(str(save_toy("features", tmp_path / "encoder.safetensors")), SKELETON, TEMPLATE.skeleton_id, CPU)
    look = replace(look_at("right"), features=None)
    landmarks = open_encoder("landmarks", SKELETON, TEMPLATE.skeleton_id, CPU)
    np.testing.assert_array_equal(reader(look).theta, landmarks(look).theta)


@pytest.mark.parametrize("kind", ["pooled", "image-encoder"])
def test_a_look_without_features_cannot_be_read_by_the_image_alone(kind: str, tmp_path: Path) -> None:
    reader = open_encoder(str(save_toy(kind, tmp_path / "encoder.safetensors")), SKELETON, TEMPLATE.skeleton_id, CPU)
    with pytest.raises(ValueError, match="needs a detection"):
        reader(replace(look_at("right"), features=None))


def test_features_of_the_other_side_are_refused() -> None:
    look = look_at("left")
    with pytest.raises(ValueError, match="not those of a left hand"):
        replace(look, features=look.features and replace(look.features, mirrored=False))


def test_weights_of_another_skeleton_are_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    FeatureEncoder(FeatureEncoderConfig("pooled", 16, 1)).save(path, "elsewhere")
    with pytest.raises(InputError, match=r"belong to hand elsewhere.*use the files of one release or train again"):
        open_encoder(str(path), SKELETON, TEMPLATE.skeleton_id, CPU)


@pytest.mark.parametrize("name", ["", "missing.safetensors"])
def test_what_is_no_encoder_is_one_line(name: str) -> None:
    with pytest.raises(InputError) as caught:
        open_encoder(name, SKELETON, TEMPLATE.skeleton_id, CPU)
    assert "\n" not in str(caught.value)
