"""unwrap: photographs of a posed surface from several sides become its texture, with gradients to the surface (section 11)."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from estimator.hand.rasterizer import NEAR_MM, rasterize

TEXTURE_SIZE = 256
"""The paper's T is as high and as wide."""

LEAST_COSINE = 0.25
"""Of the angle between a texel's normal and the way to a camera that sees it: at more than 75 degrees colours smear."""

_FLAT_Z = 1000.0
"""Where texture space is hung up to be drawn as a picture, mm."""


@dataclass(frozen=True)
class Texels:
    """Where each texel that belongs to the surface lies on it; made once for a template.

    Attributes:
        size: height and width of the texture.
        pixels: row * size + column in the texture, the top row first.
        faces: row of the triangle.
        barycentrics: shares of the triangle's corners.
    """

    size: int
    pixels: Int[Tensor, " texels"]
    faces: Int[Tensor, " texels"]
    barycentrics: Float[Tensor, "texels 3"]


@dataclass(frozen=True)
class Texture:
    """A surface's colours over its texture coordinates.

    Attributes:
        colours: RGB in [0, 1], the mean over the views that see a texel; 0 where none does.
        visible: which texels at least one view sees (the paper's delta).
    """

    colours: Float[Tensor, "*batch 3 size size"]
    visible: Bool[Tensor, "*batch size size"]


@dataclass(frozen=True)
class Views:
    """Pictures of one moment and what is known of the cameras that took them.

    Attributes:
        images: RGB in [0, 1].
        depth: of the surface in each view, mm, 0 where there is none; ``depth_map.depth_maps`` of the same cameras.
        K: of each crop; an affine map of the camera's.
        R: world to camera.
        t: world to camera, mm.
    """

    images: Float[Tensor, "*batch views 3 height width"]
    depth: Float[Tensor, "*batch views height width"]
    K: Float[Tensor, "*batch views 3 3"]
    R: Float[Tensor, "*batch views 3 3"]
    t: Float[Tensor, "*batch views 3"]


def texels(uv: Float[np.ndarray, "texcoords 2"], uv_faces: Int[np.ndarray, "faces 3"], size: int = TEXTURE_SIZE) -> Texels:
    """The texels whose centres lie in a triangle of the texture; v points upwards. Where triangles overlap the first wins."""
    column, row = uv[:, 0] * size - 0.5, (1 - uv[:, 1]) * size - 0.5
    hung = _FLAT_Z * np.stack([column, row, np.ones_like(row)], axis=1)
    drawn = rasterize(hung, uv_faces, np.eye(3), size, size)
    pixels = np.flatnonzero(drawn.faces >= 0)
    return Texels(
        size,
        torch.from_numpy(pixels),
        torch.from_numpy(drawn.faces.reshape(-1)[pixels]).long(),
        torch.from_numpy(drawn.barycentrics.reshape(-1, 3)[pixels]),
    )


def unwrap(
    vertices: Float[Tensor, "*batch vertices 3"], faces: Int[Tensor, "faces 3"], where: Texels, views: Views, tolerance_mm: float = 2.0
) -> Texture:
    """What the pictures show at each texel (section 11's T), for a surface in the world frame, mm.

    A view sees a texel that falls into its picture, is turned to it (``LEAST_COSINE``) and lies within ``tolerance_mm`` of the view's depth
    at the nearest pixel. Its colour is read bilinearly: gradients go through it to ``vertices``, to R, t and K, and to the images. Who sees
    what is held fixed in them, and depth is a constant.
    """
    texel_faces = faces[where.faces.to(faces.device)]
    corners = vertices[..., texel_faces, :]
    points = (where.barycentrics.to(vertices)[:, :, None] * corners).sum(dim=-2)
    seen_from = torch.einsum("...ti,...cji->...ctj", points, views.R) + views.t[..., None, :]
    with torch.no_grad():
        normals = torch.linalg.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
        turned = torch.einsum("...ti,...cji->...ctj", normals, views.R)
        facing = _faces_camera(seen_from, turned)
    drawable = facing & (seen_from[..., 2] >= NEAR_MM)
    pixels = _project(torch.where(drawable[..., None], seen_from, 1.0), views.K)
    with torch.no_grad():
        visible = drawable & _unobstructed(pixels, seen_from[..., 2], views.depth, tolerance_mm)
    colours = _read_bilinearly(views.images, torch.where(visible[..., None], pixels, 0.0))
    counts = visible.sum(dim=-2)
    mean = torch.where(visible[..., None, :], colours, 0.0).sum(dim=-3) / counts.clamp(min=1)[..., None, :]
    return Texture(_spread(mean, where), _spread(counts > 0, where))


def _faces_camera(points: Float[Tensor, "*views texels 3"], normals: Float[Tensor, "*views texels 3"]) -> Bool[Tensor, "*views texels"]:
    """Both in the camera frame; a normal without length faces nowhere."""
    lengths = torch.linalg.vector_norm(points, dim=-1) * torch.linalg.vector_norm(normals, dim=-1)
    return (points * normals).sum(dim=-1) < -LEAST_COSINE * lengths


def _project(points: Float[Tensor, "*views texels 3"], K: Float[Tensor, "*views 3 3"]) -> Float[Tensor, "*views texels 2"]:
    return torch.einsum("...ti,...ji->...tj", points / points[..., 2:], K)[..., :2]


def _unobstructed(
    pixels: Float[Tensor, "*views texels 2"],
    z: Float[Tensor, "*views texels"],
    depth: Float[Tensor, "*views height width"],
    tolerance: float,
) -> Bool[Tensor, "*views texels"]:
    """Whether a texel lies in the picture and as far away as the surface there."""
    height, width = depth.shape[-2:]
    column, row = pixels.unbind(dim=-1)
    inside = (column >= 0) & (column <= width - 1) & (row >= 0) & (row <= height - 1)
    index = torch.where(inside, row.round() * width + column.round(), 0.0).long()
    surface = torch.take_along_dim(depth.flatten(-2), index, dim=-1)
    return inside & (surface > 0) & ((z - surface).abs() <= tolerance)


def _read_bilinearly(
    images: Float[Tensor, "*views 3 height width"], pixels: Float[Tensor, "*views texels 2"]
) -> Float[Tensor, "*views 3 texels"]:
    height, width = images.shape[-2:]
    views, texel_count = images.shape[:-3], pixels.shape[-2]
    scaled = pixels * pixels.new_tensor([2 / max(width - 1, 1), 2 / max(height - 1, 1)]) - 1
    grid, pictures = scaled.reshape(views.numel(), 1, texel_count, 2), images.reshape(views.numel(), 3, height, width)
    if not grid.numel():  # grid_sample refuses batches of nothing
        return images.new_zeros((*views, 3, texel_count))
    return torch.nn.functional.grid_sample(pictures, grid, align_corners=True).reshape(*views, 3, texel_count)


def _spread(values: Tensor, where: Texels) -> Tensor:
    """Values of the texels as a picture, 0 where there is no surface."""
    picture = values.new_zeros((*values.shape[:-1], where.size**2))
    return picture.index_copy(-1, where.pixels.to(values.device), values).unflatten(-1, (where.size, where.size))
