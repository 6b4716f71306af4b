"""Ridge regression from a network's features: standardised, reduced to principal components where they are many, folded into one matrix."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from estimator.feature_encoder import LANDMARK_VALUES
from estimator.hand.template import LANDMARK_NAMES
from estimator.landmark_features import MAP_CHANNELS, POOLED_SIZE, SAMPLED_SIZE

COMPONENTS = 300
"""Principal components kept of each feature map's values."""

RIDGES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
"""Weights of the penalty over the variance of an input; the best for the hands held out is taken."""

FOLDS = 5


@dataclass(frozen=True)
class LinearFit:
    """``targets = weight @ inputs + bias``, and how it was found.

    Attributes:
        weight: on the inputs as they come.
        bias: of the targets.
        ridge: weight of the penalty.
        reduction: takes centred inputs to the few numbers that the regression saw.
        centre: mean of the inputs.
    """

    weight: Float[Tensor, "targets inputs"]
    bias: Float[Tensor, " targets"]
    ridge: float
    reduction: Float[Tensor, "inputs reduced"]
    centre: Float[Tensor, " inputs"]


def fit_map(inputs: Float[Tensor, "hands inputs"], targets: Float[Tensor, "hands targets"], held_out: Bool[Tensor, " hands"]) -> LinearFit:
    """The map that the other hands give; the penalty is the one that serves the hands held out best."""
    learning = ~held_out
    centre, reduction = reduce_inputs(inputs[learning])
    reduced = (inputs - centre) @ reduction
    moments = _Moments.of(reduced[learning], targets[learning])
    best = min(RIDGES, key=lambda ridge: _error(moments, ridge, reduced[held_out], targets[held_out]))
    solution, bias = moments.solve(best)
    weight = (reduction @ solution).T
    return LinearFit(weight, bias - weight @ centre, best, reduction, centre)


def out_of_fold(
    fit: LinearFit, inputs: Float[Tensor, "hands inputs"], targets: Float[Tensor, "hands targets"], held_out: Bool[Tensor, " hands"]
) -> Float[Tensor, "hands targets"]:
    """What maps found as ``fit`` was say of hands that they did not learn from: each fold's from the others', the held out from all."""
    reduced = (inputs - fit.centre) @ fit.reduction
    found = inputs @ fit.weight.T + fit.bias
    order = torch.arange(len(inputs))[~held_out]
    for fold in range(FOLDS):
        bounds = fold * len(order) // FOLDS, (fold + 1) * len(order) // FOLDS  # neighbours stay together: they may share a person
        rows = order[bounds[0] : bounds[1]]
        others = torch.cat([order[: bounds[0]], order[bounds[1] :]])
        solution, bias = _Moments.of(reduced[others], targets[others]).solve(fit.ridge)
        found[rows] = reduced[rows] @ solution + bias
    return found


def reduce_inputs(inputs: Float[Tensor, "hands inputs"]) -> tuple[Float[Tensor, " inputs"], Float[Tensor, "inputs reduced"]]:
    """Mean of the inputs, and the matrix that standardises them and keeps the first components of each feature map.

    Landmark values stay as they are but for their scale. The features together weigh as much as they do.
    """
    centre, deviation = inputs.mean(dim=0), inputs.std(dim=0).clamp(min=1e-3)
    blocks = _blocks(inputs.shape[1])
    parts, start = [], 0
    for size in blocks:
        columns = slice(start, start + size)
        standard = (inputs[:, columns] - centre[columns]) / deviation[columns]
        count = min(COMPONENTS, len(inputs) - 1, size)
        if size <= COMPONENTS:
            axes = torch.eye(size)
        else:
            torch.manual_seed(0)  # of the random projection inside
            axes = torch.svd_lowrank(standard, q=count, niter=3)[2] * (_LANDMARK_SHARE / size) ** 0.5
        part = torch.zeros(inputs.shape[1], axes.shape[1])
        part[columns] = axes / deviation[columns, None]
        parts.append(part)
        start += size
    return centre, torch.cat(parts, dim=1)


_LANDMARK_SHARE = LANDMARK_VALUES / (len(MAP_CHANNELS) + 1)


def _blocks(size: int) -> list[int]:
    """Sizes of the parts that are reduced apart: the landmarks, each feature map; or all as one."""
    maps = [channels * len(LANDMARK_NAMES) for channels in MAP_CHANNELS]
    return [LANDMARK_VALUES, *maps, POOLED_SIZE] if size > SAMPLED_SIZE else [size]


@dataclass(frozen=True)
class _Moments:
    """All that a regression needs to know of its data."""

    gram: Float[Tensor, "inputs inputs"]
    cross: Float[Tensor, "inputs targets"]
    input_mean: Float[Tensor, " inputs"]
    target_mean: Float[Tensor, " targets"]

    @classmethod
    def of(cls, inputs: Float[Tensor, "hands inputs"], targets: Float[Tensor, "hands targets"]) -> "_Moments":
        input_mean, target_mean = inputs.mean(dim=0), targets.mean(dim=0)
        centred = inputs - input_mean
        return cls(centred.T @ centred / len(inputs), centred.T @ (targets - target_mean) / len(inputs), input_mean, target_mean)

    def solve(self, ridge: float) -> tuple[Float[Tensor, "inputs targets"], Float[Tensor, " targets"]]:
        penalised = self.gram.double() + ridge * torch.eye(len(self.gram), dtype=torch.float64)
        solution = torch.linalg.solve(penalised, self.cross.double()).float()
        return solution, self.target_mean - self.input_mean @ solution


def _error(moments: _Moments, ridge: float, inputs: Tensor, targets: Tensor) -> float:
    solution, bias = moments.solve(ridge)
    return float((inputs @ solution + bias - targets).square().mean())
