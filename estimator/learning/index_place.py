"""Where a reader keeps the index of a data set."""

import hashlib
import os
from pathlib import Path

from estimator.models import cache_folder


def index_place(folder: Path, kind: str, suffix: str) -> Path | None:
    """None, the reader's own place beside the data, or a file in the user's cache where the data's folder cannot be written to.

    Raises:
        OSError: when the cache cannot be written.
    """
    if not folder.is_dir() or os.access(folder, os.W_OK):
        return None
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    place = cache_folder() / f"{kind}_{name}{suffix}"
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
