"""Light on a scene: lamps all around and up to two strong ones, and what of them arrives at every vertex past hands, arms and things."""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32

from datasets.environment import Environment
from datasets.virtual_rhd.scene import Scene
from estimator.hand.compiled import compiled

KEY_COUNT = 2

_SOFT_MAP_PX, _KEY_MAP_PX = 72, 160
_LIFT_MM, _BIAS_MM = 1.5, 1.0
_KEY_SHARE = 0.985
"""Of an environment's texels by brightness: the brighter rest is taken for strong lamps."""

_MIRROR_PX = 24
_MIRROR_POWER = 12.0


@dataclass(frozen=True)
class Illumination:
    """Distant lamps; powers are what a white patch that faces the lamp alone sends back, linear RGB.

    Attributes:
        axes: units, camera frame, towards the first lamp of each pair; the second is opposite.
        powers: of both lamps of each pair.
        keys: units, towards the strong lamps, which cast sharp shadows.
        key_powers: of these; 0 where there is none.
    """

    axes: Float32[np.ndarray, "axes 3"]
    powers: Float32[np.ndarray, "axes 2 3"]
    keys: Float32[np.ndarray, "keys 3"]
    key_powers: Float32[np.ndarray, "keys 3"]

    def scaled(self, factors: Float[np.ndarray, "3"]) -> "Illumination":
        """The same lamps, brighter or of another colour."""
        factors = factors.astype(np.float32)
        return Illumination(self.axes, self.powers * factors, self.keys, self.key_powers * factors)

    @property
    def level(self) -> float:
        """What a white ball sends back to the camera on average, about."""
        front = np.maximum(-self.keys[:, 2] * 0.7 + 0.3, 0.08)
        return float(self.powers.mean(axis=(0, 2)).sum() * len(self.axes) / 4 + (self.key_powers.mean(axis=1) * front).sum())

    @property
    def colour(self) -> Float[np.ndarray, "3"]:
        """All lamps together."""
        return self.powers.sum(axis=(0, 1)) + self.key_powers.sum(axis=0)

    def mirror(self) -> Float32[np.ndarray, "rows columns 3"]:
        """What a rough mirror reflects, on an octahedral map of the directions it looks to; without the strong lamps."""
        lamps = np.concatenate([self.axes, -self.axes])
        powers = np.concatenate([self.powers[:, 0], self.powers[:, 1]])
        lobes = np.maximum(_octahedral_directions(_MIRROR_PX) @ lamps.T, 0) ** _MIRROR_POWER
        lobes *= (_MIRROR_POWER + 1) / 2
        return (lobes @ powers).astype(np.float32).reshape(_MIRROR_PX, _MIRROR_PX, 3)


def of_environment(environment: Environment, R: Float[np.ndarray, "3 3"]) -> Illumination:
    """Lamps that light a scene as an environment does, turned by R; its brightest spots become strong lamps."""
    directions, power = environment.directions @ R.T, environment.power / np.pi
    brightness = environment.radiance.reshape(-1, 3).mean(axis=1)
    strong = brightness > max(float(np.quantile(brightness, _KEY_SHARE)), 4 * float(brightness.mean()))
    axes = _axes()
    lamps = np.concatenate([axes, -axes])
    nearest = (directions @ lamps.T).argmax(axis=1)
    powers = np.stack([np.bincount(nearest[~strong], power[~strong, i], minlength=len(lamps)) for i in range(3)], axis=1)
    keys, key_powers = _strong_lamps(directions[strong], power[strong])
    return Illumination(axes, np.stack([powers[: len(axes)], powers[len(axes) :]], axis=1).astype(np.float32), keys, key_powers)


def random_illumination(generator: np.random.Generator) -> Illumination:
    """Lamps of a room, of an overcast or sunny sky, or of a single lamp in the dark."""
    axes = _axes()
    lamps = np.stack([axes, -axes], axis=1)
    up = generator.normal((0, -1, 0), (0.4, 0.3, 0.4))
    up /= np.linalg.norm(up)
    sky, ground = _sky(generator)
    share = np.clip(0.5 + 0.5 * generator.uniform(0.7, 1.6) * (lamps @ up), 0, 1)[..., None]
    powers = (share * sky + (1 - share) * ground) / len(axes) * np.exp(generator.normal(0, 0.25, (len(axes), 2, 1)))
    keys, key_powers = np.zeros((2, KEY_COUNT, 3))
    for number in range(KEY_COUNT):
        direction = generator.normal((0.0, -0.9, -0.4), 1.0)
        keys[number] = direction / np.linalg.norm(direction)
        warmth = generator.normal(0, 0.14) * np.array([1.0, 0.1, -1.0])
        strength = generator.exponential((0.9, 0.3)[number]) * (generator.random() < (0.8, 0.4)[number])
        key_powers[number] = strength * np.exp(warmth)
    return Illumination(axes, powers.astype(np.float32), keys.astype(np.float32), key_powers.astype(np.float32))


def _sky(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    tint = generator.normal(0, 0.10) * np.array([1.0, 0.0, -1.0])
    sky = np.exp(generator.normal(0, 0.04, 3) + tint)
    return sky, sky * generator.uniform(0.1, 0.7) * np.exp(generator.normal(0, 0.12, 3))


def _strong_lamps(directions: np.ndarray, power: np.ndarray) -> tuple[Float32[np.ndarray, "keys 3"], Float32[np.ndarray, "keys 3"]]:
    """The bright directions gathered into two lamps: those around the brightest, and the rest."""
    keys, powers = np.zeros((KEY_COUNT, 3), dtype=np.float32), np.zeros((KEY_COUNT, 3), dtype=np.float32)
    keys[:, 1] = -1
    left = np.ones(len(directions), dtype=bool)
    for number in range(KEY_COUNT):
        if not left.any():
            break
        brightest = directions[left][power[left].sum(axis=1).argmax()]
        near = left & ((directions @ brightest > 0.8) | (number == KEY_COUNT - 1))
        mean = power[near].sum(axis=1) @ directions[near]
        keys[number] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        powers[number] = power[near].sum(axis=0)
        left &= ~near
    return keys, powers


def _axes() -> Float32[np.ndarray, "axes 3"]:
    """Through the opposite corners of an icosahedron: no twelve directions are better spread; turned so that none is the camera's."""
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array([(0, 1, golden), (0, 1, -golden), (1, golden, 0), (1, -golden, 0), (golden, 0, 1), (-golden, 0, 1)])
    turned = corners @ np.array([[0.8, 0.0, 0.6], [0.36, 0.8, -0.48], [-0.48, 0.6, 0.64]])
    return (turned / np.linalg.norm(corners[0])).astype(np.float32)


def _octahedral_directions(side: int) -> Float[np.ndarray, "cells 3"]:
    """Directions of the cells of an octahedral map, row by row."""
    v, u = (grid.ravel() * 2 / side - 1 for grid in np.mgrid[:side, :side] + 0.5)
    z = 1 - np.abs(u) - np.abs(v)
    fold = np.maximum(-z, 0)
    directions = np.stack([u - np.copysign(fold, u), v - np.copysign(fold, v), z], axis=1)
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


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
    count, one, zero = len(points), np.float32(1), np.float32(0)
    centre, lift = np.float32((side - 1) / 2), np.float32(_LIFT_MM)
    slack = np.float32(0.9) / scale
    whole = np.zeros(count, dtype=np.float32)
    u, v, z = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    reach = np.empty((2, side, side), dtype=np.float32)  # how far towards either lamp something is
    for axis in range(len(axes)):
        dx, dy, dz = axes[axis, 0], axes[axis, 1], axes[axis, 2]
        ax, ay, az, bx, by, bz = _across(axes[axis], scale)
        for i in range(count):
            u[i] = centre + ax * points[i, 0] + ay * points[i, 1] + az * points[i, 2]
            v[i] = centre + bx * points[i, 0] + by * points[i, 1] + bz * points[i, 2]
            z[i] = dx * points[i, 0] + dy * points[i, 1] + dz * points[i, 2]
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
            seen = one
            if (across >= 0) & (down >= 0) & (across < side - 1) & (down < side - 1):
                column, row = np.int32(across), np.int32(down)
                right, below = across - np.float32(column), down - np.float32(row)
                # the four pixels around, weighted bilinearly
                seen = (one - below) * (one - right) if reach[lamp, row, column] <= level else zero
                seen += (one - below) * right if reach[lamp, row, column + 1] <= level else zero
                seen += below * (one - right) if reach[lamp, row + 1, column] <= level else zero
                seen += below * right if reach[lamp, row + 1, column + 1] <= level else zero
            seen *= cosine
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
    for i in range(count):
        u[i] = centre + ax * points[i, 0] + ay * points[i, 1] + az * points[i, 2]
        v[i] = centre + bx * points[i, 0] + by * points[i, 1] + bz * points[i, 2]
        z[i] = key[0] * points[i, 0] + key[1] * points[i, 1] + key[2] * points[i, 2]
    _draw_maps(u, v, z, faces, reach)
    for i in range(count):
        if not wanted[i]:
            continue
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        cosine = abs(nx * key[0] + ny * key[1] + nz * key[2])
        across = u[i] + lift * (ax * nx + ay * ny + az * nz)
        down = v[i] + lift * (bx * nx + by * ny + bz * nz)
        lift_z = lift * (nx * key[0] + ny * key[1] + nz * key[2])
        level = z[i] + np.float32(_BIAS_MM) + max(lift_z, np.float32(0)) + slack * (one - cosine) / max(cosine, np.float32(0.2))
        if (across >= 0) & (down >= 0) & (across < side - 1) & (down < side - 1):
            column, row = np.int32(across), np.int32(down)
            right, below = across - np.float32(column), down - np.float32(row)
            seen = (one - below) * (one - right) if reach[0, row, column] <= level else zero
            seen += (one - below) * right if reach[0, row, column + 1] <= level else zero
            seen += below * (one - right) if reach[0, row + 1, column] <= level else zero
            seen += below * right if reach[0, row + 1, column + 1] <= level else zero
            lit[i] = seen
