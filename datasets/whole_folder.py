"""Writing a folder of data so that all of it is there or nothing, and seeing beforehand that it will be possible."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HIDDEN = ".partial"
"""Folder inside the one that is written, where everything lies until all of it is there."""


@contextmanager
def written_whole(out: Path, parts: Sequence[str]) -> Iterator[Path]:
    """A hidden folder inside ``out`` to write to: its parts move to ``out`` in their order when the work ends well, else all is removed.

    Raises:
        ValueError: one line naming folder and cure, when there is something in it or it cannot be written.
    """
    require_empty(out)
    hidden = out / HIDDEN
    try:
        shutil.rmtree(hidden, ignore_errors=True)  # of a process that was killed
        hidden.mkdir(parents=True)
        try:
            yield hidden
            for part in parts:
                (hidden / part).rename(out / part)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise ValueError(f"{out}: cannot be written ({error.strerror or error}); name another folder or make room there") from error


def require_empty(folder: Path) -> None:
    """That a folder is missing or empty, but for what a killed process has left.

    Raises:
        ValueError: when it is not, or cannot be looked at.
    """
    try:
        used = folder.exists() and (not folder.is_dir() or any(path.name != HIDDEN for path in folder.iterdir()))
    except OSError as error:
        raise ValueError(f"{folder}: cannot be written ({error.strerror or error}); name another folder") from error
    if used:
        raise ValueError(f"{folder}: there is something in this place; name a new or an empty folder")


def require_room(folder: Path, needed_bytes: float, cure: str) -> None:
    """That the disk has room for so much in a folder, which may be missing yet.

    Raises:
        ValueError: when it has not.
    """
    whole = folder.absolute()
    existing = next(path for path in (whole, *whole.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed_bytes > free:
        raise ValueError(f"{folder}: about {needed_bytes / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free; {cure}")
