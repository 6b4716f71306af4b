"""The virtual studio's light: lamps all over a dome, and what of it arrives at a hand between its own fingers."""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int, Int32

from datasets.virtual_studio.types import PosedSubject, Stance
from estimator.hand.compiled import compiled
from estimator.hand.occlusion import sphere_directions

_LAMP_COUNT = 24
_FLOOR = 0.35
"""Brightness below the hand over that above it."""

_FRONT = 0.25
"""Lamps before the hand are brighter than the mean by this share, those behind darker."""

_SCATTER = (0.22, 0.10, 0.06)
"""How far red, green, blue creep past the terminator under the skin, 0 to 1."""

_SHADOW_PX = 96
_LIFT_MM, _BIAS_MM = 1.5, 1.0


@dataclass(frozen=True)
class Lamps:
    """Distant lamps.

    Attributes:
        directions: units, world frame, to the lamps.
        powers: what a white patch that faces the lamp alone sends back, linear RGB.
    """

    directions: Float32[np.ndarray, "lamps 3"]
    powers: Float32[np.ndarray, "lamps 3"]


def dome_lamps(generator: np.random.Generator) -> Lamps:
    """A bright, even studio: lamps spread over the whole sphere, no two quite the same, the floor dimmer.

    A white patch that faces the front sends back about 1.
    """
    directions = sphere_directions(_LAMP_COUNT)
    brightness = _FLOOR + (1 - _FLOOR) * np.clip(0.6 + 0.8 * directions[:, 1], 0, 1) + _FRONT * directions[:, 2]
    brightness *= generator.uniform(0.75, 1.25, _LAMP_COUNT)
    brightness /= brightness @ np.maximum(directions[:, 2], 0)
    warmth = 1 + np.outer(generator.normal(0, 0.03, _LAMP_COUNT), (1.0, 0.0, -1.0))
    return Lamps(directions.astype(np.float32), (brightness[:, None] * warmth).astype(np.float32))


@dataclass(frozen=True)
class LitBody:
    """A body in the studio: in the world frame, mm, with the light that its skin sends every way.

    Attributes:
        normals: units, outwards.
        glow: linear RGB that the skin sends back from under its surface.
        gleam: light that arrives from all around, which the surface mirrors.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int32[np.ndarray, "faces 3"]
    normals: Float32[np.ndarray, "vertices 3"]
    glow: Float32[np.ndarray, "vertices 3"]
    gleam: Float32[np.ndarray, " vertices"]


def placed(posed: PosedSubject, stance: Stance) -> Float32[np.ndarray, "vertices 3"]:
    """A posed subject's vertices in the world, mm."""
    return posed.vertices @ stance.R_world_hand.T.astype(np.float32) + stance.position.astype(np.float32)


def light_body(vertices: Float32[np.ndarray, "vertices 3"], posed: PosedSubject, lamps: Lamps) -> LitBody:
    """A subject's vertices in the world, lit past each other."""
    faces = np.array(posed.faces, dtype=np.int32, order="C")
    normals = smooth_normals(vertices, faces)
    light, openness = np.zeros_like(vertices), np.zeros(len(vertices), dtype=np.float32)
    _gather(vertices, normals, lamps.directions, lamps.powers, np.array(_SCATTER, dtype=np.float32), light, openness)
    # what a crease does not get from the lamps it gets in part from its own other side, in the skin's colour
    glow = posed.reflectance * light / (1 - posed.reflectance * (1 - openness[:, None]))
    return LitBody(vertices, faces, normals, glow.astype(np.float32), openness * light.mean(axis=1))


def smooth_normals(vertices: Float32[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float32[np.ndarray, "vertices 3"]:
    """Unit normals, faces weighted by their area."""
    normals = np.zeros_like(vertices)
    _add_normals(vertices, faces, normals)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-12))


@compiled
@no_type_check
def _add_normals(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> None:
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz


@compiled
@no_type_check
def _gather(
    vertices: np.ndarray,
    normals: np.ndarray,
    directions: np.ndarray,
    powers: np.ndarray,
    scatter: np.ndarray,
    light: np.ndarray,
    openness: np.ndarray,
) -> None:
    """Add up the lamps at each vertex, and the share of them that it sees, weighted by the cosine.

    Shadows come from a coarse map a lamp, into which the vertices themselves are splatted: they lie closer together than its pixels.
    """
    count = len(vertices)
    middle = np.zeros(3, dtype=np.float32)
    for i in range(count):
        for axis in range(3):
            middle[axis] += vertices[i, axis] / count
    reach = np.float32(1.0)
    for i in range(count):
        away = (vertices[i, 0] - middle[0]) ** 2 + (vertices[i, 1] - middle[1]) ** 2 + (vertices[i, 2] - middle[2]) ** 2
        reach = max(reach, np.float32(math.sqrt(away)))
    # splats of a sparse body would leave holes: its map is coarser
    size = int(max(8, min(_SHADOW_PX, math.sqrt(count) / 2)))
    pixels_per_mm = np.float32(0.47 * (size - 1) / reach)
    centre = np.float32((size - 1) / 2)
    whole = np.zeros(count, dtype=np.float32)
    u, v, z = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    nearest = np.empty((size, size), dtype=np.float32)
    for lamp in range(len(directions)):
        dx, dy, dz = directions[lamp, 0], directions[lamp, 1], directions[lamp, 2]
        # two axes across the light
        if abs(dx) < np.float32(0.7):
            norm = np.float32(1 / math.sqrt(dy * dy + dz * dz))
            ax, ay, az = np.float32(0), dz * norm, -dy * norm
        else:
            norm = np.float32(1 / math.sqrt(dx * dx + dz * dz))
            ax, ay, az = -dz * norm, np.float32(0), dx * norm
        bx, by, bz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
        nearest[:] = np.float32(-1e9)  # z grows towards the lamp
        for i in range(count):
            x, y, w = vertices[i, 0] - middle[0], vertices[i, 1] - middle[1], vertices[i, 2] - middle[2]
            u[i] = centre + pixels_per_mm * (ax * x + ay * y + az * w)
            v[i] = centre + pixels_per_mm * (bx * x + by * y + bz * w)
            z[i] = dx * x + dy * y + dz * w
            row, column = int(v[i] + np.float32(0.5)), int(u[i] + np.float32(0.5))
            if z[i] > nearest[row, column]:
                nearest[row, column] = z[i]
        for i in range(count):
            nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
            cosine = nx * dx + ny * dy + nz * dz
            if cosine < -scatter[0]:
                continue
            lifted = np.float32(_LIFT_MM) * pixels_per_mm
            across = u[i] + lifted * (ax * nx + ay * ny + az * nz)
            down = v[i] + lifted * (bx * nx + by * ny + bz * nz)
            column, row = int(across), int(down)
            right, below = across - column, down - row
            # a slanted surface spans several depths within a pixel
            slope = min(math.sqrt(max(1 - cosine * cosine, 0)) / max(cosine, np.float32(0.15)), np.float32(4.0))
            level = z[i] + np.float32(_BIAS_MM + _LIFT_MM * max(cosine, 0) + 0.7 * slope / pixels_per_mm)
            shadow = (1 - below) * ((1 - right) * (nearest[row, column] > level) + right * (nearest[row, column + 1] > level))
            shadow += below * ((1 - right) * (nearest[row + 1, column] > level) + right * (nearest[row + 1, column + 1] > level))
            seen = np.float32(1 - shadow)
            facing = max(cosine, np.float32(0))
            whole[i] += facing
            openness[i] += facing * seen
            for channel in range(3):
                wrap = scatter[channel]
                light[i, channel] += seen * powers[lamp, channel] * max(cosine + wrap, np.float32(0)) / (1 + wrap) ** 2
    for i in range(count):
        openness[i] /= max(whole[i], np.float32(1e-6))
