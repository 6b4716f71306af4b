"""Evaluations of runs, kept beside their weights: a second report need not look again."""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from rich.progress import Progress
from torch import Tensor

from datasets.virtual_studio.cache_moments import code_digest
from decoder_pretrain.evaluation import EncodedPose, FittedPose, KnownMoment, MomentResult, Summary, evaluate, summarise
from decoder_pretrain.moments import Split
from decoder_pretrain.penetration import PenetrationMeter
from decoder_pretrain.report_runs import Run
from estimator.errors import InputError
from estimator.files import write_file

PoseSource = Literal["encoder", "fitted"]
MomentSource = Callable[[str, int, Split, int, int], Sequence[KnownMoment]]
"""As ``moments.moments_of``."""

_FORMAT = 2
"""Raised when what is measured changes."""


@dataclass(frozen=True)
class Score:
    """A moment's numbers, as ``evaluation.MomentResult`` has them; the surface's error is the mean over vertices."""

    motion: str
    joint_error_mm: float
    surface_error_mm: float
    penetration_mm: float


@dataclass(frozen=True)
class Evaluation:
    """A run's numbers on some moments.

    Attributes:
        summary: means over them.
        scores: each moment's, in their order.
        vertex_errors_mm: of each vertex the distance to the scan, averaged over the moments.
    """

    summary: Summary
    scores: tuple[Score, ...]
    vertex_errors_mm: Float[np.ndarray, " vertices"]


@dataclass(frozen=True)
class Question:
    """What an evaluation depends on, beside the run.

    Attributes:
        frames: moments.
        split: of which gestures.
        pose: where theta comes from.
    """

    frames: int
    split: Split = "test"
    pose: PoseSource = "encoder"


class Examiner:
    """Asks runs; what was asked before is read."""

    def __init__(self, frames: int, source: MomentSource, bar: Progress) -> None:
        self.frames, self._source, self._bar = frames, source, bar
        self._moments: dict[tuple[str, int, Split, int], Sequence[KnownMoment]] = {}

    def evaluation(self, run: Run, split: Split = "test", pose: PoseSource = "encoder") -> Evaluation:
        """A run's numbers.

        Raises:
            InputError: when there are no moments to test it on.
        """
        question = Question(self.frames, split, pose)
        file = run.folder.path / f"evaluation_{split}_{pose}_{self.frames}.json"
        key = _key(run, question)
        kept = _read(file, key)
        if kept is None:
            kept = self._ask(run, question)
            _keep(file, key, kept)
        return kept

    def moments_behind(self, summaries: Iterable[Summary]) -> str:
        """How many moments numbers are means over, in words; a release may have fewer than were asked for."""
        counts = {summary.frames for summary in summaries} or {self.frames}
        least, most = min(counts), max(counts)
        return f"{most} moments" if least == most else f"{least} to {most} moments"

    def moment(self, run: Run, index: int) -> KnownMoment:
        """One of the moments that a run is tested on."""
        return self._moments_of(run, "test")[index]

    def answer(self, run: Run, moment: KnownMoment) -> MomentResult:
        """What a run makes of a moment's picture."""
        person = run.person
        (result,) = evaluate(person.decoder, EncodedPose(run.encoder()), PenetrationMeter(person.template), [moment])
        return result

    def theta(self, run: Run, moment: KnownMoment) -> Float[Tensor, " pose"]:
        """The pose that a run's encoder sees in a moment's picture."""
        with torch.no_grad():
            return EncodedPose(run.encoder())([moment])[0]

    def _ask(self, run: Run, question: Question) -> Evaluation:
        person, moments = run.person, self._moments_of(run, question.split)
        pose = FittedPose(person.decoder) if question.pose == "fitted" else EncodedPose(run.encoder())
        answers = evaluate(person.decoder, pose, PenetrationMeter(person.template), moments)
        title = f"{run.name}, {question.split}, pose {question.pose}"
        results = list(self._bar.track(answers, total=len(moments), description=title))
        run.forget()
        return Evaluation(
            summary=summarise(results),
            scores=tuple(
                Score(result.motion, result.joint_error_mm, float(result.vertex_errors_mm.mean()), result.penetration_mm)
                for result in results
            ),
            vertex_errors_mm=np.mean([result.vertex_errors_mm for result in results], axis=0),
        )

    def _moments_of(self, run: Run, split: Split) -> Sequence[KnownMoment]:
        key = (run.config.data, run.config.subject, split, run.config.studio.size)
        if key not in self._moments:
            self._moments[key] = self._source(*key, self.frames)
        return self._moments[key]


def _key(run: Run, question: Question) -> dict[str, Any]:
    """Everything that the numbers follow from."""
    files = [run.folder.decoder_file, *([run.folder.encoder_file] if question.pose == "encoder" else [])]
    return {
        "format": _FORMAT,
        **dataclasses.asdict(question),
        "data": run.config.data,
        "studio": code_digest() if run.variant.data.simulated else "",
        "size": run.config.studio.size,
        "weights": hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest(),
    }


def _keep(file: Path, key: dict[str, Any], evaluation: Evaluation) -> None:
    try:
        write_file(file, json.dumps({"key": key, **_record(evaluation)}).encode())
    except InputError as error:
        print(f"note: {error}; the next report has to look again", file=sys.stderr)


def _record(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "summary": dataclasses.asdict(evaluation.summary),
        "scores": [dataclasses.asdict(score) for score in evaluation.scores],
        "vertex_errors_mm": evaluation.vertex_errors_mm.round(3).tolist(),
    }


def _read(file: Path, key: dict[str, Any]) -> Evaluation | None:
    """What was kept under the same key; None where it was not, or is damaged."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if values["key"] != key:
            return None
        scores = tuple(Score(**score) for score in values["scores"])
        return Evaluation(Summary(**values["summary"]), scores, np.array(values["vertex_errors_mm"], dtype=np.float64))
    except (OSError, ValueError, KeyError, TypeError):
        return None
