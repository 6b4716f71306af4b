"""depth_maps: how far a posed surface is in every pixel of many views, with exact gradients to its vertices and to the cameras."""

from typing import Any, no_type_check

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from estimator.hand.compiled import compiled, in_threads
from estimator.hand.rasterizer import draw_faces, kernel_faces, pieces, project

_EDGE_ON = 1e-3
"""Sine of the angle between ray and triangle below which a pixel has no gradient: it would be over a thousand times the pixel's own."""


def depth_maps(
    vertices: Float[Tensor, "*batch vertices 3"],
    faces: Int[Tensor, "faces 3"],
    K: Float[Tensor, "*batch views 3 3"],
    R: Float[Tensor, "*batch views 3 3"],
    t: Float[Tensor, "*batch views 3"],
    height: int,
    width: int,
) -> Float[Tensor, "*batch views height width"]:
    """z of the nearest surface at the centre of every pixel of every view, mm; 0 where there is none (section 6's D).

    ``vertices`` are in the world frame, mm; R and t take them to each camera. A view's crop is an affine map folded into its K; skew is
    allowed. Which triangle a pixel sees is ``rasterizer.rasterize``'s answer and held fixed; where its ray meets that triangle's plane is
    differentiated exactly, to the vertices, R and t. K is a constant. Gradients are finite everywhere: triangles seen edge on have none.

    Raises:
        ValueError: when faces name vertices that do not exist.
    """
    points = torch.einsum("...vi,...cji->...cvj", vertices, R) + t[..., None, :]  # much faster than matmul's product for each view
    views = points.shape[:-2]
    flat_points, flat_K = points.reshape(views.numel(), *points.shape[-2:]), K.reshape(views.numel(), 3, 3)
    depth = _RayPlaneDepth.apply(flat_points, faces, flat_K, height, width)
    return depth.reshape(*views, height, width)


class _RayPlaneDepth(torch.autograd.Function):
    """Depth from points in the camera frame. Keeps nothing of a pixel for backward but its triangle."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's own type knows no fields of ours
        points: Float[Tensor, "views vertices 3"],
        faces: Int[Tensor, "faces 3"],
        K: Float[Tensor, "views 3 3"],
        height: int,
        width: int,
    ) -> Float[Tensor, "views height width"]:
        corners, triangles = _kernel_array(points), kernel_faces(faces.cpu().numpy(), points.shape[-2])
        intrinsics = K.detach().double().cpu().contiguous().numpy()
        pixel_to_ray = np.linalg.inv(intrinsics)
        seen = np.empty((len(corners), height, width), dtype=np.int32)
        depth = np.zeros(seen.shape, dtype=corners.dtype)

        def draw(piece: tuple[int, int, int]) -> None:
            view, top, bottom = piece
            draw_faces(project(corners[view], intrinsics[view]), triangles, top, bottom, seen[view])
            _read_depth(corners[view], triangles, pixel_to_ray[view], top, bottom, seen[view], depth[view])

        in_threads(draw, pieces(corners, intrinsics, height))
        ctx.save_for_backward(points)
        ctx.pixels = triangles, pixel_to_ray, seen
        return torch.from_numpy(depth).to(points)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator forgets the names
        ctx: Any,  # noqa: ANN401
        *grads: Float[Tensor, "views height width"],
    ) -> tuple[Tensor, None, None, None, None]:
        (points,) = ctx.saved_tensors
        triangles, pixel_to_ray, seen = ctx.pixels
        corners, slopes = _kernel_array(points), _kernel_array(grads[0])
        pulls = np.zeros_like(corners)

        def pull(view: int) -> None:  # a thread has a view to itself: sums do not depend on how many threads there are
            _pull_corners(corners[view], triangles, pixel_to_ray[view], seen[view], slopes[view], pulls[view])

        in_threads(pull, range(len(seen)))
        return torch.from_numpy(pulls).to(points), None, None, None, None


def _kernel_array(values: Tensor) -> np.ndarray:
    """32- or 64-bit floats in one layout, so that a kernel is compiled once for each."""
    precision = torch.float64 if values.dtype == torch.float64 else torch.float32
    return values.detach().to("cpu", precision).contiguous().numpy()


@compiled
@no_type_check
def _read_depth(
    points: np.ndarray, triangles: np.ndarray, pixel_to_ray: np.ndarray, top: int, bottom: int, seen: np.ndarray, depth: np.ndarray
) -> None:
    """z where each pixel's ray meets the plane of its triangle, in the rows top to bottom."""
    for row in range(top, bottom):
        for column in range(seen.shape[1]):
            face = seen[row, column]
            if face < 0:
                continue
            rx = pixel_to_ray[0, 0] * column + pixel_to_ray[0, 1] * row + pixel_to_ray[0, 2]
            ry = pixel_to_ray[1, 0] * column + pixel_to_ray[1, 1] * row + pixel_to_ray[1, 2]
            a, b, c = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            ax, ay, az = np.float64(points[a, 0]), np.float64(points[a, 1]), np.float64(points[a, 2])
            bz, cz = np.float64(points[b, 2]), np.float64(points[c, 2])
            px, py, pz = points[b, 0] - ax, points[b, 1] - ay, bz - az
            qx, qy, qz = points[c, 0] - ax, points[c, 1] - ay, cz - az
            nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
            z = (nx * ax + ny * ay + nz * az) / (nx * rx + ny * ry + nz)
            # a corner moves by a fraction of a pixel when it is drawn: the centre may lie a hair outside a sliver, its depth anywhere
            nearest, farthest = min(az, bz, cz), max(az, bz, cz)
            if not z >= nearest:
                z = nearest
            depth[row, column] = min(z, farthest)


@compiled
@no_type_check
def _pull_corners(
    points: np.ndarray, triangles: np.ndarray, pixel_to_ray: np.ndarray, seen: np.ndarray, slopes: np.ndarray, pulls: np.ndarray
) -> None:
    """Add each pixel's gradient to its triangle's corners: dz / dcorner = share of the corner * n / (n . ray), n the plane's normal."""
    height, width = seen.shape
    for row in range(height):
        for column in range(width):
            face = seen[row, column]
            if face < 0 or slopes[row, column] == 0:
                continue
            rx = pixel_to_ray[0, 0] * column + pixel_to_ray[0, 1] * row + pixel_to_ray[0, 2]
            ry = pixel_to_ray[1, 0] * column + pixel_to_ray[1, 1] * row + pixel_to_ray[1, 2]
            a, b, c = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            ax, ay, az = np.float64(points[a, 0]), np.float64(points[a, 1]), np.float64(points[a, 2])
            bx, by, bz = np.float64(points[b, 0]), np.float64(points[b, 1]), np.float64(points[b, 2])
            cx, cy, cz = np.float64(points[c, 0]), np.float64(points[c, 1]), np.float64(points[c, 2])
            # volumes of the ray with each side: their ratios are the corners' shares, the sum of their normals is that of the plane
            ux, uy, uz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
            vx, vy, vz = cy * az - cz * ay, cz * ax - cx * az, cx * ay - cy * ax
            wx, wy, wz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            nx, ny, nz = ux + vx + wx, uy + vy + wy, uz + vz + wz
            facing = nx * rx + ny * ry + nz
            if facing * facing <= _EDGE_ON * _EDGE_ON * (nx * nx + ny * ny + nz * nz) * (rx * rx + ry * ry + 1):
                continue
            scale = 1 / facing
            share_a = min(max((ux * rx + uy * ry + uz) * scale, 0.0), 1.0)
            share_b = min(max((vx * rx + vy * ry + vz) * scale, 0.0), 1.0)
            share_c = min(max((wx * rx + wy * ry + wz) * scale, 0.0), 1.0)
            scale *= slopes[row, column]
            pulls[a, 0] += share_a * scale * nx
            pulls[a, 1] += share_a * scale * ny
            pulls[a, 2] += share_a * scale * nz
            pulls[b, 0] += share_b * scale * nx
            pulls[b, 1] += share_b * scale * ny
            pulls[b, 2] += share_b * scale * nz
            pulls[c, 0] += share_c * scale * nx
            pulls[c, 1] += share_c * scale * ny
            pulls[c, 2] += share_c * scale * nz
