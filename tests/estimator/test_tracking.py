"""Hands keep identity and side: crossings, losses and flips, seen by a detector that sees what it is told."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.detector import Detection, distance
from estimator.tracking import HandTracker, TrackingSettings
from estimator.tracking_assignment import best_pairs

RATE = 30
IMAGE = np.zeros((4, 4, 3), np.uint8)
SHAPE = np.random.default_rng(0).uniform(-50, 50, (21, 2))


def hand(x: float, side: str = "right", y: float = 0.0, score: float = 0.95) -> Detection:
    return Detection(side, score, SHAPE + np.array([x, y]), np.zeros((21, 3)))


class Scene:
    """Sees the hands of the scene; the landmark network sees the one nearest to where it looks."""

    def __init__(self) -> None:
        self.hands: list[Detection] = []
        self.glances = self.thorough = 0

    def __call__(self, image: np.ndarray) -> list[Detection]:
        self.thorough += 1
        return list(self.hands)

    def glance(self, image: np.ndarray) -> list[Detection]:
        self.glances += 1
        return list(self.hands)

    def track(self, image: np.ndarray, previous: Detection) -> Detection | None:
        near = [seen for seen in self.hands if distance(previous, seen) < 0.8]
        return min(near, key=lambda seen: distance(previous, seen), default=None)


def follow(frames: list[list[Detection]], how: TrackingSettings = TrackingSettings(max_hands=2)) -> list[list[tuple[int, str, float]]]:
    """Identity, side and place of what is seen in each frame."""
    scene = Scene()
    tracker = HandTracker(scene, how)
    seen = []
    for index, hands in enumerate(frames):
        scene.hands = hands
        sightings = tracker(IMAGE, index / RATE)
        seen.append([(one.identity, one.detection.side, float(one.detection.landmarks_px.mean(axis=0)[0])) for one in sightings])
    return seen


def test_one_hand_is_one_identity() -> None:
    seen = follow([[hand(10.0 * i)] for i in range(30)])
    assert {one[:2] for frame in seen for one in frame} == {(0, "right")}
    assert all(len(frame) == 1 for frame in seen)


@pytest.mark.parametrize("hidden", [0, 4, 10])
def test_crossing_hands_keep_identity_and_side(hidden: int) -> None:
    frames = []
    for i in range(80):
        right, left = hand(400 - 10.0 * i, "right"), hand(-400 + 10.0 * i, "left", 20.0)
        frames.append([right] if abs(i - 40) < hidden else [right, left])
    seen = follow(frames)
    assert {one[:2] for frame in seen for one in frame} <= {(0, "right"), (1, "left")}
    final = {identity: x for identity, _, x in seen[-1]}
    assert final[0] < 0 < final[1]


@pytest.mark.parametrize("gap", [3, 8, 14])
def test_a_hand_that_was_lost_comes_back_as_itself_at_once(gap: int) -> None:
    frames = [[hand(5.0 * i)] for i in range(20)] + [[] for _ in range(gap)] + [[hand(5.0 * i)] for i in range(20 + gap, 60)]
    seen = follow(frames)
    back = next(index for index, frame in enumerate(seen) if index >= 20 + gap and frame)
    assert back - (20 + gap) <= RATE // 2
    assert {one[0] for frame in seen for one in frame} == {0}


def test_flips_of_the_detector_change_no_side() -> None:
    random = np.random.default_rng(1)
    frames = [[hand(3.0 * i, "left" if i > 15 and random.random() < 0.3 else "right")] for i in range(90)]
    assert {one[:2] for frame in follow(frames) for one in frame} == {(0, "right")}


def test_a_side_first_taken_for_the_other_is_corrected_while_it_is_young() -> None:
    frames = [[hand(0.0, "left" if i < 3 else "right", score=0.8)] for i in range(30)]
    seen = follow(frames)
    assert {one[0] for frame in seen for one in frame} == {0}
    assert seen[-1][0][1] == "right"


def test_a_side_that_is_the_other_for_long_is_another_hand() -> None:
    seen = follow([[hand(0.0, "right" if i < 30 else "left")] for i in range(90)])
    assert seen[-1] == [(1, "left", pytest.approx(SHAPE.mean(axis=0)[0]))]


def test_one_hand_seen_twice_is_one() -> None:
    seen = follow([[hand(0.0), hand(4.0, "left")] for _ in range(20)])
    assert all(len(frame) == 1 for frame in seen)


def test_no_more_hands_than_wished() -> None:
    seen = follow([[hand(300.0 * k) for k in range(4)] for _ in range(20)], TrackingSettings(max_hands=2))
    assert {len(frame) for frame in seen} == {2}


def test_the_whole_picture_is_rarely_looked_at_while_hands_are_followed() -> None:
    scene = Scene()
    tracker = HandTracker(scene, TrackingSettings(max_hands=4))
    for index in range(90):
        scene.hands = [hand(float(index))]
        tracker(IMAGE, index / RATE)
    assert scene.thorough == 1
    assert scene.glances <= 10


def test_without_hands_thorough_looks_are_rare() -> None:
    scene = Scene()
    tracker = HandTracker(scene)
    for index in range(90):
        assert tracker(IMAGE, index / RATE) == []
    assert scene.thorough == 3


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_pairs_are_the_best_of_all(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    costs = random.uniform(0, 1, (rows, columns))
    costs[random.random((rows, columns)) < 0.2] = np.inf
    pairs = best_pairs(costs)
    found = (-len(pairs), sum(costs[pair] for pair in pairs))
    padded = np.full((rows + columns, rows + columns), np.nan)
    padded[:rows, :columns] = costs
    best = (
        min(
            (-sum(np.isfinite(c) for c in chosen), sum(c for c in chosen if np.isfinite(c)))
            for order in permutations(range(rows + columns), rows)
            for chosen in [[padded[row, column] for row, column in enumerate(order)]]
        )
        if rows
        else (0, 0)
    )
    assert found == pytest.approx(best)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
