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

_SUBPIXELS = 2.0**13
"""Corners snap to this fraction of a pixel, so that all edge functions of triangles under 4,096 px are exact in 64-bit floats."""

_HALF_STEP = 2.0**-27
"""Half of the least that an edge function can differ from zero."""

_FACES = 2**32 - 1
"""A pixel's key is its closeness in the upper 32 bits, this less the triangle's row in the lower: of two as close, the first wins."""


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
    pixel and leave no gap. Of two triangles at the same depth (in 32-bit floats) the first wins. Triangles are left out that have a
    corner nearer than ``NEAR_MM`` or not finite.

    Raises:
        ValueError: when faces name vertices that do not exist, or K is skewed.
    """
    if (K[..., 0, 1] != 0).any():
        raise ValueError("K[0, 1] should be 0: skewed pixels are not supported")
    views = vertices.shape[:-2]
    triangles = kernel_faces(faces, vertices.shape[-2])
    # copies, so that kernels meet one layout and are compiled once, whatever the caller's arrays are
    points = np.array(vertices, dtype=np.float64, order="C").reshape(math.prod(views), vertices.shape[-2], 3)
    intrinsics = np.array(np.broadcast_to(K, (*views, 3, 3)), dtype=np.float64, order="C").reshape(-1, 3, 3)

    depth = np.zeros((len(points), height, width), dtype=np.float32)
    seen = np.empty((len(points), height, width), dtype=np.int32)
    barycentrics = np.zeros((len(points), height, width, 3), dtype=np.float32)

    def draw(piece: tuple[int, int, int]) -> None:
        view, top, bottom = piece
        projected = project(points[view], intrinsics[view])
        draw_faces(projected, triangles, top, bottom, seen[view])
        _read_fragments(projected, triangles, top, bottom, seen[view], depth[view], barycentrics[view])

    in_threads(draw, pieces(points, intrinsics, height))
    return Fragments(
        depth.reshape(*views, height, width), seen.reshape(*views, height, width), barycentrics.reshape(*views, height, width, 3)
    )


def kernel_faces(faces: Int[np.ndarray, "faces 3"], vertex_count: int) -> Int[np.ndarray, "faces 3"]:
    """Faces as the kernels want them; a copy.

    Raises:
        ValueError: when they name vertices that do not exist.
    """
    if faces.size and (faces.min() < 0 or faces.max() >= vertex_count):
        raise ValueError(f"faces name vertices {faces.min()} to {faces.max()}; there are {vertex_count}")
    return np.array(faces, dtype=np.int32, order="C")


def pieces(points: Float[np.ndarray, "views vertices 3"], K: Float[np.ndarray, "views 3 3"], height: int) -> list[tuple[int, int, int]]:
    """(view, top, bottom) of pieces of work: whole views; where cores outnumber them, strips of rows, each with as many vertices."""
    if len(points) >= THREAD_COUNT:
        return [(view, 0, height) for view in range(len(points))]
    strips = []
    for view in range(len(points)):
        sample = project(np.ascontiguousarray(points[view, ::_SAMPLE_STRIDE]), K[view])
        v = np.sort(np.clip(np.rint(sample[:, 1]), 0, height))
        inner = [int(v[len(v) * strip // THREAD_COUNT]) for strip in range(1, THREAD_COUNT) if len(v)]
        strips += [(view, top, bottom) for top, bottom in pairwise([0, *inner, height]) if top < bottom]
    return strips


@compiled
@no_type_check
def project(points: np.ndarray, K: np.ndarray) -> np.ndarray:
    """u, v (pixels, snapped) and inverse depth of each vertex; inverse depth 0 where it cannot be drawn. K's last row is taken as 0 0 1."""
    projected = np.zeros((len(points), 3))
    for i in range(len(points)):
        x, y, z = np.float64(points[i, 0]), np.float64(points[i, 1]), np.float64(points[i, 2])
        if z >= NEAR_MM and z < np.inf:
            inverse = 1 / z
            u = np.rint(((K[0, 0] * x + K[0, 1] * y) * inverse + K[0, 2]) * _SUBPIXELS) / _SUBPIXELS
            v = np.rint(((K[1, 0] * x + K[1, 1] * y) * inverse + K[1, 2]) * _SUBPIXELS) / _SUBPIXELS
            if abs(u) < 1e9 and abs(v) < 1e9:
                projected[i, 0], projected[i, 1], projected[i, 2] = u, v, inverse
    return projected


@compiled
@no_type_check
def draw_faces(projected: np.ndarray, triangles: np.ndarray, top: int, bottom: int, seen: np.ndarray) -> None:
    """Write the row of the triangle that each pixel of the rows top to bottom sees, -1 where there is none.

    Most triangles are about a pixel large, so the time goes into branches that the processor cannot foresee: there are none inside the
    triangle's box. Edge functions and inverse depth are linear in the image.
    """
    width = seen.shape[1]
    keys = np.zeros((bottom - top) * width, dtype=np.int64)
    for face in range(len(triangles)):
        a, b, c = np.uint64(triangles[face, 0]), np.uint64(triangles[face, 1]), np.uint64(triangles[face, 2])
        ua, va, ia = projected[a, 0], projected[a, 1], projected[a, 2]
        ub, vb, ib = projected[b, 0], projected[b, 1], projected[b, 2]
        uc, vc, ic = projected[c, 0], projected[c, 1], projected[c, 2]
        first_row, last_row = max(top, math.ceil(min(va, vb, vc))), min(bottom - 1, math.floor(max(va, vb, vc)))
        first, last = max(0, math.ceil(min(ua, ub, uc))), min(width - 1, math.floor(max(ua, ub, uc)))
        area = (ub - ua) * (vc - va) - (vb - va) * (uc - ua)
        if (first_row > last_row) | (first > last) | (area == 0) | (min(ia, ib, ic) == 0):
            continue
        # edge functions of the sides opposite a, b, c, turned to be positive inside; their steps along x and y
        sign = math.copysign(1.0, area)
        xa, ya = (vb - vc) * sign, (uc - ub) * sign
        xb, yb = (vc - va) * sign, (ua - uc) * sign
        xc, yc = (va - vb) * sign, (ub - ua) * sign
        ea = (first - ub) * xa + (first_row - vb) * ya
        eb = (first - uc) * xb + (first_row - vc) * yb
        ec = (first - ua) * xc + (first_row - va) * yc
        scale = sign / area
        closeness = (ea * ia + eb * ib + ec * ic) * scale
        step_x, step_y = (xa * ia + xb * ib + xc * ic) * scale, (ya * ia + yb * ib + yc * ic) * scale
        ea, eb, ec = ea + _bias(xa, ya), eb + _bias(xb, yb), ec + _bias(xc, yc)
        for row in range(first_row, last_row + 1):
            la, lb, lc, near = ea, eb, ec, closeness
            for pixel in range((row - top) * width + first, (row - top) * width + last + 1):
                inside = np.int64((la > 0) & (lb > 0) & (lc > 0))
                key = (np.int64(np.float32(near).view(np.int32)) << 32) | (_FACES - face)
                keys[np.uint64(pixel)] = max(keys[np.uint64(pixel)], key & -inside)
                la, lb, lc, near = la + xa, lb + xb, lc + xc, near + step_x
            ea, eb, ec, closeness = ea + ya, eb + yb, ec + yc, closeness + step_y
    for row in range(top, bottom):
        for column in range(width):
            key = keys[np.uint64((row - top) * width + column)]
            seen[row, column] = _FACES - (key & _FACES) if key > 0 else -1


@compiled
@no_type_check
def _bias(step_x: float, step_y: float) -> float:
    """What makes an edge function positive at a centre on the edge, if that is a left or top side: such a centre is inside."""
    return _HALF_STEP * ((step_x > 0) | ((step_x == 0) & (step_y > 0)))


@compiled
@no_type_check
def _read_fragments(
    projected: np.ndarray, triangles: np.ndarray, top: int, bottom: int, seen: np.ndarray, depth: np.ndarray, barycentrics: np.ndarray
) -> None:
    """Depth and barycentrics of the triangles seen in the rows top to bottom."""
    for row in range(top, bottom):
        for column in range(seen.shape[1]):
            face = seen[row, column]
            if face < 0:
                continue
            a, b, c = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            # the pixel's edge functions, in any scale: perspective divides it out
            xa, ya = projected[a, 0] - column, projected[a, 1] - row
            xb, yb = projected[b, 0] - column, projected[b, 1] - row
            xc, yc = projected[c, 0] - column, projected[c, 1] - row
            ea, eb, ec = xb * yc - yb * xc, xc * ya - yc * xa, xa * yb - ya * xb
            wa, wb, wc = ea * projected[a, 2], eb * projected[b, 2], ec * projected[c, 2]
            share = 1 / (wa + wb + wc)
            depth[row, column] = (ea + eb + ec) * share
            barycentrics[row, column, 0] = wa * share
            barycentrics[row, column, 1] = wb * share
            barycentrics[row, column, 2] = wc * share
