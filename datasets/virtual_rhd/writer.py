"""Writing the virtual RHD in RHD's layout."""

import pickle
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from datasets.rhd_annotation import FIRST_ROW, RHD_JOINTS
from datasets.rhd_files import SPLITS, Split, annotation_file, color_folder, depth_folder, file_name, mask_folder
from datasets.virtual_rhd.stream import VirtualRhd, VirtualRhdOptions
from datasets.virtual_rhd.types import VirtualRhdSample
from datasets.whole_folder import written_whole
from estimator.hand.template import LANDMARK_NAMES

_ROWS = [LANDMARK_NAMES.index(name) for name in RHD_JOINTS]
_FARTHEST_M, _LAST_STEP = 5.0, 65535


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
    with written_whole(out, ("README.txt", *SPLITS)) as hidden:
        _write_parts(hidden, job, advance)


def _write_parts(root: Path, job: Job, advance: Callable[[], None]) -> None:
    (root / "README.txt").write_text(_note(job), encoding="utf-8")
    with _writing(job) as write:
        # evaluation's people and poses come from numbers that training never reaches
        for part in (Part(root, "training", 0, job.training), Part(root, "evaluation", EVALUATION_START, job.evaluation)):
            for folder in (color_folder(root, part.split), mask_folder(root, part.split), depth_folder(root, part.split)):
                folder.mkdir(parents=True)
            entries = {}
            for number, entry in enumerate(write(part)):
                entries[number] = entry
                advance()
            annotation_file(root, part.split).write_bytes(pickle.dumps(entries, protocol=2))


def _note(job: Job) -> str:
    options = job.options
    backgrounds = options.backgrounds.name if options.backgrounds else "drawn shapes"
    light = options.environments.name if options.environments else "made-up lamps"
    return (
        "Simulated data in the layout of RHD (Rendered Hand pose Dataset). Nobody was photographed: simulated people were rendered.\n"
        f"{job.training} training pictures, {job.evaluation} evaluation pictures, seed {job.seed}.\n"
        f"Backgrounds: {backgrounds}. Light: {light}.\n"
    )


@dataclass(frozen=True)
class Part:
    """One split.

    Attributes:
        root: folder of all.
        split: its name.
        first: number of the stream's picture that it begins with.
        count: pictures.
    """

    root: Path
    split: Split
    first: int
    count: int


EVALUATION_START = 900_000
"""Number of the stream's picture that the evaluation split starts with."""

Entry = dict[str, Float[np.ndarray, "rows 3"]]
"""What the annotation says of a picture."""


@contextmanager
def _writing(job: Job) -> Iterator[Callable[[Part], Iterable[Entry]]]:
    """What writes a split's pictures and gives their entries in order, in this process or in several."""
    stream = VirtualRhd(job.seed, job.options)  # what cannot be used is said here, once
    if job.processes < 2:
        yield lambda part: (_write_sample(stream, part, number) for number in range(part.count))
        return
    pool = ProcessPoolExecutor(job.processes, get_context("spawn"), _start_worker, (job.seed, job.options))
    try:
        yield lambda part: pool.map(partial(_write_in_worker, part), range(part.count), chunksize=8)
    except BrokenProcessPool as error:
        raise ValueError("a process that draws pictures was ended, most likely for want of memory; ask for fewer --processes") from error
    finally:
        pool.shutdown(cancel_futures=True)


_stream: VirtualRhd | None = None
"""Of a worker, which makes it when it starts."""


def _start_worker(seed: int, options: VirtualRhdOptions) -> None:
    global _stream
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who waits for the workers is interrupted, and ends them
    cv2.setNumThreads(1)
    _stream = VirtualRhd(seed, options)


def _write_in_worker(part: Part, number: int) -> Entry:
    assert _stream is not None
    return _write_sample(_stream, part, number)


def _write_sample(stream: VirtualRhd, part: Part, number: int) -> Entry:
    sample, name = stream[part.first + number], file_name(number)
    _write_png(color_folder(part.root, part.split) / name, sample.image[..., ::-1])
    _write_png(mask_folder(part.root, part.split) / name, sample.mask)
    _write_png(depth_folder(part.root, part.split) / name, encode_depth(sample.depth_mm)[..., ::-1])
    return entry_of(sample)


def entry_of(sample: VirtualRhdSample) -> Entry:
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
