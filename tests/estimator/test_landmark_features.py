"""Features cost the landmarks nothing, and are sampled where the landmarks are."""

import cv2
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


@pytest.fixture(scope="module")
def network() -> LandmarkNetwork:
    return LandmarkNetwork.open()


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """A soft pattern: noise would say more of how squares are cut out than of mirrors."""
    noise = np.random.default_rng(4).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC)


def test_a_left_hand_is_a_right_one_in_the_mirror(network: LandmarkNetwork, image: np.ndarray) -> None:
    right = network(image, Square(150.0, 110.0, 130.0, 0.4))
    left = network(np.ascontiguousarray(image[:, ::-1]), Square(319 - 150.0, 110.0, 130.0, -0.4), "left")
    assert (right.features.mirrored, left.features.mirrored) == (False, True)
    assert {right.side, left.side} == {"left", "right"}
    assert left.score == pytest.approx(right.score, abs=1e-3)
    np.testing.assert_allclose(left.landmarks_px * (-1, 1) + (319, 0), right.landmarks_px, atol=0.05)
    np.testing.assert_allclose(left.landmarks_mm * (-1, 1, 1), right.landmarks_mm, atol=0.05)
    np.testing.assert_allclose(left.features.pooled, right.features.pooled, atol=0.01)


def test_a_hand_taken_for_the_other_side_is_looked_at_anew(network: LandmarkNetwork, image: np.ndarray) -> None:
    square = Square(150.0, 110.0, 130.0, 0.4)
    for side, other in (("left", "right"), ("right", "left")):
        seen = network(image, square, side).features
        assert network.taken_for(side, seen) is seen
        again, expected = network.taken_for(other, seen), network(image, square, other).features
        assert again.mirrored == (other == "left")
        np.testing.assert_array_equal(again.picture, expected.picture)
        np.testing.assert_array_equal(again.sampled, expected.sampled)


def test_a_model_without_the_features_is_an_error() -> None:
    with pytest.raises(InputError, match=r"toy has no Add of shape \(1, 3\) inside"):
        Network("toy", load_models()[1], 224, SHAPES, [InnerOutput("Add", (1, 3))])
