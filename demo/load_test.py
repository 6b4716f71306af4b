"""python -m demo.load_test: many visitors at once; is every answer there, and is it their own?

Each visitor sends photographs with one left or one right hand, and poses, in an order of his own; what comes back has to be what was
asked for. Without --address a demo is started for the test in a process of its own, so that its memory can be watched.
"""

import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import tyro
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from estimator.command import BAD_INPUT, DONE, CommandOptions, run_command
from estimator.errors import InputError

_PATIENCE_S = 300.0
_SAMPLE = Path(__file__).parent.parent / "estimator" / "assets" / "sample.jpg"


@dataclass(frozen=True)
class Arguments(CommandOptions):
    """Many visitors of the demo at once. Exit status: 0 every answer right; 2 answers lost or wrong, or no demo there."""

    address: Annotated[str | None, tyro.conf.arg(metavar="URL", help_behavior_hint="(default: a demo is started)")] = None
    """A running demo."""
    visitors: Annotated[int, tyro.conf.arg(metavar="N")] = 20
    """How many at once."""
    requests: Annotated[int, tyro.conf.arg(metavar="N")] = 200
    """How many of all of them together."""
    photograph_share: Annotated[float, tyro.conf.arg(metavar="S")] = 0.5
    """Share of photographs among the requests; the rest are poses."""


@dataclass
class LoadReport:
    """What came of it; grows while visitors work.

    Attributes:
        seconds: for each answer that was right, by endpoint.
        faults: a line for each that was lost or wrong.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"/image": [], "/pose": []})
    faults: list[str] = field(default_factory=list)

    @property
    def right(self) -> int:
        """Answers that were right."""
        return sum(map(len, self.seconds.values()))


def run_load(address: str, visitors: int, requests: int, photograph_share: float = 0.5) -> LoadReport:
    """Let visitors come together, and see what they get."""
    report = LoadReport()
    shares = [requests // visitors + (row < requests % visitors) for row in range(visitors)]
    with tempfile.TemporaryDirectory() as folder:
        photographs = _photographs(Path(folder))
        threads = [
            threading.Thread(target=_visit, args=(address, number, share, photograph_share, photographs, report), daemon=True)
            for number, share in enumerate(shares)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return report


def _photographs(folder: Path) -> dict[str, Path]:
    """One hand of either side; all visitors send the same bytes."""
    right = np.asarray(Image.open(_SAMPLE).convert("RGB").resize((640, 480)))
    pictures = {"right": right, "left": right[:, ::-1]}
    for side, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{side}.jpg", quality=95)
    return {side: folder / f"{side}.jpg" for side in pictures}


def _visit(address: str, number: int, requests: int, photograph_share: float, photographs: dict[str, Path], report: LoadReport) -> None:
    random = np.random.default_rng(number)
    try:
        client = Client(address, verbose=False, httpx_kwargs={"timeout": _PATIENCE_S})
    except httpx.HTTPError as error:
        report.faults.append(f"visitor {number} found nobody there ({error})")
        return
    for turn in range(requests):
        endpoint = "/image" if random.random() < photograph_share else "/pose"
        start = time.perf_counter()
        try:
            fault = _ask_image(client, photographs, random) if endpoint == "/image" else _ask_pose(client, random)
        except (AppError, httpx.HTTPError, OSError, ValueError) as error:
            fault = f"lost ({error})"
        if fault:
            report.faults.append(f"visitor {number}, request {turn}, {endpoint}: {fault}")
        else:
            report.seconds[endpoint].append(time.perf_counter() - start)
    client.close()


def _ask_image(client: Client, photographs: dict[str, Path], random: np.random.Generator) -> str:
    """What was wrong with the answer; empty where nothing was."""
    side = str(random.choice(list(photographs)))
    told, overlay, _, hands, _, archive = client.predict(handle_file(photographs[side]), api_name="/image")
    found = [row[1] for row in hands["data"]]
    if found != [side] or f"1 {side}" not in told:
        return f"a {side} hand came back as {found}"
    if not archive.endswith(f"{side}_hands.zip") or not Path(overlay).stat().st_size:
        return f"the files are another visitor's: {archive}"
    return ""


def _ask_pose(client: Client, random: np.random.Generator) -> str:
    bend = float(random.integers(0, 60))
    scene, told, _ = client.predict(index1_z=bend, index2_z=bend, api_name="/pose")
    again, _, _ = client.predict(index1_z=bend, index2_z=bend, api_name="/pose")
    if not re.search(r"decoded in \d+ ms", told):
        return f"unexpected words: {told}"
    return "" if scene["meshes"][0]["points"] == again["meshes"][0]["points"] else "one pose gave two hands"


@contextmanager
def _own_demo() -> Iterator[tuple[str, int]]:
    """A demo in another process: its address and process id."""
    command = [sys.executable, "-m", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            found = next((match[0] for line in process.stdout if (match := re.search(r"http://\S+", line))), None)
            if found is None:
                raise InputError("the demo did not start; see python -m demo")
            yield found, process.pid
        finally:
            process.terminate()


def resident_mb(process_id: int) -> float:
    """Memory that a process holds, MiB; nan where the system does not say."""
    try:
        pages = Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return float("nan")
    return int(pages) * 4096 / 2**20


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``Arguments``)."""
    return run_command(Arguments, _run, "demo.load_test", argv)


def _run(arguments: Arguments) -> int:
    if arguments.visitors < 1 or arguments.requests < 1 or not 0 <= arguments.photograph_share <= 1:
        raise InputError("--visitors and --requests are at least 1, --photograph-share lies between 0 and 1")
    if arguments.address is not None:
        return _report(arguments, run_load(arguments.address, arguments.visitors, arguments.requests, arguments.photograph_share))
    with _own_demo() as (address, process_id):
        run_load(address, 1, 4)  # what is loaded at the first request is not counted as growth
        before = resident_mb(process_id)
        report = run_load(address, arguments.visitors, arguments.requests, arguments.photograph_share)
        print(f"server's memory: {before:.0f} MiB before, {resident_mb(process_id):.0f} MiB after")
    return _report(arguments, report)


def _report(arguments: Arguments, report: LoadReport) -> int:
    for endpoint, seconds in report.seconds.items():
        if seconds:
            spread = f"median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s"
            print(f"{endpoint}: {len(seconds)} right, {spread}")
    for fault in report.faults:
        print(f"fault: {fault}", file=sys.stderr)
    print(f"{arguments.visitors} visitors, {arguments.requests} requests: {report.right} right, {len(report.faults)} lost or wrong")
    return BAD_INPUT if report.faults else DONE


if __name__ == "__main__":
    sys.exit(main())
