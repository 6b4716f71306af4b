"""StudioModel: encoder and decoder together, from a picture to a hand placed in the studio (Figure 3)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from decoder_pretrain.fitting import fitted_theta
from estimator.hand.alignment import Similarity, align_rigid
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import ALIGNMENT_JOINTS, POSE_SIZE
from estimator.hand.types import RestHand
from estimator.image_encoder import ImageEncoder


@dataclass(frozen=True)
class StudioPrediction:
    """What the model makes of a batch of pictures.

    Attributes:
        theta: joint angles, radians.
        rest: the refined hands at rest.
        rest_joints: their joints at theta = 0, hand frame, mm.
        vertices: posed surface in the studio's world frame, mm.
        joints: posed joints in the world frame, mm.
    """

    theta: Float[Tensor, "batch pose"]
    rest: RestHand
    rest_joints: Float[Tensor, "batch joints 3"]
    vertices: Float[Tensor, "batch vertices 3"]
    joints: Float[Tensor, "batch joints 3"]


class MomentPoses(nn.Module):
    """Theta of each moment of the training data: fitted to its key points, and moved from there by what the losses say."""

    def __init__(self, moments: int) -> None:
        super().__init__()
        self.moved = nn.Parameter(torch.zeros(moments, POSE_SIZE))

    def forward(
        self,
        decoder: HandDecoder,
        moments: Int[Tensor, " batch"],
        joints: Float[Tensor, "batch joints 3"],
        valid: Bool[Tensor, "batch joints"],
    ) -> Float[Tensor, "batch pose"]:
        """Of some moments, by their numbers; ``joints`` are their key points, world frame, mm."""
        return fitted_theta(decoder, joints, valid) + self.moved[moments]


class StudioModel(nn.Module):
    """The encoder's pose, decoded and placed where the studio's key points are.

    Args:
        poses: of the training data, where the decoder does not learn in the encoder's.
    """

    def __init__(self, encoder: ImageEncoder, decoder: HandDecoder, poses: MomentPoses | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.poses = poses

    def forward(
        self, image: Float[Tensor, "batch 3 size size"], joints: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"]
    ) -> StudioPrediction:
        """``joints`` (world frame, mm) give the global placement alone."""
        return place_in_studio(self.decoder, self.encoder(image), joints, valid)


def place_in_studio(
    decoder: HandDecoder, theta: Float[Tensor, "batch pose"], joints: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"]
) -> StudioPrediction:
    """The hand in pose ``theta``, rigidly aligned by wrist and finger roots (section 5.2).

    Where the hand stands is measured, not learned: no gradient goes through the alignment.
    """
    rest = decoder.rest_hand(theta)
    mesh = decoder(theta, rest)
    place = _placement(mesh.joints.positions, joints, valid)
    return StudioPrediction(
        theta=theta,
        rest=rest,
        rest_joints=decoder.rest_frames(rest.joint_offsets).positions,
        vertices=place.apply(mesh.vertices),
        joints=place.apply(mesh.joints.positions),
    )


def joints_in_studio(
    decoder: HandDecoder, theta: Float[Tensor, "batch pose"], joints: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"]
) -> Float[Tensor, "batch joints 3"]:
    """Where ``place_in_studio`` puts the joints, mm, without a surface; its gradient reaches theta and not the decoder."""
    posed = decoder.frames(theta, decoder.personal_offsets().detach().expand(len(theta), -1, -1)).positions
    return _placement(posed, joints, valid).apply(posed)


def _placement(
    posed: Float[Tensor, "batch joints 3"], joints: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"]
) -> Similarity:
    """From the hand frame to the world: what brings wrist and finger roots onto the given ones."""
    known = list(ALIGNMENT_JOINTS)
    place = align_rigid(posed.detach()[:, known].double(), joints[:, known].double(), weights=valid[:, known].double())
    return Similarity(*(part.to(posed.dtype) for part in (place.rotation, place.translation, place.scale)))
