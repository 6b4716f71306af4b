"""The virtual studio's light: lamps all over a dome, and what of it arrives at a hand between its own fingers."""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32

from datasets.virtual_studio.normals import vertex_normals
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.types import PosedSubject, Stance
from estimator.hand.compiled import compiled
from estimator.hand.occlusion import sphere_directions

_AXIS_COUNT = 12
_FLOOR = 0.35
"""Brightness below the hand over that above it."""

_FRONT = 0.25
"""Lamps before the hand are brighter than the mean by this share, those behind darker."""

_CLOTH = 0.02
"""What black cloth sends back, linear."""

_SHADOW_PX = 96
_LIFT_MM, _BIAS_MM = 1.5, 1.0


@dataclass(frozen=True)
class Lamps:
    """Distant lamps, two by two on opposite sides.

    Attributes:
        axes: units, world frame, towards the first lamp of each pair.
        powers: what a white patch that faces the lamp alone sends back, linear RGB; of the first lamp, then of the one opposite.
    """

    axes: Float32[np.ndarray, "axes 3"]
    powers: Float32[np.ndarray, "axes 2 3"]


def dome_lamps(generator: np.random.Generator) -> Lamps:
    """A bright, even studio: lamps spread over the whole sphere, no two quite the same, the floor dimmer.

    A white patch that faces the front sends back about 1.
    """
    half = sphere_directions(2 * _AXIS_COUNT)[:_AXIS_COUNT]
    directions = np.stack([half, -half], axis=1)
    brightness = _FLOOR + (1 - _FLOOR) * np.clip(0.6 + 0.8 * directions[..., 1], 0, 1) + _FRONT * directions[..., 2]
    brightness *= generator.uniform(0.75, 1.25, brightness.shape)
    brightness /= (brightness * np.maximum(directions[..., 2], 0)).sum()
    warmth = 1 + generator.normal(0, 0.03, (*brightness.shape, 1)) * (1.0, 0.0, -1.0)
    return Lamps(half.astype(np.float32), (brightness[..., None] * warmth).astype(np.float32))


@dataclass(frozen=True)
class LitBody:
    """A body in the studio: in the world frame, mm, with the light that its skin sends every way.

    Attributes:
        shading: of each vertex its normal (a unit, outwards), what the skin sends back from under its surface (linear RGB), and the
            light that arrives from all around, which the surface mirrors.
        measured: faces before this one are skin, which depth maps show; those after it cloth.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int32[np.ndarray, "faces 3"]
    shading: Float32[np.ndarray, "vertices 7"]
    measured: int


def placed(posed: PosedSubject, stance: Stance) -> Float32[np.ndarray, "vertices 3"]:
    """A posed subject's vertices in the world, mm."""
    return posed.vertices @ stance.R_world_hand.T.astype(np.float32) + stance.position.astype(np.float32)


def light_body(vertices: Float32[np.ndarray, "vertices 3"], posed: PosedSubject, lamps: Lamps, sleeve: Sleeve) -> LitBody:
    """A subject's vertices in the world, lit past each other, and the sleeve."""
    dressed = np.concatenate([vertices, sleeve.vertices(vertices)])
    faces = np.concatenate([posed.faces.astype(np.int32), sleeve.faces(len(vertices))])
    normals = vertex_normals(dressed, faces)
    light, openness = np.zeros_like(vertices), np.zeros(len(vertices), dtype=np.float32)
    if len(vertices):
        middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        reach = max(float(np.linalg.norm(vertices - middle, axis=1).max()), 1.0)
        # a sparse body's splats would leave holes: its maps are coarser
        resolution = int(np.clip(np.sqrt(len(vertices)) / 2, 8, _SHADOW_PX))
        pixels_per_mm = np.float32(0.47 * (resolution - 1) / reach)
        _gather(vertices - middle, normals[: len(vertices)], lamps.axes, lamps.powers, resolution, pixels_per_mm, light, openness)
    # what a crease does not get from the lamps it gets in part from its own other side, in the skin's colour
    glow = posed.reflectance * light / (1 - posed.reflectance * (1 - openness[:, None]))
    skin = np.column_stack([normals[: len(vertices)], glow, openness * light.mean(axis=1)])
    cloth = np.zeros((len(dressed) - len(vertices), skin.shape[1]))
    cloth[:, :3], cloth[:, 3:6] = normals[len(vertices) :], _CLOTH
    return LitBody(dressed, faces, np.concatenate([skin, cloth]).astype(np.float32), len(posed.faces))


@compiled
@no_type_check
def _gather(
    points: np.ndarray,
    normals: np.ndarray,
    axes: np.ndarray,
    powers: np.ndarray,
    resolution: int,
    pixels_per_mm: float,
    light: np.ndarray,
    openness: np.ndarray,
) -> None:
    """Add up the lamps at each vertex, and the share of them that it sees, weighted by the cosine.

    Shadows come from two coarse maps an axis, of what is nearest to either lamp, into which the vertices themselves are splatted: they
    lie closer together than the maps' pixels. A vertex faces one lamp of each pair.
    """
    count, one, zero = len(points), np.float32(1), np.float32(0)
    centre, lift = np.float32((resolution - 1) / 2), np.float32(_LIFT_MM)
    slack = np.float32(1.4) / pixels_per_mm
    whole = np.zeros(count, dtype=np.float32)
    u, v, z = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    reach = np.empty((2, resolution, resolution), dtype=np.float32)  # how far towards either lamp something is
    for axis in range(len(axes)):
        dx, dy, dz = axes[axis, 0], axes[axis, 1], axes[axis, 2]
        # two axes of the map, across the light, in pixels
        if abs(dx) < np.float32(0.7):
            norm = pixels_per_mm / np.float32(math.sqrt(dy * dy + dz * dz))
            ax, ay, az = zero, dz * norm, -dy * norm
        else:
            norm = pixels_per_mm / np.float32(math.sqrt(dx * dx + dz * dz))
            ax, ay, az = -dz * norm, zero, dx * norm
        bx, by, bz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
        for i in range(count):
            u[i] = centre + ax * points[i, 0] + ay * points[i, 1] + az * points[i, 2]
            v[i] = centre + bx * points[i, 0] + by * points[i, 1] + bz * points[i, 2]
            z[i] = dx * points[i, 0] + dy * points[i, 1] + dz * points[i, 2]
        reach[:] = np.float32(-1e9)
        for i in range(count):
            row, column = int(v[i] + np.float32(0.5)), int(u[i] + np.float32(0.5))
            reach[0, row, column] = max(reach[0, row, column], z[i])
            reach[1, row, column] = max(reach[1, row, column], -z[i])
        for i in range(count):
            nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
            cosine = nx * dx + ny * dy + nz * dz
            lamp, own = (0, z[i]) if cosine > zero else (1, -z[i])
            cosine = abs(cosine)
            across = u[i] + lift * (ax * nx + ay * ny + az * nz)
            down = v[i] + lift * (bx * nx + by * ny + bz * nz)
            column, row = int(across), int(down)
            right, below = across - np.float32(column), down - np.float32(row)
            # lifted off the surface; and a slanted one spans several depths within a pixel
            level = own + np.float32(_BIAS_MM) + lift * cosine + slack * (one - cosine) / max(cosine, np.float32(0.2))
            seen = (one - below) * (one - right) if reach[lamp, row, column] <= level else zero
            seen += (one - below) * right if reach[lamp, row, column + 1] <= level else zero
            seen += below * (one - right) if reach[lamp, row + 1, column] <= level else zero
            seen += below * right if reach[lamp, row + 1, column + 1] <= level else zero
            whole[i] += cosine
            seen *= cosine
            openness[i] += seen
            for channel in range(3):
                light[i, channel] += seen * powers[axis, lamp, channel]
    for i in range(count):
        openness[i] /= max(whole[i], np.float32(1e-6))
