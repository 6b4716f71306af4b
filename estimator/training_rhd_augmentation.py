"""What an encoder should not mind: how the hand lies in the picture, light, blur, noise. Key points move with the pixels."""

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float, UInt8

if TYPE_CHECKING:
    from albumentations import Compose


@dataclass(frozen=True)
class Augmentation:
    """Largest changes.

    Attributes:
        turn_deg: in the picture's plane; theta knows nothing of it.
        scale: of the hand's size, as a share.
        shift: of the hand's place, as a share of the picture.
        light: of brightness and contrast, as a share.
        hue: of colours, as a share of the colour circle.
        noise: of a pixel, as a share of white.
        least_quality: of JPEG.
    """

    turn_deg: float = 30.0
    scale: float = 0.12
    shift: float = 0.05
    light: float = 0.35
    hue: float = 0.03
    noise: float = 0.04
    least_quality: int = 40


def augmented(
    image: UInt8[np.ndarray, "size size 3"],
    points_px: Float[np.ndarray, "points 2"],
    generator: np.random.Generator,
    limits: Augmentation = Augmentation(),
) -> tuple[UInt8[np.ndarray, "size size 3"], Float[np.ndarray, "points 2"]]:
    """Picture and points changed at random, within limits, together; the picture's border is continued outwards."""
    changes = _changes(limits)
    changes.set_random_seed(int(generator.integers(2**31)))
    changed = changes(image=image, keypoints=points_px)
    return np.ascontiguousarray(changed["image"]), np.asarray(changed["keypoints"], dtype=np.float64).reshape(-1, 2)


@cache
def _changes(limits: Augmentation) -> "Compose":
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # while it is imported it asks the network for a newer version of itself
    import albumentations as A  # noqa: N812 (as its users call it)

    around_one, light = (1 - limits.scale, 1 + limits.scale), (1 - limits.light, 1 + limits.light)
    return A.Compose(
        [
            A.Affine(
                scale=around_one,
                translate_percent=(-limits.shift, limits.shift),
                rotate=(-limits.turn_deg, limits.turn_deg),
                border_mode=cv2.BORDER_REPLICATE,
                p=1.0,
            ),
            A.ColorJitter(brightness=light, contrast=light, saturation=light, hue=(-limits.hue, limits.hue), p=0.8),
            A.OneOf([A.GaussianBlur(sigma_limit=(0.5, 1.5)), A.MotionBlur(blur_limit=(3, 7))], p=0.25),
            A.GaussNoise(std_range=(0.1 * limits.noise, limits.noise), p=0.3),
            A.ImageCompression(quality_range=(limits.least_quality, 95), p=0.3),
        ],
        keypoint_params=A.KeypointParams("xy", remove_invisible=False),
    )
