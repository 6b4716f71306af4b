"""What a camera of the virtual studio records: a photograph, and the depth map that belongs to it, from one rasterization."""

import math
from dataclasses import dataclass
from functools import cache
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, UInt8

from datasets.studio_crop import PinholeCamera
from datasets.virtual_studio.light import LitBody
from estimator.hand.compiled import compiled
from estimator.hand.shading import encode_srgb

_SHINE, _EDGE_SHINE = 0.025, 0.40
"""Share of the light mirrored straight on, and what is added at a glancing angle."""

_GLOSS_LAMPS = np.array([[-0.45, 0.70, 0.55], [0.55, 0.55, 0.63], [0.10, 0.95, -0.30]], dtype=np.float32)
_GLOSS = 0.05
"""Directions (world) of the lamps that are seen as highlights, as wide as a cosine's 8th power, and their strength."""

_LEVELS = 4096
_NEAR_MM = 10.0
_GRAIN_SIDE = 512


@dataclass(frozen=True)
class Photographer:
    """How one picture is taken.

    Attributes:
        exposure: linear factors of red, green, blue.
        noise: standard deviation of the sensor's noise at white, linear; it grows with the root of the light.
        backdrop: linear RGB of the dark studio behind the hand at the picture's four corners, row by row.
    """

    exposure: Float[np.ndarray, "3"]
    noise: float
    backdrop: Float[np.ndarray, "2 2 3"]

    @classmethod
    def random(cls, generator: np.random.Generator) -> "Photographer":
        """Exposure and white balance vary a little from camera to camera, as they do in a real studio."""
        exposure = 0.95 * np.exp(generator.normal(0, 0.10) + generator.normal(0, 0.025, 3))
        backdrop = generator.uniform(0.003, 0.022) * generator.uniform(0.5, 1.5, (2, 2, 1)) * np.exp(generator.normal(0, 0.05, (2, 2, 3)))
        return cls(exposure, float(generator.uniform(0.006, 0.018)), backdrop)


def photograph(
    body: LitBody, camera: PinholeCamera, generator: np.random.Generator
) -> tuple[UInt8[np.ndarray, "height width 3"], Float32[np.ndarray, "height width"]]:
    """The photograph, and the depth map in mm, 0 where there is no surface.

    The surface is sampled at every pixel's centre and half-way to its neighbours: those at centres are the depth map, and nine around a
    pixel, weighted like a tent, are its colour.
    """
    height, width = 2 * camera.height + 1, 2 * camera.width + 1
    K = np.array([[2.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]]) @ camera.K
    closeness, seen, screen = _rasterized(body, K, camera, height, width)
    rays = np.linalg.inv(K @ camera.R).astype(np.float32)  # from a sample (column, row, 1) to its direction in the world
    colours = np.empty((height, width, 3), dtype=np.float32)
    _shade(seen, screen, body.faces, body.shading, rays, _GLOSS_LAMPS, colours)
    photographer = Photographer.random(generator)
    settings = np.array([*photographer.exposure, photographer.noise], dtype=np.float32)
    image = np.empty((camera.height, camera.width, 3), dtype=np.uint8)
    grain, (top, left) = _grain(), generator.integers(_GRAIN_SIDE, size=2)
    _develop(colours, seen, grain, top, left, settings, photographer.backdrop.astype(np.float32), _SRGB, image)
    return image, _depth(closeness[1::2, 1::2], seen[1::2, 1::2], body.measured)


def depth_map(body: LitBody, camera: PinholeCamera) -> Float32[np.ndarray, "height width"]:
    """The depth map alone, mm, 0 where there is no surface."""
    closeness, seen, _ = _rasterized(body, camera.K, camera, camera.height, camera.width)
    return _depth(closeness, seen, body.measured)


_SRGB = encode_srgb(np.linspace(0, 1, _LEVELS))
"""8-bit sRGB of linear levels."""


@cache
def _grain() -> Float32[np.ndarray, "rows columns 3"]:
    """Normal noise, of which every picture takes its own part."""
    return np.random.default_rng(0).standard_normal((_GRAIN_SIDE, _GRAIN_SIDE, 3), dtype=np.float32)


def _rasterized(body: LitBody, K: np.ndarray, camera: PinholeCamera, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inverse depth and face that each sample sees, 0 and -1 where there is none, and the vertices on the screen: u, v, inverse depth."""
    screen = np.empty((len(body.vertices), 3))
    _project(body.vertices, K @ camera.R, K @ camera.t, screen)
    closeness, seen = np.zeros((height, width), dtype=np.float32), np.full((height, width), -1, dtype=np.int32)
    _draw(screen, body.faces, closeness, seen)
    return closeness, seen, screen


def _depth(closeness: np.ndarray, seen: np.ndarray, measured: int) -> Float32[np.ndarray, "height width"]:
    """Black cloth has no depth: where it hides the hand, stereo would have found nothing either."""
    return np.divide(1, closeness, out=np.zeros(closeness.shape, dtype=np.float32), where=(seen >= 0) & (seen < measured))


@compiled
@no_type_check
def _project(vertices: np.ndarray, KR: np.ndarray, Kt: np.ndarray, screen: np.ndarray) -> None:
    for i in range(len(vertices)):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        w = KR[2, 0] * x + KR[2, 1] * y + KR[2, 2] * z + Kt[2]
        inverse = 1 / w if w > _NEAR_MM else 0.0
        screen[i, 0] = (KR[0, 0] * x + KR[0, 1] * y + KR[0, 2] * z + Kt[0]) * inverse
        screen[i, 1] = (KR[1, 0] * x + KR[1, 1] * y + KR[1, 2] * z + Kt[1]) * inverse
        screen[i, 2] = inverse


@compiled
@no_type_check
def _draw(screen: np.ndarray, faces: np.ndarray, closeness: np.ndarray, seen: np.ndarray) -> None:
    """The nearest face that shows each sample its outside. Most faces are smaller than a pixel: what counts is to drop those fast."""
    height, width = closeness.shape
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ua, va, ub, vb, uc, vc = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        # v points down: what is counter-clockwise seen from outside has a negative area in the picture
        area = (vb - va) * (uc - ua) - (ub - ua) * (vc - va)
        if not area > 0:
            continue
        first, last = max(0, math.ceil(min(ua, ub, uc))), min(width - 1, math.floor(max(ua, ub, uc)))
        first_row, last_row = max(0, math.ceil(min(va, vb, vc))), min(height - 1, math.floor(max(va, vb, vc)))
        ia, ib, ic = screen[a, 2], screen[b, 2], screen[c, 2]
        if first > last or first_row > last_row or ia == 0 or ib == 0 or ic == 0:
            continue
        # the shares of a and b and the inverse depth are linear in the picture
        scale = 1 / area
        across_a, down_a, across_b, down_b = (vc - vb) * scale, (ub - uc) * scale, (va - vc) * scale, (uc - ua) * scale
        for row in range(first_row, last_row + 1):
            wa = across_a * (first - ub) + down_a * (row - vb)
            wb = across_b * (first - uc) + down_b * (row - vc)
            for column in range(first, last + 1):
                wc = 1 - wa - wb
                if (wa >= 0) & (wb >= 0) & (wc >= 0):
                    near = np.float32(wa * ia + wb * ib + wc * ic)
                    if near > closeness[row, column]:
                        closeness[row, column] = near
                        seen[row, column] = face
                wa += across_a
                wb += across_b


@compiled
@no_type_check
def _shade(
    seen: np.ndarray, screen: np.ndarray, faces: np.ndarray, shading: np.ndarray, rays: np.ndarray, lamps: np.ndarray, colours: np.ndarray
) -> None:
    """Linear colours of the samples that see a face: the skin's glow, and what its surface mirrors towards the camera."""
    one, zero = np.float32(1), np.float32(0)
    value = np.empty(shading.shape[1], dtype=np.float32)
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            face = seen[row, column]
            if face < 0:
                continue
            a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
            ua, va, ub, vb, uc, vc = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
            wa = ((vc - vb) * (column - ub) - (uc - ub) * (row - vb)) * screen[a, 2]
            wb = ((va - vc) * (column - uc) - (ua - uc) * (row - vc)) * screen[b, 2]
            wc = ((vb - va) * (column - ua) - (ub - ua) * (row - va)) * screen[c, 2]
            scale = 1 / (wa + wb + wc)
            pa, pb, pc = np.float32(wa * scale), np.float32(wb * scale), np.float32(wc * scale)
            for i in range(len(value)):
                value[i] = pa * shading[a, i] + pb * shading[b, i] + pc * shading[c, i]
            x, y = np.float32(column), np.float32(row)
            vx = -(rays[0, 0] * x + rays[0, 1] * y + rays[0, 2])
            vy = -(rays[1, 0] * x + rays[1, 1] * y + rays[1, 2])
            vz = -(rays[2, 0] * x + rays[2, 1] * y + rays[2, 2])
            length = one / math.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * length, vy * length, vz * length
            length = one / math.sqrt(value[0] ** 2 + value[1] ** 2 + value[2] ** 2)
            nx, ny, nz = value[0] * length, value[1] * length, value[2] * length
            facing = nx * vx + ny * vy + nz * vz
            rx, ry, rz = 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz
            glancing = one - min(max(facing, zero), one)
            square = glancing * glancing
            mirrored = np.float32(_SHINE) + np.float32(_EDGE_SHINE) * square * square * glancing
            for lamp in range(len(lamps)):
                cosine = max(rx * lamps[lamp, 0] + ry * lamps[lamp, 1] + rz * lamps[lamp, 2], zero)
                cosine *= cosine
                cosine *= cosine
                mirrored += np.float32(_GLOSS) * cosine * cosine
            mirrored *= value[6]
            for channel in range(3):
                colours[row, column, channel] = value[3 + channel] + mirrored


@compiled
@no_type_check
def _develop(
    colours: np.ndarray,
    seen: np.ndarray,
    grain: np.ndarray,
    grain_top: int,
    grain_left: int,
    settings: np.ndarray,
    backdrop: np.ndarray,
    srgb: np.ndarray,
    image: np.ndarray,
) -> None:
    """Samples to pixels, over the backdrop, exposed, with noise, highlights rolled off, in sRGB."""
    levels, sixteenth, knee = np.float32(len(srgb) - 1), np.float32(1 / 16), np.float32(0.7)
    light, behind = np.empty(3, dtype=np.float32), np.empty((3, 2), dtype=np.float32)
    for y in range(image.shape[0]):
        down = np.float32((y + 0.5) / image.shape[0])
        for channel in range(3):
            left = backdrop[0, 0, channel] + down * (backdrop[1, 0, channel] - backdrop[0, 0, channel])
            right = backdrop[0, 1, channel] + down * (backdrop[1, 1, channel] - backdrop[0, 1, channel])
            behind[channel, 0], behind[channel, 1] = left, (right - left) / np.float32(image.shape[1])
        for x in range(image.shape[1]):
            light[:] = np.float32(0)
            covered = 0
            for i in range(3):
                for j in range(3):
                    if seen[2 * y + i, 2 * x + j] >= 0:
                        weight = (2 - abs(i - 1)) * (2 - abs(j - 1))
                        covered += weight
                        for channel in range(3):
                            light[channel] += np.float32(weight) * sixteenth * colours[2 * y + i, 2 * x + j, channel]
            uncovered = np.float32(16 - covered) * sixteenth
            for channel in range(3):
                level = (light[channel] + uncovered * (behind[channel, 0] + np.float32(x) * behind[channel, 1])) * settings[channel]
                noise = grain[(y + grain_top) % _GRAIN_SIDE, (x + grain_left) % _GRAIN_SIDE, channel]
                level += settings[3] * noise * math.sqrt(max(level, np.float32(0.01)))
                if level > knee:
                    level = knee + np.float32(0.3) * (np.float32(1) - math.exp((knee - level) / np.float32(0.3)))
                image[y, x, channel] = srgb[int(max(level, np.float32(0)) * levels + np.float32(0.5))]
