"""Linear correctives in MANO's manner: a shape space and corrections that the joints' turns add up to (section 8.3's baseline)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from estimator.hand.correctives import IDENTITY_SIZE, UNIT_MM, BakedCorrectives, IdentityCorrectives, identity_code, two_layers
from estimator.hand.kinematics import pose_to_rotations
from estimator.hand.template import DEGREES_OF_FREEDOM, JOINT_COUNT, JOINT_NAMES, PARENT_NAMES

Turns = tuple[tuple[int, ...], ...]
"""Joints whose turns bend the skin, each with those ancestors that move no skin of their own: their turns are one."""


@dataclass(frozen=True)
class LinearHand:
    """A linear model of many people's hands on one template; all lengths in mm.

    Attributes:
        mean_vertices: the mean hand at theta = 0, less the template.
        mean_joint_offsets: its joint offsets, less the template's.
        shape_vertices: what a standard deviation along each principal component adds to the surface.
        shape_joint_offsets: what it adds to the joint offsets.
        pose_directions: what each entry of the turns' matrices, less the identity's, adds to the surface; nine rows a turn.
    """

    mean_vertices: Float[Tensor, "vertices 3"]
    mean_joint_offsets: Float[Tensor, "joints 3"]
    shape_vertices: Float[Tensor, "shape vertices 3"]
    shape_joint_offsets: Float[Tensor, "shape joints 3"]
    pose_directions: Float[Tensor, "features vertices 3"]


def turns_of(moves_skin: Bool[Tensor, " joints"]) -> Turns:
    """The turns of a hand of which some joints move no skin."""
    turning = {joint for joint, _ in DEGREES_OF_FREEDOM}

    def idle_ancestors(joint: int) -> tuple[int, ...]:
        parent = JOINT_NAMES.index(PARENT_NAMES[JOINT_NAMES[joint]])
        return (*idle_ancestors(parent), parent) if parent in turning and not moves_skin[parent] else ()

    return tuple((*idle_ancestors(joint), joint) for joint in range(JOINT_COUNT) if joint in turning and moves_skin[joint])


def turn_features(rotations: Float[Tensor, "*batch joints 3 3"], turns: Turns) -> Float[Tensor, "*batch features"]:
    """Entries of R - I, nine a turn, row by row: zero at theta = 0."""
    products = []
    for joints in turns:
        product = rotations[..., joints[0], :, :]
        for joint in joints[1:]:
            product = product @ rotations[..., joint, :, :]
        products.append(product)
    return (torch.stack(products, dim=-3) - torch.eye(3, dtype=rotations.dtype, device=rotations.device)).flatten(-3)


class PoseDirections(nn.Module):
    """The linear pose corrective: like the networks it speaks of centimetres, vertex by vertex."""

    def __init__(self, turns: Turns, directions: Float[Tensor, "features coordinates"]) -> None:
        super().__init__()
        if len(directions) != 9 * len(turns):
            raise ValueError(f"{len(turns)} turns have {9 * len(turns)} directions, not {len(directions)}")
        self.turns = turns
        self.register_buffer("directions", directions)

    directions: Tensor

    def forward(self, theta: Float[Tensor, "*batch pose"]) -> Float[Tensor, "*batch coordinates"]:
        """Sum of the directions, each times its entry of a turn's matrix."""
        return turn_features(pose_to_rotations(theta), self.turns) @ self.directions


class LinearCorrectives(nn.Module):
    """A linear hand that learns one thing: where in its shape space a person is.

    As the paper trains MANO, the shape vector comes from the identity code through two fully connected layers, and all else is fixed.
    Unlike our own corrective, the pose's passes gradients on to theta: a fixed decoder cannot run away from its encoder.

    Args:
        skinning_weights: the template's W.
    """

    def __init__(self, hand: LinearHand, subject: int, skinning_weights: Float[Tensor, "vertices joints"]) -> None:
        super().__init__()
        for name in ("mean_vertices", "mean_joint_offsets", "shape_vertices", "shape_joint_offsets"):
            self.register_buffer(name, getattr(hand, name).clone())
        self.register_buffer("identity_code", identity_code(subject))
        self.register_buffer("skinning_weights", skinning_weights.clone(), persistent=False)
        self.pose_directions = PoseDirections(turns_of(skinning_weights.any(dim=0)), hand.pose_directions.flatten(1) / UNIT_MM)
        self.shape_layers = two_layers(IDENTITY_SIZE, len(hand.shape_vertices))

    mean_vertices: Tensor
    mean_joint_offsets: Tensor
    shape_vertices: Tensor
    shape_joint_offsets: Tensor
    identity_code: Tensor
    skinning_weights: Tensor

    def shape(self) -> Float[Tensor, " shape"]:
        """The shape vector from beta, in standard deviations."""
        return self.shape_layers(self.identity_code)

    def identity(self) -> IdentityCorrectives:
        """The mean hand and the person's deviation from it, over the template."""
        return self.identity_at(self.shape())

    def identity_at(self, shape: Float[Tensor, " shape"]) -> IdentityCorrectives:
        """The same for any shape vector."""
        return IdentityCorrectives(
            joint_offsets=self.mean_joint_offsets + torch.tensordot(shape, self.shape_joint_offsets, dims=1),
            vertices=self.mean_vertices + torch.tensordot(shape, self.shape_vertices, dims=1),
            skinning_weights=self.skinning_weights,
        )

    def pose(self, theta: Float[Tensor, "*batch pose"]) -> Float[Tensor, "*batch vertices 3"]:
        """What the pose adds at rest, mm."""
        return UNIT_MM * self.pose_directions(theta).unflatten(-1, (-1, 3))

    @torch.no_grad()
    def baked(self) -> BakedCorrectives:
        """The one person whom training has found."""
        return BakedCorrectives(self.identity(), PoseDirections(self.pose_directions.turns, self.pose_directions.directions.clone()))
