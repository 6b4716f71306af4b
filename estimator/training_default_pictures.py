"""Rendering the pictures that the encoders learn from, and looking at them; what was seen stays in the user's cache."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from rich.console import Console

from datasets.virtual_rhd.stream import VirtualRhd, VirtualRhdOptions
from estimator.command import progress_bar
from estimator.errors import InputError
from estimator.files import require_writable_folder
from estimator.hand.template import HandTemplate
from estimator.landmark_network import LandmarkNetwork
from estimator.models import HAND_LANDMARKER, cache_folder, cached_bundle
from estimator.training_default_samples import SHARD, SampleMaker, make_shard

_COMPARED = 8
"""Pictures that tell whether kept ones are the same."""


def look_at_pictures(pictures: int, rendering: VirtualRhdOptions, seed: int, processes: int, console: Console) -> list[Path]:
    """The shards of so many pictures, made where the user's cache lacks them."""
    folder = cache_folder() / "simulated_looks" / _identity(rendering, seed)
    require_writable_folder(folder, "set $DEEPHANDMESH_CACHE to a folder with some gigabytes of room")
    paths = [folder / f"{number:05d}.npz" for number in range(-(-pictures // SHARD))]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    if not missing:
        return paths
    cached_bundle(HAND_LANDMARKER)  # fetched once, not by each process
    console.print(f"{len(missing) * SHARD} pictures to render and look at; they are kept in {folder}")
    parts = [missing[start::processes] for start in range(processes)]
    work = partial(_make_shards, seed, rendering, folder)
    with progress_bar() as progress, ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        task = progress.add_task("pictures", total=len(missing))
        # One shard at a time would load the renderer again for each: a process keeps its part.
        for done in as_completed([pool.submit(work, part) for part in parts if part]):
            progress.advance(task, done.result())
    return paths


def _identity(rendering: VirtualRhdOptions, seed: int) -> str:
    """Changes with the pictures, whatever changed them, and with the network that looks at them."""
    pictures = _pictures(rendering, seed)
    seen = b"".join(pictures[number].image.tobytes() for number in range(_COMPARED))
    return hashlib.sha256(seen + HAND_LANDMARKER.members[1].sha256.encode()).hexdigest()[:12]


def _pictures(rendering: VirtualRhdOptions, seed: int) -> VirtualRhd:
    try:
        return VirtualRhd(seed, rendering)
    except ValueError as error:
        raise InputError(str(error)) from error


def _make_shards(seed: int, rendering: VirtualRhdOptions, folder: Path, numbers: Sequence[int]) -> int:
    """Make some shards; how many."""
    torch.set_num_threads(1)
    pictures = _pictures(rendering, seed)
    maker = SampleMaker(HandTemplate.load(), LandmarkNetwork.open(), seed)
    for number in numbers:
        make_shard(pictures, number * SHARD, maker, folder / f"{number:05d}.npz")
    return len(numbers)
