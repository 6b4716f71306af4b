"""The hand template: surface, skeleton, degrees of freedom and skinning weights, and the only authority on joint order.

The hand frame has its origin at the wrist of a right hand: x towards the fingers, y out of the palm, z towards the thumb.
A joint's frame is turned likewise: x along the bone, z the flexion axis (positive angles curl towards the palm).
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

Side = Literal["left", "right"]
"""Which hand of a person. The template is a right one; a left one is its mirror image."""

FINGERS = ("thumb", "index", "middle", "ring", "pinky")

JOINT_NAMES = (
    *("thumb_null", "thumb3", "thumb2", "thumb1", "thumb0"),
    *("index_null", "index3", "index2", "index1"),
    *("middle_null", "middle3", "middle2", "middle1"),
    *("ring_null", "ring3", "ring2", "ring1"),
    *("pinky_null", "pinky3", "pinky2", "pinky1"),
    "wrist",
)
"""DeepHandMesh's 22 joints in DeepHandMesh's order; ``null`` is a fingertip, 3 the last joint, 1 the root of a finger."""

PARENT_NAMES = {
    name: {
        "null": f"{name[:-5]}3",
        "3": f"{name[:-1]}2",
        "2": f"{name[:-1]}1",
        "1": "thumb0" if name == "thumb1" else "wrist",
        "0": "wrist",
    }[name.removeprefix(next(finger for finger in FINGERS if name.startswith(finger))).removeprefix("_")]
    for name in JOINT_NAMES
    if name != "wrist"
}

JOINT_COUNT = len(JOINT_NAMES)
WRIST = JOINT_NAMES.index("wrist")
FINGERTIPS = tuple(JOINT_NAMES.index(f"{finger}_null") for finger in FINGERS)

LANDMARK_NAMES = ("wrist", *(f"{finger}{i}" for finger in FINGERS for i in (1, 2, 3, 4)))
"""The 21 landmarks of MediaPipe, OpenPose and FreiHAND: the wrist, then each finger from its root (1) to its tip (4)."""

LANDMARK_JOINTS = tuple(JOINT_NAMES.index(name.replace("4", "_null")) for name in LANDMARK_NAMES)
"""For each landmark the joint that it names. thumb0 has no landmark."""

LANDMARK_PARENTS = (-1, *(LANDMARK_NAMES.index("wrist") if i == 1 else 1 + 4 * finger + i - 2 for finger in range(5) for i in (1, 2, 3, 4)))
"""For each landmark the one before it on its finger, the wrist before a finger's root; -1 for the wrist."""

ALIGNMENT_JOINTS = tuple(JOINT_NAMES.index(name) for name in ("wrist", "index1", "middle1", "ring1", "pinky1"))
"""The joints of the rigid alignment (section 5.2): they do not move with theta."""

ALIGNMENT_LANDMARKS = tuple(LANDMARK_JOINTS.index(joint) for joint in ALIGNMENT_JOINTS)


def _axes(name: str) -> tuple[bool, bool, bool]:
    if name.endswith(("0", "1")):
        return True, True, True
    return False, False, name.endswith(("2", "3"))


DEGREES_OF_FREEDOM = tuple((joint, axis) for joint, name in enumerate(JOINT_NAMES) for axis in range(3) if _axes(name)[axis])
"""(joint, axis) of each of the 28 entries of theta (section 4.1)."""

POSE_SIZE = len(DEGREES_OF_FREEDOM)
POSE_NAMES = tuple(f"{JOINT_NAMES[joint]}.{'xyz'[axis]}" for joint, axis in DEGREES_OF_FREEDOM)

DEFAULT_TEMPLATE = Path(__file__).parent.parent / "assets" / "hand_template.npz"
LOW_RESOLUTION_TEMPLATE = DEFAULT_TEMPLATE.with_name("hand_template_low.npz")


@dataclass(frozen=True)
class HandTemplate:
    """A right hand at theta = 0: the flat, open hand (section 3).

    Attributes:
        vertices: zero-pose surface in the hand frame, mm (the paper's M-bar).
        faces: counter-clockwise seen from outside; watertight but for one loop at the wrist.
        uv: texture coordinates in [0, 1], v upwards; a vertex on a seam has several.
        uv_faces: for each corner of ``faces`` a row of ``uv``.
        nail_faces: which faces are fingernail.
        rest_rotations: rotation of each joint's frame in its parent's frame at theta = 0.
        joint_offsets: translation of each joint from its parent, in the parent's frame, mm (the paper's S).
        skinning_weights: share of each joint in each vertex; rows sum to one (the paper's W).
        pose_lower: smallest anatomical value of each degree of freedom, radians.
        pose_upper: largest anatomical value of each degree of freedom, radians.

    Raises:
        ValueError: when the arrays do not fit each other.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    uv: Float[np.ndarray, "texcoords 2"]
    uv_faces: Int[np.ndarray, "faces 3"]
    nail_faces: Bool[np.ndarray, " faces"]
    rest_rotations: Float[np.ndarray, "joints 3 3"]
    joint_offsets: Float[np.ndarray, "joints 3"]
    skinning_weights: Float[np.ndarray, "vertices joints"]
    pose_lower: Float[np.ndarray, " pose"]
    pose_upper: Float[np.ndarray, " pose"]

    def __post_init__(self) -> None:
        for field in fields(self):
            own = np.array(getattr(self, field.name))  # frozen below, and the caller's array is not ours to freeze
            own.flags.writeable = False
            object.__setattr__(self, field.name, own)
        _require_layout({field.name: getattr(self, field.name) for field in fields(self)})
        self._require_sound_surface()
        self._require_sound_skeleton()

    def _require_sound_surface(self) -> None:
        for name, count in (("faces", len(self.vertices)), ("uv_faces", len(self.uv))):
            indices = getattr(self, name)
            if indices.size and not (indices.min() >= 0 and indices.max() < count):
                raise ValueError(f"hand template: {name} names rows beyond the {count} there are")
        if np.abs(self.skinning_weights.sum(axis=1) - 1).max(initial=0) > 1e-4 or self.skinning_weights.min(initial=0) < 0:
            raise ValueError("hand template: skinning weights must be non-negative and sum to one at each vertex")

    def _require_sound_skeleton(self) -> None:
        R = self.rest_rotations.astype(np.float64)
        skewed = np.abs(R @ R.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2)) > 1e-3
        for joint in np.flatnonzero(skewed | (np.linalg.det(R) <= 0)):
            raise ValueError(f"hand template: the rest rotation of {JOINT_NAMES[joint]} is no rotation (orthonormal, determinant 1)")
        for entry in np.flatnonzero(self.pose_lower > self.pose_upper):
            raise ValueError(f"hand template: the limits of {POSE_NAMES[entry]} are the wrong way round")

    @property
    def parents(self) -> tuple[int, ...]:
        """Parent of each joint, -1 for the wrist."""
        return tuple(JOINT_NAMES.index(PARENT_NAMES[name]) if name in PARENT_NAMES else -1 for name in JOINT_NAMES)

    @cached_property
    def id(self) -> str:
        """Sixteen hexadecimal digits that change with any number of the template; decoders are bound to it."""
        return _digest(*(getattr(self, field.name) for field in fields(self)))

    @cached_property
    def skeleton_id(self) -> str:
        """As ``id``, of the skeleton alone: encoders that know no surface are bound to it."""
        return _digest(self.rest_rotations, self.joint_offsets)

    def save(self, path: Path) -> None:
        """Write an npz: 32-bit floats for the surface, indices as small as they fit, weights sparse."""
        vertex, joint = np.nonzero(self.skinning_weights)
        np.savez_compressed(
            path,
            vertices=self.vertices.astype(np.float32),
            faces=_small(self.faces, len(self.vertices)),
            uv=self.uv.astype(np.float32),
            uv_faces=_small(self.uv_faces, len(self.uv)),
            nail_faces=self.nail_faces,
            rest_rotations=self.rest_rotations,
            joint_offsets=self.joint_offsets,
            weight_vertex=_small(vertex, len(self.vertices)),
            weight_joint=joint.astype(np.uint8),
            weight_value=self.skinning_weights[vertex, joint].astype(np.float32),
            pose_lower=self.pose_lower,
            pose_upper=self.pose_upper,
            joint_names=np.array(JOINT_NAMES),
        )

    @classmethod
    def load(cls, path: Path = DEFAULT_TEMPLATE) -> "HandTemplate":
        """Read what ``save`` wrote.

        Raises:
            ValueError: when the file is missing, damaged in any way, or has other arrays or joints.
        """
        try:
            arrays = _read_arrays(path)
        except _DAMAGE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{path}: cannot read the hand template ({reason}); restore the file from the repository") from error
        if set(arrays) != _SAVED or tuple(arrays["joint_names"].ravel()) != JOINT_NAMES:
            raise ValueError(f"{path}: not a hand template of this version; run python -m decoder_pretrain.build_template")
        try:
            arrays["skinning_weights"] = _dense_weights(arrays)
            hand = {field.name: _indices(arrays[field.name]) for field in fields(cls)}
            _require_layout(hand)
            return cls(**hand)
        except ValueError as error:
            raise ValueError(f"{path}: {error}; restore the file from the repository") from error


def _require_layout(arrays: Mapping[str, np.ndarray]) -> None:
    """That each array is of its kind, fits the others in shape, and holds finite numbers; ValueError otherwise."""
    vertex_count, face_count, texcoord_count = (len(np.atleast_1d(arrays[name])) for name in ("vertices", "faces", "uv"))
    expected = {
        "vertices": ("f", (vertex_count, 3)),
        "faces": ("i", (face_count, 3)),
        "uv": ("f", (texcoord_count, 2)),
        "uv_faces": ("i", (face_count, 3)),
        "nail_faces": ("b", (face_count,)),
        "rest_rotations": ("f", (JOINT_COUNT, 3, 3)),
        "joint_offsets": ("f", (JOINT_COUNT, 3)),
        "skinning_weights": ("f", (vertex_count, JOINT_COUNT)),
        "pose_lower": ("f", (POSE_SIZE,)),
        "pose_upper": ("f", (POSE_SIZE,)),
    }
    for name, (kind, shape) in expected.items():
        array = arrays[name]
        if array.dtype.kind != kind or array.shape != shape:
            kind_name = {"f": "floats", "i": "signed integers", "b": "truth values"}[kind]
            raise ValueError(f"hand template: {name} should be {kind_name} of shape {shape}, is {array.dtype} of shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"hand template: expected finite numbers, found nan or infinity in {name}")


_WEIGHTS = ("weight_vertex", "weight_joint", "weight_value")
_SAVED = {field.name for field in fields(HandTemplate)} - {"skinning_weights"} | {*_WEIGHTS, "joint_names"}

_DAMAGE = (OSError, ValueError, EOFError, LookupError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged npz raises."""


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of an npz by its name. Each is read whole before it is looked into, so that its checksum is compared first."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
            for name in archive.namelist()
        }


def _dense_weights(arrays: Mapping[str, np.ndarray]) -> Float[np.ndarray, "vertices joints"]:
    vertex, joint, value = (arrays[name] for name in _WEIGHTS)
    weights = np.zeros((len(np.atleast_1d(arrays["vertices"])), JOINT_COUNT), dtype=np.float32)
    if not (vertex.ndim == 1 and vertex.shape == joint.shape == value.shape):
        raise ValueError("hand template: the skinning weights' vertices, joints and values differ in number")
    try:
        weights[_indices(vertex), _indices(joint)] = value
    except IndexError as error:
        raise ValueError("hand template: skinning weights name vertices or joints that do not exist") from error
    return weights


def _indices(array: np.ndarray) -> np.ndarray:
    """Small saved indices as the 64-bit ones that everything else uses; what is no integer stays what it is."""
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


def _small(indices: Integer[np.ndarray, "*shape"], count: int) -> Integer[np.ndarray, "*shape"]:
    return indices.astype(np.uint16 if count <= 2**16 else np.uint32)


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        kind = np.float32 if array.dtype.kind == "f" else np.int32
        digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()[:16]
