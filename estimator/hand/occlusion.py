"""How much of its surroundings a surface sees: shadows and ambient occlusion at the vertices, from depth maps of distant lights."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from estimator.hand.compiled import compiled, in_threads

_LIFT_MM, _BIAS_MM = 1.5, 1.0
"""How far a vertex is lifted off its surface and moved to the light, so that the surface does not shade itself."""


def visibility(
    vertices: Float[np.ndarray, "vertices 3"],
    normals: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    directions: Float[np.ndarray, "lights 3"],
    resolution: int = 128,
) -> Float[np.ndarray, "lights vertices"]:
    """Share of each distant light that reaches each vertex past the surface itself, 0 to 1; ``directions`` are units, to the lights.

    Whether a vertex faces the light is left to the caller. ``resolution`` is that of the depth maps, pixels a side.
    """
    seen = np.ones((len(directions), len(vertices)), dtype=np.float32)
    if len(vertices):
        points = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        lifted = points + _LIFT_MM * normals
        pixels_per_mm = 0.48 * (resolution - 1) / max(float(np.linalg.norm(points, axis=1).max()), 1.0)
        triangles, R = faces.astype(np.int32, order="C"), _looking_along(-directions)
        in_threads(lambda light: _light(points, lifted, triangles, R[light], pixels_per_mm, resolution, seen[light]), range(len(R)))
    return seen


def openness(
    vertices: Float[np.ndarray, "vertices 3"],
    normals: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    direction_count: int = 24,
    resolution: int = 96,
) -> Float[np.ndarray, " vertices"]:
    """Cosine-weighted share of the hemisphere over each vertex that the surface leaves open: 1 on a bulge, near 0 in a closed fist."""
    directions = sphere_directions(direction_count)
    cosines = np.maximum(np.einsum("lc,vc->lv", directions, normals), 0)
    seen = visibility(vertices, normals, faces, directions, resolution)
    total = cosines.sum(axis=0)
    return np.divide((cosines * seen).sum(axis=0), total, out=np.ones_like(total), where=total > 0)


def sphere_directions(count: int) -> Float[np.ndarray, "count 3"]:
    """Unit vectors spread evenly over the sphere along a Fibonacci spiral."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    turn = np.pi * (3 - np.sqrt(5)) * index
    ring = np.sqrt(1 - z**2)
    return np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=1)


def smoothed(values: Float[np.ndarray, " vertices"], faces: Int[np.ndarray, "faces 3"], rounds: int = 2) -> Float[np.ndarray, " vertices"]:
    """``values`` averaged over the triangles around each vertex, ``rounds`` times; vertices of no triangle keep theirs."""
    corners = faces.ravel()
    counts = np.bincount(corners, minlength=len(values))
    for _ in range(rounds):
        sums = np.bincount(corners, np.repeat(values[faces].mean(axis=1), 3), minlength=len(values))
        values = np.divide(sums, counts, out=values.astype(np.float64), where=counts > 0)
    return values


def _looking_along(forward: Float[np.ndarray, "lights 3"]) -> Float[np.ndarray, "lights 3 3"]:
    """Rotations to cameras that look along ``forward``: rows right, down, forward."""
    least = np.eye(3)[np.abs(forward).argmin(axis=1)]
    right = np.cross(least, forward)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


@compiled
@no_type_check
def _light(
    points: np.ndarray, lifted: np.ndarray, faces: np.ndarray, R: np.ndarray, pixels_per_mm: float, resolution: int, seen: np.ndarray
) -> None:
    """Row of ``visibility`` of a light that shines along the third row of R.

    A rasterizer of its own, for parallel rays and depth alone: in a depth map most triangles fall between pixels, and to drop those fast
    is all that counts.
    """
    middle = (resolution - 1) / 2
    u, v, z = np.empty(len(points)), np.empty(len(points)), np.empty(len(points))
    for i in range(len(points)):
        x, y, depth = points[i, 0], points[i, 1], points[i, 2]
        u[i] = middle + pixels_per_mm * (R[0, 0] * x + R[0, 1] * y + R[0, 2] * depth)
        v[i] = middle + pixels_per_mm * (R[1, 0] * x + R[1, 1] * y + R[1, 2] * depth)
        z[i] = R[2, 0] * x + R[2, 1] * y + R[2, 2] * depth
    nearest = np.full((resolution, resolution), np.inf)
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        first_row, last_row = math.ceil(min(v[a], v[b], v[c])), math.floor(max(v[a], v[b], v[c]))
        if first_row > last_row:
            continue
        first, last = math.ceil(min(u[a], u[b], u[c])), math.floor(max(u[a], u[b], u[c]))
        area = (u[b] - u[a]) * (v[c] - v[a]) - (v[b] - v[a]) * (u[c] - u[a])
        if first > last or area == 0:
            continue
        for row in range(first_row, last_row + 1):
            for column in range(first, last + 1):
                share_b = ((column - u[a]) * (v[c] - v[a]) - (row - v[a]) * (u[c] - u[a])) / area
                share_c = ((u[b] - u[a]) * (row - v[a]) - (v[b] - v[a]) * (column - u[a])) / area
                if share_b >= 0 and share_c >= 0 and share_b + share_c <= 1:
                    depth = z[a] + share_b * (z[b] - z[a]) + share_c * (z[c] - z[a])
                    nearest[row, column] = min(nearest[row, column], depth)

    for i in range(len(lifted)):
        x, y, depth = lifted[i, 0], lifted[i, 1], lifted[i, 2]
        across = middle + pixels_per_mm * (R[0, 0] * x + R[0, 1] * y + R[0, 2] * depth)
        down = middle + pixels_per_mm * (R[1, 0] * x + R[1, 1] * y + R[1, 2] * depth)
        reach = R[2, 0] * x + R[2, 1] * y + R[2, 2] * depth - _BIAS_MM
        if not (0 <= across < resolution - 1 and 0 <= down < resolution - 1):
            continue
        column, row = int(across), int(down)
        right, below = across - column, down - row
        # the four depths around the point, weighted bilinearly
        shadow = (1 - below) * ((1 - right) * (nearest[row, column] < reach) + right * (nearest[row, column + 1] < reach))
        shadow += below * ((1 - right) * (nearest[row + 1, column] < reach) + right * (nearest[row + 1, column + 1] < reach))
        seen[i] = 1 - shadow
