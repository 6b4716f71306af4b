"""Procedural skin is bounded, repeatable, and puts its features where hands have them."""

import numpy as np
import pytest
import torch

from datasets.skin import SkinPoints, nails, noise, skin_colour, skin_relief
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import FINGERTIPS, JOINT_NAMES, POSE_SIZE
from tests.toys import toy_template

TEMPLATE = toy_template()
DECODER = HandDecoder(TEMPLATE)
FRAMES = DECODER.frames(torch.zeros(POSE_SIZE), DECODER.joint_offsets)
R, T = FRAMES.rotations.double().numpy(), FRAMES.positions.double().numpy()


def points(positions: np.ndarray, normal: np.ndarray) -> SkinPoints:
    return SkinPoints(positions, np.tile(normal / np.linalg.norm(normal), (len(positions), 1)), R, T)


def around(joint: str, count: int = 400) -> np.ndarray:
    return T[JOINT_NAMES.index(joint)] + np.random.default_rng(0).uniform(-4, 4, (count, 3))


@pytest.mark.parametrize("scale", [0.5, 7.0])
def test_noise_is_smooth_bounded_and_repeatable(scale: float) -> None:
    places = np.random.default_rng(1).uniform(-50, 50, (5000, 3))
    values = noise(places, scale, 3)
    assert np.abs(values).max() <= 1
    assert abs(values.mean()) < 0.05
    assert values.std() > 0.2
    np.testing.assert_array_equal(values, noise(places, scale, 3))
    assert np.abs(noise(places + 1e-3 * scale, scale, 3) - values).max() < 0.02
    assert abs(np.corrcoef(values, noise(places, scale, 4))[0, 1]) < 0.06


@pytest.mark.parametrize("normal", [(0, -1, 0), (0, 1, 0), (1, 0, 0)])
def test_colour_is_a_reflectance_of_skin_and_relief_is_small(normal: tuple[float, float, float]) -> None:
    skin = points(np.random.default_rng(2).uniform([-100, -20, -50], [200, 20, 50], (3000, 3)), np.array(normal, dtype=float))
    colour = skin_colour(skin)
    assert colour.min() > 0.05
    assert colour.max() < 0.95
    assert (colour[:, 0] > colour[:, 1]).all()
    assert (colour[:, 1] > colour[:, 2]).mean() > 0.95
    assert 0 < np.abs(skin_relief(skin)).max() < 1


def test_palms_are_paler_than_backs() -> None:
    middle = around("middle2") - (40, 0, 0)
    assert skin_colour(points(middle, np.array([0, 1.0, 0]))).mean() > 1.05 * skin_colour(points(middle, np.array([0, -1.0, 0]))).mean()


def test_fingertips_are_redder_than_the_fingers_between_joints() -> None:
    def redness(places: np.ndarray) -> float:
        colour = skin_colour(points(places, np.array([0, 1.0, 0])))
        return float((colour[:, 0] / colour[:, 1]).mean())

    assert redness(around("middle_null")) > 1.05 * redness(around("middle2") - (22, 0, 0))


def test_every_finger_has_one_nail_and_it_is_on_the_back() -> None:
    for tip in FINGERTIPS:
        places = T[tip] + np.random.default_rng(3).uniform(-4, 2, (200, 3))
        assert nails(points(places, -R[tip][:, 1])).plate.mean() > 0.5
        assert nails(points(places, R[tip][:, 1])).plate.max() == 0
    assert nails(points(around("wrist"), np.array([0, -1.0, 0]))).plate.max() == 0
