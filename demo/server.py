"""Serving the demo: a private folder, the door, the queue and a sweeper, all of them gone again when the server ends."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.middleware import Middleware

from demo.app import Services, build_app
from demo.door import LARGEST_UPLOAD, Door
from demo.estimation import Estimators, demo_options
from demo.page import style, theme
from demo.posing import poser_of
from demo.viewer import viewer_head
from demo.visitor_files import VisitorFiles
from estimator import pipeline
from estimator.pipeline import EstimatorOptions

SAMPLES = (Path(pipeline.__file__).parent / "assets" / "sample.jpg", *sorted((Path(__file__).parent / "assets").glob("sample_*.jpg")))
LONGEST_QUEUE = 100
_SESSIONS = 200
_SWEEP_SECONDS = 20.0


@dataclass(frozen=True)
class Settings:
    """Where the demo listens and what it allows.

    Attributes:
        host: address to listen on.
        port: None takes the first free one from 7860 on.
        share: open a public link through Gradio's servers.
        options: of the estimator, the defaults of every visitor.
        keep_seconds: how long files that nobody has used stay.
        largest_upload: bytes.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    share: bool = False
    options: EstimatorOptions = demo_options()
    keep_seconds: float = 900.0
    largest_upload: int = LARGEST_UPLOAD


@contextmanager
def serving(settings: Settings = Settings()) -> Iterator[str]:
    """A running demo; its address.

    Raises:
        InputError: when a model cannot be used.
        OSError: when the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="deephandmesh-") as name, closing(Estimators(settings.options)) as estimators:
        folder = Path(name).resolve()
        os.environ |= {"GRADIO_TEMP_DIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "False"}  # Gradio's only way to be told
        files = VisitorFiles(folder, settings.keep_seconds)
        app = build_app(Services(estimators, poser_of(settings.options.decoder), files, SAMPLES))
        app.queue(max_size=LONGEST_QUEUE, default_concurrency_limit=1)
        _, address, shared = app.launch(
            server_name=settings.host,
            server_port=settings.port,
            share=settings.share,
            prevent_thread_lock=True,
            quiet=True,
            theme=theme(),
            css=style(),
            head=viewer_head(),
            app_kwargs={
                "middleware": [Middleware(Door, files=files, largest_upload=settings.largest_upload)],
                "docs_url": None,
                "redoc_url": None,
                "openapi_url": None,
            },
            max_file_size=settings.largest_upload,
            state_session_capacity=_SESSIONS,
            footer_links=["api", "settings"],
            ssr_mode=False,
            enable_monitoring=False,
            run_history=False,
            mcp_server=False,
            pwa=False,
        )
        try:
            with _sweeping(files):
                yield shared or address
        finally:
            app.close(verbose=False)


@contextmanager
def _sweeping(files: VisitorFiles) -> Iterator[None]:
    """A thread that deletes what is late."""
    ended = threading.Event()

    def sweep() -> None:
        while not ended.wait(_SWEEP_SECONDS):
            files.sweep()

    thread = threading.Thread(target=sweep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
