"""How much two methods differ on the same photographs, and how sure that is: a bootstrap over blocks of neighbouring photographs.

Neighbours in an index are often frames of one film and err alike: drawn one by one, they would make the interval too narrow.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from estimator.errors import InputError


@dataclass(frozen=True)
class Difference:
    """Mean of the first method's number less the second's, and where 95 % of the bootstrap's means lie."""

    images: int
    mean: float
    low: float
    high: float


def block_bootstrap(differences: Float[np.ndarray, " images"], block: int, draws: int, generator: np.random.Generator) -> Difference:
    """The mean of differences in the order of their photographs, resampled in blocks of neighbours that may start anywhere (circular).

    Raises:
        ValueError: when there is no difference, or block or draws are below 1.
    """
    count = len(differences)
    if not count or block < 1 or draws < 1:
        raise ValueError(f"a bootstrap needs differences, blocks and draws, not {count}, {block} and {draws}")
    block = min(block, count)
    starts = generator.integers(0, count, (draws, -(-count // block)))
    rows = (starts[..., None] + np.arange(block)).reshape(draws, -1)[:, :count] % count
    low, high = np.percentile(differences[rows].mean(axis=1), [2.5, 97.5])
    return Difference(count, float(differences.mean()), float(low), float(high))


Hand = tuple[str, int]
"""A photograph, and which of the hands that are annotated in it, counted from 0 in the index's order."""


def read_numbers(path: Path, method: str, number: str) -> dict[str, dict[Hand, float]]:
    """For each source what ``estimator.evaluate --json`` says of each hand, in the index's order; hands without it left out.

    Raises:
        InputError: when the file is no such document or lacks the method.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        chosen = [row for row in rows if row["method"] == method]
        found = {row["source"]: _numbers_by_hand(row["per_image"], number) for row in chosen}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as numbers of estimator.evaluate ({error!r}); write it again with --json") from error
    if not found:
        methods = ", ".join(dict.fromkeys(row["method"] for row in rows))
        raise InputError(f"{path}: has no method {method!r}; it has {methods}")
    return found


def _numbers_by_hand(hands: Sequence[Mapping[str, Any]], number: str) -> dict[Hand, float]:
    seen: Counter[str] = Counter()
    numbers: dict[Hand, float] = {}
    for hand in hands:
        name = hand["image"]
        if hand[number] is not None:
            numbers[name, seen[name]] = float(hand[number])
        seen[name] += 1
    return numbers
