"""The values that every stage passes on."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class RestHand:
    """A hand at theta = 0, refined to one person: what skinning deforms.

    Attributes:
        vertices: surface in the hand frame, mm.
        joint_offsets: translation of each joint from its parent, in the parent's frame, mm (the paper's S*).
        skinning_weights: share of each joint in each vertex, the same for the whole batch (the paper's W, or W* of section 13).
    """

    vertices: Float[Tensor, "*batch vertices 3"]
    joint_offsets: Float[Tensor, "*batch joints 3"]
    skinning_weights: Float[Tensor, "vertices joints"]


@dataclass(frozen=True)
class JointFrames:
    """Where every joint is and how it is turned: ``x_hand = rotations[j] @ x_joint + positions[j]``.

    Attributes:
        rotations: proper rotations, one a joint.
        positions: joint centres in the hand frame, mm.
    """

    rotations: Float[Tensor, "*batch joints 3 3"]
    positions: Float[Tensor, "*batch joints 3"]


@dataclass(frozen=True)
class HandMesh:
    """A posed hand in the hand frame, mm.

    Attributes:
        vertices: deformed surface.
        joints: the skeleton that deformed it.
    """

    vertices: Float[Tensor, "*batch vertices 3"]
    joints: JointFrames
