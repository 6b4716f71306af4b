"""Scenes as the viewer reads them: unpacked, they are the surfaces that were packed."""

import base64

import numpy as np

from demo.scene import Scene, SceneMesh, scene_document, scene_of_hands
from tests.toys import toy_placed_hand


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def test_a_mesh_comes_back_within_a_hundredth_of_a_millimetre() -> None:
    rng = np.random.default_rng(1)
    vertices = rng.normal(size=(50, 3)) * (60, 90, 30) + (10, -400, 800)
    faces, paint = rng.integers(0, 50, size=(80, 3)), rng.integers(0, 255, size=(50, 3), dtype=np.uint8)
    mesh = scene_document(Scene([SceneMesh("toy", vertices, faces, paint, np.full(50, 0.5))]))["meshes"][0]
    points = unpacked(mesh["points"], "<i2").reshape(-1, 3) * mesh["step_mm"] + mesh["middle"]
    np.testing.assert_allclose(points, vertices, atol=0.01)
    np.testing.assert_array_equal(unpacked(mesh["faces"], "<u2").reshape(-1, 3), faces)
    np.testing.assert_array_equal(unpacked(mesh["paint"], "u1").reshape(-1, 4), np.column_stack([paint, np.full(50, 128)]))


def test_faces_are_left_out_where_the_viewer_has_them() -> None:
    scene = scene_of_hands([toy_placed_hand("right")], "one")
    assert scene_document(scene, with_faces=False)["meshes"][0]["faces"] is None


def test_hands_stand_upright_around_the_centre() -> None:
    hands = [toy_placed_hand("left"), toy_placed_hand("right")]
    scene = scene_of_hands(hands, "two")
    assert len({mesh.topology for mesh in scene.meshes}) == 2  # a left hand's faces are turned over
    for mesh, hand in zip(scene.meshes, hands, strict=True):
        np.testing.assert_allclose(mesh.vertices, hand.vertices * (1, -1, -1))
        assert np.linalg.norm(mesh.vertices - scene.centre_mm, axis=1).max() <= scene.radius_mm + 1e-6


def test_no_hand_is_said() -> None:
    document = scene_document(scene_of_hands([], "none"))
    assert document["meshes"] == []
    assert "No hand" in document["note"]
