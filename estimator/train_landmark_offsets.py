"""python -m estimator.train_landmark_offsets: see ``estimator.training_landmark_offsets``."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from estimator.command import run_in_checkout

if TYPE_CHECKING:
    from estimator.training_landmark_offsets import OffsetOptions


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.train_landmark_offsets", argv)


def _load() -> "tuple[type[OffsetOptions], Callable[[OffsetOptions], int]]":
    from estimator.training_landmark_offsets import OffsetOptions, run

    return OffsetOptions, run


if __name__ == "__main__":
    sys.exit(main())
