"""RHD's protocol: errors of root-relative joints in mm under three alignments, of all joints and of the visible ones."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from rich.table import Table

from datasets.rhd_files import Split
from datasets.rhd_index import RhdIndex
from datasets.sample import HandSample
from estimator import metrics
from estimator.evaluation_scores import ALL, AUC_RANGE_MM, HandScore, Row
from estimator.learning.batches import spread_evenly
from estimator.training_rhd_data import open_rhd

JointChoice = Literal["all", "visible"]
CHOICES: tuple[JointChoice, ...] = ("all", "visible")


@dataclass(frozen=True)
class RhdSamples:
    """Hands of a split to measure.

    Attributes:
        split: its name.
        samples: those measured.
        index: of the whole split; it names what is left out.
    """

    split: Split
    samples: list[HandSample]
    index: RhdIndex


@dataclass(frozen=True)
class JointErrors:
    """Over all joints of all found hands together; nan where there is none.

    Attributes:
        mean_mm: end-point error.
        median_mm: end-point error.
        auc: area under the PCK curve from 20 to 50 mm.
    """

    mean_mm: float
    median_mm: float
    auc: float

    @classmethod
    def of(cls, errors: Float[np.ndarray, "*joints"]) -> "JointErrors":
        """Of distances in mm; nan counts nowhere."""
        return cls(metrics.mean(errors), metrics.median(errors), metrics.auc(errors, *AUC_RANGE_MM))


@dataclass(frozen=True)
class ProtocolRow:
    """One method on the split.

    Attributes:
        method: as in the table of all data sets.
        joints: which of them count. Hidden ones, too, take part in the alignments.
        images: how many hands were looked for.
        found: share of them that was found; the others count nowhere.
        bone_lengths: wrist on wrist, with the true bone lengths.
        scale: wrist on wrist, at the size that fits best.
        procrustes: after the similarity that fits best.
    """

    method: str
    joints: JointChoice
    images: int
    found: float
    bone_lengths: JointErrors
    scale: JointErrors
    procrustes: JointErrors


def read_rhd_samples(path: Path, split: Split, limit: int | None) -> RhdSamples:
    """A split's hands, or so many of them, evenly spread. What cannot be used is counted on stderr.

    Raises:
        InputError: when the folder cannot be used.
    """
    rhd = open_rhd(path, split)
    if rhd.index.skipped:
        print(f"{split}: {rhd.index.summary()}", file=sys.stderr)
    return RhdSamples(split, [rhd.sample(row) for row in spread_evenly(len(rhd), limit)], rhd.index)


def protocol_rows(rows: Sequence[Row]) -> list[ProtocolRow]:
    """A row for each method and choice of joints."""
    overall = [row for row in rows if row.source == ALL]
    return [protocol_row(row, joints) for row in overall for joints in CHOICES]


def protocol_row(row: Row, joints: JointChoice) -> ProtocolRow:
    """One method's numbers."""
    found = [score for score in row.scores if score.found]
    alignments = [_bone_lengths_given, _scale_aligned, _similarity_aligned]
    pooled = [np.concatenate([_counted(score, align(score), joints) for score in found] or [np.empty(0)]) for align in alignments]
    return ProtocolRow(row.method, joints, row.images, row.found, *(JointErrors.of(errors) for errors in pooled))


def _counted(score: HandScore, distances: Float[np.ndarray, " 21"], joints: JointChoice) -> Float[np.ndarray, " 21"]:
    return distances if joints == "all" else np.where(score.sample.visible, distances, np.nan)


def _bone_lengths_given(score: HandScore) -> Float[np.ndarray, " 21"]:
    estimated, true = _joints(score)
    return metrics.root_relative_distances(metrics.with_true_bone_lengths(estimated, true), true, score.sample.valid)


def _scale_aligned(score: HandScore) -> Float[np.ndarray, " 21"]:
    return metrics.scale_aligned_distances(*_joints(score), score.sample.valid)


def _similarity_aligned(score: HandScore) -> Float[np.ndarray, " 21"]:
    return score.similarity_aligned_mm


def _joints(score: HandScore) -> tuple[Float[np.ndarray, "21 3"], Float[np.ndarray, "21 3"]]:
    assert score.prediction is not None, "only found hands are aligned"
    assert score.sample.joints_mm is not None, "RHD has joints in space"
    return score.prediction.joints_mm, score.sample.joints_mm


def protocol_document(rows: Sequence[ProtocolRow], measured: RhdSamples) -> dict[str, Any]:
    """The protocol's table and what was left out as JSON values; null where a number is not defined."""
    return {
        "split": measured.split,
        "left_out": [asdict(skipped) for skipped in measured.index.skipped],
        "protocol": [_finite(asdict(row)) for row in rows],
    }


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _finite(value) if isinstance(value, dict) else None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in values.items()
    }


def protocol_table(rows: Sequence[ProtocolRow]) -> Table:
    """Two rows a method; mean and median end-point error in mm, and AUC, under each alignment."""
    table = Table("method", "joints")
    for heading in (
        "images",
        "found",
        *(f"{given} {number}" for given in ("bones", "scale", "pa") for number in ("mean", "median", "AUC")),
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        numbers = [number for errors in (row.bone_lengths, row.scale, row.procrustes) for number in _words(errors)]
        table.add_row(row.method, row.joints, str(row.images), f"{row.found:.3f}", *numbers, end_section=row.joints == CHOICES[-1])
    return table


def _words(errors: JointErrors) -> list[str]:
    values = ((errors.mean_mm, 2), (errors.median_mm, 2), (errors.auc, 3))
    return [f"{value:.{digits}f}" if np.isfinite(value) else "-" for value, digits in values]
