"""Frames that wait: bridges, sides that are corrected, one skeleton a hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from estimator.clip_hands import ClipHands, FrameHands
from estimator.clip_source import ClipFrame
from estimator.detector import Detection
from estimator.hand.template import POSE_SIZE
from estimator.refinement import HandState
from estimator.smoothing import Smoothing
from estimator.tracking import Sighting

RATE = 20
PIXELS = np.zeros((4, 4, 3), np.uint8)


def fit(detection: Detection) -> Callable[[np.ndarray | None], HandState]:
    return lambda proportions: state(detection, proportions)


def state(detection: Detection, proportions: np.ndarray | None) -> HandState:
    """A state that is read off the first landmark; a left hand's depth tells that it was fitted as one."""
    x, size = detection.landmarks_px[0, 0], detection.landmarks_px[0, 1]
    depth = 500.0 if detection.side == "right" else 900.0
    return HandState(
        np.full(POSE_SIZE, x / 100), np.eye(3), np.array([x, 0.0, depth]), np.full(6, size) if proportions is None else proportions
    )


def sighting(x: float, side: str = "right", size: float = 1.0) -> Sighting:
    return Sighting(0, Detection(side, 0.9, np.tile([x, size], (21, 1)), np.zeros((21, 3))))


def run(sightings: list[Sighting | None], smoothing: Smoothing | None = Smoothing()) -> list[FrameHands]:
    hands = ClipHands(fit, smoothing)
    done = []
    for index, seen in enumerate(sightings):
        done += hands.add(ClipFrame(index, index, index / RATE, PIXELS), [seen] if seen else [])
        assert index - len(done) < RATE  # frames wait for half a second, not longer
    return done + hands.finish()


def test_every_frame_comes_once_and_in_order() -> None:
    done = run([sighting(float(i)) for i in range(50)])
    assert [one.frame.index for one in done] == list(range(50))
    assert all(len(one.hands) == 1 for one in done)


def test_a_short_gap_is_bridged_and_marked() -> None:
    done = run([None if 20 <= i < 26 else sighting(float(i)) for i in range(50)])
    assert [one.frame.index for one in done if one.hands and one.hands[0].bridged] == list(range(20, 26))
    np.testing.assert_allclose([one.hands[0].raw.translation[0] for one in done], np.arange(50), atol=1.0)
    np.testing.assert_allclose([one.hands[0].detection.landmarks_px[0, 0] for one in done], np.arange(50), atol=1e-6)


def test_a_long_gap_is_not() -> None:
    done = run([None if 20 <= i < 35 else sighting(float(i)) for i in range(50)])
    assert [one.frame.index for one in done if not one.hands] == list(range(20, 35))
    assert not any(hand.bridged for one in done for hand in one.hands)


def test_the_raw_answer_is_that_of_each_frame_alone() -> None:
    random = np.random.default_rng(0)
    xs = random.normal(0, 10, 40)
    done = run([None if i == 20 else sighting(float(xs[i])) for i in range(40)], smoothing=None)
    assert not done[20].hands
    for index in [i for i in range(40) if i != 20]:
        assert done[index].hands[0].state.translation[0] == pytest.approx(xs[index])


def test_a_side_that_is_corrected_was_never_another() -> None:
    done = run([sighting(float(i), "left" if i < 6 else "right") for i in range(30)])
    assert {hand.detection.side for one in done for hand in one.hands} == {"right"}
    assert all(hand.state.translation[2] == pytest.approx(500.0, rel=0.01) for one in done for hand in one.hands)


def test_one_skeleton_a_hand_whatever_single_frames_say() -> None:
    random = np.random.default_rng(1)
    sizes = np.where(random.random(300) < 0.2, 1.4, random.normal(1.1, 0.02, 300))
    done = run([sighting(0.0, size=float(size)) for size in sizes])
    found = np.array([one.hands[0].state.proportions[0] for one in done])
    assert np.ptp(found) < 0.05
    assert np.ptp(found[160:]) == 0
    assert found[-1] == pytest.approx(1.1, abs=0.02)


def test_large_frames_wait_in_small_numbers() -> None:
    hands = ClipHands(fit, Smoothing())
    large = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (6000, 8000, 3))
    done = [one for index in range(12) for one in hands.add(ClipFrame(index, index, index / RATE, large), [])]
    assert len(done) >= 7


def test_one_frame_is_enough() -> None:
    (done,) = run([sighting(3.0)])
    assert replace(done.hands[0].state, theta=np.zeros(1)).translation == pytest.approx([3.0, 0.0, 500.0])
