"""Recordings: what the virtual studio's cameras saw, on disk, mapped into memory; complete under its own name or not there."""

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, no_type_check

import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt16
from rich.console import Console
from rich.progress import Progress

from estimator.hand.compiled import compiled, in_threads

_CHUNK = 32
"""Moments that are done, written through to the disk and then ticked off together."""

_CURE = "make room there or name another folder for the cache"


@dataclass(frozen=True)
class Recording:
    """Every view of every moment.

    Attributes:
        images: RGB.
        depth_codes: 0 where there is no surface, else one more than the depth's steps beyond the nearest.
        depth_ranges: of each view the nearest depth and the step between codes, mm.
        K, R, t: of each view's crop, as ``PinholeCamera``'s.
        joints: true ones, world frame, mm.
        done: the moments that have been recorded.
    """

    images: UInt8[np.ndarray, "moments views size size 3"]
    depth_codes: UInt16[np.ndarray, "moments views size size"]
    depth_ranges: Float32[np.ndarray, "moments views 2"]
    K: Float32[np.ndarray, "moments views 3 3"]
    R: Float32[np.ndarray, "moments views 3 3"]
    t: Float32[np.ndarray, "moments views 3"]
    joints: Float32[np.ndarray, "moments joints 3"]
    done: Bool[np.ndarray, " moments"]

    def __reduce__(self) -> tuple[Callable, tuple[Path]]:
        """Another process maps the same files: what they hold does not travel."""
        return _mapped, (Path(self.images.filename).parent,)  # pyright: ignore[reportAttributeAccessIssue]

    def put_depth(self, moment: int, view: int, depth: Float32[np.ndarray, "size size"]) -> None:
        """Keep a depth map in 16 bits, to a few thousandths of a millimetre."""
        covered = depth > 0
        near, far = (depth[covered].min(), depth[covered].max()) if covered.any() else (0.0, 1.0)
        step = max(float(far - near), 1.0) / (np.iinfo(np.uint16).max - 1)
        self.depth_ranges[moment, view] = near, step
        self.depth_codes[moment, view] = np.where(covered, np.rint((depth - near) / step) + 1, 0).astype(np.uint16)

    def depth(self, moment: int, views: np.ndarray) -> Float32[np.ndarray, "views size size"]:
        """The depth maps of some views of a moment, mm, 0 where there is no surface."""
        depth = np.empty((len(views), *self.depth_codes.shape[2:]), dtype=np.float32)
        for row, view in enumerate(views):
            _decode(np.asarray(self.depth_codes[moment, view]), *self.depth_ranges[moment, view], depth[row])
        return depth


@dataclass(frozen=True)
class RecordingSize:
    """How much is recorded; ``size`` is that of each picture, pixels a side."""

    moments: int
    views: int
    size: int
    joints: int

    @property
    def arrays(self) -> dict[str, tuple[type, tuple[int, ...]]]:
        """Kind and shape of each array of a recording."""
        per_view = (self.moments, self.views)
        return {
            "images": (np.uint8, (*per_view, self.size, self.size, 3)),
            "depth_codes": (np.uint16, (*per_view, self.size, self.size)),
            "depth_ranges": (np.float32, (*per_view, 2)),
            "K": (np.float32, (*per_view, 3, 3)),
            "R": (np.float32, (*per_view, 3, 3)),
            "t": (np.float32, (*per_view, 3)),
            "joints": (np.float32, (self.moments, self.joints, 3)),
            "done": (np.bool_, (self.moments,)),
        }


def load_recording(folder: Path, size: RecordingSize, record: Callable[[Recording, int], None], title: str) -> Recording:
    """The recording that is kept in a folder; made first where it is missing, and continued where it was interrupted.

    Two processes that want the same one make it once: the second waits.

    Args:
        record: fills in one moment of a recording, from several threads.
        title: what the progress bar says, where a person watches.

    Raises:
        ValueError: one line naming folder and cure, when it cannot be written, or what is there is damaged.
    """
    try:
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with _locked(folder.with_name(f"{folder.name}.lock")):
                if not folder.exists():
                    _make(folder, size, record, title)
        recording = _open(folder, size, "r")
    except OSError as error:
        raise ValueError(f"{folder}: the recording cannot be kept there ({error.strerror or error}); {_CURE}") from error
    if not recording.done.all():
        raise ValueError(f"{folder}: the recording is damaged; remove this folder")
    return recording


def forget_others(folder: Path, title: str, digest: str) -> None:
    """Remove complete recordings of a title with another digest than the given one: code that is gone has made them."""
    for other in folder.glob(f"{title}_*"):
        if re.fullmatch(r"[0-9a-f]{16}", other.name.removeprefix(f"{title}_")) and not other.name.endswith(digest):
            shutil.rmtree(other, ignore_errors=True)


def _make(folder: Path, size: RecordingSize, record: Callable[[Recording, int], None], title: str) -> None:
    """Record into a folder beside, and give it its name when all is on the disk."""
    partial = folder.with_name(f"{folder.name}.partial")
    if not partial.exists():
        _allocate(partial, size)
    recording = _open(partial, size, "r+")
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(title, total=size.moments, completed=int(recording.done.sum()))

        def work(moment: int) -> None:
            record(recording, moment)
            progress.advance(task)

        missing = np.flatnonzero(~recording.done)
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            in_threads(work, chunk.tolist())
            _flush(recording)
            recording.done[chunk] = True
            _flush(recording)
    partial.rename(folder)


def _allocate(partial: Path, size: RecordingSize) -> None:
    """Empty arrays with their room on the disk: a full disk is found here, and not while writing to memory that has none."""
    building = partial.with_name(f"{partial.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        for name, (kind, shape) in size.arrays.items():
            path = building / f"{name}.npy"
            np.lib.format.open_memmap(path, "w+", kind, shape).flush()
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError:
        shutil.rmtree(building, ignore_errors=True)
        raise
    building.rename(partial)


def _open(folder: Path, size: RecordingSize, mode: Literal["r", "r+"]) -> Recording:
    recording = _mapped(folder, mode)
    for name, (kind, shape) in size.arrays.items():
        array = getattr(recording, name)
        if array.dtype != kind or array.shape != shape:
            raise ValueError(f"{folder}: {name} is damaged; remove this folder")
    return recording


def _mapped(folder: Path, mode: Literal["r", "r+"] = "r") -> Recording:
    try:
        return Recording(*(np.lib.format.open_memmap(folder / f"{field.name}.npy", mode) for field in fields(Recording)))
    except ValueError as error:
        raise ValueError(f"{folder}: the recording is damaged ({error}); remove this folder") from error


def _flush(recording: Recording) -> None:
    for field in fields(recording):
        getattr(recording, field.name).flush()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock of one that died is free."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@compiled
@no_type_check
def _decode(codes: np.ndarray, near: float, step: float, depth: np.ndarray) -> None:
    for row in range(codes.shape[0]):
        for column in range(codes.shape[1]):
            code = codes[row, column]
            depth[row, column] = near + step * np.float32(code - 1) if code else np.float32(0)
