"""What this machine is, how many of its cores are used, and how much memory was."""

import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
import numba
import torch

from estimator.version import VERSION

PACKAGES = ("torch", "openvino", "mediapipe", "opencv-contrib-python", "numba", "numpy")


@contextmanager
def limited_threads(count: int | None) -> Iterator[int]:
    """Keep torch, numba, OpenCV and, where the system can, every new thread to so many cores; gives the number in force."""
    available = _usable_cores()
    count = min(count or len(available), len(available))
    before = torch.get_num_threads(), numba.get_num_threads(), cv2.getNumThreads()
    _set_threads(count, min(count, numba.config.NUMBA_NUM_THREADS), count, available[:count])
    try:
        yield count
    finally:
        _set_threads(*before, available)


def _set_threads(torch_count: int, numba_count: int, opencv_count: int, cores: Sequence[int]) -> None:
    torch.set_num_threads(torch_count)
    numba.set_num_threads(numba_count)
    cv2.setNumThreads(opencv_count)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _usable_cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, MiB; nan on systems that do not say (Windows)."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def milliseconds_since(start: float) -> float:
    """Time on the wall since ``time.perf_counter()`` said ``start``."""
    return 1000 * (time.perf_counter() - start)


def cpu_name() -> str:
    """The processor's name as its maker writes it, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str | None]:
    """Of this program, Python, the system and the packages that do the work."""
    own = {"deephandmesh": VERSION, "python": platform.python_version(), "system": platform.platform()}
    return {**own, **{package: _installed(package) for package in PACKAGES}}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
