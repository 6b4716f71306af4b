"""From theta and a skeleton to where every joint is."""

from functools import cache

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from estimator.hand.template import DEGREES_OF_FREEDOM, JOINT_COUNT, POSE_SIZE
from estimator.hand.types import JointFrames


def pose_to_rotations(theta: Float[Tensor, "*batch pose"]) -> Float[Tensor, "*batch joints 3 3"]:
    """Rotation of every joint from the 28 degrees of freedom, R = Rz Ry Rx; disabled degrees are zero (section 4.1)."""
    if theta.shape[-1] != POSE_SIZE:
        raise ValueError(f"theta has {POSE_SIZE} degrees of freedom, not {theta.shape[-1]}")
    joints, axes = (list(column) for column in zip(*DEGREES_OF_FREEDOM, strict=True))
    euler = theta.new_zeros(*theta.shape[:-1], JOINT_COUNT, 3)
    euler[..., joints, axes] = theta
    return roma.euler_to_rotmat("ZYX", euler.flip(-1))


def joint_frames(
    rotations: Float[Tensor, "*batch joints 3 3"],
    joint_offsets: Float[Tensor, "*batch joints 3"],
    rest_rotations: Float[Tensor, "joints 3 3"],
    parents: tuple[int, ...],
) -> JointFrames:
    """Forward kinematics: G_j = G_parent L_j R_j with L_j the rest rotation and the offset; level by level, no loop over samples.

    The root's own offset and rest rotation place it in the hand frame.
    """
    local = rest_rotations @ rotations
    R: list[Tensor] = [local[..., 0, :, :]] * len(parents)
    t: list[Tensor] = [joint_offsets[..., 0, :]] * len(parents)
    for level in joint_levels(parents):
        for joint in level:
            parent = parents[joint]
            if parent < 0:
                R[joint], t[joint] = local[..., joint, :, :], joint_offsets[..., joint, :]
            else:
                R[joint] = R[parent] @ local[..., joint, :, :]
                t[joint] = t[parent] + (R[parent] @ joint_offsets[..., joint, :, None])[..., 0]
    return JointFrames(torch.stack(R, dim=-3), torch.stack(t, dim=-2))


@cache
def joint_levels(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Joints by depth in the hierarchy, the root first."""

    def depth(joint: int) -> int:
        return 0 if parents[joint] < 0 else 1 + depth(parents[joint])

    depths = [depth(joint) for joint in range(len(parents))]
    return tuple(tuple(j for j, d in enumerate(depths) if d == level) for level in range(max(depths) + 1))
