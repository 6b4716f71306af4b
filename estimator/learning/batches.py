"""Which sample comes when: it follows from the seed alone, so that a run can be resumed or shared out exactly."""

from collections.abc import Sized
from dataclasses import dataclass

import numpy as np

from estimator.errors import InputError


@dataclass(frozen=True)
class Share:
    """Which part of each batch is this process's.

    Attributes:
        rank: of this process.
        processes: how many there are.
    """

    rank: int = 0
    processes: int = 1


def step_count(data: Sized, batch: int) -> int:
    """Whole batches in an epoch.

    Raises:
        InputError: when there is not even one.
    """
    if len(data) < batch:
        raise InputError(f"the data holds {len(data)} samples, fewer than a batch of {batch}; give more data or a smaller --batch")
    return len(data) // batch


def shuffled_batches(data: Sized, batch: int, seed: int, epoch: int, first_step: int = 0, share: Share = Share()) -> list[list[int]]:
    """The samples of each batch of an epoch from ``first_step`` on; the last, incomplete batch is left out.

    What is random in a sample should be drawn from ``sample_generator``: then neither the number of processes nor of workers changes
    what is seen.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(data))
    steps = range(first_step, step_count(data, batch))
    return [order[step * batch : (step + 1) * batch][share.rank :: share.processes].tolist() for step in steps]


def sample_generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """Of a sample's own randomness in an epoch."""
    return np.random.default_rng([seed, epoch, index])


def spread_evenly(count: int, limit: int | None) -> list[int]:
    """All of ``count`` things, or so many of them, evenly spread over their order."""
    if limit is None or limit >= count:
        return list(range(count))
    return [index * count // limit for index in range(limit)]
