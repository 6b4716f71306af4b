"""Laws of the shared bones: exact pictures give the bones, bad pictures are left out, and what is not seen is said to be so."""

from dataclasses import replace

import numpy as np
import pytest

from estimator.calibration import CalibrationSettings, _Reduced, estimate_bones, people_covariance
from estimator.detector_response import DetectorResponse
from estimator.hand.camera import Camera
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, LANDMARK_JOINTS, POSE_SIZE, WRIST
from estimator.placement import Sight
from estimator.profile import BONE_NAMES
from estimator.refinement import HandState, RefinementSettings, Skeleton, landmarks_of
from estimator.refinement_kernel import rotation_of
from tests.toys import toy_template

CAMERA = Camera.from_fov(60.0, 640, 480)
FACING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
SHARP = CalibrationSettings(RefinementSettings(image_sigma=0.002, space_sigma_mm=8.0, pose_sigma=0.35))
"""For landmarks that are nearly perfect: what people are like counts little."""

FAITHFUL = DetectorResponse.faithful()
CHAIN = [JOINT_NAMES.index(name) for name in ("middle1", "middle2", "middle3", "middle_null")]
SEEN = [joint for joint in LANDMARK_JOINTS if not JOINT_NAMES[joint].startswith("thumb") and joint != WRIST]


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return Skeleton.of(toy_template())


@pytest.fixture(scope="module")
def factors(skeleton: Skeleton) -> np.ndarray:
    """Somebody's bones over the toy's, in a hand as long as the toy's."""
    factors = 1 + np.random.default_rng(5).normal(0, 0.06, JOINT_COUNT)
    lengths = np.linalg.norm(skeleton.joint_offsets, axis=1)[CHAIN]
    return factors / float(lengths @ factors[CHAIN] / lengths.sum())


def sights(skeleton: Skeleton, factors: np.ndarray, count: int, noise_px: float = 0.0) -> list[Sight]:
    """What perfect landmarks (or disturbed ones) say of random poses; the encoder is a little wrong."""
    own = replace(skeleton, joint_offsets=skeleton.joint_offsets * factors[:, None])
    random, made = np.random.default_rng(1), []
    for _ in range(count):
        theta, turn = 0.5 + random.uniform(-0.4, 0.4, POSE_SIZE), rotation_of(random.normal(0, 0.6, 3)) @ FACING
        truth = HandState(theta, turn, np.array([10.0, 60.0, 450.0]) + random.normal(0, 15, 3), np.ones(6))
        landmarks = landmarks_of(own, truth)
        start = HandState(
            theta + random.normal(0, 0.08, POSE_SIZE), rotation_of(random.normal(0, 0.05, 3)) @ turn, truth.translation, np.ones(6)
        )
        made.append(Sight(start, CAMERA.project(landmarks) + random.normal(0, noise_px, (21, 2)), landmarks, CAMERA))
    return made


def test_perfect_pictures_give_the_bones(skeleton: Skeleton, factors: np.ndarray) -> None:
    found = estimate_bones(skeleton, sights(skeleton, factors, 16), FAITHFUL, SHARP)
    assert np.abs(factors[SEEN] - 1).max() > 0.08
    np.testing.assert_allclose(found.factors[SEEN], factors[SEEN], atol=0.02)
    assert found.known[SEEN].all()
    assert found.used.all()


def test_the_answer_is_in_proportion_to_the_hands_length(skeleton: Skeleton, factors: np.ndarray) -> None:
    lengths = np.linalg.norm(skeleton.joint_offsets, axis=1)[CHAIN]
    found = estimate_bones(skeleton, sights(skeleton, 1.15 * factors, 8), FAITHFUL)
    assert lengths @ found.factors[CHAIN] == pytest.approx(lengths.sum())


def test_a_picture_of_something_else_is_left_out(skeleton: Skeleton, factors: np.ndarray) -> None:
    good = sights(skeleton, factors, 12, noise_px=0.5)
    wrong = replace(good[4], landmarks_px=good[4].landmarks_px[::-1].copy())
    found = estimate_bones(skeleton, [*good, wrong], FAITHFUL, SHARP)
    assert not found.used[-1]
    assert found.used[:-1].sum() >= 11
    np.testing.assert_allclose(found.factors[SEEN], factors[SEEN], atol=0.03)


def test_more_pictures_say_more(skeleton: Skeleton, factors: np.ndarray) -> None:
    few, many = (estimate_bones(skeleton, sights(skeleton, factors, count, noise_px=2.0), FAITHFUL) for count in (2, 24))
    assert np.median(many.spread[SEEN]) < 0.7 * np.median(few.spread[SEEN])


def test_unseen_bones_are_peoples(skeleton: Skeleton, factors: np.ndarray) -> None:
    """Landmarks of no weight leave the average hand, and say so."""
    settings = CalibrationSettings()
    blind = replace(settings, evidence=replace(settings.evidence, image_sigma=1e4, space_sigma_mm=1e5))
    found = estimate_bones(skeleton, sights(skeleton, factors, 4), FAITHFUL, blind)
    np.testing.assert_allclose(found.factors, 1.0, atol=1e-3)
    bones = [joint for joint in range(JOINT_COUNT) if joint != WRIST]
    assert not found.known[bones].any()
    assert found.spread[JOINT_NAMES.index("pinky2")] > settings.bone_sigma


def test_what_the_detector_makes_of_bones_is_undone(skeleton: Skeleton, factors: np.ndarray) -> None:
    """Bones that look half as unlike the average hand's as they are, and all a little otherwise."""
    bones = [JOINT_NAMES.index(bone) for bone in BONE_NAMES]
    habit = np.random.default_rng(3).normal(0, 0.02, JOINT_COUNT)
    response = DetectorResponse(2 * np.eye(len(bones)), -2 * habit[bones], np.full(len(bones), 0.01))
    found = estimate_bones(skeleton, sights(skeleton, np.exp(habit) * factors**0.5, 16), response, SHARP)
    np.testing.assert_allclose(found.factors[SEEN], factors[SEEN], atol=0.04)
    assert (found.spread[bones] >= 0.01 * found.factors[bones]).all()


def test_eliminating_a_pictures_unknowns_changes_nothing() -> None:
    random = np.random.default_rng(0)
    jacobian, residuals = random.normal(size=(90, 34 + JOINT_COUNT)), random.normal(size=90)
    H, g = jacobian.T @ jacobian, jacobian.T @ residuals
    reduced = _Reduced.of(np.column_stack([np.triu(H), g]), 0.0)
    step = -np.linalg.solve(reduced.curvature, reduced.gradient)
    np.testing.assert_allclose(np.concatenate([reduced.own_step(step), step]), -np.linalg.solve(H, g), atol=1e-10)


def test_bones_of_one_finger_vary_together() -> None:
    covariance = people_covariance(CalibrationSettings())
    index2, index3, ring2 = (JOINT_NAMES.index(name) for name in ("index2", "index3", "ring2"))
    assert covariance[index2, index3] > covariance[index2, ring2] > 0
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_no_picture_is_no_calibration(skeleton: Skeleton) -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        estimate_bones(skeleton, [], FAITHFUL)
