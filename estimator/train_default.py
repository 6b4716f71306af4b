"""python -m estimator.train_default: see ``estimator.training_default``."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from estimator.command import run_in_checkout

if TYPE_CHECKING:
    from estimator.training_default import TrainDefaultOptions


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.train_default", argv)


def _load() -> "tuple[type[TrainDefaultOptions], Callable[[TrainDefaultOptions], int]]":
    from estimator.training_default import TrainDefaultOptions, run

    return TrainDefaultOptions, run


if __name__ == "__main__":
    sys.exit(main())
