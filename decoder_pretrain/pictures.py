"""Pictures of meshes for logs and reports."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

from estimator.hand.occlusion import openness, smoothed
from estimator.hand.rasterizer import rasterize
from estimator.hand.shading import Surface, encode_srgb, shade, smooth_normals

Picture = UInt8[np.ndarray, "height width 3"]
SKIN = (0.55, 0.36, 0.27)
_PAPER = 1.0
_OCCLUSION_LIGHTS, _OCCLUSION_RESOLUTION = 64, 128
LARGEST_DIFFERENCE_MM = 5.0


def shaded(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    K: Float[np.ndarray, "3 3"],
    size: int,
    colours: Float[np.ndarray, "vertices 3"] | None = None,
    samples: int = 2,
) -> Picture:
    """A mesh (camera frame, mm) in soft light on white paper; ``colours`` are linear reflectances."""
    normals = smooth_normals(vertices, faces)
    surface = Surface(
        vertices=vertices,
        faces=faces,
        normals=normals,
        colours=np.tile(SKIN, (len(vertices), 1)) if colours is None else colours,
        openness=smoothed(openness(vertices, normals, faces, _OCCLUSION_LIGHTS, _OCCLUSION_RESOLUTION), faces),
        lit=np.ones(len(vertices)),
    )
    fine = K.copy()
    fine[:2] *= samples
    fine[:2, 2] += (samples - 1) / 2
    colour, coverage = shade(surface, rasterize(vertices, faces, fine, samples * size, samples * size), fine, samples)
    return encode_srgb(colour + _PAPER * (1 - coverage)[..., None])


def diverging(values: Float[np.ndarray, "*shape"], largest: float) -> Float[np.ndarray, "*shape 3"]:
    """Blue below zero, white at it, red above; linear reflectance."""
    share = np.clip(values / largest, -1, 1)[..., None]
    return np.where(share > 0, 1 - share * (0, 0.9, 0.9), 1 + share * (0.9, 0.75, 0.0)) * 0.9


def tinted_difference(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    K: Float[np.ndarray, "3 3"],
    depth: Float[np.ndarray, "size size"],
) -> Picture:
    """Where the mesh is nearer (red) or farther (blue) than a depth map; grey where only one of them has a surface."""
    own = rasterize(vertices, faces, K, *depth.shape).depth
    both, either = (own > 0) & (depth > 0), (own > 0) | (depth > 0)
    colour = np.ones((*depth.shape, 3))
    colour[either] = 0.35
    colour[both] = diverging(depth[both] - own[both], LARGEST_DIFFERENCE_MM)
    return encode_srgb(colour)


def beside(pictures: Sequence[UInt8[np.ndarray, "height _ 3"]]) -> UInt8[np.ndarray, "height _ 3"]:
    """Pictures of one height in a row."""
    return np.concatenate(list(pictures), axis=1)
