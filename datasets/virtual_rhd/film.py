"""Film: what a cheap camera makes of the light: exposure, colour balance, blur, noise, tones, JPEG."""

from dataclasses import dataclass
from functools import cache
from typing import no_type_check

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from estimator.hand.compiled import compiled
from estimator.hand.shading import encode_srgb

_LEVELS = 4096
_PLATE_PX = 512


@dataclass(frozen=True)
class Film:
    """How one picture is taken.

    Attributes:
        exposure: linear factors of red, green and blue.
        softness_px: standard deviation of the lens's blur.
        motion_px: length and direction of the camera's movement, across and down.
        vignette: share of the light lost in the middle of each border; in the corners it is twice that.
        noise: standard deviation of the sensor's noise at mid grey, linear.
        coarse: whether neighbours share their noise, as after a phone's smoothing.
        knee: linear level from which highlights are compressed.
        black: linear level that is lost in the dark.
        saturation: of the colours; 1 leaves them.
        shrink: the picture is made so much smaller and large again.
        quality: of the JPEG; 100 for none.
    """

    exposure: Float[np.ndarray, "3"]
    softness_px: float
    motion_px: tuple[float, float]
    vignette: float
    noise: float
    coarse: bool
    knee: float
    black: float
    saturation: float
    shrink: float
    quality: int


def random_film(generator: np.random.Generator) -> Film:
    """Mostly decent pictures; some dark, some bright, some noisy, some blurred."""
    level = generator.normal(0.05, 0.28)
    dark = generator.random() < 0.03
    warmth, green = generator.normal(0, (0.07, 0.03))
    exposure = np.exp(level - dark * generator.uniform(0.8, 2.0) + np.array([warmth, green, -warmth]))
    blurred = generator.random() < 0.12
    length, direction = (float(generator.uniform(3, 13)), float(generator.uniform(0, np.pi))) if blurred else (0.0, 0.0)
    noisy = generator.random() < 0.25 or dark
    return Film(
        exposure=exposure,
        softness_px=float(generator.choice([generator.uniform(0.35, 0.7), generator.uniform(0.7, 1.8)], p=[0.75, 0.25])),
        motion_px=(length * float(np.cos(direction)), length * float(np.sin(direction))),
        vignette=float(generator.uniform(0, 0.25)),
        noise=float(np.exp(generator.uniform(np.log(0.010), np.log(0.024))) if noisy else generator.uniform(0.002, 0.012)),
        coarse=bool(generator.random() < 0.5),
        knee=float(generator.uniform(0.55, 0.95)),
        black=float(generator.uniform(0, 0.006)),
        saturation=float(generator.normal(1.0, 0.12)),
        shrink=float(generator.uniform(0.35, 0.75)) if generator.random() < 0.15 else 1.0,
        quality=int(generator.integers(30, 96)) if generator.random() < 0.7 else 100,
    )


def take(light: Float32[np.ndarray, "height width 3"], film: Film, generator: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
    """The picture."""
    light = _blurred(light, film)
    plate, (top, left) = _plates()[int(film.coarse)], generator.integers(_PLATE_PX, size=2)
    settings = np.array([*film.exposure, film.vignette, film.noise, film.knee, film.black, film.saturation], dtype=np.float32)
    picture = np.empty(light.shape, dtype=np.uint8)
    _develop(light, plate, top, left, settings, _TONES, picture)
    if film.quality < 100:
        _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, film.quality])
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
    return picture


def _blurred(light: np.ndarray, film: Film) -> Float32[np.ndarray, "height width 3"]:
    if film.shrink < 1:
        height, width = light.shape[:2]
        small = cv2.resize(light, None, fx=film.shrink, fy=film.shrink, interpolation=cv2.INTER_AREA)
        light = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    if max(map(abs, film.motion_px)) > 1:
        light = cv2.filter2D(light, -1, _streak(film.motion_px), borderType=cv2.BORDER_REFLECT)
    return cv2.GaussianBlur(light, (0, 0), film.softness_px)


def _streak(motion_px: tuple[float, float]) -> Float32[np.ndarray, "rows columns"]:
    """The trace of a point."""
    reach = int(np.ceil(max(map(abs, motion_px)) / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float32)
    for share in np.linspace(-0.5, 0.5, 33):
        x, y = reach + share * motion_px[0], reach + share * motion_px[1]
        column, row = int(x), int(y)
        right, below = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - below, below], [1 - right, right])
    return kernel / kernel.sum()


_TONES = encode_srgb(np.linspace(0, 1, _LEVELS))
"""8-bit sRGB of linear levels."""


@cache
def _plates() -> tuple[Float32[np.ndarray, "rows columns 3"], ...]:
    """Normal noise, fine and coarse, of which every picture takes its own part."""
    fine = np.random.default_rng(0).standard_normal((_PLATE_PX, _PLATE_PX, 3), dtype=np.float32)
    coarse = cv2.GaussianBlur(fine, (0, 0), 0.8)
    coarse = 0.75 * coarse.mean(axis=2, keepdims=True) + 0.6 * coarse
    return fine, coarse / coarse.std()


@compiled
@no_type_check
def _develop(
    light: np.ndarray, plate: np.ndarray, top: int, left: int, settings: np.ndarray, tones: np.ndarray, picture: np.ndarray
) -> None:
    """Light to sRGB: photons arrive at random, so that their noise grows with the root of the light."""
    height, width = light.shape[:2]
    levels, one, zero = np.float32(len(tones) - 1), np.float32(1), np.float32(0)
    knee, room, saturation = settings[5], np.float32(1) - settings[5], settings[7]
    level = np.empty(3, dtype=np.float32)
    for y in range(height):
        down = np.float32(2 * (y + 0.5) / height - 1)
        for x in range(width):
            across = np.float32(2 * (x + 0.5) / width - 1)
            fade = one - settings[3] * (across * across + down * down)
            grey = zero
            for channel in range(3):
                here = max(light[y, x, channel] * fade * settings[channel], zero)
                grain = plate[(y + top) % _PLATE_PX, (x + left) % _PLATE_PX, channel]
                here += settings[4] * grain * np.sqrt(max(here, np.float32(0.02)) * np.float32(1 / 0.18))
                level[channel] = here - settings[6]
                grey += here * (np.float32(0.21) if channel == 0 else np.float32(0.72) if channel == 1 else np.float32(0.07))
            for channel in range(3):
                here = max(grey + saturation * (level[channel] - grey), zero)
                if here > knee:
                    here = knee + room * (one - np.exp((knee - here) / room))
                picture[y, x, channel] = tones[int(here * levels + np.float32(0.5))]
