"""A hand as capsules of flesh along its bones, in numpy: where they are in many poses, how they move with theta, how deep they overlap."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int

from datasets.virtual_studio.types import SubjectSkeleton
from estimator.hand.kinematics import joint_levels
from estimator.hand.template import DEGREES_OF_FREEDOM, FINGERS, JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, POSE_SIZE, WRIST

BONES = tuple(f"{finger}{part}" for finger in FINGERS for part in (1, 2, 3))
"""Joint at the nearer end of each finger's capsule; the palm's capsules come after them."""

ROOTS = tuple(f"{finger}1" for finger in FINGERS[1:])

PALM_RADIUS_MM = 11.0

TIP_SHARE = 0.8
"""Share of the last bone where the ball of the fingertip has its centre: the joint called null lies nearly in the skin."""

PULP = (0.12, 0.35)
"""How far flesh lies to the palm's side of the bone, over its radius: at a joint, and at a fingertip, where the nail's side has none."""

WEB_SHARE, THENAR_SHARE = 0.4, 0.15
"""Share of a finger's first bone, and of the thumb's, that lies in flesh shared with its neighbours."""

_PARENTS = tuple(JOINT_NAMES.index(PARENT_NAMES[name]) if name in PARENT_NAMES else -1 for name in JOINT_NAMES)
_JOINT_OF_DEGREE, _AXIS_OF_DEGREE = (np.array(column) for column in zip(*DEGREES_OF_FREEDOM, strict=True))


def _moved_by() -> Bool[np.ndarray, "joints pose"]:
    """Whether a degree of freedom moves what is fixed to a joint."""
    moved = np.zeros((JOINT_COUNT, POSE_SIZE), dtype=bool)
    for joint in range(JOINT_COUNT):
        above = joint
        while above >= 0:
            moved[joint] |= above == _JOINT_OF_DEGREE
            above = _PARENTS[above]
    return moved


_MOVED_BY = _moved_by()
_FROM_THE_WRIST_OUT = tuple(joint for level in joint_levels(_PARENTS) for joint in level)


@dataclass(frozen=True)
class PosedBones:
    """Every joint's frame in many poses, hand frame, mm, and how they turn with theta.

    Attributes:
        rotations: of the joints.
        positions: of the joints.
        axes: unit vector about which each degree of freedom turns, positive by the right hand.
    """

    rotations: Float[np.ndarray, "moments joints 3 3"]
    positions: Float[np.ndarray, "moments joints 3"]
    axes: Float[np.ndarray, "moments pose 3"]

    def velocities(
        self, moment: Int[np.ndarray, " points"], joint: Int[np.ndarray, " points"], points: Float[np.ndarray, "points 3"]
    ) -> Float[np.ndarray, "points pose 3"]:
        """How points fixed to joints move with each degree of freedom."""
        lever = points[:, None] - self.positions[:, _JOINT_OF_DEGREE][moment]
        return np.cross(self.axes[moment], lever) * _MOVED_BY[joint][..., None]


def pose_bones(skeleton: SubjectSkeleton, theta: Float[np.ndarray, "moments pose"]) -> PosedBones:
    """Forward kinematics as ``estimator.hand.kinematics`` has it: G_j = G_parent L_j Rz Ry Rx."""
    euler = np.zeros((len(theta), JOINT_COUNT, 3))
    euler[:, _JOINT_OF_DEGREE, _AXIS_OF_DEGREE] = theta
    cos, sin = np.cos(euler), np.sin(euler)
    rotations, positions = np.zeros((len(theta), JOINT_COUNT, 3, 3)), np.zeros((len(theta), JOINT_COUNT, 3))
    axes = np.zeros((len(theta), JOINT_COUNT, 3, 3))
    for joint in _FROM_THE_WRIST_OUT:
        parent, offset, rest = _PARENTS[joint], skeleton.joint_offsets[joint], skeleton.rest_rotations[joint]
        x, y, z = np.moveaxis(np.broadcast_to(rest, (len(theta), 3, 3)) if parent < 0 else rotations[:, parent] @ rest, -1, 0)
        positions[:, joint] = offset if parent < 0 else positions[:, parent] + rotations[:, parent] @ offset
        axes[:, joint, 2] = z
        x, y = _turned(x, y, cos[:, joint, 2], sin[:, joint, 2])
        axes[:, joint, 1] = y
        z, x = _turned(z, x, cos[:, joint, 1], sin[:, joint, 1])
        axes[:, joint, 0] = x
        y, z = _turned(y, z, cos[:, joint, 0], sin[:, joint, 0])
        rotations[:, joint] = np.stack([x, y, z], axis=-1)
    return PosedBones(rotations, positions, axes[:, _JOINT_OF_DEGREE, _AXIS_OF_DEGREE])


def _turned(a: np.ndarray, b: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two axes of a frame turned about the third, which follows them."""
    return cos[:, None] * a + sin[:, None] * b, cos[:, None] * b - sin[:, None] * a


@dataclass(frozen=True)
class Capsules:
    """Capsules fixed to joints, narrower towards their far ends.

    Attributes:
        joint: what each is fixed to.
        start: nearer end in the joint's frame, mm.
        end: farther end.
        radius_start: mm.
        radius_end: mm.
        pairs: which two must keep apart.
    """

    joint: Int[np.ndarray, " capsules"]
    start: Float[np.ndarray, "capsules 3"]
    end: Float[np.ndarray, "capsules 3"]
    radius_start: Float[np.ndarray, " capsules"]
    radius_end: Float[np.ndarray, " capsules"]
    pairs: Int[np.ndarray, "pairs 2"]

    @classmethod
    def of(cls, skeleton: SubjectSkeleton) -> "Capsules":
        """A subject's."""
        joints, starts, ends, radii = [], [], [], []
        for name in BONES:
            joint, child = JOINT_NAMES.index(name), JOINT_NAMES.index(_child(name))
            bone, (near, far) = skeleton.joint_offsets[child], skeleton.finger_radii[[joint, child]]
            starts_at = THENAR_SHARE if name == "thumb1" else WEB_SHARE if name.endswith("1") else 0.0
            ends_at = TIP_SHARE if name.endswith("3") else 1.0
            joints.append(joint)
            starts.append(starts_at * bone + (0, PULP[0] * near, 0))
            ends.append(ends_at * bone + (0, PULP[name.endswith("3")] * far, 0))
            radii.append((near, far))
        for root in ROOTS:
            joints.append(WRIST)
            starts.append(np.zeros(3))
            ends.append(skeleton.joint_offsets[JOINT_NAMES.index(root)])
            radii.append((PALM_RADIUS_MM, PALM_RADIUS_MM))
        near, far = np.array(radii).T
        return cls(np.array(joints), np.array(starts), np.array(ends), near, far, _pairs_apart())

    @cached_property
    def pair_joints(self) -> Int[np.ndarray, "pairs 2"]:
        """What each pair is fixed to."""
        return self.joint[self.pairs]

    def placed(self, bones: PosedBones) -> tuple[Float[np.ndarray, "moments capsules 3"], Float[np.ndarray, "moments capsules 3"]]:
        """Both ends of each capsule in the hand frame."""
        R, t = bones.rotations[:, self.joint], bones.positions[:, self.joint]
        return (R @ self.start[..., None])[..., 0] + t, (R @ self.end[..., None])[..., 0] + t

    def overlaps(self, bones: PosedBones) -> "Overlaps":
        """How deep each pair runs into one another."""
        start, end = self.placed(bones)
        first, second = self.pairs.T
        share_first, share_second = nearest_shares(start[:, first], end[:, first], start[:, second], end[:, second])
        on_first = start[:, first] + share_first[..., None] * (end - start)[:, first]
        on_second = start[:, second] + share_second[..., None] * (end - start)[:, second]
        apart = np.linalg.norm(on_first - on_second, axis=-1)
        narrowing = self.radius_end - self.radius_start
        radii = self.radius_start[first] + share_first * narrowing[first] + self.radius_start[second] + share_second * narrowing[second]
        return Overlaps(on_first, on_second, radii - apart)


@dataclass(frozen=True)
class Overlaps:
    """Where capsules are nearest to one another, hand frame, mm.

    Attributes:
        on_first: the point on the first one's axis.
        on_second: the point on the second one's.
        depth: by how much their flesh overlaps; negative for a gap.
    """

    on_first: Float[np.ndarray, "moments pairs 3"]
    on_second: Float[np.ndarray, "moments pairs 3"]
    depth: Float[np.ndarray, "moments pairs"]


def nearest_shares(
    a: Float[np.ndarray, "*batch 3"], b: Float[np.ndarray, "*batch 3"], c: Float[np.ndarray, "*batch 3"], d: Float[np.ndarray, "*batch 3"]
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    """How far along the segments a-b and c-d their points nearest to one another lie, 0 to 1 (Ericson 2005, section 5.1.9)."""
    along, across, between = b - a, d - c, a - c
    aa, cc = (np.maximum((v * v).sum(axis=-1), 1e-9) for v in (along, across))
    ac, ab, cb = ((u * v).sum(axis=-1) for u, v in ((along, across), (along, between), (across, between)))
    s = np.clip((ac * cb - ab * cc) / np.maximum(aa * cc - ac * ac, 1e-6 * aa * cc), 0, 1)
    t = np.clip((ac * s + cb) / cc, 0, 1)
    return np.clip((ac * t - ab) / aa, 0, 1), t


def _child(name: str) -> str:
    return f"{name[:-1]}_null" if name.endswith("3") else f"{name[:-1]}{int(name[-1]) + 1}"


def _pairs_apart() -> Int[np.ndarray, "pairs 2"]:
    """Bones of different fingers, and the last bones with the palm."""
    fingers = [pair for pair in combinations(range(len(BONES)), 2) if BONES[pair[0]][:-1] != BONES[pair[1]][:-1]]
    palm = range(len(BONES), len(BONES) + len(ROOTS))
    tips = [i for i, name in enumerate(BONES) if name.endswith("3") or name == "thumb2"]
    return np.array(fingers + [(tip, part) for tip in tips for part in palm])
