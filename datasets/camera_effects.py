"""What lens and sensor do to the light of a scene."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from estimator.hand.shading import encode_srgb

_WHITE = 1.06
"""Linear level that an 8-bit white may have stood for at least: what lies near it is taken for a clipped highlight."""


@dataclass(frozen=True)
class Sensor:
    """A small camera.

    Attributes:
        softness_px: standard deviation of the lens's blur in focus.
        vignette: share of the light lost in the middle of each border; in the corners it is twice that.
        noise: standard deviation of the noise at mid grey, linear.
        grain_px: how far the noise of neighbours hangs together.
        knee: linear level from which highlights are compressed.
    """

    softness_px: float = 0.55
    vignette: float = 0.10
    noise: float = 0.006
    grain_px: float = 0.6
    knee: float = 0.6


def lens_blur(linear: Float[np.ndarray, "height width 3"], radius_px: float) -> Float[np.ndarray, "height width 3"]:
    """Every point spread over a disc, as by a wide lens focused elsewhere; clipped highlights are restored first, so that they bloom."""
    reach = int(np.ceil(radius_px))
    x, y = np.meshgrid(*[np.arange(-reach, reach + 1)] * 2)
    disc = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    bright = linear / np.maximum(_WHITE - linear, 0.12)
    spread = cv2.filter2D(bright.astype(np.float32), -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    return _WHITE * spread / (1 + spread)


def develop(
    linear: Float[np.ndarray, "height width 3"], rng: np.random.Generator, sensor: Sensor = Sensor()
) -> UInt8[np.ndarray, "height width 3"]:
    """The photograph: soft, vignetted, noisy, highlights rolled off, sRGB."""
    height, width = linear.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    light = cv2.GaussianBlur(linear.astype(np.float32), (0, 0), sensor.softness_px)
    light *= (1 - sensor.vignette * (x**2 + y**2))[..., None].astype(np.float32)
    grain = cv2.GaussianBlur(rng.normal(size=linear.shape).astype(np.float32), (0, 0), sensor.grain_px)
    # photons arrive at random: their noise grows with the root of the light
    light = np.maximum(light + sensor.noise * grain / grain.std() * np.sqrt(np.maximum(light, 0.02) / 0.18), 0)
    over, room = np.maximum(light - sensor.knee, 0), 1 - sensor.knee
    return encode_srgb(np.minimum(light, sensor.knee) + room * (1 - np.exp(-over / room)))
