"""Files of visitors: each upload and each result in a folder that nobody can guess, deleted when its visitor leaves or is late."""

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from estimator.errors import InputError

_TOKEN = re.compile(r"[0-9a-f]{32}")
_UNSAFE = re.compile(r"[^\w.\- ()]")
_LONGEST_NAME = 80


class VisitorFiles:
    """Hands out folders and forgets them again. Any thread may call it.

    Args:
        shared: a folder whose files everybody may read, such as samples; visitors' folders lie in one below it.
        keep_seconds: how long files that nobody has used stay.
        largest_total: bytes that all visitors' files may take together.
        clock: seconds that never go back.
    """

    def __init__(
        self, shared: Path, keep_seconds: float = 900.0, largest_total: int = 2 * 2**30, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.shared = shared.resolve()
        self.root = self.shared / "visitors"
        self.keep_seconds, self.largest_total = keep_seconds, largest_total
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}
        self._visitors: dict[str, str] = {}

    def new_folder(self, visitor: str | None = None) -> Path:
        """An empty folder that only its path's holder finds; ``visitor`` is the session that it goes with.

        Raises:
            InputError: when visitors' files take all the room there is for them.
        """
        if self.total_bytes() >= self.largest_total:
            raise InputError("the server has no room for more files at the moment; try again in some minutes")
        token = secrets.token_hex(16)
        with self._lock:
            self._used[token] = self._clock()
            if visitor:
                self._visitors[token] = visitor
        folder = self.root / token
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def upload_path(self, name: str) -> Path:
        """Where an upload of that name goes: whatever the name says, inside a new folder.

        Raises:
            InputError: as ``new_folder``.
        """
        return self.new_folder() / safe_name(name)

    def adopt(self, path: Path, visitor: str | None) -> Path:
        """The file of an upload, which goes with ``visitor`` from here on; a shared file as it is.

        Raises:
            InputError: when it is no upload, or no longer there.
        """
        path = path.resolve()
        if self.shared in path.parents and self.root not in path.parents and path.is_file():
            return path
        token = path.parent.name
        with self._lock:
            known = path.parent.parent == self.root and token in self._used
            if known:
                self._used[token] = self._clock()
                if visitor:
                    self._visitors[token] = visitor
        if not known or not path.is_file():
            raise InputError("the upload is no longer here (files are deleted after a while): choose the file again")
        return path

    def forget(self, visitor: str) -> None:
        """Delete everything that goes with a visitor."""
        with self._lock:
            tokens = [token for token, owner in self._visitors.items() if owner == visitor]
        self._delete(tokens)

    def discard(self, folder: Path) -> None:
        """Delete one folder that ``new_folder`` gave."""
        self._delete([folder.name])

    def sweep(self) -> None:
        """Delete what has not been used for ``keep_seconds``."""
        oldest = self._clock() - self.keep_seconds
        with self._lock:
            tokens = [token for token, used in self._used.items() if used < oldest]
        self._delete(tokens)

    def total_bytes(self) -> int:
        """What all folders hold together."""
        total = 0
        for path in self.root.glob("*/*"):
            try:
                total += path.stat().st_size
            except OSError:  # deleted meanwhile
                continue
        return total

    def _delete(self, tokens: list[str]) -> None:
        for token in tokens:
            with self._lock:
                self._used.pop(token, None)
                self._visitors.pop(token, None)
            if _TOKEN.fullmatch(token):
                shutil.rmtree(self.root / token, ignore_errors=True)


def safe_name(name: str) -> str:
    """The last part of a file's name, with nothing in it that means something to a file system or a page."""
    last = re.split(r"[/\\]", name)[-1]
    stem, dot, suffix = _UNSAFE.sub("_", last).strip(". ").rpartition(".")
    return f"{stem[:_LONGEST_NAME]}{dot}{suffix[:10]}".strip(". ") or "file"
