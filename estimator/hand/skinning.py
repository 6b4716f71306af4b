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
    T = torch.cat([R, t[..., None]], dim=-1).flatten(-2)
    blended = (skinning_weights @ T).unflatten(-1, (3, 4))
    return (blended[..., :3] @ vertices[..., None])[..., 0] + blended[..., 3]
