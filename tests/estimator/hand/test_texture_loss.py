"""texture_loss against a literal definition, and what it must not see: light."""

import numpy as np
import pytest
import torch
from torch import Tensor

from estimator.hand.texture_loss import normalised_patches, texture_loss


def random_textures(*batch: int, size: tuple[int, int] = (16, 24), seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    texture, target = (torch.rand((*batch, 3, *size), generator=generator, dtype=torch.float64) for _ in range(2))
    return texture, target, torch.rand((*batch, *size), generator=generator) < 0.7


def slow_patches(texture: Tensor, visible: Tensor) -> np.ndarray:
    """Blur, then normalise, texel by texel."""
    colours, seen = texture.numpy(), visible.numpy()
    blurred, result = np.zeros_like(colours), np.zeros_like(colours)
    for channel, row, column in np.ndindex(*colours.shape):
        near = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        if seen[row, column]:
            blurred[channel, row, column] = colours[channel][near][seen[near]].mean()
    for channel, row, column in np.ndindex(*colours.shape):
        patch = np.s_[row // 8 * 8 : row // 8 * 8 + 8, column // 8 * 8 : column // 8 * 8 + 8]
        if seen[row, column]:
            values = blurred[channel][patch][seen[patch]]
            result[channel, row, column] = (blurred[channel, row, column] - values.mean()) / np.sqrt(values.var() + 0.01**2)
    return result


@pytest.mark.parametrize("seed", range(3))
def test_is_the_l1_distance_of_blurred_and_normalised_patches(seed: int) -> None:
    texture, target, visible = random_textures(seed=seed)
    one, other = slow_patches(texture, visible), slow_patches(target, visible)
    np.testing.assert_allclose(normalised_patches(texture, visible).numpy(), one, atol=1e-9)
    expected = np.abs(one - other)[:, visible.numpy()].mean()
    assert texture_loss(texture, target, visible).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 3)])
def test_samples_are_independent(batch: tuple[int, ...]) -> None:
    texture, target, visible = random_textures(*batch)
    loss = texture_loss(texture, target, visible)
    assert loss.shape == batch
    for sample in np.ndindex(*batch):
        torch.testing.assert_close(loss[sample], texture_loss(texture[sample], target[sample], visible[sample]))


def test_one_target_serves_a_batch() -> None:
    texture, target, visible = random_textures(4)
    torch.testing.assert_close(texture_loss(texture, target[0], visible), texture_loss(texture, target[:1].expand(4, -1, -1, -1), visible))


def test_light_does_not_matter_and_pattern_does() -> None:
    texture, target, visible = random_textures()
    lit = 0.3 + 0.6 * texture
    assert texture_loss(lit, texture, visible) < 0.02 * texture_loss(target, texture, visible)


def test_what_is_not_visible_does_not_matter() -> None:
    texture, target, visible = random_textures()
    expected = texture_loss(texture, target, visible)
    texture = torch.where(visible, texture, torch.nan).requires_grad_()
    loss = texture_loss(texture, target, visible)
    torch.testing.assert_close(loss, expected)
    (gradient,) = torch.autograd.grad(loss, texture)
    assert (gradient[:, ~visible] == 0).all()
    assert (gradient[:, visible] != 0).any()


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_plain_or_unseen_texture_has_a_finite_gradient(value: float) -> None:
    texture, target, visible = random_textures()
    plain = torch.full_like(texture, value).requires_grad_()
    for seen in (visible, torch.zeros_like(visible)):
        loss = texture_loss(plain, target, seen)
        assert torch.autograd.grad(loss, plain)[0].isfinite().all()
        assert (loss > 0) == seen.any()


def test_gradients_are_finite_differences() -> None:
    texture, target, visible = random_textures(size=(8, 16))
    assert torch.autograd.gradcheck(lambda texture: texture_loss(texture, target, visible), texture.requires_grad_())


def test_sides_that_do_not_divide_into_patches_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 8, not 12 x 16"):
        texture_loss(*random_textures(size=(12, 16)))
