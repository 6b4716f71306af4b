"""python -m estimator.train_landmarks: see ``estimator.training_landmarks``."""

import sys
from collections.abc import Sequence

from estimator.command import BAD_INPUT, needs_checkout, report, run_command
from estimator.errors import InputError

PROGRAM = "estimator.train_landmarks"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    try:
        with needs_checkout(f"python -m {PROGRAM}"):
            from estimator.training_landmarks import TrainLandmarksOptions, run
    except InputError as error:
        report(error, debug=False)
        return BAD_INPUT
    return run_command(TrainLandmarksOptions, run, PROGRAM, argv)


if __name__ == "__main__":
    sys.exit(main())
