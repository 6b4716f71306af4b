"""A camera as the source of a clip: its frames as they come, with the times at which they came."""

import time
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType

import cv2
import numpy as np
from jaxtyping import UInt8

from estimator.clip_source import ClipFrame, ClipInfo, Section
from estimator.errors import InputError
from estimator.system import native_messages_dropped

MILLISECOND = Fraction(1, 1000)


class Webcam:
    """The camera of a number, opened; a context manager. It records until the section's end, or until somebody stops it.

    Frames that come while earlier ones are still worked on are lost, so that the film stays as long as what happened.

    Raises:
        InputError: there is no such camera, or it gives no picture.
    """

    def __init__(self, number: int, section: Section = Section()) -> None:
        self._name, self._section = f"webcam:{number}", section
        with native_messages_dropped():
            self._capture = cv2.VideoCapture(number)
            self._first = self._picture()
        if self._first is None:
            self.close()
            raise InputError(f"{self._name}: there is no such camera, or another program uses it; close that, or name another number")
        height, width = self._first.shape[:2]
        self.info = ClipInfo(self._name, None, width, height, MILLISECOND, None, None, 0.0)

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing: a camera has nothing to be said about."""
        return ()

    def frames(self) -> Iterator[ClipFrame]:
        """The frames of the section, once; time starts with the first."""
        begin, index, pts, picture = time.monotonic(), 0, -1, self._first
        while picture is not None:
            passed_s = time.monotonic() - begin
            if passed_s >= self._section.end_s:
                return
            if passed_s >= self._section.start_s:
                pts = max(round(1000 * (passed_s - self._section.start_s)), pts + 1)
                yield ClipFrame(index, pts, pts / 1000, picture)
                index += 1
            picture = self._picture()

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()

    def __enter__(self) -> "Webcam":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _picture(self) -> UInt8[np.ndarray, "height width 3"] | None:
        there, picture = self._capture.read()
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if there else None
