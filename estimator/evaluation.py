"""Measuring: every method's answer for every annotated photograph, all of them from one detection, and the rows that they make."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from datasets.photos import read_photos
from datasets.sample import HandSample
from estimator.command import BAD_INPUT, DONE, NO_HAND, progress_bar, report
from estimator.detector import Detection, HandDetector
from estimator.errors import InputError
from estimator.evaluation_scores import HandScore, Prediction, Row, Truth, nearest_found, table_rows, truth_in_image
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.images import read_photograph
from estimator.learning.batches import spread_evenly
from estimator.pipeline import EstimatorOptions, HandEstimator

DETECTOR, FULL = "detector", "full"
SHIPPED_ENCODERS = ("landmarks", "image", "default")
BoxChoice = Literal["detected", "annotated"]
_TAKEN_NAMES = (DETECTOR, FULL, *SHIPPED_ENCODERS)


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured.

    Attributes:
        encoder: of the full pipeline (see ``EstimatorOptions``); a file is measured alone, too.
        decoder: of every method (see ``EstimatorOptions``).
        refine: whether the full pipeline refines.
        hand: which hand the photographs show: as detected, one side for all, or as annotated.
        box: whether the hand is looked for in the whole photograph or in the annotated joints' box.
        detector_model: the detector's model bundle; None finds or fetches it.
        device: where the networks run.
    """

    encoder: str = "default"
    decoder: str = "default"
    refine: bool = True
    hand: Literal["auto", "left", "right", "annotated"] = "auto"
    box: BoxChoice = "detected"
    detector_model: Path | None = None
    device: str = "cpu"

    @property
    def encoders(self) -> dict[str, str]:
        """For each method that is an encoder alone what ``EstimatorOptions`` calls that encoder. A file gives its stem to the method."""
        named = {name: name for name in SHIPPED_ENCODERS}
        if self.encoder not in named:
            stem = Path(self.encoder).stem
            named[f"{stem} (file)" if stem in _TAKEN_NAMES else stem] = self.encoder
        return named


@dataclass(frozen=True)
class Evaluation:
    """The table's rows, none where no photograph could be used, and the command's exit status."""

    rows: tuple[Row, ...]
    status: int


def read_samples(path: Path, limit: int | None) -> list[HandSample]:
    """The annotated photographs, or so many of them, spread evenly.

    Raises:
        InputError: when the index cannot be used.
    """
    try:
        samples = read_photos(path)
    except ValueError as error:
        raise InputError(str(error)) from error
    return [samples[index] for index in spread_evenly(len(samples), limit)]


def evaluate(samples: Sequence[HandSample], settings: EvaluationSettings, debug: bool) -> Evaluation:
    """Measure every method on all photographs that can be used; the others are reported on stderr.

    Raises:
        InputError: when a model cannot be had.
    """
    methods = open_methods(settings)
    scores: list[HandScore] = []
    all_usable = True
    with progress_bar() as progress:
        for sample in progress.track(samples, description="photographs"):
            try:
                scores += score_sample(sample, methods, settings)
            except InputError as error:
                report(error, debug)
                all_usable = False
    status = BAD_INPUT if not all_usable else DONE if all(score.found for score in scores) else NO_HAND
    return Evaluation(tuple(table_rows(scores)), status)


def open_methods(settings: EvaluationSettings) -> dict[str, HandEstimator]:
    """The estimator of each method that has one: the encoders alone, then the full pipeline. They share one detector."""
    full_options = EstimatorOptions(
        encoder=settings.encoder,
        decoder=settings.decoder,
        refine=settings.refine,
        detector_model=settings.detector_model,
        device=settings.device,
    )
    full = HandEstimator(full_options)
    alone = {
        method: HandEstimator(replace(full_options, encoder=encoder, refine=False), full.detector)
        for method, encoder in settings.encoders.items()
    }
    return {**alone, FULL: full}


def score_sample(sample: HandSample, methods: Mapping[str, HandEstimator], settings: EvaluationSettings) -> list[HandScore]:
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
    detector = methods[FULL].detector
    detections = list(detector(image)) if settings.box == "detected" else _in_box(detector, image, annotated_joints(sample, camera))
    nearest = nearest_found(truth, [detection.landmarks_px for detection in detections])
    if nearest is None:
        return [HandScore(sample, truth, method, None) for method in (DETECTOR, *methods)]
    side = {"auto": None, "annotated": sample.side}.get(settings.hand, settings.hand)
    detection = detections[nearest] if side is None else replace(detections[nearest], side=side)
    return list(_answers(sample, truth, detection, camera, methods))


def annotated_joints(sample: HandSample, camera: Camera) -> Float[np.ndarray, "joints 2"]:
    """All that is known of where the joints lie, hidden ones too: those known in space, else those trusted in the image; pixels."""
    if sample.joints_mm is not None:
        return camera.project(sample.joints_mm[sample.valid])
    assert sample.joints_px is not None, "there is something to compare with"
    return sample.joints_px[sample.visible]


def _in_box(
    detector: HandDetector, image: UInt8[np.ndarray, "height width 3"], joints_px: Float[np.ndarray, "joints 2"]
) -> list[Detection]:
    (left, top), (width, height) = joints_px.min(axis=0), np.ptp(joints_px, axis=0)
    inside = detector.in_box(image, (float(left), float(top), float(width), float(height)))
    return [inside] if inside else []


def _answers(
    sample: HandSample, truth: Truth, detection: Detection, camera: Camera, methods: Mapping[str, HandEstimator]
) -> Iterator[HandScore]:
    own = Prediction(detection.side, detection.landmarks_px, detection.landmarks_mm)
    yield HandScore(sample, truth, DETECTOR, own)
    for method, estimator in methods.items():
        placed = estimator.place(detection, camera)
        yield HandScore(sample, truth, method, Prediction(placed.side, placed.joints_px, placed.joints_mm))


def sample_camera(sample: HandSample, width: int, height: int) -> Camera:
    """The annotation's camera, else the field of view that every command assumes."""
    if sample.K is None:
        return Camera.from_fov(DEFAULT_FOV_DEG, width, height)
    return Camera(*(float(sample.K[row, column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2))), width, height)
