"""process_clip: the hands of a clip, from its frames to whatever is made of them. Reading, estimating and writing overlap."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

from estimator.background import Ahead, Behind
from estimator.clip_hands import ClipHand, ClipHands, FrameHands
from estimator.clip_jitter import JitterMeter
from estimator.clip_source import ClipFrame, ClipInfo, ClipSource
from estimator.hand.camera import Camera
from estimator.lens import Lens
from estimator.machine import milliseconds_since
from estimator.pipeline import HandEstimator, StageTimes
from estimator.placed_hand import PlacedHand
from estimator.refinement import Skeleton, landmarks_of
from estimator.result import CameraSource
from estimator.smoothing import Smoothing
from estimator.tracking import HandTracker, TrackingSettings

READ_AHEAD, WORK_BEHIND = 4, 4
"""Frames between two of the threads."""


@dataclass(frozen=True)
class ClipOptions:
    """How a clip is looked at.

    Attributes:
        smoothing: how hands are steadied; None gives the raw answer, without bridges over gaps.
        lens: what is said of the focal length; nothing stands for that of a telephone.
    """

    smoothing: Smoothing | None = Smoothing()
    lens: Lens = Lens()

    def camera(self, clip: ClipInfo) -> tuple[Camera, CameraSource]:
        """The camera of the clip's frames, and where its focal length is from.

        Raises:
            InputError: when no lens has the focal length.
        """
        return self.lens.camera(clip.width, clip.height, clip.name)


@dataclass(frozen=True)
class FrameResult:
    """One frame with its hands, as the outputs of a clip receive it.

    Attributes:
        frame: the picture and its time.
        hands: the hands in it, in the order of their identities.
        camera: before which they stand.
        estimator: what makes their surfaces.
        timing: milliseconds that its detection and its hands' places took; encoding is counted with these.
    """

    frame: ClipFrame
    hands: tuple[ClipHand, ...]
    camera: Camera
    estimator: HandEstimator
    timing: StageTimes

    @cached_property
    def placed(self) -> list[PlacedHand]:
        """The hands with their surfaces; made when they are first asked for."""
        return [self.estimator.mesh(hand.detection, self.camera, hand.state) for hand in self.hands]


@runtime_checkable
class ClipOutput(Protocol):
    """What becomes of the frames of a clip. Called from one thread, not the caller's."""

    def write(self, result: FrameResult) -> None:
        """Take the next frame."""
        ...


@dataclass(frozen=True)
class ClipProgress:
    """How far the work is.

    Attributes:
        frames: frames looked at.
        frame_count: all frames, an estimate; None where it is not known.
        seconds: since the beginning.
    """

    frames: int
    frame_count: int | None
    seconds: float

    @property
    def fps(self) -> float:
        """Frames a second so far."""
        return self.frames / max(self.seconds, 1e-6)

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None where the number of frames is not known."""
        return None if self.frame_count is None else max(self.frame_count - self.frames, 0) / max(self.fps, 1e-6)


@dataclass(frozen=True)
class ClipSummary:
    """What came of a clip.

    Attributes:
        frames: frames read and written.
        frames_with_hands: those that show a hand, bridged ones included.
        hands: how many different hands there were.
        seconds: that it took, from the first frame to the last.
        jitter_mm: what moves from frame to frame in the hands' joints (see ``JitterMeter``); nan without hands.
        raw_jitter_mm: the same before they were steadied.
        interrupted: the clip was not read to its end, because somebody stopped it.
    """

    frames: int
    frames_with_hands: int
    hands: int
    seconds: float
    jitter_mm: float
    raw_jitter_mm: float
    interrupted: bool

    @property
    def fps(self) -> float:
        """Frames a second, end to end."""
        return self.frames / max(self.seconds, 1e-6)


def process_clip(
    source: ClipSource,
    estimator: HandEstimator,
    options: ClipOptions = ClipOptions(),
    outputs: Sequence[ClipOutput] = (),
    on_progress: Callable[[ClipProgress], None] = lambda _: None,
) -> ClipSummary:
    """Look at every frame of a clip and give each output every frame with its hands, about half a second of the clip later.

    Reading runs ahead and the outputs behind, each in a thread of its own. ``on_progress`` is called for every frame in the caller's
    thread, and what it raises stops the work; KeyboardInterrupt stops it as if the clip ended there.

    Raises:
        InputError: what an output or the source raises.
    """
    camera, _ = options.camera(source.info)
    tracker = HandTracker(estimator.detector, TrackingSettings(max_hands=estimator.options.max_hands))
    clip_hands = ClipHands(lambda detection: estimator.fitting(detection, camera), options.smoothing)
    tally = _Tally(estimator.skeleton)
    spent: deque[StageTimes] = deque()
    start, interrupted = time.perf_counter(), False

    def work(ready: FrameResult) -> None:
        tally.count(ready)
        for output in outputs:
            output.write(ready)

    with Behind(work, WORK_BEHIND) as behind:

        def hand_on(ready: Iterable[FrameHands]) -> None:
            for one in ready:
                behind.put(FrameResult(one.frame, one.hands, camera, estimator, spent.popleft()))

        try:
            with Ahead(source.frames(), READ_AHEAD) as frames:
                for frame in frames:
                    begin = time.perf_counter()
                    sightings = tracker(frame.pixels, frame.seconds)
                    seen = time.perf_counter()
                    ready = clip_hands.add(frame, sightings)
                    spent.append(StageTimes(detect=1000 * (seen - begin), place=milliseconds_since(seen)))
                    hand_on(ready)
                    on_progress(ClipProgress(frame.index + 1, source.info.frame_count, time.perf_counter() - start))
        except KeyboardInterrupt:
            interrupted = True
        hand_on(clip_hands.finish())
        behind.finish()
    return tally.summary(time.perf_counter() - start, interrupted)


class _Tally:
    """What is counted while frames pass."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._frames = self._with_hands = 0
        self._identities: set[int] = set()
        self._steadied, self._raw = JitterMeter(), JitterMeter()

    def count(self, result: FrameResult) -> None:
        self._frames += 1
        self._with_hands += bool(result.hands)
        for hand in result.hands:
            self._identities.add(hand.identity)
            for meter, state in ((self._steadied, hand.state), (self._raw, hand.raw)):
                meter.add(hand.identity, result.frame.index, result.frame.seconds, landmarks_of(self._skeleton, state))

    def summary(self, seconds: float, interrupted: bool) -> ClipSummary:
        return ClipSummary(
            frames=self._frames,
            frames_with_hands=self._with_hands,
            hands=len(self._identities),
            seconds=seconds,
            jitter_mm=self._steadied.rms_mm,
            raw_jitter_mm=self._raw.rms_mm,
            interrupted=interrupted,
        )
