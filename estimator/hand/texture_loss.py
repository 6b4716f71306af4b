"""texture_loss: how much two textures differ in their patterns, whatever the light (section 11, equation 5)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

PATCH = 8
"""Texels a side of the squares within which brightness and contrast are normalised."""

_BLUR = 3
"""Texels a side of the average blur; the paper does not say."""

_LEAST_CONTRAST = 0.01
"""Standard deviation below which a patch is bare skin and the camera's noise, and not enlarged any more."""


def texture_loss(
    texture: Float[Tensor, "*batch 3 height width"],
    target: Float[Tensor, "*#batch 3 height width"],
    visible: Bool[Tensor, "*batch height width"],
) -> Float[Tensor, "*batch"]:
    """Mean L1 distance of the normalised patches over visible texels and channels; zero where nothing is visible.

    ``visible`` is the paper's delta: texels whose colours are known in both. The others, which may be anything, NaN included, count
    neither in the blur nor in a patch's brightness and contrast. The paper leaves open how texels are reduced; their mean does not depend
    on how much is seen.

    Raises:
        ValueError: when the sides are no multiples of ``PATCH``.
    """
    difference = (normalised_patches(texture, visible) - normalised_patches(target.expand_as(texture), visible)).abs()
    return difference.sum(dim=(-3, -2, -1)) / (texture.shape[-3] * visible.sum(dim=(-2, -1))).clamp(min=1)


def normalised_patches(
    texture: Float[Tensor, "*batch 3 height width"], visible: Bool[Tensor, "*batch height width"]
) -> Float[Tensor, "*batch 3 height width"]:
    """The blurred texture less its mean, over its standard deviation, in each patch and channel; 0 where not visible.

    Raises:
        ValueError: when the sides are no multiples of ``PATCH``.
    """
    height, width = texture.shape[-2:]
    if height % PATCH or width % PATCH:
        raise ValueError(f"a texture's sides should be multiples of {PATCH}, not {height} x {width}")
    mask = visible[..., None, :, :]
    patches = _in_patches(_blurred(torch.where(mask, texture, 0.0), mask.to(texture)))
    weights = _in_patches(mask.to(texture))
    counts = weights.sum(dim=(-3, -1), keepdim=True).clamp(min=1)
    centred = weights * (patches - (weights * patches).sum(dim=(-3, -1), keepdim=True) / counts)
    variance = centred.square().sum(dim=(-3, -1), keepdim=True) / counts
    return (centred / (variance + _LEAST_CONTRAST**2).sqrt()).reshape(texture.shape)


def _blurred(texture: Float[Tensor, "*batch 3 height width"], mask: Float[Tensor, "*batch 1 height width"]) -> Tensor:
    """Mean of the visible texels around each visible one, 0 elsewhere."""
    return mask * _sums(texture) / _sums(mask).clamp(min=1)


def _sums(values: Tensor) -> Tensor:
    """Sum over the square around each texel."""
    pictures = values.reshape(values.shape[:-2].numel(), 1, *values.shape[-2:])
    kernel = values.new_ones((1, 1, _BLUR, _BLUR))
    return torch.nn.functional.conv2d(pictures, kernel, padding=_BLUR // 2).reshape(values.shape)


def _in_patches(values: Float[Tensor, "*batch channels height width"]) -> Float[Tensor, "*batch channels rows patch columns patch"]:
    return values.unflatten(-1, (-1, PATCH)).unflatten(-3, (-1, PATCH))
