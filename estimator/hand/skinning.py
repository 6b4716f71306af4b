"""Linear blend skinning (section 5.2, equation 1)."""

import torch
from jaxtyping import Float
from torch import Tensor

from estimator.hand.types import JointFrames


def skin(
    vertices: Float[Tensor, "*batch vertices 3"],
    rest: JointFrames,
    posed: JointFrames,
    skinning_weights: Float[Tensor, "*#batch vertices joints"],
) -> Float[Tensor, "*batch vertices 3"]:
    """Vertices carried from the zero pose to the target pose by the weighted mean of the joints' rigid transforms.

    T_j = G_j(theta, S*) G_j(0, S*)^-1, so that the zero pose leaves every vertex where it is.
    """
    R = posed.rotations @ rest.rotations.mT
    t = posed.positions - (R @ rest.positions[..., None])[..., 0]
    return blend(vertices, R, t, skinning_weights)


def blend(
    vertices: Float[Tensor, "*batch vertices 3"],
    linear: Float[Tensor, "*batch joints 3 3"],
    translation: Float[Tensor, "*batch joints 3"],
    skinning_weights: Float[Tensor, "*#batch vertices joints"],
) -> Float[Tensor, "*batch vertices 3"]:
    """Vertices under the weighted mean of affine maps, one a joint: ``x -> linear[j] @ x + translation[j]``."""
    affine = torch.cat([linear, translation[..., None]], dim=-1).flatten(-2)
    # Coordinates as rows, not columns: long rows are quick to multiply and to add up, columns of three numbers are not.
    blended = (affine.mT @ skinning_weights.mT).unflatten(-2, (3, 4))
    moved = (blended[..., :3, :] * vertices.mT[..., None, :, :]).sum(dim=-2) + blended[..., 3, :]
    return moved.mT.contiguous()
