"""Moments: which stances of which motions are recorded, and where key points would say that joints are."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from datasets.capture_studio_files import KEY_POINT_JOINTS
from datasets.virtual_studio.motions import TEST_MOTIONS, TRAINING_MOTIONS, stances
from datasets.virtual_studio.types import Stance, SubjectSkeleton
from estimator.hand.template import JOINT_COUNT

Split = Literal["training", "test"]
"""The motions that are trained on, and the gestures that are not."""

KEY_POINT_ERROR_MM = 2.78
"""Mean distance of the release's key points from true joints (the paper's supplement, on its annotations)."""

HAS_KEY_POINT = np.isin(np.arange(JOINT_COUNT), KEY_POINT_JOINTS)
"""Which joints the release's key points name."""

_MOMENTS_A_PERFORMANCE = 12


@dataclass(frozen=True)
class Moment:
    """A hand at one moment of a motion that has a name."""

    motion: str
    stance: Stance


def moments_of(split: Split, skeleton: SubjectSkeleton, count: int, generator: np.random.Generator) -> tuple[Moment, ...]:
    """``count`` moments spread evenly over a split's motions, and those of a motion over several performances of it."""
    names = TRAINING_MOTIONS if split == "training" else TEST_MOTIONS
    return tuple(
        Moment(name, stance)
        for name, share in zip(names, _even_shares(count, len(names)), strict=True)
        for part in _even_shares(share, math.ceil(share / _MOMENTS_A_PERFORMANCE))
        for stance in stances(name, skeleton, part, generator)
    )


def key_point_errors(shape: tuple[int, ...], mean_mm: float, generator: np.random.Generator) -> Float[np.ndarray, "*shape 3"]:
    """Isotropic errors of key points: vectors of the given mean length, mm."""
    return generator.normal(0, mean_mm / np.sqrt(8 / np.pi), (*shape, 3))


def _even_shares(count: int, parts: int) -> list[int]:
    """``count`` things shared out as evenly as they can be."""
    return np.diff(np.arange(parts + 1) * count // max(parts, 1)).tolist()
