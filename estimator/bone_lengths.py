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

    Each joint stretches its surface along its bone, so that a bone's both ends stay where they were in the flesh; the palm, which
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
    """For each joint the stretch, in its own frame, that takes its child's old place to the new one; uniform for the wrist."""
    bones = [joint for joint, parent in enumerate(parents) if parent not in (-1, WRIST)]
    above = torch.tensor([parents[joint] for joint in bones], device=old_offsets.device)
    length = old_offsets[..., bones, :].norm(dim=-1, keepdim=True)
    along = old_offsets[..., bones, :] / length
    longer = new_offsets[..., bones, :].norm(dim=-1, keepdim=True) / length - 1
    palm = [joint for joint, parent in enumerate(parents) if parent == WRIST]
    old_palm, new_palm = old_offsets[..., palm, :], new_offsets[..., palm, :]
    palm_factor = (old_palm * new_palm).sum(dim=(-2, -1)) / old_palm.square().sum(dim=(-2, -1))
    stretch = torch.eye(3, dtype=old_offsets.dtype, device=old_offsets.device).repeat(*old_offsets.shape[:-1], 1, 1)
    stretch[..., WRIST, :, :] *= palm_factor[..., None, None]
    return stretch.index_add(-3, above, (longer * along)[..., :, None] * along[..., None, :])
