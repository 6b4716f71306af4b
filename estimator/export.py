"""Writing one placed hand as a file of a chosen format."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from estimator.export_bvh import write_bvh
from estimator.export_gltf import write_glb
from estimator.export_surface import write_obj, write_ply
from estimator.placed_hand import PlacedHand

__all__ = ["FORMATS", "MeshFormat", "write_bvh", "write_glb", "write_hand", "write_obj", "write_ply"]

MeshFormat = Literal["obj", "glb", "ply", "bvh"]
"""OBJ and PLY: the posed surface, mm. GLB: surface, skeleton and skinning, m. BVH: the skeleton, mm. All are y up, before a
camera at the origin that looks along -z."""

FORMATS: tuple[MeshFormat, ...] = get_args(MeshFormat)

_WRITERS: dict[MeshFormat, Callable[[PlacedHand, Path], None]] = {
    "obj": write_obj,
    "glb": write_glb,
    "ply": write_ply,
    "bvh": write_bvh,
}


def write_hand(hand: PlacedHand, path: Path, mesh_format: MeshFormat) -> None:
    """Write ``hand`` to ``path`` in ``mesh_format``, whatever the path's suffix.

    Raises:
        InputError: when the file cannot be written.
    """
    _WRITERS[mesh_format](hand, path)
