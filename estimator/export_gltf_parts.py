"""The parts that every glTF of ours is made of: its buffer, the skinned surface, inverse bind matrices, materials, joint nodes."""

from dataclasses import dataclass, field

import numpy as np
import pygltflib as gltf
import roma
import torch
from jaxtyping import Float, Int, UInt8

from estimator.export_resting_hand import RestingHand
from estimator.export_surface import CAMERA_TO_Y_UP, unit_normals
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, WRIST, Side
from estimator.version import VERSION

METRES = 0.001
INFLUENCES = 4
"""Joints a vertex: glTF's one set, all that every viewer honours. Of a template with more, the strongest are kept."""

SKIN_COLOUR = (0.80, 0.56, 0.45, 1.0)
NAIL_COLOUR = (0.86, 0.64, 0.57, 1.0)
"""Linear RGBA."""

COMPONENT_TYPES = {"u1": gltf.UNSIGNED_BYTE, "u2": gltf.UNSIGNED_SHORT, "u4": gltf.UNSIGNED_INT, "f4": gltf.FLOAT}
ELEMENT_TYPES = {(): gltf.SCALAR, (2,): gltf.VEC2, (3,): gltf.VEC3, (4,): gltf.VEC4, (4, 4): gltf.MAT4}


@dataclass
class GltfData:
    """The one buffer of a file while it grows, each array on a four-byte boundary with an accessor of its own."""

    buffer: bytearray = field(default_factory=bytearray)
    views: list[gltf.BufferView] = field(default_factory=list)
    accessors: list[gltf.Accessor] = field(default_factory=list)

    def add_times(self, seconds: Float[np.ndarray, " frames"]) -> int:
        """Append an animation's times, whose bounds the format demands, and get their accessor's index."""
        index = self.add(seconds.astype(np.float32))
        first, last = seconds.astype(np.float32)[[0, -1]].tolist()
        self.accessors[index].min, self.accessors[index].max = [first], [last]
        return index

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


def _split_seams(hand: RestingHand) -> _Corners:
    texcoord_count = len(hand.template.uv)
    faces, uv_faces = _outward(hand.template.faces, hand.side), _outward(hand.template.uv_faces, hand.side)
    pairs, corners = np.unique(faces.astype(np.int64) * texcoord_count + uv_faces, return_inverse=True)
    return _Corners(pairs // texcoord_count, pairs % texcoord_count, corners.reshape(faces.shape))


def _outward(faces: Int[np.ndarray, "faces 3"], side: Side) -> Int[np.ndarray, "faces 3"]:
    """Counter-clockwise seen from outside: a mirrored surface's are turned over."""
    return faces if side == "right" else faces[:, ::-1]


def skin_primitives(hand: RestingHand, data: GltfData) -> list[gltf.Primitive]:
    """Skin and, where the template has them, nails: two materials on the same vertices."""
    corners = _split_seams(hand)
    joints, weights = _strongest_influences(hand.template.skinning_weights)
    uv = hand.template.uv[corners.texcoords]
    normals = unit_normals(hand.rest_vertices, _outward(hand.template.faces, hand.side))
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


def inverse_bind_matrices(hand: RestingHand) -> Float[np.ndarray, "joints 4 4"]:
    """From the hand's own frame to each joint's at theta = 0, metres; transposed, because glTF stores columns."""
    to_joint = hand.rest_rotations.swapaxes(-1, -2)
    T_joint_hand = np.zeros((JOINT_COUNT, 4, 4), dtype=np.float32)
    T_joint_hand[:, :3, :3] = to_joint
    T_joint_hand[:, :3, 3] = -(to_joint @ hand.rest_positions[..., None])[..., 0] * METRES
    T_joint_hand[:, 3, 3] = 1.0
    return T_joint_hand.swapaxes(-1, -2)


def materials() -> list[gltf.Material]:
    """Skin, then nails: what the primitives of ``skin_primitives`` name."""
    return [_material("skin", SKIN_COLOUR, roughness=0.6), _material("nail", NAIL_COLOUR, roughness=0.3)]


def asset() -> gltf.Asset:
    """Which glTF it is, and who wrote it."""
    return gltf.Asset(version="2.0", generator=f"DeepHandMesh for everyone {VERSION}")


def relative_to_parents(
    rotations: Float[np.ndarray, "*batch joints 3 3"], positions: Float[np.ndarray, "*batch joints 3"], parents: tuple[int, ...]
) -> tuple[Float[np.ndarray, "*batch joints 4"], Float[np.ndarray, "*batch joints 3"]]:
    """Joints in the camera frame as glTF's nodes hold them: quaternions x y z w and translations in metres, relative to the parent.

    The wrist is relative to the scene, which has y up.
    """
    parent_rotations, parent_positions = rotations[..., list(parents), :, :].copy(), positions[..., list(parents), :].copy()
    parent_rotations[..., WRIST, :, :], parent_positions[..., WRIST, :] = CAMERA_TO_Y_UP, 0.0
    to_parent = parent_rotations.swapaxes(-1, -2)
    quaternions = roma.rotmat_to_unitquat(torch.tensor(to_parent @ rotations, dtype=torch.float64))
    translations = (to_parent @ (positions - parent_positions)[..., None])[..., 0] * METRES
    return torch.nn.functional.normalize(quaternions, dim=-1).numpy(), translations


def joint_nodes(
    quaternions: Float[np.ndarray, "joints 4"],
    translations: Float[np.ndarray, "joints 3"],
    parents: tuple[int, ...],
    first: int = 0,
    prefix: str = "",
) -> list[gltf.Node]:
    """One node a joint in the template's order; ``first`` is the first one's number in the file."""
    return [
        gltf.Node(
            name=f"{prefix}{name}",
            children=[first + child for child in range(JOINT_COUNT) if parents[child] == joint],
            rotation=quaternions[joint].tolist(),
            translation=translations[joint].tolist(),
        )
        for joint, name in enumerate(JOINT_NAMES)
    ]


def _material(name: str, colour: tuple[float, float, float, float], roughness: float) -> gltf.Material:
    """Seen from both sides, so that the open wrist shows the inside and not the background."""
    return gltf.Material(
        name=name,
        doubleSided=True,
        pbrMetallicRoughness=gltf.PbrMetallicRoughness(baseColorFactor=list(colour), metallicFactor=0.0, roughnessFactor=roughness),
    )
