"""Square: the turned square part of an image that a network sees, and the way back to the image."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

FINER_UP_TO = 4
"""So many times finer than its picture is a square sampled at most, which ``view.LONGEST_SIDE`` nearly never exceeds."""

BLACK, OUTERMOST_PIXELS = cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE
"""With what an image is continued beyond its border."""


@dataclass(frozen=True)
class Square:
    """A turned square part of an image, which may reach over the border.

    Attributes:
        x: of its middle, pixels.
        y: of its middle, pixels.
        side: pixels.
        turn: angle from the image's upward direction to its own, radians, clockwise as one sees it.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    @classmethod
    def whole(cls, width: int, height: int) -> "Square":
        """All of an image, in the middle of the square where it is none itself."""
        return cls((width - 1) / 2, (height - 1) / 2, float(max(width, height)))

    @classmethod
    def around(cls, points: Float[np.ndarray, "points 2"], turn: float) -> "Square":
        """The smallest one of a turn that holds all the points and has them in its middle."""
        R = cls(0.0, 0.0, 0.0, turn).R_image_square
        turned = points @ R
        low, high = turned.min(axis=0), turned.max(axis=0)
        x, y = R @ (low + high) / 2
        return cls(float(x), float(y), float((high - low).max()), turn)

    @property
    def R_image_square(self) -> Float[np.ndarray, "2 2"]:
        """Takes directions of the square to those of the image."""
        s, c = math.sin(self.turn), math.cos(self.turn)
        return np.array([[c, -s], [s, c]])

    def to_image(self, points: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Image pixels of points given as shares of the side, from the upper left corner."""
        return (self.side * (points - 0.5)) @ self.R_image_square.T + (self.x, self.y)

    def turn_back(self, vectors: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Camera-axes vectors as the image shows them, of those that the square shows."""
        return np.concatenate([vectors[:, :2] @ self.R_image_square.T, vectors[:, 2:]], axis=1)

    def pixels(self, image: UInt8[np.ndarray, "height width 3"], side: int, beyond: int) -> UInt8[np.ndarray, "side side 3"]:
        """The square as a picture of ``side`` pixels, the image continued by ``BLACK`` or its ``OUTERMOST_PIXELS``.

        Where the image is more than twice as fine as the picture, pixels are averaged.
        """
        finer = min(max(math.ceil(self.side / (2 * side)), 1), FINER_UP_TO)
        count = side * finer
        moves = self.side / count * self.R_image_square
        picture = cv2.warpAffine(
            image,
            np.column_stack([moves, self.to_image(np.full(2, 0.5 / count))]),
            (count, count),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=beyond,
        )
        return np.asarray(picture if finer == 1 else cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA))
