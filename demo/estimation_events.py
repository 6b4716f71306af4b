"""What every tab that estimates does alike: it takes a file and choices, waits its turn, refuses politely, and says what came."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gradio as gr

from demo.choices import Choices, chosen
from demo.estimation import Estimators
from demo.uploads import FileData, uploaded
from demo.visitor_files import VisitorFiles
from demo.visits import refused_politely, visitor_of

ONE_AT_A_TIME: Mapping[str, Any] = MappingProxyType({"concurrency_id": "estimation", "concurrency_limit": 1, "preprocess": False})
"""Of an event that estimates: one runs at a time, whichever tab it comes from, and files come as they are."""

SHOW_RESULTS = "(...values) => { if (values[0]) HandViewer.attend('%s'); return values; }"
"""JavaScript of an event with an input: on a phone, where results are further down, go to the element of that id."""


@dataclass(frozen=True)
class Task:
    """One file of a visitor to be worked on.

    Attributes:
        upload: the file.
        choices: what was chosen for it.
        folder: an empty one, for results.
        progress: the bar that the visitor sees.
    """

    upload: Path
    choices: Choices
    folder: Path
    progress: gr.Progress


def handler(
    work: Callable[[Task], tuple[Any, ...]],
    what: str,
    estimators: Estimators,
    files: VisitorFiles,
    when_empty: tuple[Any, ...] | None = None,
) -> Callable[..., tuple[Any, ...]]:
    """The function of an event whose inputs are a file and the ``choice_fields``.

    Args:
        work: makes the outputs.
        what: the file in words, for those who forgot it.
        estimators: where the models are.
        files: where uploads are and results go.
        when_empty: the outputs where there is no file; None refuses.
    """

    def answer(
        file: FileData | None,
        side: str = "auto",
        focal_length_mm: float | None = None,
        hand_length_mm: float | None = None,
        encoder: str = "default",
        profile: FileData | None = None,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[Any, ...]:
        if not file and when_empty is not None:
            return when_empty
        visitor = visitor_of(request)
        with refused_politely():
            upload = files.adopt(uploaded(file, what), visitor)
            choices = chosen(estimators.options, (side, focal_length_mm, hand_length_mm, encoder, profile), files, visitor)
            return work(Task(upload, choices, files.new_folder(visitor), progress))

    return answer


def summary_markdown(headline: str, line: str, notes: Sequence[str]) -> str:
    """What was found, a line of numbers, and what the visitor should know; notes may hold a file's name."""
    return f"### {headline}\n\n{line}\n" + "".join(f"\n* {html.escape(note)}" for note in notes)
