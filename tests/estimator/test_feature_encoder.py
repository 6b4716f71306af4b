"""What the feature encoder promises whatever its weights: axes, sides, files, and what the image alone does not look at."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from estimator.encoder import LandmarkEncoder
from estimator.errors import InputError
from estimator.feature_encoder import FeatureEncoder, FeatureEncoderConfig, as_right_hand, turn_between
from estimator.landmark_features import POOLED_SIZE, SAMPLED_SIZE, LandmarkFeatures


def toy(inputs: str) -> FeatureEncoder:
    torch.manual_seed(3)
    return FeatureEncoder(FeatureEncoderConfig(inputs, width=16, depth=1)).eval()


def looks(count: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Upright hands in the square, in space, and features."""
    generator = torch.Generator().manual_seed(0)
    landmarks = 0.5 + 0.1 * torch.randn(count, 21, 3, generator=generator)
    landmarks[:, 0, :2] = torch.tensor([0.5, 0.9])
    return landmarks, 40 * torch.randn(count, 21, 3, generator=generator), torch.randn(count, size, generator=generator)


def features_of(landmarks: np.ndarray, landmarks_mm: np.ndarray) -> LandmarkFeatures:
    zero = np.zeros(1, np.float32)
    return LandmarkFeatures(1.0, 0.5, landmarks, landmarks_mm, zero, zero, np.zeros((1, 1, 3), np.uint8))


@pytest.mark.parametrize(("inputs", "size"), [("features", SAMPLED_SIZE + POOLED_SIZE), ("pooled", POOLED_SIZE), ("landmarks", 0)])
def test_answers_are_proper_and_independent_of_their_batch(inputs: str, size: int) -> None:
    encoder, (landmarks, mm, features) = toy(inputs), looks(3, size)
    with torch.inference_mode():
        found, pose = encoder("left", landmarks, mm, features)
        alone, pose_alone = encoder("left", landmarks[1], mm[1], features[1])
    torch.testing.assert_close(found.mm[1], alone.mm, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(pose.theta[1], pose_alone.theta, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.mm.mean(dim=1), torch.zeros(3, 3), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.linalg.det(pose.R_crop_hand), torch.ones(3))
    assert (found.error_mm > 0).all()


def test_the_image_alone_does_not_look_at_the_landmarks() -> None:
    encoder, (landmarks, mm, features) = toy("pooled"), looks(2, POOLED_SIZE)
    with torch.inference_mode():
        one, other = encoder("right", landmarks, mm, features), encoder("right", landmarks.flip(0), 2 * mm, features)
    torch.testing.assert_close(one[1].theta, other[1].theta)
    torch.testing.assert_close(one[0].mm, other[0].mm)


def test_the_control_does_not_look_at_the_features() -> None:
    encoder, (landmarks, mm, features) = toy("landmarks"), looks(2, SAMPLED_SIZE)
    with torch.inference_mode():
        torch.testing.assert_close(encoder("right", landmarks, mm, features)[0].mm, encoder("right", landmarks, mm, 0 * features)[0].mm)


def test_maps_that_say_nothing_leave_learned_inverse_kinematics() -> None:
    encoder, (landmarks, mm, features) = toy("features"), looks(2, SAMPLED_SIZE + POOLED_SIZE)
    for linear in encoder.maps.children():
        torch.nn.init.zeros_(linear.weight)  # pyright: ignore[reportArgumentType]
        torch.nn.init.zeros_(linear.bias)  # pyright: ignore[reportArgumentType]
    with torch.inference_mode():
        found, _ = encoder("left", landmarks, mm, features)
        torch.testing.assert_close(found.mm, encoder.base(landmarks, mm), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("angle", [0.7, -2.5])
def test_a_pose_turns_with_the_square(angle: float) -> None:
    encoder, (landmarks, mm, _) = toy("features"), looks(2, SAMPLED_SIZE)
    c, s = math.cos(angle), math.sin(angle)
    R = torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    middle = torch.tensor([0.5, 0.5, 0.0])
    with torch.inference_mode():
        straight, turned = encoder.base(landmarks, mm), encoder.base((landmarks - middle) @ R.T + middle, mm @ R.T)
    torch.testing.assert_close(turned, straight @ R.T, atol=1e-3, rtol=1e-4)


def test_a_left_hand_is_a_right_one_in_the_mirror() -> None:
    random = np.random.default_rng(0)
    landmarks, mm = random.random((21, 3)), random.normal(size=(21, 3))
    mirrored = features_of(landmarks * (-1, 1, 1) + (1, 0, 0), mm * (-1, 1, 1))
    for one, other in zip(as_right_hand("right", features_of(landmarks, mm)), as_right_hand("left", mirrored), strict=True):
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("angle", [0.0, 1.0, -3.0])
def test_the_turn_between_views_is_found(angle: float) -> None:
    points = np.random.default_rng(1).normal(size=(21, 3))
    c, s = math.cos(angle), math.sin(angle)
    R = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(turn_between(points, points @ R.T + (5, 6, 7)), R, atol=1e-9)
    np.testing.assert_array_equal(turn_between(points * (0, 0, 1), points), np.eye(3))


def test_weights_come_back_from_their_file_and_belong_to_a_skeleton(tmp_path: Path) -> None:
    encoder, path = toy("pooled"), tmp_path / "encoder.safetensors"
    encoder.save(path, "skeleton")
    again, features = FeatureEncoder.load(path, "skeleton"), looks(2, POOLED_SIZE)
    with torch.inference_mode():
        torch.testing.assert_close(again("left", *features)[1].theta, encoder("left", *features)[1].theta, atol=0.01, rtol=0.01)
    with pytest.raises(InputError, match="belong to hand skeleton"):
        FeatureEncoder.load(path, "another")
    with pytest.raises(InputError, match="expected weights of kind 'landmark-encoder'"):
        LandmarkEncoder.load(path, "skeleton")


def test_unknown_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="not smell"):
        FeatureEncoderConfig("smell")
