"""From decoded pictures to upright ones in square pixels."""

from dataclasses import dataclass

import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import UInt8

from estimator.errors import InputError
from estimator.images import MAX_MEGAPIXELS, MIN_SIDE_PX

PLAUSIBLE_PIXEL_ASPECT = (0.2, 5.0)


@dataclass(frozen=True)
class PictureShape:
    """How decoded pictures become upright ones in square pixels.

    Attributes:
        width: square pixels, before turning.
        height: square pixels, before turning.
        matrix: takes steps right and down in the stored picture to those in the upright one.
    """

    width: int
    height: int
    matrix: tuple[tuple[int, int], tuple[int, int]]

    @classmethod
    def of(cls, frame: VideoFrame, stream: VideoStream) -> "PictureShape":
        """The shape that a stream's first frame sets for all."""
        width, height = frame.width, frame.height
        aspect = float(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
        low, high = PLAUSIBLE_PIXEL_ASPECT
        if low < aspect < high and aspect != 1:
            width, height = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
        return cls(width, height, _display_matrix(frame))

    @property
    def size(self) -> tuple[int, int]:
        """Upright width and height."""
        return (self.height, self.width) if self.matrix[0][0] == 0 else (self.width, self.height)

    def require_usable(self, shown: str) -> None:
        """Raises InputError for pictures too small or too large."""
        if min(self.width, self.height) < MIN_SIDE_PX:
            raise InputError(f"{shown}: is {self.width} x {self.height} px, too small to show a hand; each side needs {MIN_SIDE_PX} px")
        if self.width * self.height > MAX_MEGAPIXELS * 1e6:
            raise InputError(f"{shown}: is {self.width} x {self.height} px, more than {MAX_MEGAPIXELS} megapixels; make it smaller first")

    def upright(self, frame: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
        """The picture as it is meant to be seen."""
        pixels = frame.to_ndarray(format="rgb24", width=self.width, height=self.height)
        (across, across_down), (down_across, down) = self.matrix
        if across == 0:
            pixels, across, down = pixels.swapaxes(0, 1), across_down, down_across
        return np.ascontiguousarray(pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _display_matrix(frame: VideoFrame) -> tuple[tuple[int, int], tuple[int, int]]:
    """The nearest of the eight ways to lay a picture."""
    data = next((data for data in frame.side_data if data.type == SideDataType.DISPLAYMATRIX), None)
    if data is None:
        return (1, 0), (0, 1)
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), dtype=np.int32)[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (1 if a >= 0 else -1, 0), (0, 1 if d >= 0 else -1)
    return (0, 1 if c >= 0 else -1), (1 if b >= 0 else -1, 0)
