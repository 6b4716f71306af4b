"""FeatureStore: what a frozen network says of pictures, kept on disk, so that the next run need not ask it again."""

import hashlib
import sqlite3
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from estimator.errors import InputError

_WAIT_S = 60.0
"""Longest that a process waits for another one which writes."""


class FeatureStore:
    """Rows of numbers by picture, in half precision; several processes may share one.

    Args:
        path: of the file, which is made where there is none; named after the network whose features these are.

    Raises:
        InputError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=OFF")  # what a crash loses is computed again
            self._database.execute("CREATE TABLE IF NOT EXISTS features (picture BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def get(self, picture: UInt8[np.ndarray, "size size 3"]) -> Float32[np.ndarray, " features"] | None:
        """A picture's row, or None where it was never put.

        Raises:
            InputError: the file is damaged.
        """
        try:
            found = self._database.execute("SELECT row FROM features WHERE picture = ?", (_key(picture),)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return np.frombuffer(found[0], np.float16).astype(np.float32) if found else None

    def put(self, picture: UInt8[np.ndarray, "size size 3"], row: Float32[np.ndarray, " features"]) -> None:
        """Keep a picture's row.

        Raises:
            InputError: the disk is full, or the file damaged.
        """
        try:
            self._database.execute("INSERT OR REPLACE INTO features VALUES (?, ?)", (_key(picture), row.astype(np.float16).tobytes()))
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> InputError:
        return InputError(f"{self.path}: the features of pictures cannot be kept there ({error}); remove the file or make room")


def _key(picture: UInt8[np.ndarray, "size size 3"]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(picture).tobytes(), digest_size=16).digest()
