"""What caches of an index have in common: a stamp that tells when a file or folder has changed, and writing in one step."""

import os
import secrets
from pathlib import Path


def stamp(path: Path) -> str:
    """Changes when a file is rewritten, or a name is added to a folder, removed or replaced; "absent" where there is nothing.

    The second of its times is one that copying tools cannot set back.

    Raises:
        ValueError: one line naming path and cure, when it cannot be looked at.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from error
    return f"{status.st_mtime_ns} {status.st_ctime_ns}"


def write_cache(cache: Path, content: bytes) -> None:
    """Put the content there: the old file or the new one is there, never a part of one.

    Raises:
        ValueError: one line naming file and cure, when it cannot be written.
    """
    temporary = cache.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(cache)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"{cache}: the index cannot be written ({error.strerror or error}); name another place for the cache") from error
