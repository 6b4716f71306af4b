"""Photographs or a clip of one visitor's hand to everything the Calibrate tab shows: a profile, and how well it is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from demo.clip import require_acceptable
from demo.estimation import Estimators
from demo.photograph import LARGEST_MEGAPIXELS
from estimator.calibrate import FEW_PICTURES
from estimator.calibration_hand import SeenHand, choose_side, profile_of
from estimator.calibration_pictures import Source, pictures_of
from estimator.errors import InputError
from estimator.images import FORMATS
from estimator.lens import Lens
from estimator.pipeline import HandChoice
from estimator.profile import BONE_NAMES, HandProfile

MOST_FILES = 30
FRAMES_OF_A_CLIP = 60


@dataclass(frozen=True)
class BoneRow:
    """One bone in the table: the joint it ends in, its length and spread, and whether the pictures said enough."""

    bone: str
    length_mm: float
    spread_mm: float
    known: str


@dataclass(frozen=True)
class CalibrationAnswer:
    """What the Calibrate tab shows.

    Attributes:
        profile: the person's bone lengths.
        file: the profile, to download.
        pictures: looked at.
        bones: a row for each bone.
        notes: what the visitor should know, a sentence each.
    """

    profile: HandProfile
    file: Path
    pictures: int
    bones: Sequence[BoneRow]
    notes: Sequence[str]


def process_pictures(
    uploads: Sequence[Path],
    hand: HandChoice,
    hand_length_mm: float | None,
    estimators: Estimators,
    folder: Path,
    on_picture: Callable[[int], None] = lambda _: None,
) -> CalibrationAnswer:
    """Estimate the bone lengths of the hand that the files show.

    Args:
        uploads: photographs and clips, by their content.
        hand: which hand is meant; ``auto`` takes the one that most pictures show.
        hand_length_mm: wrist to tip of the middle finger, measured; None leaves the size open.
        estimators: where the models are.
        folder: an empty one; the work ends when it is gone.
        on_picture: hears how many were looked at.

    Raises:
        InputError: when a file cannot be used, or no picture shows the hand.
    """
    if len(uploads) > MOST_FILES:
        raise InputError(f"{len(uploads)} files are more than the {MOST_FILES} that are taken; choose fewer, or a clip")
    estimator = estimators.with_options(replace(estimators.options, hand_length_mm=hand_length_mm))
    seen: list[SeenHand] = []
    notes: list[str] = []
    pictures = 0
    for source in [_source(path) for path in uploads]:
        for picture in pictures_of(source, Lens(), FRAMES_OF_A_CLIP, notes):
            if not folder.is_dir():
                raise InputError("the visitor has left")
            pictures += 1
            on_picture(pictures)
            if detections := estimator.detector(picture.pixels):
                seen.append(SeenHand(tuple(detections), picture.camera))
    if not seen:
        raise InputError("no hand was found in any picture; show one hand, large and in good light")
    profile = profile_of(estimator, seen, choose_side(seen, hand), hand_length_mm)
    file = folder / "profile.json"
    profile.save(file)
    return CalibrationAnswer(profile, file, pictures, _rows(profile), [f"The file {note}." for note in notes] + _doubts(profile))


def _source(path: Path) -> Source:
    """The file as what is in it, if that is not too large."""
    size = _photograph_size(path)
    if size is None:
        require_acceptable(path)
    elif size[0] * size[1] > LARGEST_MEGAPIXELS * 1e6:
        raise InputError(f"{path.name}: has {size[0] * size[1] / 1e6:.0f} megapixels, at most {LARGEST_MEGAPIXELS} are read")
    return Source(path, is_video=size is None)


def _photograph_size(path: Path) -> tuple[int, int] | None:
    """Width and height if the file begins as a photograph does, whatever its name."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError):
        return None


def _rows(profile: HandProfile) -> list[BoneRow]:
    return [
        BoneRow(bone, profile.bone_lengths_mm[bone], profile.spread_mm[bone], "no" if bone in profile.not_known else "yes")
        for bone in BONE_NAMES
    ]


def _doubts(profile: HandProfile) -> list[str]:
    doubts = []
    if profile.scale_source == "assumed":
        doubts.append(
            f"Photographs do not show how large a hand is: it is taken to be {profile.hand_length_mm:.0f} mm long. "
            "Measure from the wrist to the tip of the middle finger, and give that length."
        )
    if profile.frames < FEW_PICTURES:
        doubts.append(f"{profile.frames} pictures tell little; 20, from several sides, with fingers straight and bent, tell more.")
    return doubts
