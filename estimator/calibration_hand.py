"""From the detections of many pictures to one person's profile: which hand it is, and how long its bones are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from estimator.calibration import CalibrationSettings, estimate_bones
from estimator.detector import Detection
from estimator.detector_response import DetectorResponse
from estimator.errors import InputError
from estimator.hand.camera import Camera
from estimator.hand.template import JOINT_NAMES, Side
from estimator.pipeline import HandEstimator
from estimator.placement import Sight
from estimator.profile import BONE_NAMES, HandProfile

CLEAR_MAJORITY = 3
"""One side is seen this many times as often as the other, or nobody knows which hand is meant."""


@dataclass(frozen=True)
class SeenHand:
    """The hands of one picture, best first (at least one), and its camera."""

    detections: tuple[Detection, ...]
    camera: Camera

    def of_side(self, side: Side) -> Detection | None:
        """The best one of a side."""
        return next((detection for detection in self.detections if detection.side == side), None)


def choose_side(hands: Sequence[SeenHand], wanted: Literal["auto", "left", "right"]) -> Side:
    """The hand that is meant: the one that is asked for, or that most pictures show.

    Raises:
        InputError: when both are seen often and nobody says which.
    """
    if wanted != "auto":
        return wanted
    counts = {side: sum(hand.of_side(side) is not None for hand in hands) for side in ("left", "right")}
    if min(counts.values()) * CLEAR_MAJORITY > max(counts.values()):
        raise InputError(
            f"the inputs show a left hand in {counts['left']} and a right hand in {counts['right']} pictures; a profile is of one hand: "
            "give pictures of one, or say which with --hand left or --hand right"
        )
    return "left" if counts["left"] > counts["right"] else "right"


def sights_of(estimator: HandEstimator, hands: Sequence[SeenHand], side: Side) -> list[Sight]:
    """What the pictures say of the hand on a side, before anything is fitted. A lone hand taken for the other side is left out.

    Raises:
        InputError: when no picture shows a hand of that side.
    """
    sights = [
        estimator.sight(replace(detection, side=side), hand.camera) for hand in hands if (detection := hand.of_side(side)) is not None
    ]
    if not sights:
        raise InputError(f"no picture shows a {side} hand; look for the other with --hand, or leave it to auto")
    return sights


def profile_of(
    estimator: HandEstimator,
    hands: Sequence[SeenHand],
    side: Side,
    hand_length_mm: float | None,
    settings: CalibrationSettings = CalibrationSettings(),
) -> HandProfile:
    """The bones of the hand on a side.

    Raises:
        InputError: when no picture shows a hand of that side.
    """
    skeleton, response = estimator.skeleton, DetectorResponse.load(estimator.template.skeleton_id)
    bones = estimate_bones(skeleton, sights_of(estimator, hands, side), response, settings)
    lengths = np.linalg.norm(skeleton.joint_offsets, axis=1)

    def by_bone(values: np.ndarray) -> dict[str, float]:
        return {bone: float(values[JOINT_NAMES.index(bone)]) for bone in BONE_NAMES}

    profile = HandProfile(
        skeleton=estimator.template.skeleton_id,
        side=side,
        bone_lengths_mm=by_bone(lengths * bones.factors),
        spread_mm=by_bone(lengths * bones.spread),
        scale_source="assumed",
        frames=int(bones.used.sum()),
        not_known=tuple(bone for bone in BONE_NAMES if not bones.known[JOINT_NAMES.index(bone)]),
    )
    return profile if hand_length_mm is None else profile.scaled_to(hand_length_mm)
