"""What every command does around its work: read the arguments, turn errors into one line, and answer with an exit status."""

import io
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from itertools import takewhile
from typing import Annotated, TypeVar

import tyro
from rich.console import Console
from rich.progress import Progress, ProgressColumn

from estimator.errors import InputError

DONE, BAD_INPUT, NO_HAND, INTERRUPTED = 0, 2, 3, 130


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """What every command offers."""

    debug: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: one line)")] = False
    """Show where in the program an error arose."""


CHECKOUT_PACKAGES = ("datasets", "decoder_pretrain")
"""What an installed package leaves out: data and training, and names that belong to others on the package index."""

Options = TypeVar("Options", bound=CommandOptions)


def run_command(options_type: type[Options], work: Callable[[Options], int], program: str, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` (the process's own where it is None) into options, do the work, and give its exit status.

    Wrong usage and ``InputError`` give 2 and a message on stderr; an interruption gives 130.
    """
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            options = tyro.cli(options_type, args=argv, prog=f"python -m {program}")
    except SystemExit as stop:  # --help or wrong usage
        if stop.code:
            print(f"error: {_one_line(complaint.getvalue())}; see python -m {program} --help", file=sys.stderr)
        return int(stop.code or DONE)
    try:
        return work(options)
    except InputError as error:
        report(error, options.debug)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _one_line(complaint: str) -> str:
    """What tyro says about wrong usage, without its box (or, where only ASCII can be shown, its heading), hints and rules."""
    lines = [line.strip("│ ") for line in complaint.splitlines() if not line.startswith(("╭", "╰"))]
    rules = [i for i, line in enumerate(lines) if line and not line.strip("─-")]
    start = 0 if "╭" in complaint or not rules else rules[0] + 1
    message = " ".join(takewhile(lambda line: line.strip("─-"), lines[start:])) or " ".join(complaint.split())
    return message.replace("{None}|", "").rstrip(".")


def run_in_checkout(load: Callable[[], tuple[type[Options], Callable[[Options], int]]], program: str, argv: Sequence[str] | None) -> int:
    """As ``run_command``, for options and work that only a checkout can import: ``load`` imports and returns both."""
    try:
        with needs_checkout(f"python -m {program}"):
            options_type, work = load()
    except InputError as error:
        report(error, debug=False)
        return BAD_INPUT
    return run_command(options_type, work, program, argv)


@contextmanager
def needs_checkout(program: str) -> Iterator[None]:
    """For the imports of a command that only a checkout can run: where its packages are missing the reader learns where they are.

    Raises:
        InputError: when one of them cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in CHECKOUT_PACKAGES:
            raise
        raise InputError(f"{program} runs from a checkout of the repository: start it in the folder that holds estimator/") from error


def progress_bar(wanted: bool = True, columns: Sequence[ProgressColumn] = ()) -> Progress:
    """A bar on stderr where a person watches, with rich's own columns where none are named; elsewhere nothing."""
    watched = wanted and sys.stderr.isatty()
    return Progress(*columns, console=Console(stderr=True), disable=not watched, transient=True, redirect_stdout=sys.stdout.isatty())


def report(error: InputError, debug: bool) -> None:
    """One line on stderr, whatever libraries have put into the message, after the traceback where it is asked for."""
    if debug:
        traceback.print_exception(error)
    print("error:", *(line.strip() for line in str(error).splitlines()), file=sys.stderr)
