"""Rigid and similarity alignment of corresponding points (section 5.2: wrist and finger roots)."""

from dataclasses import dataclass
from typing import cast

import roma
import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Similarity:
    """``x_target = scale * rotation @ x_source + translation``."""

    rotation: Float[Tensor, "*batch 3 3"]
    translation: Float[Tensor, "*batch 3"]
    scale: Float[Tensor, "*batch"]

    def apply(self, points: Float[Tensor, "*batch points 3"]) -> Float[Tensor, "*batch points 3"]:
        """Move points from the source's frame to the target's."""
        return self.scale[..., None, None] * points @ self.rotation.mT + self.translation[..., None, :]


def align_rigid(
    source: Float[Tensor, "*batch points 3"],
    target: Float[Tensor, "*batch points 3"],
    weights: Float[Tensor, "*batch points"] | None = None,
) -> Similarity:
    """The rotation and translation that bring ``source`` nearest to ``target`` in (weighted) least squares; scale is one.

    Three points off a line fix it; for fewer the rotation is one of several optima.
    """
    R, t = cast("tuple[Tensor, Tensor]", roma.rigid_points_registration(source, target, weights=weights))
    return Similarity(R, t, torch.ones_like(t[..., 0]))


def align_similarity(
    source: Float[Tensor, "*batch points 3"],
    target: Float[Tensor, "*batch points 3"],
    weights: Float[Tensor, "*batch points"] | None = None,
) -> Similarity:
    """As ``align_rigid``, with one more unknown: the scale (Procrustes alignment, as in PA-MPJPE)."""
    registration = roma.rigid_points_registration(source, target, weights=weights, compute_scaling=True)
    R, t, scale = cast("tuple[Tensor, Tensor, Tensor]", registration)
    return Similarity(R, t, scale)
