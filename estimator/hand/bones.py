"""Bones between joints: how long they are, and joints moved so that they have other lengths."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from estimator.hand.kinematics import joint_levels


def bone_lengths(positions: Float[Tensor, "*batch joints 3"], parents: tuple[int, ...]) -> Float[Tensor, "*batch joints"]:
    """Distance of each joint from its parent; 0 for the root."""
    return _bones(positions, parents).norm(dim=-1)


def with_bone_lengths(
    positions: Float[Tensor, "*batch joints 3"], lengths: Float[Tensor, "*#batch joints"], parents: tuple[int, ...]
) -> Float[Tensor, "*batch joints 3"]:
    """The joints moved so that each is ``lengths`` away from its parent; the root stays, and so do the bones' directions (section 8.4).

    Differentiable in both; the gradient to a bone's own length is zero, because only its direction is used. A bone of no length has no
    direction and keeps none.
    """
    bones = _bones(positions, parents)
    own = bones.norm(dim=-1, keepdim=True)
    moved = bones / torch.where(own > 0, own, 1.0) * lengths[..., None]
    levels = joint_levels(parents)
    placed = [positions[..., list(levels[0]), :]]
    for above, level in pairwise(levels):
        placed.append(placed[-1][..., [above.index(parents[joint]) for joint in level], :] + moved[..., list(level), :])
    order = [joint for level in levels for joint in level]
    return torch.cat(placed, dim=-2)[..., [order.index(joint) for joint in range(len(parents))], :]


def _bones(positions: Float[Tensor, "*batch joints 3"], parents: tuple[int, ...]) -> Float[Tensor, "*batch joints 3"]:
    """From each joint's parent to it; nothing for the root."""
    return positions - positions[..., [joint if parent < 0 else parent for joint, parent in enumerate(parents)], :]
