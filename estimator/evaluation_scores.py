"""From estimated and annotated hands to the rows of the evaluation's table."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from datasets.sample import HandSample
from estimator import metrics
from estimator.hand.camera import Camera
from estimator.placed_hand import Side

ALL = "all"
PCK_2D_THRESHOLD = 0.05
"""Of the hand's size: about a fingertip's width on a grown-up's hand."""
AUC_RANGE_MM = (20.0, 50.0)


@dataclass(frozen=True)
class Truth:
    """What a photograph's annotation says, as far as it can be compared in the image."""

    joints_px: Float[np.ndarray, "21 2"]
    visible: Bool[np.ndarray, " 21"]

    @property
    def size_px(self) -> float:
        """Longer side of the box around the visible joints."""
        return metrics.hand_size(self.joints_px, self.visible)


@dataclass(frozen=True)
class Prediction:
    """One method's answer for a hand that was found."""

    side: Side
    joints_px: Float[np.ndarray, "21 2"]
    joints_mm: Float[np.ndarray, "21 3"]


@dataclass(frozen=True)
class HandScore:
    """One method on one annotated hand; every number is nan where the hand was not found or the annotation lacks what it needs."""

    sample: HandSample
    truth: Truth
    method: str
    prediction: Prediction | None

    @property
    def found(self) -> bool:
        """The detector saw the annotated hand."""
        return self.prediction is not None

    @property
    def side_right(self) -> bool | None:
        """None where the hand was not found or its side is unknown."""
        return None if self.prediction is None or self.sample.side is None else self.prediction.side == self.sample.side

    @cached_property
    def distances_px(self) -> Float[np.ndarray, " 21"]:
        """2D error of each joint."""
        if self.prediction is None:
            return np.full(len(self.truth.visible), np.nan)
        return metrics.joint_distances(self.prediction.joints_px, self.truth.joints_px, self.truth.visible)

    @property
    def distances_rel(self) -> Float[np.ndarray, " 21"]:
        """2D distances over the hand's size."""
        return self.distances_px / self.truth.size_px

    @cached_property
    def root_relative_mm(self) -> Float[np.ndarray, " 21"]:
        """3D error of each joint with both wrists on one point."""
        if self.prediction is None or self.sample.joints_mm is None:
            return np.full(len(self.sample.valid), np.nan)
        return metrics.root_relative_distances(self.prediction.joints_mm, self.sample.joints_mm, self.sample.valid)

    @cached_property
    def similarity_aligned_mm(self) -> Float[np.ndarray, " 21"]:
        """3D error of each joint after the best similarity."""
        if self.prediction is None or self.sample.joints_mm is None:
            return np.full(len(self.sample.valid), np.nan)
        return metrics.similarity_aligned_distances(self.prediction.joints_mm, self.sample.joints_mm, self.sample.valid)

    @property
    def epe2d_px(self) -> float:
        """Mean 2D error."""
        return metrics.mean(self.distances_px)

    @property
    def epe2d_rel(self) -> float:
        """Mean 2D error over the hand's size."""
        return metrics.mean(self.distances_rel)

    @property
    def pck2d(self) -> float:
        """Share of joints within ``PCK_2D_THRESHOLD``."""
        return float(metrics.pck(self.distances_rel, np.array([PCK_2D_THRESHOLD]))[0])

    @property
    def rr_mm(self) -> float:
        """Mean root-relative error."""
        return metrics.mean(self.root_relative_mm)

    @property
    def pa_mm(self) -> float:
        """Mean similarity-aligned error."""
        return metrics.mean(self.similarity_aligned_mm)

    @property
    def auc_20_50(self) -> float:
        """Area under the PCK curve of the root-relative errors."""
        return metrics.auc(self.root_relative_mm, *AUC_RANGE_MM)


@dataclass(frozen=True)
class Row:
    """One method on one source (or on all): shares over its photographs, means over the hands it found."""

    source: str
    method: str
    scores: tuple[HandScore, ...]

    @property
    def images(self) -> int:
        """How many photographs were looked at."""
        return len(self.scores)

    @property
    def rendered(self) -> bool | None:
        """None where computed and real pictures are mixed."""
        kinds = {score.sample.rendered for score in self.scores}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def found(self) -> float:
        """Share of the photographs whose hand was found."""
        return sum(score.found for score in self.scores) / len(self.scores)

    @property
    def side_right(self) -> float:
        """Of the found hands whose side is known, the share on that side; nan when there is none."""
        return metrics.mean(np.array([score.side_right for score in self.scores if score.side_right is not None], dtype=float))

    def mean(self, number: Literal["epe2d_px", "epe2d_rel", "pck2d", "rr_mm", "pa_mm", "auc_20_50"]) -> float:
        """Mean of one of a score's numbers over the hands that have it; nan when none has."""
        return metrics.mean(np.array([getattr(score, number) for score in self.scores], dtype=float))


def truth_in_image(sample: HandSample, camera: Camera) -> Truth:
    """The annotated joints in pixels: those given, else the 3D ones projected.

    Raises:
        ValueError: when there are neither, or 3D ones without the camera that they belong to.
    """
    if sample.joints_px is not None:
        return Truth(sample.joints_px, sample.visible)
    if sample.joints_mm is None or sample.K is None:
        raise ValueError(f"{sample.image}: nothing to compare with; annotate kp2d, or kp3d_mm with K, or leave the entry out")
    return Truth(camera.project(sample.joints_mm), sample.valid)


def nearest_found(truth: Truth, candidates: Sequence[Float[np.ndarray, "21 2"]]) -> int | None:
    """Which candidate is the annotated hand: the least median distance over visible joints, under half the hand's size; else None."""
    distances = [np.nanmedian(metrics.joint_distances(candidate, truth.joints_px, truth.visible)) for candidate in candidates]
    best = min(range(len(distances)), key=lambda i: distances[i], default=None)
    return best if best is not None and distances[best] < truth.size_px / 2 else None


def table_rows(scores: Sequence[HandScore]) -> list[Row]:
    """A row for each source and method in order of first appearance, then for all sources together."""
    sources = list(dict.fromkeys(score.sample.source for score in scores))
    methods = list(dict.fromkeys(score.method for score in scores))
    rows = [
        Row(source, method, tuple(s for s in scores if s.method == method and source in (s.sample.source, ALL)))
        for source in (*sources, ALL)
        for method in methods
    ]
    return [row for row in rows if row.scores]
