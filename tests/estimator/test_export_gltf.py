"""The GLB, read by a few literal lines and by two libraries, is the hand: posed by its skin, valid, and in metres."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import trimesh

from estimator.export import write_glb
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, PARENT_NAMES
from estimator.placed_hand import PlacedHand, Side
from tests.estimator.exported_hands import HANDS, TOLERANCE_MM, exported_hand, to_y_up

COMPONENTS = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
ELEMENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@dataclass(frozen=True)
class Glb:
    """A binary glTF taken apart by the letter of the specification."""

    json: dict[str, Any]
    binary: bytes

    @classmethod
    def read(cls, path: Path) -> "Glb":
        content = path.read_bytes()
        magic, version, length, json_length, json_kind = struct.unpack_from("<4sIII4s", content)
        assert (magic, version, length, json_kind) == (b"glTF", 2, len(content), b"JSON")
        binary_length, binary_kind = struct.unpack_from("<I4s", content, 20 + json_length)
        assert binary_kind == b"BIN\0"
        assert json_length % 4 == binary_length % 4 == 0
        assert 28 + json_length + binary_length == len(content)
        return cls(json.loads(content[20 : 20 + json_length]), content[28 + json_length :])

    def array(self, index: int) -> np.ndarray:
        accessor = self.json["accessors"][index]
        view = self.json["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        width = ELEMENTS[accessor["type"]]
        values = np.frombuffer(self.binary, COMPONENTS[accessor["componentType"]], accessor["count"] * width, start)
        return values.reshape(-1, width) if width > 1 else values

    def attribute(self, name: str) -> np.ndarray:
        return self.array(self.json["meshes"][0]["primitives"][0]["attributes"][name])

    def corners(self) -> np.ndarray:
        """Three vertex indices for each triangle of every primitive."""
        return np.concatenate([self.array(primitive["indices"]) for primitive in self.json["meshes"][0]["primitives"]]).reshape(-1, 3)

    def world_transforms(self) -> dict[str, np.ndarray]:
        """4x4 transform of every node of the scene, by name, metres."""

        def visit(index: int, parent: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
            node = self.json["nodes"][index]
            transform = parent @ local_transform(node)
            yield node["name"], transform
            for child in node.get("children", []):
                yield from visit(child, transform)

        return dict(pair for root in self.json["scenes"][self.json["scene"]]["nodes"] for pair in visit(root, np.eye(4)))

    def posed_mm(self) -> np.ndarray:
        """Every vertex as a viewer shows it: each joint's transform after its inverse bind matrix, weighted."""
        skin = self.json["skins"][0]
        world = self.world_transforms()
        inverse_bind = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        transforms = np.stack([world[self.json["nodes"][node]["name"]] for node in skin["joints"]]) @ inverse_bind
        rest = np.pad(self.attribute("POSITION").astype(float), ((0, 0), (0, 1)), constant_values=1.0)
        each = np.einsum("vkij,vj->vki", transforms[self.attribute("JOINTS_0")], rest)
        return 1000.0 * np.einsum("vk,vki->vi", self.attribute("WEIGHTS_0").astype(float), each)[:, :3]


def local_transform(node: dict[str, Any]) -> np.ndarray:
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    transform = np.eye(4)
    transform[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    transform[:3, :3] *= node.get("scale", (1, 1, 1))
    transform[:3, 3] = node.get("translation", (0, 0, 0))
    return transform


def in_file_order(hand: PlacedHand, faces: np.ndarray) -> np.ndarray:
    """Skin first, then nails."""
    return np.concatenate([faces[~hand.template.nail_faces], faces[hand.template.nail_faces]])


@pytest.fixture(scope="module", params=HANDS, ids=lambda case: "-".join(case))
def hand(request: pytest.FixtureRequest) -> PlacedHand:
    return exported_hand(*request.param)


@pytest.fixture(scope="module")
def glb(hand: PlacedHand, tmp_path_factory: pytest.TempPathFactory) -> Glb:
    path = tmp_path_factory.mktemp("glb") / "hand.glb"
    write_glb(hand, path)
    return Glb.read(path)


def test_the_skin_poses_every_corner_where_the_hand_has_it(hand: PlacedHand, glb: Glb) -> None:
    expected = to_y_up(hand.vertices)[in_file_order(hand, hand.faces)]
    np.testing.assert_allclose(glb.posed_mm()[glb.corners()], expected, atol=TOLERANCE_MM)


def test_joint_nodes_stand_where_the_joints_are(hand: PlacedHand, glb: Glb) -> None:
    world = glb.world_transforms()
    positions = np.stack([1000.0 * world[name][:3, 3] for name in JOINT_NAMES])
    rotations = np.stack([world[name][:3, :3] for name in JOINT_NAMES])
    np.testing.assert_allclose(positions, to_y_up(hand.joint_positions), atol=TOLERANCE_MM)
    np.testing.assert_allclose(rotations, np.diag([1, -1, -1]) @ hand.joint_rotations, atol=1e-5)


def test_joints_hang_together_as_in_the_template(glb: Glb) -> None:
    nodes = glb.json["nodes"]
    skin = glb.json["skins"][0]
    assert [nodes[joint]["name"] for joint in skin["joints"]] == list(JOINT_NAMES)
    assert nodes[skin["skeleton"]]["name"] == "wrist"
    assert {nodes[child]["name"]: node["name"] for node in nodes for child in node.get("children", [])} == PARENT_NAMES


def test_corners_carry_their_texture_coordinates_and_normals(hand: PlacedHand, glb: Glb) -> None:
    corners = glb.corners()
    uv = hand.template.uv[in_file_order(hand, hand.uv_faces)]
    np.testing.assert_allclose(glb.attribute("TEXCOORD_0")[corners], np.stack([uv[..., 0], 1 - uv[..., 1]], axis=-1), atol=1e-6)
    normals = glb.attribute("NORMAL").astype(float)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)
    triangles = glb.attribute("POSITION").astype(float)[corners]
    face_normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    agreement = np.einsum("fi,fci->fc", face_normals, normals[corners])
    assert (agreement > 0).mean() > 0.99


def test_vertices_are_split_only_where_a_seam_passes(hand: PlacedHand, glb: Glb) -> None:
    pairs = np.unique(np.stack([hand.faces.ravel(), hand.uv_faces.ravel()], axis=1), axis=0)
    assert len(glb.attribute("POSITION")) == len(pairs)


def test_nails_have_their_own_material(hand: PlacedHand, glb: Glb) -> None:
    primitives = glb.json["meshes"][0]["primitives"]
    names = [glb.json["materials"][primitive["material"]]["name"] for primitive in primitives]
    assert names == (["skin", "nail"] if hand.template.nail_faces.any() else ["skin"])
    counts = [len(glb.array(primitive["indices"])) // 3 for primitive in primitives]
    assert counts[0] == (~hand.template.nail_faces).sum()
    assert sum(counts) == len(hand.faces)


def test_the_rest_hand_is_stored_in_metres_in_its_own_frame(hand: PlacedHand, glb: Glb) -> None:
    expected = hand.rest_vertices[in_file_order(hand, hand.faces)]
    np.testing.assert_allclose(1000.0 * glb.attribute("POSITION")[glb.corners()], expected, atol=TOLERANCE_MM)


def test_influences_are_at_most_four_sum_to_one_and_name_joint_0_where_unused(glb: Glb) -> None:
    joints, weights = glb.attribute("JOINTS_0"), glb.attribute("WEIGHTS_0")
    assert joints.shape == weights.shape == (len(glb.attribute("POSITION")), 4)
    assert joints.max() < JOINT_COUNT
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.astype(float).sum(axis=1), 1.0, atol=4e-7)
    assert not joints[weights == 0].any()


def test_the_file_keeps_the_rules_of_gltf(glb: Glb) -> None:
    document = glb.json
    assert document["asset"]["version"] == "2.0"
    assert document["buffers"] == [{"byteLength": len(glb.binary)}]
    ends = [0]
    for view in document["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] >= ends[-1]
        ends.append(view["byteOffset"] + view["byteLength"])
    assert ends[-1] <= len(glb.binary)
    for index, accessor in enumerate(document["accessors"]):
        values = glb.array(index)
        assert values.nbytes == document["bufferViews"][accessor["bufferView"]]["byteLength"]
        for name, bound in (("min", values.min(axis=0)), ("max", values.max(axis=0))):
            if name in accessor:
                np.testing.assert_array_equal(np.float32(accessor[name]), bound)
    primitives = document["meshes"][0]["primitives"]
    vertex_count = len(glb.attribute("POSITION"))
    for primitive in primitives:
        position = document["accessors"][primitive["attributes"]["POSITION"]]
        assert len(position["min"]) == len(position["max"]) == 3
        assert glb.array(primitive["indices"]).max() < vertex_count
        assert {document["accessors"][accessor]["count"] for accessor in primitive["attributes"].values()} == {vertex_count}
    skinned = [node for node in document["nodes"] if "mesh" in node]
    assert len(skinned) == 1
    assert skinned[0].keys() == {"name", "mesh", "skin"}
    for node in document["nodes"]:
        assert abs(np.linalg.norm(node.get("rotation", (0, 0, 0, 1))) - 1) < 1e-6
    bind = glb.array(document["skins"][0]["inverseBindMatrices"]).reshape(-1, 4, 4)
    np.testing.assert_array_equal(bind[:, :, 3], np.tile([0, 0, 0, 1], (JOINT_COUNT, 1)))


def test_libraries_read_it(hand: PlacedHand, tmp_path: Path) -> None:
    path = tmp_path / "hand.glb"
    write_glb(hand, path)
    assert [node.name for node in pygltflib.GLTF2().load(str(path)).nodes][:JOINT_COUNT] == list(JOINT_NAMES)
    scene = trimesh.load_scene(path, process=False)
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == len(hand.faces)
    used = hand.rest_vertices[np.unique(hand.faces)]
    np.testing.assert_allclose(scene.bounds, np.stack([used.min(axis=0), used.max(axis=0)]) / 1000.0, atol=1e-5)


@pytest.mark.parametrize("side", ["right", "left"])
def test_of_more_than_four_influences_the_strongest_are_kept(side: Side, tmp_path: Path) -> None:
    hand = exported_hand("toy", side)
    weights = np.zeros_like(hand.template.skinning_weights)
    weights[:, :6] = (0.05, 0.3, 0.2, 0.1, 0.25, 0.1)
    write_glb(replace(hand, template=replace(hand.template, skinning_weights=weights)), tmp_path / "hand.glb")
    glb = Glb.read(tmp_path / "hand.glb")
    np.testing.assert_array_equal(np.unique(glb.attribute("JOINTS_0"), axis=0), [[1, 4, 2, 3]])
    np.testing.assert_allclose(glb.attribute("WEIGHTS_0")[0], np.array([0.3, 0.25, 0.2, 0.1]) / 0.85, atol=1e-6)


def test_a_surface_past_16_bits_gets_wider_indices(tmp_path: Path) -> None:
    hand = exported_hand("seamed", "right")
    copies = 1 + 2**16 // (3 * len(hand.faces))
    wide = replace(
        hand.template,
        faces=np.tile(hand.template.faces, (copies, 1)),
        uv=np.zeros((3 * copies * len(hand.faces), 2)),
        uv_faces=np.arange(3 * copies * len(hand.faces)).reshape(-1, 3),
        nail_faces=np.zeros(copies * len(hand.faces), dtype=bool),
    )
    write_glb(replace(hand, template=wide), tmp_path / "hand.glb")
    glb = Glb.read(tmp_path / "hand.glb")
    assert len(glb.attribute("POSITION")) > 2**16
    np.testing.assert_allclose(glb.posed_mm()[glb.corners()], to_y_up(hand.vertices)[wide.faces], atol=TOLERANCE_MM)
