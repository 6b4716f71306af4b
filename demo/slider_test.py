"""python -m demo.slider_test: how soon the hand follows a slider of the Pose tab.

A demo is started in a process of its own and asked as the page asks it, one movement after the other. What the browser takes to draw is not
in it: the Pose tab itself says how long a hand took from the slider to the screen.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import tyro
from gradio_client import Client

from demo.other_process import cpu_seconds, own_demo
from estimator.command import DONE, CommandOptions, run_command
from estimator.errors import InputError

_FIRST = 5
"""Movements before it is measured: caches fill."""


@dataclass(frozen=True)
class Arguments(CommandOptions):
    """Time from a slider's movement to the posed hand, at the demo's side of the network, and what a movement costs the processor."""

    decoder: Annotated[str, tyro.conf.arg(metavar="{default,template}|FILE")] = "default"
    """Whose hand is posed."""
    movements: Annotated[int, tyro.conf.arg(metavar="N")] = 100
    """How many are timed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``Arguments``)."""
    return run_command(Arguments, _run, "demo.slider_test", argv)


def _run(arguments: Arguments) -> int:
    if arguments.movements < 1:
        raise InputError(f"--movements must be at least 1, not {arguments.movements}")
    with own_demo(["--decoder", arguments.decoder]) as demo, closing(Client(demo.address, verbose=False)) as client:
        assert demo.process_id is not None
        _move(client, _FIRST)
        before = cpu_seconds(demo.process_id)
        waits = 1000 * _move(client, arguments.movements)
        spent = 1000 * (cpu_seconds(demo.process_id) - before) / arguments.movements
    median, late = np.percentile(waits, (50, 90))
    print(f"{arguments.movements} movements, one after the other: {median:.0f} ms each (median), {late:.0f} ms (90th percentile)")
    print(f"server's processor time: {spent:.0f} ms each")
    return DONE


def _move(client: Client, count: int) -> np.ndarray:
    """Close the index finger little by little; seconds until each answer."""
    waits = []
    for bend in np.linspace(0, 90, count):
        start = time.perf_counter()
        client.predict(index1_z=float(bend), index2_z=float(bend), api_name="/pose")
        waits.append(time.perf_counter() - start)
    return np.array(waits)


if __name__ == "__main__":
    sys.exit(main())
