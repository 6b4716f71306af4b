"""What every command that makes data does around its work: read the options, say an error in one line, answer with an exit status."""

import io
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import TypeVar

import tyro

DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130

_BOX = str.maketrans("╭╮╰╯│─", "      ")

Options = TypeVar("Options")


def run_command(options_type: type[Options], work: Callable[[Options], None], program: str, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` (the process's own where it is None) into options, do the work, and give its exit status.

    Wrong usage, ``ValueError`` and ``OSError`` give 2 and one line on stderr; an interruption gives 130.
    """
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            options = tyro.cli(options_type, args=argv, prog=f"python -m {program}")
    except SystemExit as stop:  # --help or wrong usage
        if stop.code:
            _report(f"{complaint.getvalue().translate(_BOX)}; see python -m {program} --help")
        return int(stop.code or DONE)
    try:
        work(options)
    except ValueError as error:
        _report(str(error))
        return BAD_INPUT
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _report(f"{place}cannot be used ({error.strerror or error}); check path, permissions and room, or name another place")
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    return DONE


def _report(message: str) -> None:
    print("error:", " ".join(message.split()), file=sys.stderr)
