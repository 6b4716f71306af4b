"""OBJ and PLY say what the hand is, read back by trimesh; every format is reached by its name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from estimator.errors import InputError
from estimator.export import FORMATS, MeshFormat, write_hand, write_obj, write_ply
from estimator.placed_hand import Side
from tests.estimator.exported_hands import HANDS, TOLERANCE_MM, exported_hand, to_y_up
from tests.toys import toy_placed_hand


def outward_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertex normals as the sum of the cross products of the faces around."""
    a, b, c = vertices[faces].swapaxes(0, 1)
    normals = np.zeros_like(vertices)
    for corner in faces.T:
        np.add.at(normals, corner, np.cross(b - a, c - a))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.mark.parametrize(("kind", "side"), HANDS)
@pytest.mark.parametrize("suffix", ["obj", "ply"])
def test_trimesh_reads_the_posed_surface(kind: str, side: Side, suffix: MeshFormat, tmp_path: Path) -> None:
    hand = exported_hand(kind, side)
    write_hand(hand, tmp_path / "hand", suffix)
    # maintain_order keeps the vertices as they are in the file instead of splitting them at texture seams.
    mesh = trimesh.load_mesh(tmp_path / "hand", file_type=suffix, process=False, maintain_order=True)
    np.testing.assert_allclose(mesh.vertices[mesh.faces], to_y_up(hand.vertices)[hand.faces], atol=TOLERANCE_MM)


@pytest.mark.parametrize(("kind", "side"), HANDS)
def test_ply_vertices_have_normals(kind: str, side: Side, tmp_path: Path) -> None:
    hand = exported_hand(kind, side)
    write_ply(hand, tmp_path / "hand.ply")
    rows = trimesh.load_mesh(tmp_path / "hand.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]
    normals = np.stack([rows[name] for name in ("nx", "ny", "nz")], axis=1)
    np.testing.assert_allclose(normals, outward_normals(to_y_up(hand.vertices), hand.faces), atol=1e-5)


@pytest.mark.parametrize(("kind", "side"), HANDS)
def test_obj_corners_name_position_texture_and_normal(kind: str, side: Side, tmp_path: Path) -> None:
    hand = exported_hand(kind, side)
    write_obj(hand, tmp_path / "hand.obj")
    lines = [line.split() for line in (tmp_path / "hand.obj").read_text(encoding="ascii").splitlines()]
    table = {key: [line[1:] for line in lines if line[0] == key] for key in ("v", "vt", "vn", "f")}
    corners = np.array([[corner.split("/") for corner in face] for face in table["f"]], dtype=int) - 1
    np.testing.assert_array_equal(corners[..., 0], hand.faces)
    np.testing.assert_array_equal(corners[..., 1], hand.uv_faces)
    np.testing.assert_array_equal(corners[..., 2], hand.faces)
    np.testing.assert_allclose(np.array(table["vt"], dtype=float), hand.template.uv, atol=1e-6)
    np.testing.assert_allclose(np.array(table["v"], dtype=float), to_y_up(hand.vertices), atol=TOLERANCE_MM)
    np.testing.assert_allclose(np.array(table["vn"], dtype=float), outward_normals(to_y_up(hand.vertices), hand.faces), atol=1e-4)
    assert {"#", "Millimetres;"} <= set(lines[0])


def test_the_surface_faces_outwards_on_either_side(tmp_path: Path) -> None:
    """The toy's bones are closed boxes: their signed volume is positive when triangles are counter-clockwise from outside."""
    for side in ("right", "left"):
        write_ply(toy_placed_hand(side), tmp_path / "hand.ply")
        assert trimesh.load_mesh(tmp_path / "hand.ply", process=False).volume > 1000.0


def test_a_camera_at_the_origin_sees_what_the_photograph_showed(tmp_path: Path) -> None:
    hand = toy_placed_hand()
    write_ply(hand, tmp_path / "hand.ply")
    x, y, z = trimesh.load_mesh(tmp_path / "hand.ply", process=False).vertices.T
    camera = hand.camera
    seen = np.stack([camera.cx + camera.fx * x / -z, camera.cy - camera.fy * y / -z], axis=1)
    np.testing.assert_allclose(seen, camera.project(hand.vertices), atol=0.01)


@pytest.mark.parametrize("mesh_format", FORMATS)
def test_every_format_names_a_place_that_cannot_be_written(mesh_format: MeshFormat, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        write_hand(toy_placed_hand(), tmp_path / "missing" / f"hand.{mesh_format}", mesh_format)


@pytest.mark.parametrize("mesh_format", FORMATS)
def test_writing_twice_gives_the_same_bytes(mesh_format: MeshFormat, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_hand(toy_placed_hand(), tmp_path / name, mesh_format)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_vertex_without_area_still_has_a_unit_normal(tmp_path: Path) -> None:
    hand = toy_placed_hand()
    write_ply(replace(hand, vertices=np.zeros_like(hand.vertices)), tmp_path / "hand.ply")
    header, _, body = (tmp_path / "hand.ply").read_bytes().partition(b"end_header\n")
    assert b"element vertex" in header
    rows = np.frombuffer(body, dtype="<f4", count=6 * len(hand.vertices)).reshape(-1, 6)
    np.testing.assert_array_equal(np.linalg.norm(rows[:, 3:], axis=1), 1.0)
