"""HandTracker: hands from frame to frame, each with an identity and a side of its own.

A hand that was seen is followed by the detector's landmark network alone, from where it was going. The whole picture is looked at where no
hand is known, while one is lost, and from time to time for new ones. What is seen is given to the hands known so that the whole fits
best by place, motion and side. A side is voted for over many frames; once it has settled it stays.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from estimator.detector import SAME_DISTANCE, Detection, distance
from estimator.placed_hand import Side
from estimator.tracking_assignment import best_pairs

COASTING_S = 0.1
"""So long a hand that is not seen is expected to go on moving."""

Image = UInt8[np.ndarray, "height width 3"]


@runtime_checkable
class Detector(Protocol):
    """What the tracker needs of ``HandDetector``."""

    def __call__(self, image: Image) -> list[Detection]:
        """Every hand, looked for thoroughly."""
        ...

    def glance(self, image: Image) -> list[Detection]:
        """The hands that one look at the whole image shows."""
        ...

    def track(self, image: Image, previous: Detection) -> Detection | None:
        """The hand of the frame before, by its landmarks."""
        ...


@dataclass(frozen=True)
class TrackingSettings:
    """When to look, and what counts as the same hand.

    Attributes:
        max_hands: most hands followed at once.
        look_every_s: seconds between looks for new hands while others are followed.
        thorough_every_s: seconds between thorough looks while there is no hand: they find small ones, and take long.
        look_for_lost_every_s: seconds between looks while a hand is lost, or none is known.
        search_s: a lost hand is searched for so long, first of all where it should be.
        remember_s: a hand lost for longer is forgotten; what comes later is another one.
        reach: how far from where it should be a lost hand may turn up, in hand sizes, at once; ``reach_a_second`` more with time.
        reach_a_second: see ``reach``.
        settle_s: a hand's side may still change for so long.
        most_votes: votes for a side that later ones have to outweigh; a sure frame is one vote.
        other_side_cost: what a wrong side costs when hands are told apart, in hand sizes.
    """

    max_hands: int = 4
    look_every_s: float = 0.3
    thorough_every_s: float = 1.0
    look_for_lost_every_s: float = 0.05
    search_s: float = 0.6
    remember_s: float = 2.0
    reach: float = 0.8
    reach_a_second: float = 3.0
    settle_s: float = 0.35
    most_votes: float = 10.0
    other_side_cost: float = 0.5


@dataclass(frozen=True)
class Sighting:
    """A hand in a frame.

    Attributes:
        identity: number of the hand in the clip, from 0.
        detection: what the detector says of it, with the side that the hand has by all votes so far.
    """

    identity: int
    detection: Detection


@dataclass(frozen=True)
class _Track:
    identity: int
    detection: Detection
    first_s: float
    last_s: float
    velocity: Float[np.ndarray, "2"]
    votes: float
    settled: Side | None = None

    @property
    def side(self) -> Side:
        return self.settled or ("right" if self.votes > 0 else "left")

    def expected(self, seconds: float) -> Detection:
        """Where the hand is by now, if it goes on as it did, for a moment."""
        ahead_s = min(seconds - self.last_s, COASTING_S)
        return replace(self.detection, side=self.side, landmarks_px=self.detection.landmarks_px + ahead_s * self.velocity)


class HandTracker:
    """Gives the hands of one frame after the other.

    Args:
        detector: looks at single frames.
        settings: when it looks, and what counts as the same hand.
    """

    def __init__(self, detector: Detector, settings: TrackingSettings = TrackingSettings()) -> None:
        self._detector, self._settings = detector, settings
        self._tracks: list[_Track] = []
        self._next_identity = 0
        self._looked_s = self._looked_thoroughly_s = -math.inf

    def __call__(self, image: Image, seconds: float) -> list[Sighting]:
        """The hands of the frame at a time later than that of the last call, in the order of their identities."""
        followed = self._follow(image, seconds)
        hands = each_once([*followed, *self._look(image, seconds, len(followed))])
        self._tracks = [track for track in self._matched(hands, seconds) if seconds - track.last_s <= self._settings.remember_s]
        seen = [track for track in self._tracks if track.last_s == seconds]
        return [Sighting(track.identity, replace(track.detection, side=track.side)) for track in seen]

    def _follow(self, image: Image, seconds: float) -> list[Detection]:
        """What is seen where the hands should be."""
        expected = [track.expected(seconds) for track in self._tracks if seconds - track.last_s <= self._settings.search_s]
        return each_once(hand for hand in (self._detector.track(image, hand) for hand in expected) if hand is not None)

    def _look(self, image: Image, seconds: float, followed: int) -> list[Detection]:
        """The hands of the whole picture, when it is time to look at it."""
        settings = self._settings
        if not self._tracks and seconds - self._looked_thoroughly_s >= settings.thorough_every_s:
            self._looked_s = self._looked_thoroughly_s = seconds
            return self._detector(image)
        searched = sum(seconds - track.last_s <= settings.search_s for track in self._tracks)
        pause_s = settings.look_every_s if followed and followed >= searched else settings.look_for_lost_every_s
        if followed >= settings.max_hands or seconds - self._looked_s < pause_s:
            return []
        self._looked_s = seconds
        return self._detector.glance(image)

    def _matched(self, hands: Sequence[Detection], seconds: float) -> list[_Track]:
        """The tracks with what was seen of them, and new ones for hands that belong to none."""
        costs = [self._cost(track, hand, seconds) for track in self._tracks for hand in hands]
        pairs = best_pairs(np.array(costs, dtype=float).reshape(len(self._tracks), len(hands)))
        tracks = list(self._tracks)
        for index, hand in pairs:
            tracks[index] = self._seen(tracks[index], hands[hand], seconds)
        known = {hand for _, hand in pairs}
        new = [hand for index, hand in enumerate(hands) if index not in known]
        return tracks + [self._begin(hand, seconds) for hand in new[: max(self._settings.max_hands - len(pairs), 0)]]

    def _cost(self, track: _Track, hand: Detection, seconds: float) -> float:
        """How badly a hand fits a track, in hand sizes; infinite where it cannot be."""
        settings, lost_s = self._settings, seconds - track.last_s
        away = distance(track.expected(seconds), hand)
        wrong = hand.side != track.side
        if away > settings.reach + settings.reach_a_second * lost_s or (wrong and lost_s > settings.search_s):
            return math.inf
        return away + (settings.other_side_cost * abs(vote(hand)) if wrong else 0.0)

    def _seen(self, track: _Track, hand: Detection, seconds: float) -> _Track:
        votes = float(np.clip(track.votes + vote(hand), -self._settings.most_votes, self._settings.most_votes))
        if track.settled and votes * (1 if track.settled == "right" else -1) <= -self._settings.most_votes / 2:
            return self._begin(hand, seconds)  # it was another hand for long, or always
        passed_s = seconds - track.last_s
        moved = (hand.landmarks_px - track.detection.landmarks_px).mean(axis=0) / max(passed_s, 1e-6)
        velocity = (moved + track.velocity) / 2 if passed_s < self._settings.look_every_s else np.zeros(2)
        seen = replace(track, detection=hand, last_s=seconds, velocity=velocity, votes=votes)
        return replace(seen, settled=seen.side) if seconds - track.first_s >= self._settings.settle_s else seen

    def _begin(self, hand: Detection, seconds: float) -> _Track:
        self._next_identity += 1
        return _Track(self._next_identity - 1, hand, seconds, seconds, np.zeros(2), vote(hand))


def vote(hand: Detection) -> float:
    """For the right side, from -1 to 1."""
    return (2 * hand.score - 1) * (1 if hand.side == "right" else -1)


def each_once(hands: Iterable[Detection]) -> list[Detection]:
    """Of detections on one place the first."""
    kept: list[Detection] = []
    for hand in hands:
        if not any(distance(hand, other) < SAME_DISTANCE for other in kept):
            kept.append(hand)
    return kept
