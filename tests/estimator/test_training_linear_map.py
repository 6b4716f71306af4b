"""Ridge regression: exact where the truth is linear, blind to what is held out, and one matrix on the inputs as they come."""

import torch

from estimator.training_linear_map import RIDGES, fit_map, out_of_fold, reduce_inputs


def linear_hands(count: int, noise: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = 5 + torch.randn(count, 12, generator=generator) * torch.linspace(0.1, 10, 12)
    targets = inputs @ torch.randn(12, 3, generator=generator) + 2
    held_out = torch.arange(count) % 10 == 9
    return inputs, targets + noise * torch.randn(count, 3, generator=generator), held_out


def test_a_linear_truth_is_found_in_the_inputs_own_units() -> None:
    inputs, targets, held_out = linear_hands(2000)
    fit = fit_map(inputs, targets, held_out)
    assert fit.ridge == min(RIDGES)
    residual = (inputs @ fit.weight.T + fit.bias - targets)[held_out]
    assert residual.square().mean() < 1e-5 * targets.var()


def test_noise_asks_for_a_larger_penalty() -> None:
    inputs, _, held_out = linear_hands(200)
    noise = torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    assert fit_map(inputs, noise, held_out).ridge == max(RIDGES)


def test_what_is_held_out_does_not_change_the_map_of_a_penalty() -> None:
    inputs, targets, held_out = linear_hands(500, noise=0.1)
    other = targets.clone()
    other[held_out] += 1e-3
    one, two = fit_map(inputs, targets, held_out), fit_map(inputs, other, held_out)
    assert one.ridge == two.ridge
    torch.testing.assert_close(one.weight, two.weight)


def test_no_hand_is_predicted_by_a_map_that_saw_it() -> None:
    inputs, targets, held_out = linear_hands(200)
    fit = fit_map(inputs, targets, held_out)
    strange = targets.clone()
    strange[7] += 1000.0
    plain, seen = out_of_fold(fit, inputs, targets, held_out), out_of_fold(fit, inputs, strange, held_out)
    torch.testing.assert_close(plain[7], seen[7])
    assert (plain[100] - seen[100]).abs().max() > 1e-3


def test_many_inputs_are_reduced_to_their_main_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(400, 5, generator=generator)
    inputs = hidden @ torch.randn(5, 350, generator=generator)
    centre, reduction = reduce_inputs(inputs)
    reduced = (inputs - centre) @ reduction
    assert reduced.shape[1] <= 300
    values = torch.linalg.svdvals(reduced)
    assert values[5] < 1e-3 * values[0]
