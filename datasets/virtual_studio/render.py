"""What a camera of the virtual studio records: a photograph, and the depth map that belongs to it, from one rasterization."""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, UInt8

from datasets.studio_crop import CropCamera
from datasets.virtual_studio.light import LitBody
from estimator.hand.compiled import compiled
from estimator.hand.shading import encode_srgb

_SHINE, _EDGE_SHINE = 0.025, 0.40
"""Share of the light mirrored straight on, and what is added at a glancing angle."""

_GLOSS_LAMPS = np.array([[-0.45, 0.70, 0.55], [0.55, 0.55, 0.63], [0.10, 0.95, -0.30]], dtype=np.float32)
_GLOSS_STRENGTH = 0.05
"""Directions (world) and strength of the lamps that are seen as highlights; these are as wide as a cosine to the 16th power."""

_LEVELS = 4096
_NEAR_MM = 10.0


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
        exposure = 0.95 * np.exp(generator.normal(0, 0.10) + generator.normal(0, 0.04, 3))
        backdrop = generator.uniform(0.004, 0.035) * generator.uniform(0.5, 1.5, (2, 2, 1)) * np.exp(generator.normal(0, 0.08, (2, 2, 3)))
        return cls(exposure, float(generator.uniform(0.006, 0.018)), backdrop)


def photograph(
    body: LitBody, camera: CropCamera, generator: np.random.Generator
) -> tuple[UInt8[np.ndarray, "size size 3"], Float32[np.ndarray, "size size"]]:
    """The photograph, and the depth map in mm, 0 where there is no surface.

    The surface is sampled at every pixel's centre and half-way to its neighbours: those at centres are the depth map, and nine around a
    pixel, weighted like a tent, are its colour.
    """
    fine = 2 * camera.size + 1
    K = np.array([[2.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]]) @ camera.K
    closeness, seen, screen = _rasterized(body, K, camera, fine)
    photographer = Photographer.random(generator)
    noise = generator.standard_normal((camera.size, camera.size, 3), dtype=np.float32)
    colours = np.zeros((fine, fine, 3), dtype=np.float32)
    position = -camera.R.T @ camera.t
    _shade(seen, screen, body.faces, body.vertices, body.normals, body.glow, body.gleam, position.astype(np.float32), _GLOSS_LAMPS, colours)
    image = np.empty((camera.size, camera.size, 3), dtype=np.uint8)
    settings = np.concatenate([photographer.exposure, [photographer.noise]]).astype(np.float32)
    _develop(colours, seen, noise, settings, photographer.backdrop.astype(np.float32), _SRGB, image)
    return image, _depth(np.ascontiguousarray(closeness[1::2, 1::2]))


def depth_map(body: LitBody, camera: CropCamera) -> Float32[np.ndarray, "size size"]:
    """The depth map alone, mm, 0 where there is no surface."""
    return _depth(_rasterized(body, camera.K, camera, camera.size)[0])


_SRGB = encode_srgb(np.linspace(0, 1, _LEVELS))
"""8-bit sRGB of linear levels."""


def _rasterized(body: LitBody, K: np.ndarray, camera: CropCamera, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inverse depth and face that each sample sees, 0 and -1 where there is none, and the vertices on the screen: u, v, inverse depth."""
    screen = np.empty((len(body.vertices), 3))
    _project(body.vertices, K @ camera.R, K @ camera.t, screen)
    closeness, seen = np.zeros((size, size)), np.full((size, size), -1, dtype=np.int32)
    _draw(screen, body.faces, closeness, seen)
    return closeness, seen, screen


def _depth(closeness: np.ndarray) -> Float32[np.ndarray, "size size"]:
    return np.divide(1, closeness, out=np.zeros_like(closeness), where=closeness > 0).astype(np.float32)


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
        ua, va, ia = screen[a, 0], screen[a, 1], screen[a, 2]
        ub, vb, ib = screen[b, 0], screen[b, 1], screen[b, 2]
        uc, vc, ic = screen[c, 0], screen[c, 1], screen[c, 2]
        # v points down: what is counter-clockwise seen from outside has a negative area here
        area = (vb - va) * (uc - ua) - (ub - ua) * (vc - va)
        if not area > 0 or ia == 0 or ib == 0 or ic == 0:
            continue
        first, last = max(0, math.ceil(min(ua, ub, uc))), min(width - 1, math.floor(max(ua, ub, uc)))
        first_row, last_row = max(0, math.ceil(min(va, vb, vc))), min(height - 1, math.floor(max(va, vb, vc)))
        if first > last or first_row > last_row:
            continue
        scale = 1 / area
        for row in range(first_row, last_row + 1):
            for column in range(first, last + 1):
                wa = (vc - vb) * (column - ub) - (uc - ub) * (row - vb)
                wb = (va - vc) * (column - uc) - (ua - uc) * (row - vc)
                wc = area - wa - wb
                if wa >= 0 and wb >= 0 and wc >= 0:
                    near = (wa * ia + wb * ib + wc * ic) * scale
                    if near > closeness[row, column]:
                        closeness[row, column] = near
                        seen[row, column] = face


@compiled
@no_type_check
def _shade(
    seen: np.ndarray,
    screen: np.ndarray,
    faces: np.ndarray,
    vertices: np.ndarray,
    normals: np.ndarray,
    glow: np.ndarray,
    gleam: np.ndarray,
    position: np.ndarray,
    lamps: np.ndarray,
    colours: np.ndarray,
) -> None:
    """Linear colours of the samples that see a face: the skin's glow, and what its surface mirrors towards the camera."""
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            face = seen[row, column]
            if face < 0:
                continue
            a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
            wa = (screen[c, 1] - screen[b, 1]) * (column - screen[b, 0]) - (screen[c, 0] - screen[b, 0]) * (row - screen[b, 1])
            wb = (screen[a, 1] - screen[c, 1]) * (column - screen[c, 0]) - (screen[a, 0] - screen[c, 0]) * (row - screen[c, 1])
            wc = (screen[b, 1] - screen[a, 1]) * (column - screen[a, 0]) - (screen[b, 0] - screen[a, 0]) * (row - screen[a, 1])
            wa, wb, wc = wa * screen[a, 2], wb * screen[b, 2], wc * screen[c, 2]
            total = wa + wb + wc
            pa, pb, pc = np.float32(wa / total), np.float32(wb / total), np.float32(wc / total)
            nx = pa * normals[a, 0] + pb * normals[b, 0] + pc * normals[c, 0]
            ny = pa * normals[a, 1] + pb * normals[b, 1] + pc * normals[c, 1]
            nz = pa * normals[a, 2] + pb * normals[b, 2] + pc * normals[c, 2]
            length = math.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-9)
            nx, ny, nz = nx / length, ny / length, nz / length
            vx, vy, vz = position[0] - vertices[a, 0], position[1] - vertices[a, 1], position[2] - vertices[a, 2]
            length = math.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx / length, vy / length, vz / length
            around = pa * gleam[a] + pb * gleam[b] + pc * gleam[c]
            facing = min(max(nx * vx + ny * vy + nz * vz, 0.0), 1.0)
            glancing = 1 - facing
            square = glancing * glancing
            mirrored = (_SHINE + _EDGE_SHINE * square * square * glancing) * around
            for lamp in range(len(lamps)):
                hx, hy, hz = vx + lamps[lamp, 0], vy + lamps[lamp, 1], vz + lamps[lamp, 2]
                half = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz)
                if half > 0.7:
                    power = half * half
                    power *= power
                    power *= power
                    mirrored += _GLOSS_STRENGTH * power * power * around
            for channel in range(3):
                colours[row, column, channel] = pa * glow[a, channel] + pb * glow[b, channel] + pc * glow[c, channel] + mirrored


@compiled
@no_type_check
def _develop(
    colours: np.ndarray,
    seen: np.ndarray,
    noise: np.ndarray,
    settings: np.ndarray,
    backdrop: np.ndarray,
    srgb: np.ndarray,
    image: np.ndarray,
) -> None:
    """Samples to pixels, over the backdrop, exposed, with noise, highlights rolled off, in sRGB."""
    size = image.shape[0]
    levels = len(srgb) - 1
    for y in range(size):
        for x in range(size):
            row, column = 2 * y + 1, 2 * x + 1
            down, across = (y + 0.5) / size, (x + 0.5) / size
            for channel in range(3):
                top = (1 - across) * backdrop[0, 0, channel] + across * backdrop[0, 1, channel]
                bottom = (1 - across) * backdrop[1, 0, channel] + across * backdrop[1, 1, channel]
                behind = (1 - down) * top + down * bottom
                light = 0.0
                for i in range(-1, 2):
                    for j in range(-1, 2):
                        weight = (2 - abs(i)) * (2 - abs(j)) / 16
                        light += weight * (colours[row + i, column + j, channel] if seen[row + i, column + j] >= 0 else behind)
                light *= settings[channel]
                light += settings[3] * noise[y, x, channel] * math.sqrt(max(light, 0.01))
                if light > 0.7:
                    light = 0.7 + 0.3 * (1 - math.exp(-(light - 0.7) / 0.3))
                image[y, x, channel] = srgb[int(max(light, 0.0) * levels + 0.5)]
