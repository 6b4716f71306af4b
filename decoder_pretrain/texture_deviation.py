"""texture_deviation: how much a model's textures differ from moment to moment (Figure 12)."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from jaxtyping import Float

from datasets.studio_sample import PicturedFrames
from decoder_pretrain.moment_surface import moment_surface
from decoder_pretrain.reference_texture import agreeing_views
from decoder_pretrain.studio_model import StudioModel
from estimator.hand.template import HandTemplate
from estimator.hand.texture import TEXTURE_SIZE, Texture, texels, unwrap

FEWEST_MOMENTS = 2


def texture_deviation(
    model: StudioModel, template: HandTemplate, frames: PicturedFrames, moments: Iterable[int], size: int = TEXTURE_SIZE
) -> Float[np.ndarray, "size size"]:
    """Standard deviation of each texel over moments, see ``deviation``."""
    return deviation(moment_textures(model, template, frames, moments, size))


def deviation(textures: Iterable[Texture]) -> Float[np.ndarray, "size size"]:
    """Standard deviation of each texel's RGB in [0, 1] over the textures that show it, averaged over the channels.

    NaN where fewer than ``FEWEST_MOMENTS`` show it.

    Raises:
        ValueError: when there are no textures.
    """
    counts, sums, squares = np.zeros(()), np.zeros(()), np.zeros(())
    for texture in textures:
        visible = texture.visible.cpu().numpy()
        colours = np.where(visible, texture.colours.detach().cpu().double().numpy(), 0)
        counts, sums, squares = counts + visible, sums + colours, squares + colours**2
    if not counts.ndim:
        raise ValueError("there is no texture to compare")
    shown = np.maximum(counts, 1)
    variance = np.maximum(squares / shown - (sums / shown) ** 2, 0)
    return np.where(counts >= FEWEST_MOMENTS, np.sqrt(variance).mean(axis=0), np.nan)


@torch.no_grad()
def _texture(model: StudioModel, template: HandTemplate, frames: PicturedFrames, index: int, size: int) -> Texture:
    recorded = frames.views(index)
    vertices, faces = moment_surface(model, frames, index, recorded).cpu(), torch.tensor(template.faces)
    return unwrap(vertices, faces, texels(template.uv, template.uv_faces, size), agreeing_views(vertices, faces, recorded))


def moment_textures(
    model: StudioModel, template: HandTemplate, frames: PicturedFrames, moments: Iterable[int], size: int = TEXTURE_SIZE
) -> Iterator[Texture]:
    """What all views of each moment show on the model's mesh of it."""
    for index in moments:
        yield _texture(model, template, frames, index, size)
