"""Palms: anchors, one palm for all the boxes on it, and the square in which its hand lies."""

import math
from dataclasses import replace

import numpy as np
import pytest

from estimator.palm_network import HAND_FACTOR, HAND_SHIFT, Palm, anchors, distinct_palms


def palm(score: float, left: float, top: float, size: float = 40.0) -> Palm:
    """Fingers up, the middle finger's root straight above the wrist."""
    keypoints = np.tile([left + size / 2, top], (7, 1))
    keypoints[0, 1] += size
    return Palm(score, np.array([left, top, left + size, top + size]), keypoints)


def turned(upright: Palm, angle: float) -> Palm:
    """The same palm, its fingers turned clockwise about the middle of its box, which the networks keep upright."""
    s, c = math.sin(angle), math.cos(angle)
    middle = upright.box.reshape(2, 2).mean(axis=0)
    return replace(upright, keypoints=(upright.keypoints - middle) @ np.array([[c, s], [-s, c]]) + middle)


def test_anchors_are_cell_middles_row_by_row_fine_grid_first() -> None:
    middles = anchors()
    assert middles.shape == (2016, 2)
    assert np.allclose(middles[:4] * 24, [[0.5, 0.5], [0.5, 0.5], [1.5, 0.5], [1.5, 0.5]])
    assert np.allclose(middles[24 * 24 * 2 :][:7] * 12, [[0.5, 0.5]] * 6 + [[1.5, 0.5]])
    assert np.allclose(middles.mean(axis=0), 0.5)


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2, 3.0, -2.0])
def test_the_hands_square_is_turned_with_the_palm_and_lies_towards_the_fingers(angle: float) -> None:
    square = turned(palm(0.9, 100.0, 80.0), angle).hand_square
    assert math.isclose(square.turn, angle, abs_tol=1e-9)
    assert square.side == pytest.approx(HAND_FACTOR * 40)
    way = HAND_SHIFT * 40 * np.array([math.sin(angle), -math.cos(angle)])
    assert np.allclose([square.x, square.y], np.array([120.0, 100.0]) + way)


def test_boxes_on_one_palm_are_one_at_their_weighted_mean() -> None:
    (found,) = distinct_palms([palm(0.3, 103.0, 80.0), palm(0.9, 100.0, 84.0)])
    assert found.score == 0.9
    assert np.allclose(found.box[:2], [0.25 * 103 + 0.75 * 100, 0.25 * 80 + 0.75 * 84])
    assert np.allclose(found.keypoints, 0.25 * palm(0.3, 103.0, 80.0).keypoints + 0.75 * palm(0.9, 100.0, 84.0).keypoints)


def test_palms_apart_stay_apart_best_first_in_any_order() -> None:
    palms = [palm(0.4, 0.0, 0.0), palm(0.8, 100.0, 0.0), palm(0.6, 0.0, 100.0)]
    for order in (palms, palms[::-1]):
        assert [found.score for found in distinct_palms(order)] == [0.8, 0.6, 0.4]


def test_a_box_without_extent_is_a_palm_too() -> None:
    assert len(distinct_palms([palm(0.5, 10.0, 10.0, 0.0)])) == 1


def test_no_palms_are_none() -> None:
    assert distinct_palms([]) == []
