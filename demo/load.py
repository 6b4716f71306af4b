"""Visitors who come all at once, and what becomes of their questions."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from gradio_client import Client
from gradio_client.exceptions import AppError

from demo.load_questions import Answer, Question, questions

_PATIENCE_S = 300.0


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


class Load:
    """Questions with the answers that one visitor alone has got.

    Args:
        address: a running demo.
        folder: where photographs and answers may lie.

    Raises:
        AppError: when the demo refuses a question.
        httpx.HTTPError: when nobody answers.
        ValueError: when what answers is no such demo.
    """

    def __init__(self, address: str, folder: Path) -> None:
        self._address, self._folder = address, folder
        with closing(self._client()) as client:
            self._known = {
                endpoint: [(question, question.ask(client)) for question in asked] for endpoint, asked in questions(folder).items()
            }

    def run(self, visitors: int, requests: int, photograph_share: float = 0.5, on_answer: Callable[[], None] = lambda: None) -> LoadReport:
        """Let visitors come together, and see what they get; each has a share of the requests."""
        report = LoadReport()
        shares = [requests // visitors + (row < requests % visitors) for row in range(visitors)]

        def visit(number: int) -> None:
            random = np.random.default_rng(number)
            asked = [self._draw(random, photograph_share) for _ in range(shares[number])]
            self._visit(f"visitor {number}", asked, report, on_answer)

        threads = [threading.Thread(target=visit, args=(number,), daemon=True) for number in range(visitors)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return report

    def _draw(self, random: np.random.Generator, photograph_share: float) -> tuple[Question, Answer]:
        known = self._known["/image" if random.random() < photograph_share else "/pose"]
        return known[random.integers(len(known))]

    def _visit(self, visitor: str, asked: Sequence[tuple[Question, Answer]], report: LoadReport, on_answer: Callable[[], None]) -> None:
        try:
            client = self._client()
        except (httpx.HTTPError, ValueError) as error:
            report.faults.extend([f"{visitor} found nobody there ({error})"] * len(asked))
            return
        with closing(client):
            for question, expected in asked:
                start = time.perf_counter()
                try:
                    fault = question.ask(client).fault(expected)
                except (AppError, httpx.HTTPError, OSError, ValueError, KeyError) as error:
                    fault = f"lost ({error})"
                if fault:
                    report.faults.append(f"{visitor}, {question.endpoint}: {fault}")
                else:
                    report.seconds[question.endpoint].append(time.perf_counter() - start)
                on_answer()

    def _client(self) -> Client:
        return Client(self._address, verbose=False, download_files=str(self._folder), httpx_kwargs={"timeout": _PATIENCE_S})
