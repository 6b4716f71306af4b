"""python -m demo.load_test: many visitors at once; is every answer there, and is it their own?

First one visitor alone asks every question. Then all of them ask at once, each in an order of his own, and what comes back has to be
what the lone visitor got. Without --address a demo is started for the test in a process of its own, so that its memory can be watched.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import tyro
from gradio_client.exceptions import AppError
from rich.progress import Progress

from demo.load import Load, LoadReport
from demo.other_process import RunningDemo, forget_peak, own_demo, peak_resident_mb, resident_mb
from estimator.command import BAD_INPUT, DONE, CommandOptions, progress_bar, run_command
from estimator.errors import InputError

MOST_GROWTH_MB = 500.0
"""What many visitors may cost: one estimation at a time, and answers that wait to be fetched."""


@dataclass(frozen=True)
class Arguments(CommandOptions):
    """Many visitors of the demo at once.

    Exit status: 0 every answer right; 2 answers lost or wrong, memory that grows beyond its bound, or no demo there.
    """

    address: Annotated[str | None, tyro.conf.arg(metavar="URL", help_behavior_hint="(default: a demo is started)")] = None
    """A running demo."""
    visitors: Annotated[int, tyro.conf.arg(metavar="N")] = 20
    """How many at once."""
    requests: Annotated[int, tyro.conf.arg(metavar="N")] = 200
    """How many of all of them together."""
    photograph_share: Annotated[float, tyro.conf.arg(metavar="S")] = 0.5
    """Share of photographs among the requests; the rest are poses."""


@dataclass(frozen=True)
class Memory:
    """What a server's process held, MiB; nan where the system does not say.

    Attributes:
        before: after the first answers.
        peak: at most, while visitors came.
        after: at the end.
    """

    before: float
    peak: float
    after: float

    def fault(self) -> str:
        """What is wrong with it; empty where nothing is."""
        growth = self.peak - self.before
        return f"the server's memory grew by {growth:.0f} MiB, more than {MOST_GROWTH_MB:.0f}" if growth > MOST_GROWTH_MB else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``Arguments``)."""
    return run_command(Arguments, _run, "demo.load_test", argv)


def _run(arguments: Arguments) -> int:
    if arguments.visitors < 1 or arguments.requests < 1 or not 0 <= arguments.photograph_share <= 1:
        raise InputError("--visitors and --requests are at least 1, --photograph-share lies between 0 and 1")
    served = own_demo() if arguments.address is None else nullcontext(RunningDemo(arguments.address))
    with served as demo, tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        try:
            load = Load(demo.address, Path(folder))
        except (AppError, httpx.HTTPError, ValueError) as error:
            raise InputError(f"{demo.address}: no demo answers there ({error}); start one with python -m demo") from error
        return _tell(arguments, *_watched(load, arguments, demo.process_id, progress))


def _watched(load: Load, arguments: Arguments, process_id: int | None, progress: Progress) -> tuple[LoadReport, Memory | None, float]:
    """What came of the load, what the server's process held meanwhile, and how many seconds it took."""
    bar = progress.add_task("answers", total=arguments.requests)
    before = float("nan")
    if process_id is not None:
        forget_peak(process_id)
        before = resident_mb(process_id)
    start = time.perf_counter()
    report = load.run(arguments.visitors, arguments.requests, arguments.photograph_share, on_answer=lambda: progress.advance(bar))
    seconds = time.perf_counter() - start
    memory = None if process_id is None else Memory(before, peak_resident_mb(process_id), resident_mb(process_id))
    return report, memory, seconds


def _tell(arguments: Arguments, report: LoadReport, memory: Memory | None, seconds: float) -> int:
    for endpoint, waits in report.seconds.items():
        if waits:
            print(f"{endpoint}: {len(waits)} right, median {statistics.median(waits):.2f} s, slowest {max(waits):.2f} s")
    faults = list(report.faults)
    if memory is not None:
        print(f"server's memory: {memory.before:.0f} MiB before, {memory.peak:.0f} MiB at its peak, {memory.after:.0f} MiB after")
        faults += [memory.fault()] if memory.fault() else []
    for fault in faults:
        print(f"fault: {fault}", file=sys.stderr)
    print(
        f"{arguments.visitors} visitors, {arguments.requests} requests in {seconds:.0f} s: {report.right} right, "
        f"{len(report.faults)} lost or wrong"
    )
    return BAD_INPUT if faults else DONE


if __name__ == "__main__":
    sys.exit(main())
