"""The command that measures the detector, the encoders and the full pipeline on annotated hands."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datasets.photos import read_photos
from datasets.sample import HandSample
from estimator.command import BAD_INPUT, DONE, NO_HAND, CommandOptions, report, run_command
from estimator.detector import Detection
from estimator.errors import InputError
from estimator.evaluation_scores import (
    ALL,
    PCK_2D_THRESHOLD,
    HandScore,
    Method,
    Prediction,
    Row,
    Truth,
    nearest_found,
    table_rows,
    truth_in_image,
)
from estimator.files import write_file
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.images import read_photograph
from estimator.pipeline import EstimatorOptions, HandEstimator

SideChoice = Literal["auto", "left", "right", "annotated"]

SCHEMA = "deephandmesh-eval/1"
TABLE_WIDTH = 140
"""Characters of the table where no terminal says how wide it is."""


@dataclass(frozen=True)
class EvaluateOptions(CommandOptions):
    """Measures how near the estimated hands come to annotated ones; prints a table and, if asked, writes JSON and plots.

    A hand is found when the median 2D distance of a detection to the annotated joints is under half the hand's size (the longer
    side of the joints' box). Numbers are means over found hands, joints marked invalid left out: 2D end-point error in pixels and
    over the hand's size, share of joints within 5 % of that size (PCK), joint errors in mm with both wrists on one point (rr) and
    after the best similarity (pa), area under the PCK curve of the root-relative errors from 20 to 50 mm (AUC).
    Methods: "detector" is the landmark detector as it comes, "landmarks" the learned inverse kinematics alone, "full" the whole pipeline.

    Exit status: 0 done; 2 wrong usage or an input that cannot be used; 3 not a single hand was found.
    """

    path: tyro.conf.Positional[Path]
    """An index.json of annotated photographs, or the folder that holds one."""
    dataset: Literal["photos"]
    """What PATH is. "rhd" comes with stage 2."""
    encoder: Annotated[str, tyro.conf.arg(metavar="{default,landmarks}|FILE")] = "default"
    """What reads the pose: default (the best there is), landmarks (inverse kinematics of the detector's landmarks), or a checkpoint."""
    refine: bool = True
    """Whether to measure the full pipeline; without refinement only the detector and the encoders alone are."""
    hand: SideChoice = "auto"
    """Which hand the photographs show: the detector's own answer, one side for all, or what the annotation says."""
    limit: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: all)")] = None
    """Use only so many photographs, spread evenly over the index."""
    json_file: Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help_behavior_hint="(default: not written)")] = None
    """Write every number, per source and per photograph, to this file."""
    plots: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: not written)")] = None
    """Write PCK curves, errors by source and joint, and the worst photographs to this folder, as PNG."""
    detector_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: fetched once)")] = None
    """MediaPipe's hand_landmarker.task, for machines without network."""
    device: str = "cpu"
    """Where the networks run: cpu, cuda, cuda:1, mps."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``EvaluateOptions``)."""
    return run_command(EvaluateOptions, _run, "estimator.evaluate", argv)


def _run(options: EvaluateOptions) -> int:
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit {options.limit}: at least 1 photograph has to be measured")
    samples = _spread(_read(options.path), options.limit)
    for folder in filter(None, (options.plots, options.json_file and options.json_file.parent)):
        _make_folder(folder)
    scores, status = _score_all(samples, options)
    if not scores:
        raise InputError(f"{options.path}: none of its {len(samples)} photographs could be used; see the messages above")
    rows = table_rows(scores)
    Console(width=None if sys.stdout.isatty() else TABLE_WIDTH).print(_table(rows))
    if options.json_file is not None:
        document = json.dumps(evaluation_document(rows, options), indent=1, allow_nan=False)
        write_file(options.json_file, document.encode())
    if options.plots is not None:
        # Matplotlib takes a second to import and not everyone wants plots.
        from estimator.evaluation_plots import write_plots

        write_plots(rows, options.plots)
    return status


def _score_all(samples: Sequence[HandSample], options: EvaluateOptions) -> tuple[list[HandScore], int]:
    """Scores of all photographs that can be used, and the exit status; the others are reported."""
    estimators = _estimators(options)
    scores: list[HandScore] = []
    status = DONE
    progress = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
    with progress:
        for sample in progress.track(samples, description="photographs"):
            try:
                scores += score_sample(sample, estimators, options.hand)
            except InputError as error:
                report(error, options.debug)
                status = BAD_INPUT
    nothing_found = not any(score.found for score in scores)
    return scores, NO_HAND if status == DONE and nothing_found else status


def score_sample(sample: HandSample, estimators: Mapping[Method, HandEstimator], hand: SideChoice = "auto") -> list[HandScore]:
    """The detector's own landmarks and every estimator's answer for one photograph; all of them from one detection.

    Raises:
        InputError: when the image cannot be read or the annotation has nothing to compare with.
    """
    image = read_photograph(sample.image).pixels
    camera = sample_camera(sample, width=image.shape[1], height=image.shape[0])
    try:
        truth = truth_in_image(sample, camera)
    except ValueError as error:
        raise InputError(str(error)) from error
    detections = next(iter(estimators.values())).detector(image)
    nearest = nearest_found(truth, [detection.landmarks_px for detection in detections])
    if nearest is None:
        return [HandScore(sample, truth, method, None) for method in ("detector", *estimators)]
    side = sample.side if hand == "annotated" else None if hand == "auto" else hand
    detection = detections[nearest] if side is None else replace(detections[nearest], side=side)
    return list(_answers(sample, truth, detection, camera, estimators))


def _answers(
    sample: HandSample, truth: Truth, detection: Detection, camera: Camera, estimators: Mapping[Method, HandEstimator]
) -> Iterator[HandScore]:
    own = Prediction(detection.side, detection.landmarks_px, detection.landmarks_mm)
    yield HandScore(sample, truth, "detector", own)
    for method, estimator in estimators.items():
        placed = estimator.place(detection, camera)
        yield HandScore(sample, truth, method, Prediction(placed.side, placed.joints_px, placed.joints_mm))


def sample_camera(sample: HandSample, width: int, height: int) -> Camera:
    """The annotation's camera, else the field of view that every command assumes."""
    if sample.K is None:
        return Camera.from_fov(DEFAULT_FOV_DEG, width, height)
    return Camera(*(float(sample.K[row, column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2))), width, height)


def evaluation_document(rows: Sequence[Row], options: EvaluateOptions) -> dict[str, Any]:
    """The table as JSON values; null where a number is not defined."""
    return {
        "schema": SCHEMA,
        "dataset": options.dataset,
        "path": str(options.path),
        "hand": options.hand,
        "encoder": options.encoder,
        "pck2d_threshold": PCK_2D_THRESHOLD,
        "rows": [_row_values(row) for row in rows],
    }


def _row_values(row: Row) -> dict[str, Any]:
    return {
        "source": row.source,
        "method": row.method,
        "rendered": row.rendered,
        "images": row.images,
        "found": row.found,
        "side_right": _finite(row.side_right),
        "epe2d_px": _finite(row.mean("epe2d_px")),
        "epe2d_rel": _finite(row.mean("epe2d_rel")),
        "pck2d": _finite(row.mean("pck2d")),
        "rr_mm": _finite(row.mean("rr_mm")),
        "pa_mm": _finite(row.mean("pa_mm")),
        "auc_20_50": _finite(row.mean("auc_20_50")),
        "per_image": [_score_values(score) for score in row.scores],
    }


def _score_values(score: HandScore) -> dict[str, Any]:
    return {
        "image": str(score.sample.image),
        "found": score.found,
        "side_right": score.side_right,
        "epe2d_px": _finite(score.epe2d_px),
        "epe2d_rel": _finite(score.epe2d_rel),
        "pck2d": _finite(score.pck2d),
        "rr_mm": _finite(score.rr_mm),
        "pa_mm": _finite(score.pa_mm),
        "auc_20_50": _finite(score.auc_20_50),
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _table(rows: Sequence[Row]) -> Table:
    table = Table("source", "pictures", "method")
    for heading in ("images", "found", "side right", "2D px", "2D / size", "PCK 2D", "rr mm", "pa mm", "AUC 20-50"):
        table.add_column(heading, justify="right")
    for number, row in enumerate(rows):
        last_of_source = number + 1 == len(rows) or rows[number + 1].source != row.source
        table.add_row(
            row.source,
            {True: "rendered", False: "real", None: "mixed"}[row.rendered],
            row.method,
            str(row.images),
            f"{row.found:.3f}",
            _number(row.side_right, 3),
            _number(row.mean("epe2d_px"), 2),
            _number(row.mean("epe2d_rel"), 4),
            _number(row.mean("pck2d"), 3),
            _number(row.mean("rr_mm"), 2),
            _number(row.mean("pa_mm"), 2),
            _number(row.mean("auc_20_50"), 3),
            style="bold" if row.source == ALL else None,
            end_section=last_of_source,
        )
    return table


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"


def _estimators(options: EvaluateOptions) -> dict[Method, HandEstimator]:
    full = EstimatorOptions(encoder=options.encoder, detector_model=options.detector_model, device=options.device)
    estimators: dict[Method, HandEstimator] = {"landmarks": HandEstimator(replace(full, refine=False))}
    if options.refine:
        estimators["full"] = HandEstimator(full)
    return estimators


def _read(path: Path) -> list[HandSample]:
    try:
        return read_photos(path)
    except ValueError as error:
        raise InputError(str(error)) from error


def _spread(samples: list[HandSample], limit: int | None) -> list[HandSample]:
    if limit is None or limit >= len(samples):
        return samples
    return [samples[index * len(samples) // limit] for index in range(limit)]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another place for the results") from error


if __name__ == "__main__":
    sys.exit(main())
