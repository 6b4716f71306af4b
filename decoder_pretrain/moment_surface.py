"""moment_surface: a trained model's mesh of a moment that several cameras saw."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from datasets.studio_sample import PicturedFrames, StudioViews
from decoder_pretrain.studio_model import StudioModel, place_in_studio


@torch.no_grad()
def moment_surface(model: StudioModel, frames: PicturedFrames, index: int, views: StudioViews) -> Float[Tensor, "vertices 3"]:
    """World frame, mm, on the model's device; each angle of theta is the median of what the encoder reads in all views."""
    model.eval()
    device = next(model.parameters()).device
    sample = frames.sample(index, np.random.default_rng(index))
    pictures = torch.tensor(views.images, device=device).permute(0, 3, 1, 2).float() / 255
    theta = model.encoder(pictures).median(dim=0, keepdim=True).values
    joints, valid = (torch.tensor(value, device=device)[None] for value in (sample.joints, sample.valid))
    return place_in_studio(model.decoder, theta, joints, valid).vertices[0]
