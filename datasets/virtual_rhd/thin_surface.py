"""A hand's surface with fewer triangles: some of its own vertices, joined anew."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, Int32
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from datasets.virtual_studio.skinning import Skinning
from estimator.hand.template import HandTemplate


@dataclass(frozen=True)
class ThinSurface:
    """Some of a template's vertices.

    Attributes:
        rows: of the template's vertices.
        vertices: these, mm.
        faces: of rows of ``vertices``, counter-clockwise seen from outside.
        places: of each face's corners on the template's texture, from 0 to 1, downwards.
        sources: face of the template that lies nearest to each face's middle.
    """

    rows: Int[np.ndarray, " vertices"]
    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int32[np.ndarray, "faces 3"]
    places: Float32[np.ndarray, "faces 3 2"]
    sources: Int[np.ndarray, " faces"]


def thin_surface(template: HandTemplate, face_count: int) -> ThinSurface:
    """About so many faces, fewer where the surface is flat; needs ``libigl``."""
    import igl

    vertices = template.vertices.astype(np.float64)
    merged, faces, *_ = igl.qslim(np.asfortranarray(vertices), np.asfortranarray(template.faces.astype(np.int32)), face_count)
    faces = cKDTree(vertices).query(merged)[1][faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    _, sources, _ = igl.point_mesh_squared_distance(vertices[faces].mean(axis=1), vertices, template.faces)
    rows, renumbered = np.unique(faces, return_inverse=True)
    places = _places(template, faces, sources)
    return ThinSurface(rows, vertices[rows], renumbered.reshape(-1, 3).astype(np.int32), places, sources.astype(np.int64))


def _places(template: HandTemplate, faces: np.ndarray, sources: np.ndarray) -> Float32[np.ndarray, "faces 3 2"]:
    """Each corner's place on the piece of the texture that its face's source lies on: vertices on seams have several."""
    uv_faces = template.uv_faces
    start, end = uv_faces.ravel(), np.roll(uv_faces, -1, axis=1).ravel()
    links = coo_matrix((np.ones(len(start)), (start, end)), shape=(len(template.uv), len(template.uv)))
    piece_count, piece = connected_components(links, directed=False)
    on_piece = np.full((piece_count, len(template.vertices)), -1)
    on_piece[piece[uv_faces.ravel()], template.faces.ravel()] = uv_faces.ravel()
    pieces = piece[uv_faces[sources, 0]]
    chosen = on_piece[pieces[:, None], faces]
    # a corner beyond the seam of its face's piece takes the place of the nearest vertex on this side
    for number in range(piece_count):
        here = np.flatnonzero(on_piece[number] >= 0)
        face, corner = np.nonzero((chosen < 0) & (pieces == number)[:, None])
        nearest = here[cKDTree(template.vertices[here]).query(template.vertices[faces[face, corner]])[1]]
        chosen[face, corner] = on_piece[number, nearest]
    return (template.uv[chosen] * (1, -1) + (0, 1)).astype(np.float32)


def bound_subset(skinning: Skinning, rows: Int[np.ndarray, " vertices"]) -> Skinning:
    """What moves some of the vertices, as it moves them among all."""
    counts = np.diff(skinning.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    influences = np.repeat(skinning.starts[rows] - starts[:-1], counts) + np.arange(starts[-1])
    return Skinning(
        starts=starts,
        joints=skinning.joints[influences],
        shares=skinning.shares[influences],
        firsts=skinning.firsts[influences],
        seconds=skinning.seconds[influences],
        places=skinning.places[rows],
        deltas=skinning.deltas[rows],
    )
