"""Views: the square or whole part of an image that the detector looks at, and the way back to the image."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from estimator.placed_hand import Box

LONGEST_SIDE = 1280
"""A larger view is shrunk (area-averaged) to this: the networks see 192 and 224 pixels and sample without a filter of their own."""


@dataclass(frozen=True)
class View:
    """A part of an image, in whole pixels, turned by quarter turns counter-clockwise.

    It may reach over the image's border, which is then continued by its outermost pixels: the detector finds hands that are cut by the
    border better so than before black.
    """

    left: int
    top: int
    width: int
    height: int
    quarter_turns: int = 0

    def meets(self, width: int, height: int) -> bool:
        """Whether it shows any pixel of an image of that size."""
        return self.left < width and self.top < height and self.left + self.width > 0 and self.top + self.height > 0

    def pixels(self, image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "view_height view_width 3"]:
        """What the view shows of an image that it meets."""
        height, width = image.shape[:2]
        right, bottom = self.left + self.width, self.top + self.height
        part = image[max(self.top, 0) : min(bottom, height), max(self.left, 0) : min(right, width)]
        scale = LONGEST_SIDE / max(self.width, self.height, LONGEST_SIDE)
        if scale < 1:  # before the border is added, which may be larger than the image
            size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        beyond = [max(round(pixels * scale), 0) for pixels in (-self.top, bottom - height, -self.left, right - width)]
        if any(beyond):
            part = cv2.copyMakeBorder(part, *beyond, borderType=cv2.BORDER_REPLICATE)
        return np.ascontiguousarray(np.rot90(part, self.quarter_turns))

    def to_image(self, points: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
        """Image pixels of points given as shares of the view's (turned) width and height."""
        size = np.array([self.width, self.height], dtype=float)
        upright = points
        for _ in range(self.quarter_turns % 4):
            upright = np.stack([1 - upright[:, 1], upright[:, 0]], axis=1)
        return upright * size + (self.left - 0.5, self.top - 0.5)

    def turn_back(self, vectors: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Camera-axes vectors as the untilted image shows them."""
        for _ in range(self.quarter_turns % 4):
            vectors = np.stack([-vectors[:, 1], vectors[:, 0], vectors[:, 2]], axis=1)
        return vectors


def whole(width: int, height: int) -> View:
    """All of an image, as it is."""
    return View(0, 0, width, height)


def padded(width: int, height: int, factor: float) -> View:
    """An image in the middle of a square ``factor`` times its longer side."""
    side = math.ceil(max(width, height) * factor)
    return View((width - side) // 2, (height - side) // 2, side, side)


def tiles(width: int, height: int, share: float) -> Iterator[View]:
    """Squares of ``share`` of the image's longer side that cover it and overlap their neighbours by half or more."""
    side = max(round(max(width, height) * share), 1)
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield View(left, top, side, side)


def around(box: Box, factor: float, quarter_turns: int = 0) -> View:
    """The square around a box's middle, ``factor`` times its longer side."""
    x, y, width, height = box
    side = max(math.ceil(max(width, height) * factor), 1)
    return View(round(x + (width + 1 - side) / 2), round(y + (height + 1 - side) / 2), side, side, quarter_turns)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [(length - side) // 2]
    count = math.ceil((length - side) / (side / 2)) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]
