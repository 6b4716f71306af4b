"""rasterize: which triangle each pixel of a pinhole view sees, how far away it is, and where on the triangle."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from estimator.hand.compiled import THREAD_COUNT, compiled, in_threads

NEAR_MM = 10.0
"""Triangles with a corner nearer than this are left out whole: no camera focuses on a hand that near."""

_SAMPLE_STRIDE = 16
"""One vertex in so many tells how a view's vertices are spread over its rows."""

_SUBPIXELS = 2.0**14
"""Corners snap to this fraction of a pixel, so that all edge functions of triangles under 4,096 px are exact in 64-bit floats."""


@dataclass(frozen=True)
class Fragments:
    """What each pixel sees first.

    Attributes:
        depth: z of the surface in the camera frame, mm; 0 where there is none.
        faces: row of the triangle; -1 where there is none.
        barycentrics: shares of the triangle's corners in the point seen, corrected for perspective; 0 where there is none.
    """

    depth: Float[np.ndarray, "*views height width"]
    faces: Int[np.ndarray, "*views height width"]
    barycentrics: Float[np.ndarray, "*views height width 3"]


def rasterize(
    vertices: Float[np.ndarray, "*views vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    K: Float[np.ndarray, "*#views 3 3"],
    height: int,
    width: int,
) -> Fragments:
    """The nearest triangle of either orientation at the centre of every pixel; vertices in the camera frame, mm.

    A centre on an edge belongs to the triangle below or to the right of it (top-left rule), so triangles that share an edge share no
    pixel and leave no gap. Of two triangles at the same depth the first wins. Triangles are left out that have a corner nearer than
    ``NEAR_MM`` or not finite.

    Raises:
        ValueError: when faces name vertices that do not exist, or K is skewed.
    """
    views = vertices.shape[:-2]
    if faces.size and (faces.min() < 0 or faces.max() >= vertices.shape[-2]):
        raise ValueError(f"faces name vertices {faces.min()} to {faces.max()}; there are {vertices.shape[-2]}")
    if (K[..., 0, 1] != 0).any():
        raise ValueError("K[0, 1] should be 0: skewed pixels are not supported")
    # copies, so that kernels meet one layout and are compiled once, whatever the caller's arrays are
    points = np.array(vertices, dtype=np.float64, order="C").reshape(math.prod(views), vertices.shape[-2], 3)
    intrinsics = np.array(np.broadcast_to(K, (*views, 3, 3)), dtype=np.float64, order="C").reshape(-1, 3, 3)
    triangles = np.array(faces, dtype=np.int32, order="C")

    projected = np.zeros((len(points), 3, vertices.shape[-2]))
    depth = np.zeros((len(points), height, width), dtype=np.float32)
    seen = np.full((len(points), height, width), -1, dtype=np.int32)
    barycentrics = np.zeros((len(points), height, width, 3), dtype=np.float32)

    def draw(piece: tuple[int, int, int]) -> None:
        view, top, bottom = piece
        _draw(projected[view], triangles, top, bottom, depth[view], seen[view], barycentrics[view])

    in_threads(lambda view: _project(points[view], intrinsics[view], projected[view]), range(len(points)))
    in_threads(draw, _pieces(projected, height))
    return Fragments(
        depth.reshape(*views, height, width), seen.reshape(*views, height, width), barycentrics.reshape(*views, height, width, 3)
    )


def visible_faces(
    vertices: Float[np.ndarray, "*views vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    K: Float[np.ndarray, "*#views 3 3"],
    height: int,
    width: int,
) -> Int[np.ndarray, "*views height width"]:
    """``rasterize(...).faces``."""
    return rasterize(vertices, faces, K, height, width).faces


def _pieces(projected: Float[np.ndarray, "views 3 vertices"], height: int) -> list[tuple[int, int, int]]:
    """(view, top, bottom) of pieces of work: whole views; where cores outnumber them, strips of rows, each with as many vertices."""
    strip_count = 1 if len(projected) >= THREAD_COUNT else THREAD_COUNT
    pieces = []
    for view, (_, v, _) in enumerate(projected):
        sample = np.sort(np.clip(np.rint(v[::_SAMPLE_STRIDE]), 0, height))
        inner = [int(sample[len(sample) * strip // strip_count]) for strip in range(1, strip_count) if len(sample)]
        pieces += [(view, top, bottom) for top, bottom in pairwise([0, *inner, height]) if top < bottom]
    return pieces


@compiled
@no_type_check
def _project(points: np.ndarray, K: np.ndarray, projected: np.ndarray) -> None:
    """Rows u, v (pixels, snapped) and inverse depth of each vertex; inverse depth 0 where it cannot be drawn."""
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if z >= NEAR_MM and z < np.inf:
            u = np.rint((K[0, 0] * x / z + K[0, 2]) * _SUBPIXELS) / _SUBPIXELS
            v = np.rint((K[1, 1] * y / z + K[1, 2]) * _SUBPIXELS) / _SUBPIXELS
            if abs(u) < 1e9 and abs(v) < 1e9:
                projected[0, i], projected[1, i], projected[2, i] = u, v, 1 / z


@compiled
@no_type_check
def _draw(
    projected: np.ndarray, triangles: np.ndarray, top: int, bottom: int, depth: np.ndarray, seen: np.ndarray, barycentrics: np.ndarray
) -> None:
    """Draw rows top to bottom of one view. Inverse depth is linear in the image; edge functions grow linearly along x."""
    width = depth.shape[1]
    u, v, inverse = projected[0], projected[1], projected[2]
    nearest = np.zeros((bottom - top, width))
    for face in range(len(triangles)):
        a, b, c = triangles[face, 0], triangles[face, 1], triangles[face, 2]
        if inverse[a] == 0 or inverse[b] == 0 or inverse[c] == 0:
            continue
        first_row = max(top, math.ceil(min(v[a], v[b], v[c])))
        last_row = min(bottom - 1, math.floor(max(v[a], v[b], v[c])))
        first = max(0, math.ceil(min(u[a], u[b], u[c])))
        last = min(width - 1, math.floor(max(u[a], u[b], u[c])))
        if first_row > last_row or first > last:
            continue
        area = (u[b] - u[a]) * (v[c] - v[a]) - (v[b] - v[a]) * (u[c] - u[a])
        if area == 0:
            continue
        # edge functions of the sides opposite a, b, c over twice the area: positive inside, summing to one; their steps along x and y
        xa, ya = (v[b] - v[c]), (u[c] - u[b])
        xb, yb = (v[c] - v[a]), (u[a] - u[c])
        xc, yc = (v[a] - v[b]), (u[b] - u[a])
        if area < 0:
            xa, ya, xb, yb, xc, yc = -xa, -ya, -xb, -yb, -xc, -yc
        floor_a, floor_b, floor_c = _floor(xa, ya), _floor(xb, yb), _floor(xc, yc)
        scale = 1 / abs(area)
        ia, ib, ic = inverse[a] * scale, inverse[b] * scale, inverse[c] * scale
        for row in range(first_row, last_row + 1):
            ea = (first - u[b]) * xa + (row - v[b]) * ya
            eb = (first - u[c]) * xb + (row - v[c]) * yb
            ec = (first - u[a]) * xc + (row - v[a]) * yc
            for column in range(first, last + 1):
                if (ea > floor_a) & (eb > floor_b) & (ec > floor_c):  # no short circuit: one branch mispredicted, not three
                    wa, wb, wc = ea * ia, eb * ib, ec * ic
                    closeness = wa + wb + wc
                    if closeness > nearest[row - top, column]:
                        nearest[row - top, column] = closeness
                        z = 1 / closeness
                        depth[row, column] = z
                        seen[row, column] = face
                        barycentrics[row, column, 0] = wa * z
                        barycentrics[row, column, 1] = wb * z
                        barycentrics[row, column, 2] = wc * z
                ea += xa
                eb += xb
                ec += xc


@compiled
@no_type_check
def _floor(step_x: float, step_y: float) -> float:
    """What an edge function must exceed: a centre on a left or top side is inside. Edge functions are multiples of 2^-28."""
    return -(2.0**-30) if step_x > 0 or (step_x == 0 and step_y > 0) else 0.0
