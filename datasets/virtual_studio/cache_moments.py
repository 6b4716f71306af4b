"""Moments on disk: fingers that come to touch without passing through one another take a while to work out."""

import hashlib
import os
import secrets
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from datasets.virtual_studio.studio_moments import Moment
from datasets.virtual_studio.types import Stance

_DAMAGE = (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile)
"""What reading a missing or damaged npz raises."""

_UNSEEN = ("__main__", "writer", "studio_benchmark")
"""Modules beside this one that do not change what is recorded."""


def load_moments(path: Path, make: Callable[[], tuple[Moment, ...]]) -> tuple[Moment, ...]:
    """The moments that a file keeps; made and put there first where it is missing or damaged.

    Raises:
        OSError: when it cannot be written.
    """
    try:
        return _read(path)
    except _DAMAGE:
        moments = make()
        _write(path, moments)
        return moments


@cache
def code_digest() -> str:
    """Changes with the code that decides what is recorded: what older code left behind is of other hands."""
    here = Path(__file__).parent
    sources = [path for path in here.glob("*.py") if path.stem not in _UNSEEN] + [here.parent / "studio_crop.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:16]


def _read(path: Path) -> tuple[Moment, ...]:
    with np.load(path, allow_pickle=False) as arrays:
        columns = (arrays[name] for name in ("motions", "theta", "R_world_hand", "position"))
        return tuple(Moment(str(motion), Stance(*stance)) for motion, *stance in zip(*columns, strict=True))


def _write(path: Path, moments: tuple[Moment, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with temporary.open("xb") as file:
            np.savez(
                file,
                motions=np.array([moment.motion for moment in moments]),
                theta=np.array([moment.stance.theta for moment in moments]),
                R_world_hand=np.array([moment.stance.R_world_hand for moment in moments]),
                position=np.array([moment.stance.position for moment in moments]),
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
