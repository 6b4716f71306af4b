"""From theta and a skeleton to where every joint is."""

from functools import cache
from itertools import pairwise

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
    levels = joint_levels(parents)
    root = list(levels[0])
    R, t = [local[..., root, :, :]], [joint_offsets[..., root, :]]
    for above, level in pairwise(levels):
        place = [above.index(parents[joint]) for joint in level]
        R_parent, t_parent = R[-1][..., place, :, :], t[-1][..., place, :]
        R.append(R_parent @ local[..., level, :, :])
        t.append(t_parent + (R_parent @ joint_offsets[..., level, :, None])[..., 0])
    order = [joint for level in levels for joint in level]
    back = [order.index(joint) for joint in range(len(parents))]
    return JointFrames(torch.cat(R, dim=-3)[..., back, :, :], torch.cat(t, dim=-2)[..., back, :])


def rest_frames(
    joint_offsets: Float[Tensor, "*batch joints 3"], rest_rotations: Float[Tensor, "joints 3 3"], parents: tuple[int, ...]
) -> JointFrames:
    """Joint frames at theta = 0."""
    still = torch.eye(3, dtype=rest_rotations.dtype, device=rest_rotations.device).expand(*joint_offsets.shape[:-1], 3, 3)
    return joint_frames(still, joint_offsets, rest_rotations, parents)


@cache
def joint_levels(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Joints by depth in the hierarchy, the root first."""

    def depth(joint: int) -> int:
        return 0 if parents[joint] < 0 else 1 + depth(parents[joint])

    depths = [depth(joint) for joint in range(len(parents))]
    return tuple(tuple(j for j, d in enumerate(depths) if d == level) for level in range(max(depths) + 1))
