"""Laws of the Gauss-Newton refinement, on the toy hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import LANDMARK_JOINTS, POSE_SIZE
from estimator.refinement import (
    HandState,
    RefinementSettings,
    Skeleton,
    _kernel_arrays,
    landmarks_of,
    refine,
)
from estimator.refinement_kernel import cost, moved, normal_equations, rotation_of
from tests.toys import toy_template

CAMERA = Camera.from_fov(60.0, 640, 480)
FACING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return Skeleton.of(toy_template())


def state(seed: int, spread: float = 1.0) -> HandState:
    random = np.random.default_rng(seed)
    return HandState(
        theta=0.5 + spread * random.uniform(-0.4, 0.4, POSE_SIZE),
        rotation=rotation_of(spread * random.normal(0, 0.3, 3)) @ FACING,
        translation=np.array([10.0, 60.0, 500.0]) + spread * random.normal(0, 10, 3),
        proportions=1 + spread * random.normal(0, 0.03, 6),
    )


def test_kinematics_agree_with_the_decoders(skeleton: Skeleton) -> None:
    placed = state(1)
    decoder = HandDecoder(toy_template()).double()
    offsets = torch.tensor(skeleton.scaled_offsets(placed.proportions))
    joints = decoder.frames(torch.tensor(placed.theta), offsets).positions.numpy()[list(LANDMARK_JOINTS)]
    np.testing.assert_allclose(landmarks_of(skeleton, placed), joints @ placed.rotation.T + placed.translation, atol=1e-4)


@pytest.mark.parametrize("limits", [(-0.5, 1.6), (0.3, 0.6)])
def test_gradient_is_that_of_the_cost(skeleton: Skeleton, limits: tuple[float, float]) -> None:
    arrays = list(_kernel_arrays(skeleton))
    arrays[6] = np.array([np.full(POSE_SIZE, limits[0]), np.full(POSE_SIZE, limits[1])])
    here, start, truth = state(2), state(3), state(4)
    as_tuples = [(s.theta, s.rotation, s.translation, s.proportions) for s in (here, start)]
    target = landmarks_of(skeleton, truth)
    rest = (CAMERA.project(target), target - target.mean(axis=0), np.array([CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy]))
    sigmas = np.array([12.0, 8.0, 0.25, 0.05, 0.05])
    evidence = (*rest, sigmas)
    _, gradient = normal_equations(tuple(arrays), *as_tuples, evidence)
    for i in range(len(gradient)):
        step = np.zeros(len(gradient))
        step[i] = 1e-6
        up, down = (cost(tuple(arrays), moved(as_tuples[0], sign * step), as_tuples[1], evidence) for sign in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / 2e-6, rel=1e-3, abs=1e-2)


def test_truth_is_left_alone(skeleton: Skeleton) -> None:
    truth = replace(state(5), proportions=np.ones(6))
    target = landmarks_of(skeleton, truth)
    found = refine(skeleton, truth, CAMERA.project(target), target + 100.0, CAMERA, RefinementSettings())
    np.testing.assert_allclose(found.theta, truth.theta, atol=1e-6)
    np.testing.assert_allclose(landmarks_of(skeleton, found), target, atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_disturbed_hand_is_brought_back_to_its_landmarks(skeleton: Skeleton, seed: int) -> None:
    truth, start = state(seed, 0.5), state(seed + 50, 0.5)
    target = landmarks_of(skeleton, truth)
    settings = RefinementSettings(pose_sigma=10.0, proportion_sigma=1.0, iterations=30)
    found = refine(skeleton, start, CAMERA.project(target), target - 7.0, CAMERA, settings)
    before = np.linalg.norm(CAMERA.project(landmarks_of(skeleton, start)) - CAMERA.project(target), axis=1).mean()
    after = np.linalg.norm(CAMERA.project(landmarks_of(skeleton, found)) - CAMERA.project(target), axis=1).mean()
    assert before > 5
    assert after < 0.3
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(3), atol=1e-9)


def test_known_bone_lengths_are_kept(skeleton: Skeleton) -> None:
    start, target = state(7), landmarks_of(skeleton, state(8))
    found = refine(skeleton, start, CAMERA.project(target), target, CAMERA, RefinementSettings(proportion_sigma=0.0))
    np.testing.assert_allclose(found.proportions, start.proportions, atol=1e-12)
    assert not np.allclose(found.theta, start.theta)


def test_limits_hold_back_what_the_landmarks_ask(skeleton: Skeleton) -> None:
    bent = replace(state(9), theta=np.full(POSE_SIZE, 2.2))
    target = landmarks_of(skeleton, bent)
    settings = RefinementSettings(pose_sigma=10.0, limit_sigma=0.01, iterations=30)
    found = refine(skeleton, state(9), CAMERA.project(target), target, CAMERA, settings)
    assert found.theta.max() < skeleton.limits[1].max() + 0.1


def test_no_iteration_returns_the_start(skeleton: Skeleton) -> None:
    start = state(10)
    found = refine(skeleton, start, np.zeros((21, 2)), np.zeros((21, 3)), CAMERA, RefinementSettings(iterations=0))
    np.testing.assert_array_equal(found.theta, start.theta)


def test_settings_without_trust_are_refused() -> None:
    with pytest.raises(ValueError, match="positive deviations"):
        RefinementSettings(image_sigma=0.0)
