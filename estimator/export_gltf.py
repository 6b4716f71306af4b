"""The hand as a skinned binary glTF: metres, y up, the camera at the origin looking along -z.

The surface is stored as it is at theta = 0, in the hand's own frame; the joints' nodes hold the current pose, so that a viewer
shows the posed hand where it stood before the camera and an animator can bend it further. The wrist is the root of the joints
and stands in the scene; joints and their names are the template's.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pygltflib as gltf
import roma
import torch
from jaxtyping import Float, Int, UInt8

from estimator.export_surface import CAMERA_TO_Y_UP, unit_normals
from estimator.files import write_file
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, WRIST
from estimator.placed_hand import PlacedHand
from estimator.version import VERSION

METRES = 0.001
INFLUENCES = 4
"""Joints a vertex: glTF's one set, all that every viewer honours. Of a template with more, the strongest are kept."""

SKIN_COLOUR = (0.80, 0.56, 0.45, 1.0)
NAIL_COLOUR = (0.86, 0.64, 0.57, 1.0)
"""Linear RGBA."""

COMPONENT_TYPES = {"u1": gltf.UNSIGNED_BYTE, "u2": gltf.UNSIGNED_SHORT, "u4": gltf.UNSIGNED_INT, "f4": gltf.FLOAT}
ELEMENT_TYPES = {(): gltf.SCALAR, (2,): gltf.VEC2, (3,): gltf.VEC3, (4,): gltf.VEC4, (4, 4): gltf.MAT4}


def write_glb(hand: PlacedHand, path: Path) -> None:
    """Write the hand with skeleton and skinning weights as one binary glTF 2.0 file.

    Raises:
        InputError: when the file cannot be written.
    """
    data = _Data()
    primitives = _primitives(hand, data)
    document = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator=f"DeepHandMesh for everyone {VERSION}"),
        scene=0,
        scenes=[gltf.Scene(nodes=[JOINT_COUNT, WRIST])],
        nodes=[*_joint_nodes(hand), gltf.Node(name=f"{hand.side}_hand", mesh=0, skin=0)],
        meshes=[gltf.Mesh(name=f"{hand.side}_hand", primitives=primitives)],
        skins=[
            gltf.Skin(
                name=f"{hand.side}_hand",
                joints=list(range(JOINT_COUNT)),
                skeleton=WRIST,
                inverseBindMatrices=data.add(_inverse_bind_matrices(hand)),
            )
        ],
        materials=[_material("skin", SKIN_COLOUR, roughness=0.6), _material("nail", NAIL_COLOUR, roughness=0.3)],
        accessors=data.accessors,
        bufferViews=data.views,
        buffers=[gltf.Buffer(byteLength=len(data.buffer))],
    )
    document.set_binary_blob(bytes(data.buffer))
    write_file(path, b"".join(document.save_to_bytes()))


@dataclass
class _Data:
    """The one buffer of the file while it grows, each array on a four-byte boundary with an accessor of its own."""

    buffer: bytearray = field(default_factory=bytearray)
    views: list[gltf.BufferView] = field(default_factory=list)
    accessors: list[gltf.Accessor] = field(default_factory=list)

    def add(self, array: np.ndarray, target: int | None = None) -> int:
        """Append an array and get its accessor's index; ``target`` says what the GPU uses it for."""
        content = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
        self.views.append(gltf.BufferView(buffer=0, byteOffset=len(self.buffer), byteLength=len(content), target=target))
        self.buffer += content + bytes(-len(content) % 4)
        bounded = array.ndim == 2 and array.dtype == np.float32
        self.accessors.append(
            gltf.Accessor(
                bufferView=len(self.views) - 1,
                componentType=COMPONENT_TYPES[array.dtype.str[1:]],
                count=len(array),
                type=ELEMENT_TYPES[array.shape[1:]],
                min=array.min(axis=0).tolist() if bounded else None,
                max=array.max(axis=0).tolist() if bounded else None,
            )
        )
        return len(self.accessors) - 1


@dataclass(frozen=True)
class _Corners:
    """The surface with a vertex for each pair of vertex and texture coordinate, as GPUs want it: seams are cut open.

    Attributes:
        vertices: for each new vertex the old one.
        texcoords: for each new vertex its texture coordinate.
        faces: of new vertices.
    """

    vertices: Int[np.ndarray, " corners"]
    texcoords: Int[np.ndarray, " corners"]
    faces: Int[np.ndarray, "faces 3"]


def _split_seams(hand: PlacedHand) -> _Corners:
    texcoord_count = len(hand.template.uv)
    pairs, faces = np.unique(hand.faces.astype(np.int64) * texcoord_count + hand.uv_faces, return_inverse=True)
    return _Corners(pairs // texcoord_count, pairs % texcoord_count, faces.reshape(hand.faces.shape))


def _primitives(hand: PlacedHand, data: _Data) -> list[gltf.Primitive]:
    """Skin and, where the template has them, nails: two materials on the same vertices."""
    corners = _split_seams(hand)
    joints, weights = _strongest_influences(hand.template.skinning_weights)
    uv = hand.template.uv[corners.texcoords]
    normals = unit_normals(hand.rest_vertices, hand.faces)
    attributes = gltf.Attributes(
        POSITION=data.add((hand.rest_vertices[corners.vertices] * METRES).astype(np.float32), gltf.ARRAY_BUFFER),
        NORMAL=data.add(normals[corners.vertices].astype(np.float32), gltf.ARRAY_BUFFER),
        TEXCOORD_0=data.add(np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1).astype(np.float32), gltf.ARRAY_BUFFER),
        JOINTS_0=data.add(joints[corners.vertices], gltf.ARRAY_BUFFER),
        WEIGHTS_0=data.add(weights[corners.vertices], gltf.ARRAY_BUFFER),
    )
    # The largest 16-bit index is reserved: it restarts strips.
    index_type = np.uint16 if len(corners.vertices) < 2**16 else np.uint32
    nails = hand.template.nail_faces
    return [
        gltf.Primitive(
            attributes=attributes,
            indices=data.add(corners.faces[chosen].ravel().astype(index_type), gltf.ELEMENT_ARRAY_BUFFER),
            material=material,
        )
        for material, chosen in enumerate((~nails, nails))
        if chosen.any()
    ]


def _strongest_influences(
    skinning_weights: Float[np.ndarray, "vertices joints"],
) -> tuple[UInt8[np.ndarray, "vertices 4"], Float[np.ndarray, "vertices 4"]]:
    """The four strongest joints of each vertex, strongest first, and their weights made to sum to one."""
    joints = np.argsort(-skinning_weights, axis=1, kind="stable")[:, :INFLUENCES]
    weights = np.take_along_axis(skinning_weights, joints, axis=1).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    # The format wants joint 0 wherever the weight is zero.
    return np.where(weights > 0, joints, 0).astype(np.uint8), weights.astype(np.float32)


def _joint_nodes(hand: PlacedHand) -> list[gltf.Node]:
    """One node a joint in the template's order, each placed relative to its parent in the current pose."""
    parents = hand.template.parents
    parent_rotations = hand.joint_rotations[list(parents)]
    parent_positions = hand.joint_positions[list(parents)]
    parent_rotations[WRIST], parent_positions[WRIST] = CAMERA_TO_Y_UP, 0.0
    to_parent = parent_rotations.swapaxes(-1, -2)
    rotations = torch.tensor(to_parent @ hand.joint_rotations, dtype=torch.float64)
    quaternions = torch.nn.functional.normalize(roma.rotmat_to_unitquat(rotations), dim=-1).tolist()
    translations = (to_parent @ (hand.joint_positions - parent_positions)[..., None])[..., 0] * METRES
    return [
        gltf.Node(
            name=name,
            children=[child for child in range(JOINT_COUNT) if parents[child] == joint],
            rotation=quaternions[joint],
            translation=translations[joint].tolist(),
        )
        for joint, name in enumerate(JOINT_NAMES)
    ]


def _inverse_bind_matrices(hand: PlacedHand) -> Float[np.ndarray, "joints 4 4"]:
    """From the hand's own frame to each joint's at theta = 0, metres; transposed, because glTF stores columns."""
    to_joint = hand.rest_rotations.swapaxes(-1, -2)
    T_joint_hand = np.zeros((JOINT_COUNT, 4, 4), dtype=np.float32)
    T_joint_hand[:, :3, :3] = to_joint
    T_joint_hand[:, :3, 3] = -(to_joint @ hand.rest_positions[..., None])[..., 0] * METRES
    T_joint_hand[:, 3, 3] = 1.0
    return T_joint_hand.swapaxes(-1, -2)


def _material(name: str, colour: tuple[float, float, float, float], roughness: float) -> gltf.Material:
    """Seen from both sides, so that the open wrist shows the inside and not the background."""
    return gltf.Material(
        name=name,
        doubleSided=True,
        pbrMetallicRoughness=gltf.PbrMetallicRoughness(baseColorFactor=list(colour), metallicFactor=0.0, roughnessFactor=roughness),
    )
