"""python -m estimator.evaluate_difference: is one method better than another on the same photographs, or is that luck?"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from estimator.command import DONE, CommandOptions, run_command
from estimator.errors import InputError
from estimator.evaluation_difference import block_bootstrap, read_numbers


@dataclass(frozen=True)
class DifferenceOptions(CommandOptions):
    """Compares two methods measured by estimator.evaluate --json: the mean difference and its 95 % interval, for each source.

    The interval comes from a bootstrap over blocks of neighbouring photographs. Below zero the first method is better, in errors.
    """

    first: tyro.conf.Positional[Path]
    """JSON of the first method."""
    second: tyro.conf.Positional[Path]
    """JSON of the second; may be the same file."""
    methods: tuple[str, str] = ("full", "full")
    """Which row of the first file, and which of the second."""
    number: Literal["pa_mm", "rr_mm", "epe2d_rel"] = "pa_mm"
    """What is compared."""
    block: int = 5
    """Neighbouring photographs that are drawn together."""
    draws: int = 10_000
    """Bootstrap samples."""
    seed: int = 0
    """Of the draws."""

    def __post_init__(self) -> None:
        if self.block < 1 or self.draws < 1:
            raise InputError("--block and --draws must be at least 1")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, or 2 for files that cannot be compared."""
    return run_command(DifferenceOptions, _run, "estimator.evaluate_difference", argv)


def _run(options: DifferenceOptions) -> int:
    first, second = (
        read_numbers(path, method, options.number) for path, method in zip((options.first, options.second), options.methods, strict=True)
    )
    table = Table(
        "source", "images", "difference", "95 % interval", title=f"{options.number}: {options.methods[0]} less {options.methods[1]}"
    )
    for source, numbers in first.items():
        shared = [hand for hand in numbers if hand in second.get(source, {})]
        if shared:
            differences = np.array([numbers[hand] - second[source][hand] for hand in shared])
            found = block_bootstrap(differences, options.block, options.draws, np.random.default_rng(options.seed))
            table.add_row(source, str(found.images), f"{found.mean:+.3f}", f"{found.low:+.3f} to {found.high:+.3f}")
    if not table.row_count:
        raise InputError(f"{options.first} and {options.second} have no photograph in common; measure both on one index")
    Console().print(table)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
