"""What of a scene's light arrives at every vertex past hands, arms and things."""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32

from datasets.virtual_rhd.illumination import KEY_COUNT, Illumination
from datasets.virtual_rhd.scene import Scene
from estimator.hand.compiled import compiled

_SOFT_MAP_PX, _KEY_MAP_PX = 72, 160
_LIFT_MM, _BIAS_MM = 1.5, 1.0


@dataclass(frozen=True)
class Arrived:
    """What arrives at each vertex.

    Attributes:
        soft: of the lamps all around, as what a white surface sends back.
        openness: share of the surroundings that is seen, weighted by the cosine.
        lit: share of each strong lamp that is seen, whether the surface faces it or not.
    """

    soft: Float32[np.ndarray, "vertices 3"]
    openness: Float32[np.ndarray, " vertices"]
    lit: Float32[np.ndarray, "vertices keys"]


def arrive(
    scene: Scene,
    wanted: Bool[np.ndarray, " vertices"],
    centre: Float[np.ndarray, "3"],
    reach_mm: float,
    illumination: Illumination,
) -> Arrived:
    """What arrives at the wanted vertices past everything within ``reach_mm`` of the centre; what lies beyond casts no shadow."""
    points, normals, faces = scene.vertices - centre.astype(np.float32), scene.normals, scene.faces
    soft, openness = np.zeros_like(points), np.zeros(len(points), dtype=np.float32)
    scale = np.float32(0.48 * (_SOFT_MAP_PX - 1) / reach_mm)
    lamps = illumination.axes, illumination.powers
    _gather(points, normals, faces, wanted, *lamps, _SOFT_MAP_PX, scale, soft, openness)
    lit = np.ones((len(points), KEY_COUNT), dtype=np.float32)
    scale = np.float32(0.48 * (_KEY_MAP_PX - 1) / reach_mm)
    for number, key in enumerate(illumination.keys):
        if illumination.key_powers[number].max() > 0:
            _cast(points, normals, faces, wanted, key, _KEY_MAP_PX, scale, lit[:, number])
    return Arrived(soft, openness, lit)


@compiled
@no_type_check
def _across(direction: np.ndarray, scale: float) -> tuple:
    """Two axes of a map across a direction, in pixels per mm."""
    dx, dy, dz = direction[0], direction[1], direction[2]
    zero = np.float32(0)
    if abs(dx) < np.float32(0.7):
        norm = scale / np.float32(math.sqrt(dy * dy + dz * dz))
        ax, ay, az = zero, dz * norm, -dy * norm
    else:
        norm = scale / np.float32(math.sqrt(dx * dx + dz * dz))
        ax, ay, az = -dz * norm, zero, dx * norm
    return ax, ay, az, dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax


@compiled
@no_type_check
def _draw_maps(u: np.ndarray, v: np.ndarray, z: np.ndarray, faces: np.ndarray, reach: np.ndarray) -> None:
    """Largest z, and largest -z, of what covers the middle of each pixel."""
    side = reach.shape[1]
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        low_u, high_u = min(u[a], u[b], u[c]), max(u[a], u[b], u[c])
        low_v, high_v = min(v[a], v[b], v[c]), max(v[a], v[b], v[c])
        first, last = max(0, math.ceil(low_u)), min(side - 1, math.floor(high_u))
        first_row, last_row = max(0, math.ceil(low_v)), min(side - 1, math.floor(high_v))
        if (first > last) | (first_row > last_row):
            continue
        area = (u[b] - u[a]) * (v[c] - v[a]) - (v[b] - v[a]) * (u[c] - u[a])
        if area == 0:
            continue
        scale = 1 / area
        for row in range(first_row, last_row + 1):
            for column in range(first, last + 1):
                share_b = ((column - u[a]) * (v[c] - v[a]) - (row - v[a]) * (u[c] - u[a])) * scale
                share_c = ((u[b] - u[a]) * (row - v[a]) - (v[b] - v[a]) * (column - u[a])) * scale
                if (share_b >= 0) & (share_c >= 0) & (share_b + share_c <= 1):
                    depth = z[a] + share_b * (z[b] - z[a]) + share_c * (z[c] - z[a])
                    reach[0, row, column] = max(reach[0, row, column], depth)
                    reach[1, row, column] = max(reach[1, row, column], -depth)


@compiled
@no_type_check
def _onto_map(points: np.ndarray, direction: np.ndarray, axes: tuple, centre: float, u: np.ndarray, v: np.ndarray, z: np.ndarray) -> None:
    """Where points lie on a map across a direction, and how far along it."""
    ax, ay, az, bx, by, bz = axes
    for i in range(len(points)):
        u[i] = centre + ax * points[i, 0] + ay * points[i, 1] + az * points[i, 2]
        v[i] = centre + bx * points[i, 0] + by * points[i, 1] + bz * points[i, 2]
        z[i] = direction[0] * points[i, 0] + direction[1] * points[i, 1] + direction[2] * points[i, 2]


@compiled
@no_type_check
def _share_seen(reach: np.ndarray, across: float, down: float, level: float) -> float:
    """Share of a lamp that is seen from a level past what a map says reaches higher; all of it beyond the map."""
    one, zero, side = np.float32(1), np.float32(0), reach.shape[0]
    seen = one
    if (across >= 0) & (down >= 0) & (across < side - 1) & (down < side - 1):
        column, row = np.int32(across), np.int32(down)
        right, below = across - np.float32(column), down - np.float32(row)
        # the four pixels around, weighted bilinearly
        seen = (one - below) * (one - right) if reach[row, column] <= level else zero
        seen += (one - below) * right if reach[row, column + 1] <= level else zero
        seen += below * (one - right) if reach[row + 1, column] <= level else zero
        seen += below * right if reach[row + 1, column + 1] <= level else zero
    return seen


@compiled
@no_type_check
def _gather(
    points: np.ndarray,
    normals: np.ndarray,
    faces: np.ndarray,
    wanted: np.ndarray,
    axes: np.ndarray,
    powers: np.ndarray,
    side: int,
    scale: float,
    soft: np.ndarray,
    openness: np.ndarray,
) -> None:
    """Add up the lamps all around at each vertex, and the share of them that it sees, weighted by the cosine."""
    count, one, zero = len(points), np.float32(1), np.float32(0)
    centre, lift = np.float32((side - 1) / 2), np.float32(_LIFT_MM)
    slack = np.float32(0.9) / scale
    whole = np.zeros(count, dtype=np.float32)
    u, v, z = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    reach = np.empty((2, side, side), dtype=np.float32)  # how far towards either lamp something is
    for axis in range(len(axes)):
        dx, dy, dz = axes[axis, 0], axes[axis, 1], axes[axis, 2]
        ax, ay, az, bx, by, bz = _across(axes[axis], scale)
        _onto_map(points, axes[axis], (ax, ay, az, bx, by, bz), centre, u, v, z)
        reach[:] = np.float32(-1e9)
        _draw_maps(u, v, z, faces, reach)
        for i in range(count):
            if not wanted[i]:
                continue
            nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
            cosine = nx * dx + ny * dy + nz * dz
            lamp, own = (0, z[i]) if cosine > zero else (1, -z[i])
            cosine = abs(cosine)
            across = u[i] + lift * (ax * nx + ay * ny + az * nz)
            down = v[i] + lift * (bx * nx + by * ny + bz * nz)
            level = own + np.float32(_BIAS_MM) + lift * cosine + slack * (one - cosine) / max(cosine, np.float32(0.2))
            seen = cosine * _share_seen(reach[lamp], across, down, level)
            whole[i] += cosine
            openness[i] += seen
            for channel in range(3):
                soft[i, channel] += seen * powers[axis, lamp, channel]
    for i in range(count):
        openness[i] /= max(whole[i], np.float32(1e-6))


@compiled
@no_type_check
def _cast(
    points: np.ndarray,
    normals: np.ndarray,
    faces: np.ndarray,
    wanted: np.ndarray,
    key: np.ndarray,
    side: int,
    scale: float,
    lit: np.ndarray,
) -> None:
    """The share of one strong lamp that reaches each vertex."""
    count, one, zero = len(points), np.float32(1), np.float32(0)
    centre, lift = np.float32((side - 1) / 2), np.float32(_LIFT_MM)
    slack = np.float32(0.7) / scale
    u, v, z = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    reach = np.full((2, side, side), np.float32(-1e9))
    ax, ay, az, bx, by, bz = _across(key, scale)
    _onto_map(points, key, (ax, ay, az, bx, by, bz), centre, u, v, z)
    _draw_maps(u, v, z, faces, reach)
    for i in range(count):
        if not wanted[i]:
            continue
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        cosine = abs(nx * key[0] + ny * key[1] + nz * key[2])
        across = u[i] + lift * (ax * nx + ay * ny + az * nz)
        down = v[i] + lift * (bx * nx + by * ny + bz * nz)
        lift_z = lift * (nx * key[0] + ny * key[1] + nz * key[2])
        level = z[i] + np.float32(_BIAS_MM) + max(lift_z, zero) + slack * (one - cosine) / max(cosine, np.float32(0.2))
        lit[i] = _share_seen(reach[0], across, down, level)
