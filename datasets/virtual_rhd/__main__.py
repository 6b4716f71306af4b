"""``python -m datasets.virtual_rhd``: simulated people's hands, written in RHD's layout."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import Progress

from datasets.command import run_command
from datasets.virtual_rhd.stream import VirtualRhdOptions
from datasets.virtual_rhd.writer import EVALUATION_START, Job, write_rhd
from datasets.whole_folder import require_empty, require_room

_BYTES_A_PICTURE = 260e3
_MOST_PICTURES = min(EVALUATION_START, 100_000)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Write simulated pictures of hands in the layout of RHD, readable by the same reader as the real ones.

    Attributes:
        out: folder to write; missing or empty.
        training: pictures of the training split.
        evaluation: pictures of the evaluation split.
        seed: of people, poses, views, light and noise.
        backgrounds: folder of photographs to put behind.
        environments: npz of panoramas of linear light, each (rows, columns, 3).
        processes: that work side by side.
    """

    out: Path
    training: int = 2000
    evaluation: int = 200
    seed: int = 0
    backgrounds: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: coloured shapes)")] = None
    environments: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: made-up lamps)")] = None
    processes: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: as many as there are cores)")] = None


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 2 wrong usage or a folder or file that cannot be used, 130 interrupted."""
    return run_command(Options, write, "datasets.virtual_rhd", argv)


def write(options: Options) -> None:
    """Write what the options describe.

    Raises:
        ValueError: one line, when it cannot be written or an option makes no sense.
    """
    _require_sense(options)
    require_empty(options.out)
    count = options.training + options.evaluation
    require_room(options.out, _BYTES_A_PICTURE * count, "ask for fewer pictures")
    processes = options.processes or min(os.cpu_count() or 1, max(1, count // 16))
    job = Job(options.training, options.evaluation, options.seed, VirtualRhdOptions(options.backgrounds, options.environments), processes)
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("simulated pictures", total=count)
        write_rhd(options.out, job, lambda: progress.advance(task))
    print(f"{options.out}: {options.training} training and {options.evaluation} evaluation pictures, all simulated")


def _require_sense(options: Options) -> None:
    for name in ("training", "evaluation"):
        if not 1 <= getattr(options, name) <= _MOST_PICTURES:
            raise ValueError(f"--{name} {getattr(options, name)}: expected 1 to {_MOST_PICTURES}")
    if options.seed < 0:
        raise ValueError(f"--seed {options.seed}: expected 0 or more")
    if options.processes is not None and not 1 <= options.processes <= 256:
        raise ValueError(f"--processes {options.processes}: expected 1 to 256")


if __name__ == "__main__":
    sys.exit(main())
