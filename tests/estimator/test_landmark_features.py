"""Features cost the landmarks nothing, and are sampled where the landmarks are."""

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.landmark_features import POOLED_SIZE, SAMPLED_SIZE, sample_maps
from estimator.landmark_network import LandmarkNetwork
from estimator.models import load_models
from estimator.network import InnerOutput, Network
from estimator.square import Square

SHAPES = ((1, 63), (1, 1), (1, 1), (1, 63))


def ramp(channels: int, side: int) -> np.ndarray:
    """A map whose channels rise linearly with the place: bilinear reading is exact on it."""
    middle = (np.arange(side, dtype=np.float32) + 0.5) / side
    return np.stack([c + middle[None, :] + 10 * middle[:, None] for c in range(channels)])[None]


def test_a_linear_map_is_read_exactly_at_any_resolution() -> None:
    points = np.random.default_rng(0).uniform(0.1, 0.9, (21, 2))
    sampled = sample_maps([ramp(2, 14), ramp(3, 28)], points)
    expected = points[:, 0] + 10 * points[:, 1]
    np.testing.assert_allclose(sampled[:42].reshape(21, 2) - (0, 1), np.repeat(expected[:, None], 2, axis=1), atol=1e-5)
    np.testing.assert_allclose(sampled[42:].reshape(21, 3) - (0, 1, 2), np.repeat(expected[:, None], 3, axis=1), atol=1e-5)


def test_points_beyond_the_map_take_its_border() -> None:
    outside, border = np.array([[-3.0, 0.5], [9.0, 9.0]]), np.array([[0.5 / 7, 0.5], [1 - 0.5 / 7] * 2])
    np.testing.assert_allclose(sample_maps([ramp(2, 7)], outside), sample_maps([ramp(2, 7)], border), atol=1e-6)


def test_looking_inside_leaves_the_outputs_as_they_are() -> None:
    model = load_models()[1]
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    flat, presence, _, solid = Network("plain", model, 224, SHAPES)(picture)
    seen = LandmarkNetwork(model).look(picture)
    np.testing.assert_array_equal(seen.landmarks, flat.reshape(21, 3).astype(float) / 224)
    np.testing.assert_array_equal(seen.landmarks_mm, solid.reshape(21, 3).astype(float) * 1000)
    assert seen.presence == presence[0, 0]
    assert seen.pooled.shape == (POOLED_SIZE,)
    assert seen.sampled.shape == (SAMPLED_SIZE,)


def test_a_square_gives_the_features_of_its_picture() -> None:
    network = LandmarkNetwork.open()
    picture = np.random.default_rng(2).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    hand = network(picture, Square.whole(224, 224))
    seen = network.look(picture)
    np.testing.assert_array_equal(hand.features.pooled, seen.pooled)
    np.testing.assert_allclose(hand.landmarks_px, seen.landmarks[:, :2] * 224 - 0.5)


def test_a_model_without_the_features_is_an_error() -> None:
    with pytest.raises(InputError, match=r"toy has no Add of shape \(1, 3\) inside"):
        Network("toy", load_models()[1], 224, SHAPES, [InnerOutput("Add", (1, 3))])
