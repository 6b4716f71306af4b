"""One photograph to the folder of its results: read, estimate, draw, write."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from estimator.errors import InputError
from estimator.hand.camera import Camera
from estimator.images import Photograph, printable, read_photograph
from estimator.infer_arguments import Task
from estimator.pipeline import HandEstimator
from estimator.placed_hand import Box, PlacedHand
from estimator.render import render_overlay, render_views
from estimator.result import Result, ResultTiming, SourceImage, file_sha256
from estimator.result_folder import Pictures, write_hands, write_pictures_and_result

DOUBTFUL_REPROJECTION = 0.08
"""Of the hand's box: on photographs with a known lens no hand missed its landmarks by more than 0.02, without refinement 0.06."""


@dataclass(frozen=True)
class Outcome:
    """What a person wants to know at once: the hands, and the seconds from pixels to pictures."""

    hands: Sequence[PlacedHand]
    seconds: float


def infer_photo(path: Path, folder: Path, estimator: HandEstimator, task: Task) -> Outcome:
    """Write the results of one photograph into ``folder``; notes on how it was read go to stderr.

    Without a hand the same files are written: the photograph as overlay.png, result.json with no hands.

    Raises:
        InputError: when the photograph cannot be used or the results cannot be written.
    """
    shown = printable(path)
    photograph = read_photograph(path)
    for note in photograph.notes:
        print(f"note: {shown}: {note}", file=sys.stderr)
    height, width = photograph.pixels.shape[:2]
    camera, camera_source = task.lens.camera(width, height, shown, photograph.focal_px)
    _require_box_inside(task.box, camera, shown)

    start = time.perf_counter()
    estimate = estimator.estimate(photograph.pixels, camera, task.box)
    estimated = time.perf_counter()
    pictures = _pictures(photograph, estimate.hands, task)
    drawn = time.perf_counter()
    result = Result(
        SourceImage(path, camera.width, camera.height, file_sha256(path)),
        camera,
        camera_source,
        write_hands(estimate.hands, folder, task.formats),
        ResultTiming(**vars(estimate.timing), render=1000 * (drawn - estimated), total=1000 * (drawn - start)),
        estimator.versions,
    )
    write_pictures_and_result(folder, pictures, result)
    _note_doubts(estimate.hands, task, shown)
    return Outcome(estimate.hands, drawn - start)


def _require_box_inside(box: Box | None, camera: Camera, shown: str) -> None:
    if box is None:
        return
    x, y, width, height = box
    if x >= camera.width - 0.5 or y >= camera.height - 0.5 or x + width <= 0 or y + height <= 0:
        text = ",".join(f"{value:g}" for value in box)
        raise InputError(f"{shown}: --box {text} lies outside the image of {camera.width} x {camera.height} px; give x,y,w,h in it")


def _pictures(photograph: Photograph, hands: Sequence[PlacedHand], task: Task) -> Pictures:
    overlay = None
    if task.renderer == "software":
        overlay = render_overlay(photograph.pixels, hands)
    elif task.renderer == "pyrender":
        from estimator.render_pyrender import render_pyrender  # an optional package, and OpenGL: only when asked for

        overlay = render_pyrender(photograph.pixels, hands)
    return Pictures(
        overlay=overlay,
        views=render_views(hands) if task.views and hands else None,
    )


def _note_doubts(hands: Sequence[PlacedHand], task: Task, shown: str) -> None:
    """On stderr: that there is no hand, or which one hardly is what the photograph shows."""
    if not hands:
        cure = "give --box, or a photograph that shows it larger" if task.box is None else "give a larger --box"
        print(f"note: {shown}: no hand was found; {cure}", file=sys.stderr)
    for index, hand in enumerate(hands):
        if hand.reprojection_px > DOUBTFUL_REPROJECTION * max(hand.box[2:]):
            print(
                f"note: {shown}: hand {index} ({hand.side}) misses its landmarks by {hand.reprojection_px:.0f} px (median); "
                "the focal length or the side may be wrong: see --focal-px, --fov-deg and --hand",
                file=sys.stderr,
            )
