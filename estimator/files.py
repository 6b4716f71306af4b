"""Writing files so that a reader never sees half of one."""

import os
import secrets
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
