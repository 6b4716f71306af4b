"""python -m estimator.train_landmark_offsets: see ``estimator.training_landmark_offsets``."""

import sys
from collections.abc import Sequence

from estimator.command import BAD_INPUT, needs_checkout, report, run_command
from estimator.errors import InputError

PROGRAM = "estimator.train_landmark_offsets"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    try:
        with needs_checkout(f"python -m {PROGRAM}"):
            from estimator.training_landmark_offsets import OffsetOptions, run
    except InputError as error:
        report(error, debug=False)
        return BAD_INPUT
    return run_command(OffsetOptions, run, PROGRAM, argv)


if __name__ == "__main__":
    sys.exit(main())
