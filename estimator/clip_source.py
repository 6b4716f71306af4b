"""Where the frames of a clip come from, a file or a camera, as everything that works on them sees it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from estimator.errors import InputError


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before it is read.

    Attributes:
        name: the file or camera, as the user named it.
        path: the file; None for a camera.
        width: upright, in square pixels.
        height: upright, in square pixels.
        time_base: seconds in one unit of ``ClipFrame.pts``.
        rate: mean frames a second, None where nothing is known.
        frame_count: frames to come, an estimate; None where nothing is known.
        origin_s: where in the file the first frame lies, seconds on the file's own clock.
    """

    name: str
    path: Path | None
    width: int
    height: int
    time_base: Fraction
    rate: Fraction | None
    frame_count: int | None
    origin_s: float


@dataclass(frozen=True)
class ClipFrame:
    """One picture of a clip.

    Attributes:
        index: number of the frame, from 0.
        pts: its time from the first frame, in units of ``ClipInfo.time_base``; strictly increasing.
        seconds: the same in seconds.
        pixels: upright, RGB.
    """

    index: int
    pts: int
    seconds: float
    pixels: UInt8[np.ndarray, "height width 3"]


@runtime_checkable
class ClipSource(Protocol):
    """What gives frames, one at a time: a file or a camera."""

    @property
    def info(self) -> ClipInfo:
        """What is known before reading."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how it was read; complete after the last frame."""
        ...

    def frames(self) -> Iterator[ClipFrame]:
        """The frames in order, once."""
        ...

    def close(self) -> None:
        """Give the file or camera back."""
        ...


@dataclass(frozen=True)
class Section:
    """The part of a clip to read: seconds from its first frame; the end is left out.

    Raises:
        InputError: when there is nothing between them.
    """

    start_s: float = 0.0
    end_s: float = float("inf")

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < float("inf"):
            raise InputError(f"--start {self.start_s:g}: expected seconds from the beginning, 0 or more")
        if not self.end_s > self.start_s:
            raise InputError(f"--end {self.end_s:g}: the end comes after the start, {self.start_s:g} s")
