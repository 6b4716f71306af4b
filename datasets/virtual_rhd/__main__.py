"""``python -m datasets.virtual_rhd``: simulated people's hands, written in RHD's layout."""

import io
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import Progress

from datasets.virtual_rhd.stream import VirtualRhdOptions
from datasets.virtual_rhd.writer import EVALUATION_START, Job, require_empty, write_rhd

DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130

_BYTES_A_PICTURE = 260_000
_MOST_PICTURES = min(EVALUATION_START, 100_000)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Write simulated pictures of hands in the layout of RHD, readable by the same reader as the real ones.

    Attributes:
        out: folder to write; missing or empty.
        training: pictures of the training split.
        evaluation: pictures of the evaluation split.
        seed: of people, poses, views, light and noise.
        backgrounds: folder of photographs to put behind; coloured shapes are drawn unless given.
        environments: npz of panoramas of linear light, each (rows, columns, 3); made-up lamps shine unless given.
        processes: that work side by side; as many as there are cores unless given.
    """

    out: Path
    training: int = 2000
    evaluation: int = 200
    seed: int = 0
    backgrounds: Path | None = None
    environments: Path | None = None
    processes: int | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 2 wrong usage or a folder or file that cannot be used, 130 interrupted."""
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            options = tyro.cli(Options, args=argv, prog="python -m datasets.virtual_rhd")
        write(options)
    except SystemExit as stop:  # --help or wrong usage
        if stop.code:
            words = " ".join(complaint.getvalue().translate(str.maketrans("╭╮╰╯│─", "      ")).split())
            print(f"error: {words}; see python -m datasets.virtual_rhd --help", file=sys.stderr)
        return int(stop.code or DONE)
    except ValueError as error:
        print("error:", *str(error).splitlines(), file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    return DONE


def write(options: Options) -> None:
    """Write what the options describe.

    Raises:
        ValueError: one line, when it cannot be written or an option makes no sense.
    """
    _require_sense(options)
    require_empty(options.out)
    _require_room(options)
    count = options.training + options.evaluation
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


def _require_room(options: Options) -> None:
    """See early that there is room."""
    folder = options.out.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    needed, free = _BYTES_A_PICTURE * (options.training + options.evaluation), shutil.disk_usage(existing).free
    if needed > free:
        raise ValueError(f"{options.out}: about {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free; ask for fewer pictures")


if __name__ == "__main__":
    sys.exit(main())
