"""From what is seen in each frame to hands that hold together through a clip: one skeleton each, gaps bridged, steadied.

Frames wait for half a second, so that what comes later can speak for them: it fills short gaps, corrects a side that was taken for the
other, and steadies without lag.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from estimator.clip_source import ClipFrame
from estimator.detector import Detection
from estimator.refinement import HandState
from estimator.smoothing import Smoothing, between, smoothed
from estimator.tracking import Sighting

Proportions = Float[np.ndarray, " proportions"]
Fit = Callable[[Detection], Callable[[Proportions | None], HandState]]
"""The state that explains a detection, with given proportions or with those that suit it best."""

SETTLED_COUNT = 150
"""Sightings after which a hand's proportions are known: the median no longer moves by what can be seen."""

WAITING_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Patience:
    """How long frames wait.

    Attributes:
        wait_s: how much later frames may still change a frame's hands.
        bridge_s: the longest time without a sighting that is bridged.
        remember_s: the skeleton of a hand that is not seen is kept for so long.
    """

    wait_s: float = 0.5
    bridge_s: float = 0.5
    remember_s: float = 5.0


@dataclass(frozen=True)
class ClipHand:
    """One hand in one frame.

    Attributes:
        identity: number of the hand in the clip, from 0.
        detection: what was seen; put between the neighbours' where ``bridged``.
        state: pose, place and proportions, steadied where that is wished.
        raw: the same before it was steadied.
        bridged: the hand was not seen in this frame.
    """

    identity: int
    detection: Detection
    state: HandState
    raw: HandState
    bridged: bool


@dataclass(frozen=True)
class FrameHands:
    """A frame and its hands, in the order of their identities."""

    frame: ClipFrame
    hands: tuple[ClipHand, ...]


@dataclass(frozen=True)
class _Observation:
    index: int
    seconds: float
    detection: Detection
    state: HandState
    bridged: bool


@dataclass
class _History:
    """What is known of one hand: the observations that still count, and all its proportions until they are settled."""

    observations: list[_Observation] = field(default_factory=list)
    proportions: list[Proportions] = field(default_factory=list)
    settled: Proportions | None = None
    last_s: float = 0.0

    def typical_proportions(self) -> Proportions:
        return np.median(self.proportions, axis=0) if self.settled is None else self.settled


class ClipHands:
    """Takes frames with sightings, gives frames with hands about half a second later.

    Args:
        fit: makes a state of a detection.
        smoothing: None gives what was seen and nothing else: not steadied, nothing bridged.
        patience: how long frames wait.
    """

    def __init__(self, fit: Fit, smoothing: Smoothing | None, patience: Patience = Patience()) -> None:
        self._fit, self._smoothing, self._patience = fit, smoothing, patience
        self._waiting: deque[ClipFrame] = deque()
        self._histories: dict[int, _History] = {}

    def add(self, frame: ClipFrame, sightings: Sequence[Sighting]) -> list[FrameHands]:
        """Take the next frame; gives the frames that are ready."""
        for sighting in sightings:
            self._observe(self._histories.setdefault(sighting.identity, _History()), frame, sighting.detection)
        self._waiting.append(frame)
        most = max(WAITING_BYTES // max(frame.pixels.nbytes, 1), 4)
        ready = []
        while len(self._waiting) > most or frame.seconds - self._waiting[0].seconds >= self._patience.wait_s:
            ready.append(self._next())
        return ready

    def finish(self) -> list[FrameHands]:
        """The frames that still wait."""
        return [self._next() for _ in range(len(self._waiting))]

    def _observe(self, history: _History, frame: ClipFrame, detection: Detection) -> None:
        seen = history.observations
        if seen and seen[-1].detection.side != detection.side:
            history.proportions.clear()
            seen[:] = [
                self._observation(history, o.index, o.seconds, replace(o.detection, side=detection.side)) for o in seen if not o.bridged
            ]
        observation = self._observation(history, frame.index, frame.seconds, detection)
        if self._smoothing and seen and frame.seconds - seen[-1].seconds <= self._patience.bridge_s:
            seen += [_between(seen[-1], observation, gap) for gap in self._waiting if gap.index > seen[-1].index]
        seen.append(observation)
        history.last_s = frame.seconds

    def _observation(self, history: _History, index: int, seconds: float, detection: Detection) -> _Observation:
        fitted_with = self._fit(detection)
        if history.settled is None:
            history.proportions.append(fitted_with(None).proportions)
            if len(history.proportions) >= SETTLED_COUNT:
                history.settled = history.typical_proportions()
                history.proportions.clear()
        return _Observation(index, seconds, detection, fitted_with(history.typical_proportions()), bridged=False)

    def _next(self) -> FrameHands:
        frame = self._waiting.popleft()
        hands = []
        for identity, history in sorted(self._histories.items()):
            at = next((at for at, seen in enumerate(history.observations) if seen.index == frame.index), None)
            if at is not None:
                hands.append(self._hand(identity, history, at))
        self._forget(frame.seconds - self._patience.wait_s)
        return FrameHands(frame, tuple(hands))

    def _hand(self, identity: int, history: _History, at: int) -> ClipHand:
        seen = history.observations
        raw = replace(seen[at].state, proportions=history.typical_proportions())
        state = raw
        if self._smoothing is not None:
            state = replace(smoothed([o.seconds for o in seen], [o.state for o in seen], at, self._smoothing), proportions=raw.proportions)
        return ClipHand(identity, seen[at].detection, state, raw, seen[at].bridged)

    def _forget(self, before_s: float) -> None:
        """Drop what no later frame needs. A hand's proportions are kept as long as its identity may come back."""
        for history in self._histories.values():
            history.observations[:] = [o for o in history.observations if o.seconds >= before_s]
        forgotten_s = before_s - self._patience.remember_s
        self._histories = {identity: known for identity, known in self._histories.items() if known.last_s >= forgotten_s}


def _between(before: _Observation, after: _Observation, gap: ClipFrame) -> _Observation:
    share = (gap.seconds - before.seconds) / (after.seconds - before.seconds)

    def mean(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return (1 - share) * one + share * other

    one, other = before.detection, after.detection
    detection = Detection(
        other.side,
        min(one.score, other.score),
        mean(one.landmarks_px, other.landmarks_px),
        mean(one.landmarks_mm, other.landmarks_mm),
    )
    return _Observation(gap.index, gap.seconds, detection, between(before.state, after.state, share), bridged=True)
