"""A demo in a process of its own, and what that process uses of memory and processor; Linux alone tells of processes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from estimator.errors import InputError


@dataclass(frozen=True)
class RunningDemo:
    """A demo that answers.

    Attributes:
        address: where.
        process_id: of its server; None where that is not ours.
    """

    address: str
    process_id: int | None = None


@contextmanager
def own_demo(options: Sequence[str] = ()) -> Iterator[RunningDemo]:
    """A demo with these command line options, until the block ends.

    Raises:
        InputError: when it does not start.
    """
    command = [sys.executable, "-m", "demo", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            found = next((match[0] for line in process.stdout if (match := re.search(r"http://\S+", line))), None)
            if found is None:
                raise InputError("the demo did not start; see python -m demo")
            yield RunningDemo(found, process.pid)
        finally:
            process.terminate()


def resident_mb(process_id: int) -> float:
    """Memory that a process holds, MiB; nan where the system does not say."""
    return _status_mb(process_id, "VmRSS")


def peak_resident_mb(process_id: int) -> float:
    """The most that it has held since ``forget_peak``, MiB; nan where the system does not say."""
    return _status_mb(process_id, "VmHWM")


def forget_peak(process_id: int) -> None:
    """Let the peak begin at what the process holds, where the system can and lets us."""
    try:
        Path(f"/proc/{process_id}/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def cpu_seconds(process_id: int) -> float:
    """What all threads of a process have used of all cores so far; nan where the system does not say."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    user, system = int(fields[11]), int(fields[12])  # fields 14 and 15 of proc(5)
    return (user + system) / os.sysconf("SC_CLK_TCK")


def _status_mb(process_id: int, name: str) -> float:
    try:
        status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    found = re.search(rf"{name}:\s*(\d+) kB", status)
    return int(found[1]) / 2**10 if found else float("nan")
