"""python -m estimator.train_landmarks: see ``estimator.training_landmarks``."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from estimator.command import run_in_checkout

if TYPE_CHECKING:
    from estimator.training_landmarks import TrainLandmarksOptions


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.train_landmarks", argv)


def _load() -> "tuple[type[TrainLandmarksOptions], Callable[[TrainLandmarksOptions], int]]":
    from estimator.training_landmarks import TrainLandmarksOptions, run

    return TrainLandmarksOptions, run


if __name__ == "__main__":
    sys.exit(main())
