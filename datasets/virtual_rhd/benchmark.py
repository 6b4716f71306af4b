"""``python -m datasets.virtual_rhd.benchmark``: how much of a core's time a simulated picture takes."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tyro

from datasets.command import run_command
from datasets.virtual_rhd.stream import VirtualRhd, VirtualRhdOptions


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """Time simulated pictures on one core, after one that warms up.

    Attributes:
        pictures: how many are timed.
        seed: of the pictures.
        backgrounds: folder of photographs.
        environments: npz of panoramas.
    """

    pictures: int = 200
    seed: int = 0
    backgrounds: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: coloured shapes)")] = None
    environments: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: made-up lamps)")] = None


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 2 wrong usage or options that cannot be used."""
    return run_command(BenchmarkOptions, measure, "datasets.virtual_rhd.benchmark", argv)


def measure(options: BenchmarkOptions) -> None:
    """Print what a picture takes.

    Raises:
        ValueError: one line, when an option makes no sense or names nothing that can be used.
    """
    if options.pictures < 1:
        raise ValueError(f"--pictures {options.pictures}: expected at least 1")
    cv2.setNumThreads(1)
    times = core_times_ms(VirtualRhd(options.seed, VirtualRhdOptions(options.backgrounds, options.environments)), options.pictures)
    middle, slow = np.quantile(times, (0.5, 0.9))
    rate = 1000 / times.mean()
    print(f"{times.mean():.1f} core-ms a picture on average (median {middle:.1f}, 90 % below {slow:.1f}): {rate:.0f} a second on one core")


def core_times_ms(stream: VirtualRhd, count: int) -> np.ndarray:
    """Of each of the first pictures, what this process spent on it; waiting for a busy machine does not count."""
    stream[0]
    times = np.empty(count)
    for index in range(count):
        start = time.process_time()
        stream[index]
        times[index] = 1000 * (time.process_time() - start)
    return times


if __name__ == "__main__":
    sys.exit(main())
