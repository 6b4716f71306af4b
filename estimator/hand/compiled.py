"""Kernels: functions compiled by numba, and threads to run them in."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import numba
from numba.core import config

Kernel = TypeVar("Kernel", bound=Callable)
Piece = TypeVar("Piece")

THREAD_COUNT: int = config.NUMBA_NUM_THREADS  # pyright: ignore[reportAttributeAccessIssue]
"""Cores this process may use, or what the environment variable NUMBA_NUM_THREADS says."""


def compiled(function: Kernel) -> Kernel:
    """The function as machine code that runs outside Python's lock, compiled at its first call and cached for the next process.

    An installation nobody may write to, with no home folder either, has no place for a cache: there it compiles in each process.
    """
    try:
        return cast(Kernel, numba.njit(nogil=True, cache=True, error_model="numpy")(function))
    except RuntimeError:  # numba's way to say that no cache folder is writable
        return cast(Kernel, numba.njit(nogil=True, error_model="numpy")(function))


def compile_count(kernel: Callable) -> int:
    """How often this process had to compile the kernel, rather than find it in the cache."""
    return sum(kernel.stats.cache_misses.values())  # pyright: ignore[reportFunctionMemberAccess]


def in_threads(work: Callable[[Piece], None], pieces: Sequence[Piece]) -> None:
    """``work`` done on every piece, by the caller and by threads beside it.

    These live for this call only. numba's own pools outlast it, and abort the process when two requests enter them at once or
    a forked data loader inherits them.
    """
    remaining = iter(pieces)

    def work_on() -> None:
        for piece in remaining:  # each goes to whichever thread asks first
            work(piece)

    helper_count = min(THREAD_COUNT, len(pieces)) - 1
    if helper_count < 1:
        work_on()
        return
    with ThreadPoolExecutor(helper_count) as pool:
        helpers = [pool.submit(work_on) for _ in range(helper_count)]
        work_on()
        for helper in helpers:
            helper.result()
