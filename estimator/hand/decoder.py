"""HandDecoder: from theta to a posed hand. Correctives refine the template, forward kinematics and skinning pose it (section 5)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from estimator.hand.correctives import BakedCorrectives, Correctives
from estimator.hand.kinematics import joint_frames, pose_to_rotations, rest_frames
from estimator.hand.linear_correctives import LinearCorrectives
from estimator.hand.skinning import skin
from estimator.hand.template import HandTemplate
from estimator.hand.types import HandMesh, JointFrames, RestHand


class HandDecoder(nn.Module):
    """Poses the hand of one template, refined to one person where there are correctives. Follows the device and dtype of its buffers."""

    def __init__(self, template: HandTemplate, correctives: Correctives | LinearCorrectives | BakedCorrectives | None = None) -> None:
        super().__init__()
        self.parents = template.parents
        for name in ("vertices", "joint_offsets", "rest_rotations", "skinning_weights", "pose_lower", "pose_upper"):
            self.register_buffer(name, torch.tensor(getattr(template, name), dtype=torch.float32), persistent=False)
        self.correctives = correctives

    vertices: Tensor
    joint_offsets: Tensor
    rest_rotations: Tensor
    skinning_weights: Tensor
    pose_lower: Tensor
    pose_upper: Tensor

    def rest_hand(self, theta: Float[Tensor, "*batch pose"]) -> RestHand:
        """M* at rest: the template plus the person's correctives and those of the pose ``theta`` (section 5.1)."""
        batch = theta.shape[:-1]
        if self.correctives is None:
            vertices, offsets, weights = self.vertices.expand(*batch, -1, -1), self.joint_offsets, self.skinning_weights
        else:
            identity = self.correctives.identity()
            vertices = self.vertices + identity.vertices + self.correctives.pose(theta)
            offsets, weights = self.joint_offsets + identity.joint_offsets, identity.skinning_weights
        return RestHand(vertices, offsets.expand(*batch, -1, -1), weights)

    def personal_offsets(self) -> Float[Tensor, "joints 3"]:
        """S*: the person's joint offsets, mm, which no pose changes."""
        return self.joint_offsets if self.correctives is None else self.joint_offsets + self.correctives.identity().joint_offsets

    def frames(self, theta: Float[Tensor, "*batch pose"], joint_offsets: Float[Tensor, "*batch joints 3"]) -> JointFrames:
        """Forward kinematics of a skeleton in a pose; cheap, for when the surface is not needed."""
        return joint_frames(pose_to_rotations(theta), joint_offsets, self.rest_rotations, self.parents)

    def rest_frames(self, joint_offsets: Float[Tensor, "*batch joints 3"]) -> JointFrames:
        """Joint frames of a skeleton at theta = 0."""
        return rest_frames(joint_offsets, self.rest_rotations, self.parents)

    def forward(self, theta: Float[Tensor, "*batch pose"], rest_hand: RestHand | None = None) -> HandMesh:
        """The hand in pose ``theta`` (radians), in the hand frame.

        ``rest_hand`` replaces the decoder's own, for instance one with other bone lengths.
        """
        rest_hand = rest_hand or self.rest_hand(theta)
        offsets = rest_hand.joint_offsets.expand(*theta.shape[:-1], -1, -1)
        vertices = rest_hand.vertices.expand(*theta.shape[:-1], -1, -1)
        posed = self.frames(theta, offsets)
        return HandMesh(skin(vertices, self.rest_frames(offsets), posed, rest_hand.skinning_weights), posed)
