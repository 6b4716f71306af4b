"""What an encoder should not mind: how the hand is turned in the picture, where it lies in it, and how bright it is."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

Change = Callable[[UInt8[np.ndarray, "size size 3"], np.random.Generator], UInt8[np.ndarray, "size size 3"]]
"""From a picture to another of the same hand."""


@dataclass(frozen=True)
class Augmentation:
    """Largest changes.

    Attributes:
        turn_deg: in the picture's plane; theta knows nothing of it.
        scale: of the hand's size, as a share.
        shift: of the hand's place, as a share of the picture.
        brightness: of each colour, as a share.
    """

    turn_deg: float = 30.0
    scale: float = 0.1
    shift: float = 0.04
    brightness: float = 0.15


def augmented(
    image: UInt8[np.ndarray, "size size 3"], generator: np.random.Generator, limits: Augmentation = Augmentation()
) -> UInt8[np.ndarray, "size size 3"]:
    """The picture changed at random within limits; its border is continued outwards."""
    size = image.shape[0]
    turn, scale, dx, dy, *colours = generator.uniform(-1, 1, 7)
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), limits.turn_deg * turn, 1 + limits.scale * scale)
    matrix[:, 2] += size * limits.shift * np.array([dx, dy])
    moved = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gains = 1 + limits.brightness * (0.7 * colours[0] + 0.3 * np.array(colours))
    return np.clip(np.rint(moved * gains), 0, 255).astype(np.uint8)


def unchanged(image: UInt8[np.ndarray, "size size 3"], _: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
    """The picture as it is: for encoders that look at it from a place of their own choice, and remember what they saw."""
    return image
