"""python -m demo: the web demo, until it is interrupted."""

import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from estimator.command import DONE, CommandOptions, run_command
from estimator.errors import InputError
from estimator.system import explain_missing_library


@dataclass(frozen=True)
class Arguments(CommandOptions):
    """The web demo: photographs, films, poses and calibration in a browser.

    It listens on this machine alone unless --host says otherwise, and asks nothing of other hosts. Exit status: 2 wrong usage, a port that
    is taken, or a model that cannot be used; 130 interrupted.
    """

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets other machines in."""
    port: Annotated[int | None, tyro.conf.arg(metavar="P", help_behavior_hint="(default: the first free one from 7860 on)")] = None
    """Port to listen on."""
    share: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: not shared)")] = False
    """Open a public link for a week. Gradio's servers then pass every picture on."""
    decoder: Annotated[str, tyro.conf.arg(metavar="{default,template}|FILE")] = "default"
    """Whose skin is posed: default (a simulated man's), template (nobody's), or a file that stage 1 has trained."""
    detector_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: fetched once)")] = None
    """MediaPipe's hand_landmarker.task, for machines without network."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``Arguments``)."""
    return run_command(Arguments, _run, "demo", argv)


def _run(arguments: Arguments) -> int:
    if arguments.port is not None:
        _require_free(arguments.host, arguments.port)
    try:
        from demo.estimation import demo_options
        from demo.server import Settings, serving
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "gradio":
            raise
        raise InputError("the demo needs Gradio: pip install 'deephandmesh[demo]', or pip install -e '.[demo]' in a checkout") from error
    except ImportError as error:
        raise InputError(explain_missing_library(error)) from error
    options = demo_options(arguments.decoder, arguments.detector_model)
    settings = Settings(arguments.host, arguments.port, arguments.share, options)
    print("loading the models ...", file=sys.stderr)
    try:
        with serving(settings) as address:
            print(f"open {address} in a browser; Ctrl+C ends the demo", flush=True)
            threading.Event().wait()
    except OSError as error:
        raise InputError(
            f"cannot listen on {arguments.host}:{arguments.port or '7860 to 7959'} ({error}); choose another --port"
        ) from error
    return DONE


def _require_free(host: str, port: int) -> None:
    """Said before models are loaded.

    Raises:
        InputError: when nothing can listen there.
    """
    if not 0 < port < 65536:
        raise InputError(f"--port {port}: expected 1 to 65535")
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise InputError(f"cannot listen on {host}, port {port} ({error.strerror or error}); choose another --port or --host") from error


if __name__ == "__main__":
    sys.exit(main())
