"""Writing files so that a reader never sees half of one, and seeing beforehand that it will be possible."""

import os
import secrets
import tempfile
from pathlib import Path

from estimator.errors import InputError


def write_file(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``: the old file or the new one is there, never a part, whatever interrupts.

    What exists and is not an ordinary file (a device, a pipe) is written to directly, because it must not be replaced.

    Raises:
        InputError: when the file cannot be written: no such folder, no permission, no space.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace(path, content)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be written ({reason}); choose another place or make room there") from error


def require_writable_folder(folder: Path, cure: str = "choose another folder") -> None:
    """Make ``folder`` and see that files can be put there, before work is spent on what would go there.

    Raises:
        InputError: when that is not so.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}); {cure}") from error


def require_writable_file(path: Path) -> None:
    """Make the folder of ``path`` and see that ``write_file`` can put a file there.

    Raises:
        InputError: when that is not so.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if not path.exists() or path.is_file():  # a device or a pipe is written to, whatever its folder is like
        require_writable_folder(path.parent, f"choose another place for {path.name}")


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
