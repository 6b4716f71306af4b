"""What the surface is like at each sample: reflectance, shine and gloss, and the height of its relief."""

from functools import cache
from typing import no_type_check

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from datasets.virtual_rhd.people import Skin
from datasets.virtual_rhd.samples import BEND, COLOUR, Samples
from datasets.virtual_rhd.scene import TEXTURED
from datasets.virtual_rhd.skin_texture import (
    BENT_FOLD,
    BENT_HEIGHT,
    BLOOD,
    CHANNELS,
    EDGE,
    FOLD,
    HEIGHT,
    HEIGHT_MM,
    MOON,
    MOTTLE,
    NAIL,
    PALM,
    RIM,
    VEIN,
)
from datasets.virtual_rhd.solids import CLOTH, SKIN
from estimator.hand.compiled import compiled

SHINE, GLOSS = 3, 4
"""Columns of a painted surface after its reflectances."""

_PATTERN_PX = 512
_PATTERN_MM = 0.5
"""Side of the pattern that cloth and arms have, and of its texels."""

_NAIL_SHINE, _NAIL_GLOSS = 0.055, 70.0


def paint(
    samples: Samples, texture: UInt8[np.ndarray, "rows columns channels"], skin: Skin, knit: float, side: int
) -> tuple[Float32[np.ndarray, "samples 5"], Float32[np.ndarray, "side side"]]:
    """Reflectance, shine and gloss of each sample, and the relief's height at pixels' centres, mm; a picture has ``side`` x ``side``."""
    surface, heights = np.empty((len(samples.where), 5), dtype=np.float32), np.zeros((side, side), dtype=np.float32)
    colours = np.array([skin.back, skin.palm, skin.blood, skin.vein, skin.nail], dtype=np.float32)
    settings = np.array([skin.mottle, skin.shine, skin.gloss, skin.relief, knit], dtype=np.float32)
    _paint(samples.where, samples.kinds, samples.values, samples.places, texture, _pattern(), colours, settings, surface, heights)
    return surface, heights


@cache
def _pattern() -> UInt8[np.ndarray, "rows columns 2"]:
    """Noise that repeats: patches, and threads."""
    rng = np.random.default_rng(0)
    middle = slice(_PATTERN_PX, 2 * _PATTERN_PX)
    layers = []
    for sigma in (2.0, 6.0, 16.0):
        tiled = np.tile(rng.normal(size=(_PATTERN_PX, _PATTERN_PX)), (3, 3))
        layers.append(sigma * cv2.GaussianBlur(tiled, (0, 0), sigma)[middle, middle])
    patches = np.sum(layers, axis=0)
    v, u = np.mgrid[:_PATTERN_PX, :_PATTERN_PX] * (2 * np.pi / 8)
    threads = np.sin(u) * np.sin(v + 0.8 * np.sin(u)) + 0.5 * rng.normal(size=u.shape)
    both = (patches / patches.std() / 3, cv2.GaussianBlur(threads, (0, 0), 0.8))
    return np.stack([np.clip(128 + 127 * layer, 0, 255) for layer in both], axis=-1).astype(np.uint8)


@compiled
@no_type_check
def _paint(
    where: np.ndarray,
    kinds: np.ndarray,
    values: np.ndarray,
    places: np.ndarray,
    texture: np.ndarray,
    pattern: np.ndarray,
    skin: np.ndarray,
    settings: np.ndarray,
    surface: np.ndarray,
    heights: np.ndarray,
) -> None:
    found, side = np.empty(CHANNELS, dtype=np.float32), heights.shape[0]
    for n in range(len(where)):
        if kinds[n] == TEXTURED:
            _read_texture(texture, places[n, 0], places[n, 1], found)
            rise = _paint_hand(found, values[n, BEND], skin, settings, surface[n])
        else:
            rise = _paint_solid(kinds[n], values[n], places[n, 0], places[n, 1], pattern, settings, surface[n])
        if (where[n, 0] & 1) & (where[n, 1] & 1):
            heights[where[n, 2] // side, where[n, 2] % side] = rise


@compiled
@no_type_check
def _read_texture(texture: np.ndarray, u: float, v: float, found: np.ndarray) -> None:
    """The maps at a place, 0 to 1, bilinear."""
    one, half, zero = np.float32(1), np.float32(0.5), np.float32(0)
    width, height = np.float32(texture.shape[1]), np.float32(texture.shape[0])
    x = min(max(u * width - half, zero), width - np.float32(1.01))
    y = min(max(v * height - half, zero), height - np.float32(1.01))
    column, row = np.int32(x), np.int32(y)
    right, below = x - np.float32(column), y - np.float32(row)
    upper, lower = (one - below) * np.float32(1 / 255), below * np.float32(1 / 255)
    w00, w01, w10, w11 = upper * (one - right), upper * right, lower * (one - right), lower * right
    for k in range(CHANNELS):
        found[k] = (
            w00 * np.float32(texture[row, column, k])
            + w01 * np.float32(texture[row, column + 1, k])
            + w10 * np.float32(texture[row + 1, column, k])
            + w11 * np.float32(texture[row + 1, column + 1, k])
        )


@compiled
@no_type_check
def _paint_hand(found: np.ndarray, bend: float, skin: np.ndarray, settings: np.ndarray, surface: np.ndarray) -> float:
    """A hand's surface where the maps say ``found``, and the height of its relief; ``skin`` holds the person's colours."""
    one, half = np.float32(1), np.float32(0.5)
    mottle, shine, gloss, relief = settings[0], settings[1], settings[2], settings[3]
    vein, rim = np.float32(0.8) * found[VEIN], np.float32(0.8) * found[RIM]
    moon, tip = np.float32(0.35) * found[MOON], np.float32(0.7) * found[EDGE]
    fold = found[FOLD] + bend * (found[BENT_FOLD] - found[FOLD])
    patch = one + mottle * (found[MOTTLE] + found[MOTTLE] - one)
    patch *= min(max(fold + fold, np.float32(0.6)), np.float32(1.25))
    nail = found[NAIL]
    for channel in range(3):
        colour = skin[0, channel] + found[PALM] * (skin[1, channel] - skin[0, channel])
        red = skin[2, channel] - one
        colour *= (one + found[BLOOD] * red) * (one + vein * (skin[3, channel] - one)) * patch * (one + rim * red)
        plate = skin[4, channel]
        plate += moon * (np.float32(0.62) - plate) + tip * (np.float32(0.62) - np.float32(0.09) * np.float32(channel) - plate)
        surface[channel] = colour + nail * (plate - colour)
    surface[SHINE] = shine + nail * (np.float32(_NAIL_SHINE) - shine)
    surface[GLOSS] = gloss + nail * (np.float32(_NAIL_GLOSS) - gloss)
    return relief * (found[HEIGHT] + bend * (found[BENT_HEIGHT] - found[HEIGHT]) - half) * np.float32(2 * HEIGHT_MM)


@compiled
@no_type_check
def _paint_solid(
    kind: int, values: np.ndarray, u: float, v: float, pattern: np.ndarray, settings: np.ndarray, surface: np.ndarray
) -> float:
    """A solid's surface, and the height of its relief: threads of cloth stand out, skin has patches."""
    one, rise = np.float32(1), np.float32(0)
    mottle, shine, gloss, knit = settings[0], settings[1], settings[2], settings[4]
    x, y = int(u / _PATTERN_MM) % _PATTERN_PX, int(v / _PATTERN_MM) % _PATTERN_PX
    patches = (np.float32(pattern[y, x, 0]) - np.float32(128)) * np.float32(1 / 128)
    threads = (np.float32(pattern[y, x, 1]) - np.float32(128)) * np.float32(1 / 128)
    if kind == CLOTH:
        factor, rise = one + knit * (patches + np.float32(0.6) * threads), np.float32(0.5) * knit * threads
        surface[SHINE], surface[GLOSS] = np.float32(0.004), np.float32(6)
    elif kind == SKIN:
        factor, surface[SHINE], surface[GLOSS] = one + mottle * patches, shine, gloss
    else:
        factor, surface[SHINE], surface[GLOSS] = one + np.float32(0.08) * patches, np.float32(0.04), np.float32(60)
    for channel in range(3):
        surface[channel] = values[COLOUR + channel] * factor
    return rise
