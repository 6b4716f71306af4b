"""How well a calibration knows simulated people's bones, and what their profiles are worth on other pictures of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from estimator.calibration import estimate_bones
from estimator.calibration_hand import SeenHand, profile_of, sights_of
from estimator.detector import Detection
from estimator.detector_response import DetectorResponse
from estimator.evaluation_sitters import Shot, Sitter, camera
from estimator.hand.template import JOINT_NAMES, LANDMARK_JOINTS, LANDMARK_NAMES
from estimator.metrics import root_relative_distances, similarity_aligned_distances
from estimator.pipeline import EstimatorOptions, HandEstimator
from estimator.profile import BONE_NAMES, HandProfile, chain_length_mm
from estimator.refinement import Skeleton

_LANDMARKS = list(LANDMARK_JOINTS)


def seen_hands(shots: Sequence[Shot], estimator: HandEstimator) -> list[SeenHand]:
    """What the detector sees, where that is a right hand."""
    hands = [SeenHand(tuple(found), camera()) for shot in shots if (found := estimator.detector(shot.image))]
    return [hand for hand in hands if hand.of_side("right") is not None]


def bones_by_landmarks(estimator: HandEstimator, hands: Sequence[SeenHand]) -> Float[np.ndarray, " bones"]:
    """Logarithms of bone lengths over the average hand's, in hands of one length, as landmarks show them (see ``DetectorResponse``)."""
    bones = estimate_bones(estimator.skeleton, sights_of(estimator, hands, "right"), DetectorResponse.faithful())
    return np.log([bones.factors[JOINT_NAMES.index(bone)] for bone in BONE_NAMES])


def true_bones(skeleton: Skeleton, sitter: Sitter) -> Float[np.ndarray, " bones"]:
    """The same as they are."""
    own, average = sitter.bone_lengths_mm, average_lengths(skeleton)
    size = chain_length_mm(own) / chain_length_mm(average)
    return np.log([own[bone] / (size * average[bone]) for bone in BONE_NAMES])


def average_lengths(skeleton: Skeleton) -> dict[str, float]:
    """The template's bone lengths, mm."""
    return {bone: float(np.linalg.norm(skeleton.joint_offsets[JOINT_NAMES.index(bone)])) for bone in BONE_NAMES}


@dataclass(frozen=True)
class JointErrors:
    """Mean distances of 21 joints to the true ones, mm: wrists put together, and after the best similarity."""

    root_relative_mm: float
    aligned_mm: float

    @classmethod
    def mean(cls, errors: "Sequence[JointErrors]") -> "JointErrors":
        """Over pictures; nan without any."""
        if not errors:
            return cls(np.nan, np.nan)
        return cls(float(np.mean([e.root_relative_mm for e in errors])), float(np.mean([e.aligned_mm for e in errors])))


@dataclass(frozen=True)
class SitterScores:
    """What a calibration is worth for one person.

    Attributes:
        name: of the person.
        seen: pictures with a right hand, by the detector, of those that were calibrated with.
        profile: the calibration's, hand length given.
        errors: of each bone's length in the profile, as a share of the true one, by ``BONE_NAMES``.
        average_errors: the same of the average hand at the person's hand length.
        nothing: errors on other pictures with nothing known of the person.
        length: the same with the hand length alone.
        with_profile: the same with the profile.
        judged: pictures of that comparison.
    """

    name: str
    seen: int
    profile: HandProfile
    errors: Float[np.ndarray, " bones"]
    average_errors: Float[np.ndarray, " bones"]
    nothing: JointErrors
    length: JointErrors
    with_profile: JointErrors
    judged: int


def score(sitter: Sitter, estimator: HandEstimator, shots: Sequence[Shot], others: Sequence[Shot]) -> SitterScores | None:
    """Calibrate with ``shots``, hand length given, and try the profile on ``others``; None when no shot shows the detector a right hand."""
    hands, length_mm = seen_hands(shots, estimator), chain_length_mm(sitter.bone_lengths_mm)
    if not hands:
        return None
    profile = profile_of(estimator, hands, "right", length_mm)
    true = true_bones(estimator.skeleton, sitter)
    average = average_lengths(estimator.skeleton)
    size = length_mm / chain_length_mm(average)
    found = np.log([profile.bone_lengths_mm[bone] / (size * average[bone]) for bone in BONE_NAMES])
    ways = [EstimatorOptions(), EstimatorOptions(hand_length_mm=length_mm), EstimatorOptions(profile=profile)]
    judges = [HandEstimator(options, estimator.detector) for options in ways]
    rivals = [[_errors(judge, hand, shot) for judge in judges] for shot in others if (hand := _right_hand(estimator, shot))]
    nothing, length, with_profile = (JointErrors.mean([row[way] for row in rivals]) for way in range(len(ways)))
    return SitterScores(
        name=sitter.name,
        seen=len(hands),
        profile=profile,
        errors=np.expm1(found - true),
        average_errors=np.expm1(-true),
        nothing=nothing,
        length=length,
        with_profile=with_profile,
        judged=len(rivals),
    )


def _right_hand(estimator: HandEstimator, shot: Shot) -> Detection | None:
    return next((hand for hand in estimator.detector(shot.image) if hand.side == "right"), None)


def _errors(estimator: HandEstimator, hand: Detection, shot: Shot) -> JointErrors:
    """Of the skeleton's joints, not of the points that landmarks mark."""
    true, everything = shot.joints_mm[_LANDMARKS], np.ones(len(LANDMARK_NAMES), dtype=bool)
    found = estimator.place(hand, camera()).joint_positions[_LANDMARKS]
    return JointErrors(
        float(root_relative_distances(found, true, everything).mean()), float(similarity_aligned_distances(found, true, everything).mean())
    )
