"""TextureConsistency: how a surface's colours in some views differ from a reference texture (section 11)."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from estimator.hand.template import HandTemplate
from estimator.hand.texture import Texture, Views, texels, unwrap
from estimator.hand.texture_loss import texture_loss


class TextureConsistency(nn.Module):
    """L_tex (equation 5) against a given T*; has no parameters."""

    def __init__(self, template: HandTemplate, reference: Texture) -> None:
        super().__init__()
        self.where = texels(template.uv, template.uv_faces, reference.visible.shape[-1])
        self.register_buffer("faces", torch.tensor(template.faces), persistent=False)
        self.register_buffer("colours", reference.colours, persistent=False)
        self.register_buffer("visible", reference.visible, persistent=False)

    faces: Int[Tensor, "faces 3"]
    colours: Float[Tensor, "3 size size"]
    visible: Bool[Tensor, "size size"]

    def forward(self, vertices: Float[Tensor, "batch vertices 3"], views: Views) -> Float[Tensor, " batch"]:
        """The loss of each surface (world frame, mm), with gradients to its vertices; over texels that are known in both textures."""
        texture = unwrap(vertices, self.faces, self.where, views)
        return texture_loss(texture.colours, self.colours, texture.visible & self.visible)
