"""vertex_normals: in which direction the skin of a fine surface faces, fast enough for every moment."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from estimator.hand.compiled import compiled


def vertex_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals, faces weighted by their area, in the precision of the vertices; zero where a vertex has no face.

    ``estimator.hand.shading.smooth_normals`` in a compiled loop: several times faster on surfaces of 60,000 vertices.
    """
    normals = np.zeros_like(vertices)
    _normals(vertices, faces, normals)
    return normals


@compiled
@no_type_check
def _normals(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> None:
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            corner = faces[f, k]
            normals[corner, 0] += x
            normals[corner, 1] += y
            normals[corner, 2] += z
    for v in range(len(normals)):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) + np.float32(1e-12)
        for axis in range(3):
            normals[v, axis] /= length
