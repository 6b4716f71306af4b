"""python -m estimator.train: stage 2, see ``estimator.training_rhd``."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from estimator.command import run_in_checkout

if TYPE_CHECKING:
    from estimator.training_rhd import TrainRhdOptions


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.train", argv)


def _load() -> "tuple[type[TrainRhdOptions], Callable[[TrainRhdOptions], int]]":
    from estimator.training_rhd import TrainRhdOptions, run

    return TrainRhdOptions, run


if __name__ == "__main__":
    sys.exit(main())
