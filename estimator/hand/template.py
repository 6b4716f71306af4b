"""The hand template: surface, skeleton, degrees of freedom and skinning weights, and the only authority on joint order.

The hand frame has its origin at the wrist of a right hand: x towards the fingers, y out of the palm, z towards the thumb.
A joint's frame is turned likewise: x along the bone, z the flexion axis (positive angles curl towards the palm).
"""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

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
        for value in (self.vertices, self.joint_offsets, self.skinning_weights, self.rest_rotations, self.uv):
            if not np.isfinite(value).all():
                raise ValueError("hand template: expected finite numbers, found nan or infinity")
        vertex_count, face_count = len(self.vertices), len(self.faces)
        expected = {
            "joint_offsets": (JOINT_COUNT, 3),
            "rest_rotations": (JOINT_COUNT, 3, 3),
            "skinning_weights": (vertex_count, JOINT_COUNT),
            "uv_faces": (face_count, 3),
            "nail_faces": (face_count,),
            "pose_lower": (POSE_SIZE,),
            "pose_upper": (POSE_SIZE,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"hand template: {name} should be {shape}, is {getattr(self, name).shape}")
        if face_count and not (self.faces.min() >= 0 and self.faces.max() < vertex_count):
            raise ValueError("hand template: faces name vertices that do not exist")
        if face_count and not (self.uv_faces.min() >= 0 and self.uv_faces.max() < len(self.uv)):
            raise ValueError("hand template: uv_faces name texture coordinates that do not exist")
        if np.abs(self.skinning_weights.sum(axis=1) - 1).max(initial=0) > 1e-4 or self.skinning_weights.min(initial=0) < 0:
            raise ValueError("hand template: skinning weights must be non-negative and sum to one at each vertex")
        for field in fields(self):
            getattr(self, field.name).flags.writeable = False

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
        """Write an npz: 32-bit floats, indices as small as they fit, weights sparse."""
        vertex, joint = np.nonzero(self.skinning_weights)
        np.savez_compressed(
            path,
            vertices=self.vertices.astype(np.float32),
            faces=self.faces.astype(np.uint16),
            uv=self.uv.astype(np.float32),
            uv_faces=self.uv_faces.astype(np.uint16),
            nail_faces=self.nail_faces,
            rest_rotations=self.rest_rotations,
            joint_offsets=self.joint_offsets,
            weight_vertex=vertex.astype(np.uint16),
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
            ValueError: when the file is missing, not such an npz, or has other joints.
        """
        try:
            with np.load(path, allow_pickle=False) as data:
                arrays = dict(data)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot read the hand template ({error}); restore the file from the repository") from error
        names = arrays.pop("joint_names", np.array([]))
        if tuple(names) != JOINT_NAMES:
            raise ValueError(f"{path}: not a hand template of this version; run python -m decoder_pretrain.build_template")
        vertex, joint, value = (arrays.pop(f"weight_{part}") for part in ("vertex", "joint", "value"))
        weights = np.zeros((len(arrays["vertices"]), JOINT_COUNT), dtype=np.float32)
        weights[vertex, joint] = value
        faces, uv_faces = (arrays.pop(name).astype(np.int64) for name in ("faces", "uv_faces"))
        return cls(faces=faces, uv_faces=uv_faces, skinning_weights=weights, **arrays)


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        kind = np.float32 if array.dtype.kind == "f" else np.int32
        digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()[:16]
