"""What clients send, taken as it comes: Gradio's own preparation would open files by their names, and write some of them anew."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from estimator.errors import InputError

FileData = Mapping[str, object]
"""A file as Gradio speaks of it: its path is one that the door has let through."""


def uploaded(file: FileData | None, what: str) -> Path:
    """The path of a file that was uploaded.

    Raises:
        InputError: when there is none.
    """
    path = file.get("path") if isinstance(file, Mapping) else None
    if not isinstance(path, str) or not path:
        raise InputError(f"choose {what} first")
    return Path(path)


def all_uploaded(files: Sequence[FileData] | FileData | None, what: str) -> list[Path]:
    """The paths of one or several files.

    Raises:
        InputError: when there is none.
    """
    given = [files] if isinstance(files, Mapping) else list(files or [])
    return [uploaded(file, what) for file in given or [None]]


def number(value: object, what: str) -> float | None:
    """A number that was typed; None where the field is empty or 0, as browsers show it then.

    Raises:
        InputError: when it is no number.
    """
    if value in (None, "", 0):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{what}: expected a number, not {value!r}")
    return float(value)
