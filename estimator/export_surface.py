"""The posed surface as OBJ and PLY: millimetres, y up, the camera at the origin looking along -z."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from estimator.files import write_file
from estimator.hand.surface import vertex_normals
from estimator.placed_hand import PlacedHand

CAMERA_TO_Y_UP = np.diag([1.0, -1.0, -1.0])
"""Half a turn about x: from y down, z forward to y up, z backwards, as viewers have it."""

PLY_VERTEX = np.dtype([(name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")])
PLY_FACE = np.dtype([("count", "u1"), ("vertices", "<i4", 3)])


def write_obj(hand: PlacedHand, path: Path) -> None:
    """Write the posed surface with normals and texture coordinates as Wavefront OBJ.

    Raises:
        InputError: when the file cannot be written.
    """
    vertices = hand.vertices @ CAMERA_TO_Y_UP
    corners = np.stack([hand.faces, hand.uv_faces, hand.faces], axis=-1) + 1
    text = (
        f"# A {hand.side} hand. Millimetres; x right, y up, z backwards; the camera is at the origin and looks along -z.\n"
        f"o {hand.side}_hand\n"
        + _lines("v %.4f %.4f %.4f\n", vertices)
        + _lines("vt %.6f %.6f\n", hand.template.uv)
        + _lines("vn %.5f %.5f %.5f\n", unit_normals(vertices, hand.faces))
        + _lines("f %d/%d/%d %d/%d/%d %d/%d/%d\n", corners.reshape(-1, 9))
    )
    write_file(path, text.encode("ascii"))


def write_ply(hand: PlacedHand, path: Path) -> None:
    """Write the posed surface with normals as binary PLY.

    Raises:
        InputError: when the file cannot be written.
    """
    vertices = hand.vertices @ CAMERA_TO_Y_UP
    vertex_rows = np.empty(len(vertices), dtype=PLY_VERTEX)
    for name, column in zip(PLY_VERTEX.names or (), np.hstack([vertices, unit_normals(vertices, hand.faces)]).T, strict=True):
        vertex_rows[name] = column
    face_rows = np.empty(len(hand.faces), dtype=PLY_FACE)
    face_rows["count"], face_rows["vertices"] = 3, hand.faces
    header = "\n".join(
        (
            "ply",
            "format binary_little_endian 1.0",
            f"comment {hand.side} hand, millimetres, x right, y up, z backwards, camera at the origin looking along -z",
            f"element vertex {len(vertex_rows)}",
            *(f"property float {name}" for name in PLY_VERTEX.names or ()),
            f"element face {len(face_rows)}",
            "property list uchar int vertex_indices",
            "end_header\n",
        )
    )
    write_file(path, header.encode("ascii") + vertex_rows.tobytes() + face_rows.tobytes())


def unit_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "vertices 3"]:
    """Vertex normals for file formats that allow no zero: +z where no face of positive area meets."""
    normals = vertex_normals(torch.tensor(vertices, dtype=torch.float64), torch.tensor(faces.astype(np.int64, order="C"))).numpy()
    normals[np.linalg.norm(normals, axis=1) < 0.5] = (0.0, 0.0, 1.0)
    return normals


def _lines(pattern: str, rows: np.ndarray) -> str:
    return (pattern * len(rows)) % tuple(rows.ravel().tolist())
