"""What the feature encoder promises whatever its weights: axes, files, and what the image alone does not look at."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from estimator.encoder import LandmarkEncoder
from estimator.errors import InputError
from estimator.feature_encoder import FeatureEncoder, FeatureEncoderConfig, turn_between
from estimator.landmark_features import POOLED_SIZE, SAMPLED_SIZE


def toy(inputs: str) -> FeatureEncoder:
    torch.manual_seed(3)
    return FeatureEncoder(FeatureEncoderConfig(inputs, width=16, depth=1)).eval()


def looks(count: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Upright hands in the square, in space, and features."""
    generator = torch.Generator().manual_seed(0)
    landmarks = 0.5 + 0.1 * torch.randn(count, 21, 3, generator=generator)
    landmarks[:, 0, :2] = torch.tensor([0.5, 0.9])
    return landmarks, 40 * torch.randn(count, 21, 3, generator=generator), torch.randn(count, size, generator=generator)


@pytest.mark.parametrize(("inputs", "size"), [("features", SAMPLED_SIZE + POOLED_SIZE), ("pooled", POOLED_SIZE), ("landmarks", 0)])
def test_answers_are_proper_and_independent_of_their_batch(inputs: str, size: int) -> None:
    encoder, (landmarks, mm, features) = toy(inputs), looks(3, size)
    with torch.inference_mode():
        found, pose = encoder(landmarks, mm, features)
        alone, pose_alone = encoder(landmarks[1], mm[1], features[1])
    torch.testing.assert_close(found.mm[1], alone.mm, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(pose.theta[1], pose_alone.theta, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.mm.mean(dim=1), torch.zeros(3, 3), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.linalg.det(pose.R_crop_hand), torch.ones(3))
    assert (found.error_mm > 0).all()


def test_the_image_alone_does_not_look_at_the_landmarks() -> None:
    encoder, (landmarks, mm, features) = toy("pooled"), looks(2, POOLED_SIZE)
    with torch.inference_mode():
        one, other = encoder(landmarks, mm, features), encoder(landmarks.flip(0), 2 * mm, features)
    torch.testing.assert_close(one[1].theta, other[1].theta)
    torch.testing.assert_close(one[0].mm, other[0].mm)


def test_the_control_does_not_look_at_the_features() -> None:
    encoder, (landmarks, mm, features) = toy("landmarks"), looks(2, SAMPLED_SIZE)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(landmarks, mm, features)[0].mm, encoder(landmarks, mm, 0 * features)[0].mm)


def test_a_map_that_says_nothing_leaves_learned_inverse_kinematics() -> None:
    encoder, (landmarks, mm, features) = toy("features"), looks(2, SAMPLED_SIZE + POOLED_SIZE)
    torch.nn.init.zeros_(encoder.map.weight)
    torch.nn.init.zeros_(encoder.map.bias)
    with torch.inference_mode():
        found, _ = encoder(landmarks, mm, features)
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
        torch.testing.assert_close(again(*features)[1].theta, encoder(*features)[1].theta, atol=0.01, rtol=0.01)
    with pytest.raises(InputError, match="belong to hand skeleton"):
        FeatureEncoder.load(path, "another")
    with pytest.raises(InputError, match="expected weights of kind 'landmark-encoder'"):
        LandmarkEncoder.load(path, "skeleton")


def test_unknown_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="not smell"):
        FeatureEncoderConfig("smell")
