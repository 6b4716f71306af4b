"""Built subjects on disk: building one takes a minute, reading it back less than a second."""

import hashlib
import os
import tempfile
import zipfile
import zlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from datasets.virtual_studio.people import Person
from datasets.virtual_studio.subject_build import BuiltSubject, build

FORMAT = 5
"""Raised whenever the way subjects are built changes, so that older files are built anew."""

_DAMAGE = (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged npz raises."""


def user_cache() -> Path:
    """The user's folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deephandmesh" / "virtual_studio"


def cached_subject(person: Person, folder: Path) -> BuiltSubject:
    """The subject as the folder has it; built and put there if it is missing, damaged or of another version."""
    path = folder / f"subject_{person.number}.npz"
    key = cache_key(person)
    try:
        return read_subject(path, key)
    except _DAMAGE:
        subject = build(person)
        write_subject(path, subject, key)
        return subject


def cache_key(person: Person) -> str:
    """Changes with the person and with the way subjects are built."""
    return hashlib.sha256(f"{FORMAT} {person}".encode()).hexdigest()[:16]


def write_subject(path: Path, subject: BuiltSubject, key: str) -> None:
    """Write an npz whose arrays are named as the fields are; a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        np.savez(file, key=np.array(key), **_arrays(subject))
    Path(file.name).replace(path)


def read_subject(path: Path, key: str) -> BuiltSubject:
    """Read what ``write_subject`` wrote.

    Raises:
        ValueError, OSError, LookupError, zipfile.BadZipFile: when it is missing, damaged, or has another key.
    """
    with np.load(path, allow_pickle=False) as archive:
        if archive["key"].item() != key:
            raise ValueError(f"{path}: of another version")
        return _gathered(BuiltSubject, archive, "")


def _arrays(value: object, prefix: str = "") -> dict[str, np.ndarray]:
    """Every array of nested dataclasses under its dotted name."""
    found: dict[str, np.ndarray] = {}
    for field in fields(value):  # pyright: ignore[reportArgumentType]
        member = getattr(value, field.name)
        found |= _arrays(member, f"{prefix}{field.name}.") if is_dataclass(member) else {f"{prefix}{field.name}": member}
    return found


def _gathered(kind: Any, archive: Any, prefix: str) -> Any:  # noqa: ANN401
    """The inverse of ``_arrays``."""
    kinds = get_type_hints(kind)
    return kind(
        **{
            field.name: _gathered(kinds[field.name], archive, f"{prefix}{field.name}.")
            if is_dataclass(kinds[field.name])
            else archive[prefix + field.name]
            for field in fields(kind)
        }
    )
