"""Adjusting a hand at rest to other bone lengths: the skeleton exactly, the surface along with it."""

import torch
from jaxtyping import Float
from torch import Tensor

from estimator.hand.decoder import HandDecoder
from estimator.hand.skinning import blend
from estimator.hand.template import WRIST
from estimator.hand.types import RestHand


def with_joint_offsets(decoder: HandDecoder, rest_hand: RestHand, joint_offsets: Float[Tensor, "*batch joints 3"]) -> RestHand:
    """``rest_hand`` with another skeleton.

    Each joint turns and stretches its surface with its bone, so that a bone's both ends stay where they were in the flesh; the palm, which
    carries several bones, is scaled by their common factor. Neighbours are blended by the skinning weights. Thickness of fingers is kept.
    """
    old_offsets = rest_hand.joint_offsets.expand_as(joint_offsets)
    old, new = decoder.rest_frames(old_offsets), decoder.rest_frames(joint_offsets)
    linear = new.rotations @ bone_stretch(old_offsets, joint_offsets, decoder.parents) @ old.rotations.mT
    translation = new.positions - (linear @ old.positions[..., None])[..., 0]
    vertices = rest_hand.vertices.expand(*joint_offsets.shape[:-2], -1, -1)
    weights = rest_hand.skinning_weights
    return RestHand(blend(vertices, linear, translation, weights), joint_offsets, weights)


def bone_stretch(
    old_offsets: Float[Tensor, "*batch joints 3"], new_offsets: Float[Tensor, "*batch joints 3"], parents: tuple[int, ...]
) -> Float[Tensor, "*batch joints 3 3"]:
    """For each joint the least turn and the stretch, in its own frame, that take its child to its new place; uniform for the wrist."""
    bones = [joint for joint, parent in enumerate(parents) if parent not in (-1, WRIST)]
    above = torch.tensor([parents[joint] for joint in bones], device=old_offsets.device)
    length = old_offsets[..., bones, :].norm(dim=-1, keepdim=True)
    along = old_offsets[..., bones, :] / length
    new_length = new_offsets[..., bones, :].norm(dim=-1, keepdim=True)
    turned = _least_turn(along, new_offsets[..., bones, :] / new_length)
    palm = [joint for joint, parent in enumerate(parents) if parent == WRIST]
    old_palm, new_palm = old_offsets[..., palm, :], new_offsets[..., palm, :]
    palm_factor = (old_palm * new_palm).sum(dim=(-2, -1)) / old_palm.square().sum(dim=(-2, -1))
    stretch = torch.eye(3, dtype=old_offsets.dtype, device=old_offsets.device).repeat(*old_offsets.shape[:-1], 1, 1)
    stretch[..., WRIST, :, :] *= palm_factor[..., None, None]
    still = torch.eye(3, dtype=old_offsets.dtype, device=old_offsets.device)
    stretched = still + ((new_length / length - 1) * along)[..., :, None] * along[..., None, :]
    return stretch.index_add(-3, above, turned @ stretched - still)


def _least_turn(source: Float[Tensor, "*batch 3"], target: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """The rotations about the shortest arcs from unit vectors to others, which are not opposite."""
    x, y, z = torch.linalg.cross(source, target).unbind(dim=-1)
    zero = torch.zeros_like(x)
    K = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    cosine = (source * target).sum(dim=-1)[..., None, None]
    return torch.eye(3, dtype=source.dtype, device=source.device) + K + K @ K / (1 + cosine)
