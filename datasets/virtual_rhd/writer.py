"""Writing the virtual RHD in RHD's layout."""

import pickle
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from datasets.rhd_annotation import FIRST_ROW, RHD_JOINTS
from datasets.rhd_files import annotation_file, color_folder, depth_folder, file_name, mask_folder
from datasets.virtual_rhd.stream import VirtualRhd, VirtualRhdOptions
from datasets.virtual_rhd.types import VirtualRhdSample
from estimator.hand.template import LANDMARK_NAMES

PARTS_OF_FOLDER = ("README.txt", "training", "evaluation")
HIDDEN = ".partial"

_ROWS = [LANDMARK_NAMES.index(name) for name in RHD_JOINTS]
_FARTHEST_M, _LAST_STEP = 5.0, 65535

_NOTE = """Simulated data in the layout of RHD (Rendered Hand pose Dataset). Nobody was photographed: simulated people were rendered.
{training} training pictures, {evaluation} evaluation pictures, seed {seed}.
Backgrounds: {backgrounds}. Light: {environments}.
"""


@dataclass(frozen=True)
class Job:
    """What is written.

    Attributes:
        training: count of pictures.
        evaluation: count of pictures; others than those of training.
        seed: of everything.
        options: what the pictures are made of.
        processes: that work side by side.
    """

    training: int
    evaluation: int
    seed: int
    options: VirtualRhdOptions
    processes: int = 1


def write_rhd(out: Path, job: Job, advance: Callable[[], None] = lambda: None) -> None:
    """Write both splits; ``advance`` is called after each picture.

    Until all of it is written it lies in a hidden folder inside, which is removed when the work is interrupted.

    Raises:
        ValueError: one line naming folder and cure, when there is something in it, it cannot be written, or the options cannot be used.
    """
    require_empty(out)
    try:
        hidden = out / HIDDEN
        shutil.rmtree(hidden, ignore_errors=True)  # of a process that was killed
        hidden.mkdir(parents=True)
        try:
            _write_parts(hidden, job, advance)
            for part in PARTS_OF_FOLDER:
                (hidden / part).rename(out / part)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise ValueError(f"{out}: cannot be written ({error.strerror or error}); name another folder or make room there") from error


def require_empty(out: Path) -> None:
    """That a folder is missing or empty.

    Raises:
        ValueError: when it is not.
    """
    if out.exists() and (not out.is_dir() or any(path.name != HIDDEN for path in out.iterdir())):
        raise ValueError(f"{out}: there is something in this place; name a new or an empty folder")


def _write_parts(root: Path, job: Job, advance: Callable[[], None]) -> None:
    backgrounds, environments = (path.name if path else "drawn shapes" for path in (job.options.backgrounds, job.options.environments))
    note = _NOTE.format(training=job.training, evaluation=job.evaluation, seed=job.seed, backgrounds=backgrounds, environments=environments)
    (root / "README.txt").write_text(note.replace("Light: drawn shapes", "Light: made-up lamps"), encoding="utf-8")
    # evaluation's people and poses come from numbers that training never reaches
    for split, count, first in (("training", job.training, 0), ("evaluation", job.evaluation, EVALUATION_START)):
        for folder in (color_folder(root, split), mask_folder(root, split), depth_folder(root, split)):
            folder.mkdir(parents=True)
        entries = {}
        with _workers(job) as work:
            for number, entry in enumerate(work(partial(_write_sample, root, split, first), count)):
                entries[number] = entry
                advance()
        annotation_file(root, split).write_bytes(pickle.dumps(entries, protocol=2))


EVALUATION_START = 900_000
"""Number of the stream's picture that the evaluation split starts with."""

_stream: VirtualRhd | None = None
"""Of this process; workers make theirs when they start."""


def _start(seed: int, options: VirtualRhdOptions) -> None:
    global _stream
    cv2.setNumThreads(1)
    _stream = VirtualRhd(seed, options)


@contextmanager
def _workers(job: Job) -> Iterator[Callable]:
    """A map over numbers, in order, in this process or in several."""
    if job.processes < 2:
        _start(job.seed, job.options)
        yield lambda work, count: map(work, range(count))
        return
    VirtualRhd(job.seed, job.options)  # what cannot be used is said here, once
    with ProcessPoolExecutor(job.processes, get_context("spawn"), _start, (job.seed, job.options)) as pool:
        yield lambda work, count: pool.map(work, range(count), chunksize=8)


def _write_sample(root: Path, split: str, first: int, number: int) -> dict[str, np.ndarray]:
    assert _stream is not None
    sample = _stream[first + number]
    name = file_name(number)
    _write_png(color_folder(root, split) / name, sample.image[..., ::-1])
    _write_png(mask_folder(root, split) / name, sample.mask)
    _write_png(depth_folder(root, split) / name, encode_depth(sample.depth_mm)[..., ::-1])
    return entry_of(sample)


def entry_of(sample: VirtualRhdSample) -> dict[str, Float[np.ndarray, "rows 3"]]:
    """What the annotation says: ``xyz`` (metres), ``uv_vis`` and ``K``; 42 rows, the left hand's first, tips before roots."""
    xyz, uv_vis = np.zeros((42, 3)), np.zeros((42, 3))
    for hand in sample.hands:
        rows = slice(FIRST_ROW[hand.side], FIRST_ROW[hand.side] + len(RHD_JOINTS))
        xyz[rows] = hand.landmarks_mm[_ROWS] / 1000
        uv_vis[rows] = np.column_stack([hand.landmarks_px, hand.visible])[_ROWS]
    return {"xyz": xyz, "uv_vis": uv_vis, "K": sample.K}


def encode_depth(depth_mm: Float32[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 3"]:
    """RHD's depth picture: the greater byte in red, the other in green; what is nowhere lies at the farthest step, 5 m."""
    steps = np.rint(np.clip(depth_mm / 1000 / _FARTHEST_M, 0, 1) * _LAST_STEP).astype(np.int64)
    steps[depth_mm <= 0] = _LAST_STEP
    return np.stack([steps // 256, steps % 256, 0 * steps], axis=-1).astype(np.uint8)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    encoded, content = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    assert encoded
    path.write_bytes(content.tobytes())
