"""What every command does around its work: read the arguments, turn errors into one line, and answer with an exit status."""

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import tyro

from estimator.errors import InputError

DONE, BAD_INPUT, NO_HAND, INTERRUPTED = 0, 2, 3, 130


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """What every command offers."""

    debug: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: one line)")] = False
    """Show where in the program an error arose."""


Options = TypeVar("Options", bound=CommandOptions)


def run_command(options_type: type[Options], work: Callable[[Options], int], program: str, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` (the process's own where it is None) into options, do the work, and give its exit status.

    Wrong usage and ``InputError`` give 2 and a message on stderr; an interruption gives 130.
    """
    try:
        options = tyro.cli(options_type, args=argv, prog=f"python -m {program}")
    except SystemExit as stop:  # --help or wrong usage: tyro has said what there is to say
        return int(stop.code or DONE)
    try:
        return work(options)
    except InputError as error:
        report(error, options.debug)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def report(error: InputError, debug: bool) -> None:
    """One line on stderr, after the traceback where it is asked for."""
    if debug:
        traceback.print_exception(error)
    print(f"error: {error}", file=sys.stderr)
