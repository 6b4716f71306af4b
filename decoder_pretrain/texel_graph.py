"""Which texels are neighbours: side by side in the texture and on the surface, or across a seam of the texture alone."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from estimator.hand.template import HandTemplate
from estimator.hand.texture import Texels

_LONGEST_STEP = 4.0
"""Between texels that hang together on the surface, over the usual step; what is farther only lies side by side in the picture."""

_SEAM_STEP = 2.0
"""Across a seam, over the usual step."""

_FAR_IN_PICTURE = 8
"""Texels; what is nearer belongs to the same side of the seam."""

_SEAM_CANDIDATES = 12


def neighbours(where: Texels, template: HandTemplate) -> tuple[Int[np.ndarray, " edges"], Int[np.ndarray, " edges"]]:
    """Pairs of texels, as rows of ``where``, beside or below each other in the picture and near each other on the surface."""
    row = rows(where)
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in ((row[:, :-1], row[:, 1:]), (row[:-1], row[1:]))])
    pairs = pairs[(pairs >= 0).all(axis=1)]
    points = _points(where, template)
    lengths = np.linalg.norm(points[pairs[:, 1]] - points[pairs[:, 0]], axis=1)
    starts, ends = pairs[lengths <= _LONGEST_STEP * np.median(lengths)].T
    return starts, ends


def across_seams(
    where: Texels, template: HandTemplate, starts: Int[np.ndarray, " edges"], ends: Int[np.ndarray, " edges"]
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """Each texel that lacks a neighbour in the picture, and the nearest such texel that is near on the surface and far in the picture.

    Args:
        starts, ends: ``neighbours`` of the same texels.
    """
    points = _points(where, template)
    usual = float(np.median(np.linalg.norm(points[ends] - points[starts], axis=1)))
    degree = np.bincount(np.concatenate([starts, ends]), minlength=len(points))
    border = np.flatnonzero(degree < 4)
    place = np.stack(np.divmod(where.pixels.numpy()[border], where.size), axis=1)
    count = min(_SEAM_CANDIDATES, len(border))
    _, near = cKDTree(points[border]).query(points[border], k=count, distance_upper_bound=_SEAM_STEP * usual)
    near = near.reshape(len(border), count)
    found = near < len(border)
    apart = np.abs(place[np.where(found, near, 0)] - place[:, None]).max(axis=-1) > _FAR_IN_PICTURE
    beyond = found & apart
    has = np.flatnonzero(beyond.any(axis=1))
    return border[has], border[near[has, beyond[has].argmax(axis=1)]]


def _points(where: Texels, template: HandTemplate) -> Float[np.ndarray, "texels 3"]:
    """Where texels lie on the template at rest, mm."""
    corners = template.vertices[template.faces[where.faces.numpy()]]
    return np.einsum("tk,tki->ti", where.barycentrics.numpy(), corners)


def rows(where: Texels) -> Int[np.ndarray, "size size"]:
    """Row of each texel in ``where``, -1 where there is no surface."""
    row = np.full(where.size**2, -1)
    row[where.pixels.numpy()] = np.arange(len(where.pixels))
    return row.reshape(where.size, where.size)
