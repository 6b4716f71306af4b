"""The square in which a known hand is looked at: it moves, turns and grows with the hand, fingers up."""

import math

import numpy as np
import pytest

from estimator.hand.template import LANDMARK_NAMES
from estimator.landmark_network import hand_square

WRIST, MIDDLE_ROOT, MIDDLE_TIP = (LANDMARK_NAMES.index(name) for name in ("wrist", "middle1", "middle4"))


def open_hand() -> np.ndarray:
    """A fan of straight fingers above a wrist, about 180 pixels long, symmetric about its middle finger but for the thumb."""
    points = np.zeros((21, 2))
    for finger, angle in enumerate((-0.9, -0.3, 0.0, 0.3, 0.6)):
        for joint, length in enumerate((90.0, 125.0, 155.0, 180.0)):
            points[1 + 4 * finger + joint] = length * math.sin(angle), -length * math.cos(angle)
    return points + np.array([300.0, 400.0])


def test_the_square_holds_the_hand_with_its_fingers_up() -> None:
    square = hand_square(open_hand())
    assert square.turn == pytest.approx(0.0, abs=1e-9)
    shares = (open_hand() - (square.x, square.y)) / square.side + 0.5
    assert shares.min() > 0.05
    assert shares.max() < 0.95
    assert shares[MIDDLE_TIP, 1] < shares[MIDDLE_ROOT, 1] < shares[WRIST, 1]


@pytest.mark.parametrize("turn", [0.5, math.pi / 2, -2.0])
def test_the_square_follows_a_hand_that_moves_turns_and_grows(turn: float) -> None:
    before = hand_square(open_hand())
    s, c = math.sin(turn), math.cos(turn)
    R = np.array([[c, -s], [s, c]])
    after = hand_square(1.7 * open_hand() @ R.T + (40.0, -30.0))
    assert after.turn == pytest.approx(turn)
    assert after.side == pytest.approx(1.7 * before.side)
    assert np.allclose([after.x, after.y], 1.7 * R @ [before.x, before.y] + (40.0, -30.0))


def test_bending_fingers_keeps_the_square() -> None:
    bent = open_hand()
    tips = [LANDMARK_NAMES.index(f"{finger}4") for finger in ("thumb", "index", "middle", "ring", "pinky")]
    bent[tips] = bent[WRIST]
    assert hand_square(bent) == hand_square(open_hand())


def test_landmarks_on_one_point_give_a_square_without_extent() -> None:
    square = hand_square(np.full((21, 2), 7.0))
    assert (square.x, square.y, square.side) == (7.0, 7.0, 0.0)
