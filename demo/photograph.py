"""One photograph of a visitor to everything the Image tab shows: overlay, scene, tables and an archive of files."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from demo.archive import write_archive
from demo.choices import Choices
from demo.estimation import Estimators, versions_of
from demo.scene import Scene, scene_of_hands
from estimator.export import FORMATS
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.hand.template import DEGREES_OF_FREEDOM, JOINT_NAMES
from estimator.images import Photograph, read_photograph
from estimator.infer_photo import DOUBTFUL_REPROJECTION
from estimator.pipeline import HandEstimator, StageTimes
from estimator.placed_hand import PlacedHand
from estimator.render import render_overlay
from estimator.result import CameraSource, Result, ResultTiming, SourceImage, file_sha256
from estimator.result_folder import Pictures, write_hands, write_pictures_and_result

LARGEST_MEGAPIXELS = 50
"""What reading takes at most: about 14 bytes a pixel, 700 MB."""

LONGEST_SIDE_PX = 1600
"""Larger photographs are worked on at this size: the detector sees no more, and pages need no more."""


@dataclass(frozen=True)
class HandRow:
    """One hand in the table of hands.

    Attributes:
        index: as in the files' names.
        side: left or right.
        score: the detector's confidence in the side, 0.5 to 1.
        length_mm: wrist to tip of the middle finger along the bones.
        distance_mm: of the wrist from the camera, along its axis.
        reprojection_px: median distance of the mesh's joints to the detector's landmarks.
    """

    index: int
    side: str
    score: float
    length_mm: float
    distance_mm: float
    reprojection_px: float


@dataclass(frozen=True)
class AngleRow:
    """The Euler angles of one joint, degrees; zero where the joint does not turn."""

    hand: int
    joint: str
    x: float
    y: float
    z: float


@dataclass(frozen=True)
class PhotographAnswer:
    """What the Image tab shows.

    Attributes:
        overlay: a JPEG of the meshes over the photograph.
        scene: the same hands in 3D.
        hands: a row for each hand.
        angles: a row for each joint that turns, of each hand.
        archive: zip of meshes, overlay and result.json.
        timing: milliseconds of each step.
        notes: what the visitor should know, a sentence each.
    """

    overlay: Path
    scene: Scene
    hands: Sequence[HandRow]
    angles: Sequence[AngleRow]
    archive: Path
    timing: ResultTiming
    notes: Sequence[str]


def process_photograph(
    upload: Path,
    choices: Choices,
    estimators: Estimators,
    folder: Path,
    on_step: Callable[[str], None] = lambda _: None,
) -> PhotographAnswer:
    """Estimate every hand of the photograph and write what there is to download into ``folder``.

    Args:
        upload: the file; messages name it by its last part.
        choices: what the visitor chose.
        estimators: where the models are.
        folder: an empty one.
        on_step: hears what is done next.

    Raises:
        InputError: when the photograph or an option cannot be used.
    """
    on_step("reading the photograph")
    photograph = read_photograph(upload, LARGEST_MEGAPIXELS)
    estimator = estimators.with_options(choices.options)
    start = time.perf_counter()
    pixels, focal_px = _shrunk(photograph)
    camera, source = _camera(pixels, focal_px, choices)
    on_step("finding hands")
    estimate = estimator.estimate(pixels, camera)
    estimated = time.perf_counter()
    on_step("drawing")
    overlay = render_overlay(pixels, estimate.hands)
    drawn = time.perf_counter()
    timing = _timing(estimate.timing, 1000 * (drawn - estimated), 1000 * (drawn - start))
    on_step("writing files")
    image = SourceImage(Path(upload.name), camera.width, camera.height, file_sha256(upload))
    archive = _write(folder, overlay, estimate.hands, image, source, timing, estimator)
    shown = folder / "overlay.jpg"
    Image.fromarray(overlay).save(shown, "JPEG", quality=92)
    return PhotographAnswer(
        overlay=shown,
        scene=scene_of_hands(estimate.hands, key=folder.name),
        hands=[_hand_row(index, hand) for index, hand in enumerate(estimate.hands)],
        angles=[row for index, hand in enumerate(estimate.hands) for row in _angle_rows(index, hand)],
        archive=archive,
        timing=timing,
        notes=_notes(photograph, pixels, source, estimate.hands),
    )


def _shrunk(photograph: Photograph) -> tuple[UInt8[np.ndarray, "height width 3"], float | None]:
    """The photograph no larger than it is worked on, and its focal length in those pixels."""
    height, width = photograph.pixels.shape[:2]
    scale = LONGEST_SIDE_PX / max(height, width)
    if scale >= 1:
        return photograph.pixels, photograph.focal_px
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    focal_px = None if photograph.focal_px is None else photograph.focal_px * scale
    return cv2.resize(photograph.pixels, size, interpolation=cv2.INTER_AREA), focal_px


def _camera(pixels: UInt8[np.ndarray, "height width 3"], focal_px: float | None, choices: Choices) -> tuple[Camera, CameraSource]:
    height, width = pixels.shape[:2]
    if (camera := choices.camera(width, height)) is not None:
        return camera, "option"
    if focal_px is not None:
        return Camera.from_focal(focal_px, width, height), "exif"
    return Camera.from_fov(DEFAULT_FOV_DEG, width, height), "default"


def _timing(spent: StageTimes, render: float, total: float) -> ResultTiming:
    return ResultTiming(spent.detect, spent.encode, spent.decode, spent.place, render, total)


def _write(
    folder: Path,
    overlay: UInt8[np.ndarray, "height width 3"],
    hands: Sequence[PlacedHand],
    image: SourceImage,
    source: CameraSource,
    timing: ResultTiming,
    estimator: HandEstimator,
) -> Path:
    """The archive with everything that ``estimator.infer`` writes."""
    parts = folder / "parts"
    camera = hands[0].camera if hands else Camera.from_fov(DEFAULT_FOV_DEG, image.width, image.height)
    result = Result(image, camera, source, write_hands(hands, parts, FORMATS), timing, versions_of(estimator))
    write_pictures_and_result(parts, Pictures(overlay, None), result)
    return write_archive(parts, folder / f"{image.path.stem}_hands.zip")


def _hand_row(index: int, hand: PlacedHand) -> HandRow:
    lengths = hand.bone_lengths_mm
    length = sum(lengths[f"middle{part}"] for part in ("1", "2", "3", "_null"))
    return HandRow(index, hand.side, hand.score, length, float(hand.root_translation[2]), hand.reprojection_px)


def _angle_rows(index: int, hand: PlacedHand) -> list[AngleRow]:
    rows: dict[int, AngleRow] = {}
    for (joint, axis), angle in zip(DEGREES_OF_FREEDOM, np.degrees(hand.theta).tolist(), strict=True):
        row = rows.get(joint, AngleRow(index, JOINT_NAMES[joint], 0.0, 0.0, 0.0))
        rows[joint] = replace(row, **{"xyz"[axis]: angle})
    return list(rows.values())


def _notes(
    photograph: Photograph, pixels: UInt8[np.ndarray, "height width 3"], source: CameraSource, hands: Sequence[PlacedHand]
) -> list[str]:
    notes = [f"The file {note}." for note in photograph.notes]
    before, after = photograph.pixels.shape, pixels.shape
    if before != after:
        notes.append(f"Worked on at {after[1]} by {after[0]} px instead of {before[1]} by {before[0]}.")
    if not hands:
        notes.append("No hand was found. It helps when the whole hand is in the picture, well lit, and large.")
    elif source == "default":
        notes.append(
            f"The file does not say how wide the lens sees; {DEFAULT_FOV_DEG:g}° along the diagonal is assumed, and distances depend on it."
        )
    for index, hand in enumerate(hands):
        if hand.reprojection_px > DOUBTFUL_REPROJECTION * max(hand.box[2:]):
            notes.append(f"Hand {index} misses its landmarks: its side or the focal length may be wrong (see Options).")
    return notes
