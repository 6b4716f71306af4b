"""Two ends of a pipeline in threads of their own: what comes is made ahead, what goes is worked off behind.

Both are bounded, so that memory stays flat, and hand on what goes wrong in them to the thread that waits for them.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
_END = object()
_LOOK_UP_S = 0.1
"""So often a thread that waits looks whether it is still wanted: a wait without end cannot be interrupted on every system."""


class Ahead(Generic[Item]):
    """The items of an iterator, up to ``count`` of them made in advance; a context manager and an iterator."""

    def __init__(self, items: Iterator[Item], count: int) -> None:
        self._items, self._queue = items, queue.Queue[object](count)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="ahead", daemon=True)

    def __enter__(self) -> "Ahead[Item]":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        while True:
            try:
                item = self._queue.get(timeout=_LOOK_UP_S)
            except queue.Empty:
                continue
            if item is _END:
                if self._error is not None:
                    raise self._error
                return
            yield item  # pyright: ignore[reportReturnType]

    def _work(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits
            self._error = error
        self._put(_END)

    def _put(self, item: object) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_LOOK_UP_S)
            except queue.Full:
                continue
            return True
        return False


class Behind(Generic[Item]):
    """Works off items in order, up to ``count`` of them waiting; a context manager.

    What the work raises is raised by the next ``put`` or by ``finish``; nothing is worked off after it.
    """

    def __init__(self, work: Callable[[Item], None], count: int) -> None:
        self._work, self._queue = work, queue.Queue[object](count)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def __enter__(self) -> "Behind[Item]":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()

    def put(self, item: Item) -> None:
        """Add an item; waits while too many are waiting."""
        while True:
            self._raise_error()
            try:
                return self._queue.put(item, timeout=_LOOK_UP_S)
            except queue.Full:
                continue

    def finish(self) -> None:
        """Wait until all is worked off."""
        while self._thread.is_alive():
            try:
                self._queue.put(_END, timeout=_LOOK_UP_S)
            except queue.Full:
                continue
            break
        while self._thread.is_alive():
            self._thread.join(_LOOK_UP_S)
        self._raise_error()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                item = self._queue.get(timeout=_LOOK_UP_S)
            except queue.Empty:
                continue
            if item is _END:
                return
            try:
                self._work(item)  # pyright: ignore[reportArgumentType]
            except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits
                self._error = error
                return
