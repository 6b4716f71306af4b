"""From theta and a skeleton to where every joint is."""

from functools import cache

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
    (sx, sy, sz), (cx, cy, cz) = euler.sin().unbind(dim=-1), euler.cos().unbind(dim=-1)
    sxsy, cxsy = sx * sy, cx * sy
    first = (cz * cy, cz * sxsy - sz * cx, cz * cxsy + sz * sx)
    second = (sz * cy, sz * sxsy + cz * cx, sz * cxsy - cz * sx)
    third = (-sy, cy * sx, cy * cx)
    return torch.stack([*first, *second, *third], dim=-1).unflatten(-1, (3, 3))


def joint_frames(
    rotations: Float[Tensor, "*batch joints 3 3"],
    joint_offsets: Float[Tensor, "*batch joints 3"],
    rest_rotations: Float[Tensor, "joints 3 3"],
    parents: tuple[int, ...],
) -> JointFrames:
    """Forward kinematics: G_j = G_parent L_j R_j with L_j the rest rotation and the offset; no loop over samples or joints.

    Each step joins every transform to that of the joint which it has reached, and so doubles how far it reaches: three for a hand. The
    root's own offset and rest rotation place it in the hand frame.
    """
    local = rest_rotations @ rotations
    transforms = local.new_zeros(*local.shape[:-3], len(parents) + 1, 4, 4)
    transforms.diagonal(dim1=-2, dim2=-1).fill_(1)  # of the last one everything: where a transform has reached the hand frame
    transforms[..., :-1, :3, :3] = local
    transforms[..., :-1, :3, 3] = joint_offsets
    for reached in _reached(parents):
        transforms = transforms[..., reached, :, :] @ transforms
    return JointFrames(transforms[..., :-1, :3, :3], transforms[..., :-1, :3, 3])


def rest_frames(
    joint_offsets: Float[Tensor, "*batch joints 3"], rest_rotations: Float[Tensor, "joints 3 3"], parents: tuple[int, ...]
) -> JointFrames:
    """Joint frames at theta = 0."""
    still = torch.eye(3, dtype=rest_rotations.dtype, device=rest_rotations.device).expand(*joint_offsets.shape[:-1], 3, 3)
    return joint_frames(still, joint_offsets, rest_rotations, parents)


def joint_jacobian(
    theta: Float[Tensor, "*batch pose"], frames: JointFrames, parents: tuple[int, ...]
) -> Float[Tensor, "*batch pose joints 3"]:
    """How far each angle moves each joint, mm per radian: axis x (joint - centre) for the joints beyond the one that turns.

    ``frames`` are those of the pose ``theta``.
    """
    joints, axes = (list(column) for column in zip(*DEGREES_OF_FREEDOM, strict=True))
    euler = theta.new_zeros(*theta.shape[:-1], JOINT_COUNT, 3)
    euler[..., joints, axes] = theta
    (sx, sy, _), (cx, cy, _) = euler.sin().unbind(dim=-1), euler.cos().unbind(dim=-1)
    zero, one = torch.zeros_like(sx), torch.ones_like(sx)
    inner = torch.stack([one, zero, zero, zero, cx, -sx, -sy, cy * sx, cy * cx], dim=-1).unflatten(-1, (3, 3))  # rows: x, y, z
    turned = (inner @ frames.rotations.mT)[..., joints, axes, :]
    arms = frames.positions[..., None, :, :] - frames.positions[..., joints, None, :]
    return torch.linalg.cross(turned[..., None, :].expand_as(arms), arms) * _beyond(parents).to(theta)[joints, :, None]


@cache
def joint_levels(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Joints by depth in the hierarchy, the root first."""

    def depth(joint: int) -> int:
        return 0 if parents[joint] < 0 else 1 + depth(parents[joint])

    depths = [depth(joint) for joint in range(len(parents))]
    return tuple(tuple(j for j, d in enumerate(depths) if d == level) for level in range(max(depths) + 1))


@cache
def _beyond(parents: tuple[int, ...]) -> Float[Tensor, "joints joints"]:
    """One where the column's joint lies beyond the row's on the way from the root."""
    beyond = torch.zeros(len(parents), len(parents))
    for joint, parent in enumerate(parents):
        while parent >= 0:
            beyond[parent, joint] = 1
            parent = parents[parent]
    return beyond


@cache
def _reached(parents: tuple[int, ...]) -> tuple[list[int], ...]:
    """For each step the joint that each joint's transform is relative to; ``len(parents)`` is the hand frame, and stands last itself."""
    hand_frame = len(parents)
    reached = [*(hand_frame if parent < 0 else parent for parent in parents), hand_frame]
    steps = []
    while min(reached) < hand_frame:
        steps.append(reached)
        reached = [reached[joint] for joint in reached]
    return tuple(steps)
