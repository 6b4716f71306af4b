"""Laws of the Gauss-Newton refinement, on the toy hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import LANDMARK_JOINTS, POSE_SIZE
from estimator.landmark_offsets import LandmarkOffsets
from estimator.refinement import (
    HandState,
    RefinementSettings,
    Skeleton,
    kernel_bones,
    kernel_state,
    landmarks_of,
    refine,
)
from estimator.refinement_kernel import (
    SMALLEST_PROPORTION,
    Evidence,
    cost,
    damped_step,
    landmark_moves,
    moved,
    normal_equations,
    posed,
    rotation_of,
)
from tests.toys import toy_template

CAMERA = Camera.from_fov(60.0, 640, 480)
FACING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return Skeleton.of(toy_template())


@pytest.fixture(scope="module")
def marked_skeleton() -> Skeleton:
    """One whose landmarks lie beside its joints."""
    return Skeleton.of(toy_template(), LandmarkOffsets(np.random.default_rng(0).normal(0, 5, (21, 3))))


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
def test_gradient_is_that_of_the_cost(marked_skeleton: Skeleton, limits: tuple[float, float]) -> None:
    bounds = np.repeat(np.array(limits)[:, None], POSE_SIZE, axis=1)
    bones = kernel_bones(replace(marked_skeleton, limits=bounds))
    here, start = kernel_state(state(2)), kernel_state(state(3))
    target = landmarks_of(marked_skeleton, state(4))
    evidence = Evidence(
        CAMERA.project(target), target - target.mean(axis=0), CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy, 12.0, 8.0, 0.25, 0.05, 0.05
    )

    def cost_after(step: np.ndarray) -> float:
        there = moved(here, step)
        return cost(bones, there, posed(bones, there), start, evidence)

    pose = posed(bones, here)
    moves = landmark_moves(bones, here, pose, len(here.proportions))
    gradient = normal_equations(bones, here, pose, moves, start, evidence)[:, -1]
    assert len(gradient) == 6 + POSE_SIZE + 6
    for i in range(len(gradient)):
        step = np.zeros(len(gradient))
        step[i] = 1e-6
        assert gradient[i] == pytest.approx((cost_after(step) - cost_after(-step)) / 2e-6, rel=1e-3, abs=1e-2)


def test_damped_step_solves_the_damped_equations() -> None:
    jacobian, residuals = np.random.default_rng(0).normal(size=(60, 40)), np.random.default_rng(1).normal(size=60)
    H, g = jacobian.T @ jacobian, jacobian.T @ residuals
    step = damped_step(np.column_stack([np.triu(H), g]), 0.3)
    np.testing.assert_allclose(step, np.linalg.solve(H + 0.3 * np.diag(np.diag(H)), -g), atol=1e-12)


def test_rotation_of_a_vector_is_the_exponential_of_its_cross_product() -> None:
    for vector in np.vstack([np.random.default_rng(0).normal(size=(5, 3)), np.eye(3) * 1e-7, np.zeros((1, 3))]):
        x, y, z = vector
        np.testing.assert_allclose(rotation_of(vector), expm(np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])), atol=1e-12)


def test_a_step_halves_a_bone_at_most() -> None:
    here = kernel_state(state(2))
    shrunk = moved(here, np.concatenate([np.zeros(6 + POSE_SIZE), [-5.0, -0.01, 0, 0, 0, 0]]))
    assert shrunk.proportions[0] == SMALLEST_PROPORTION == 0.5
    assert shrunk.proportions[1] == pytest.approx(here.proportions[1] - 0.01)


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


def test_twice_the_resolution_is_the_same_hand(skeleton: Skeleton) -> None:
    start, target = state(11), landmarks_of(skeleton, state(12))
    fine = Camera(2 * CAMERA.fx, 2 * CAMERA.fy, 2 * CAMERA.cx, 2 * CAMERA.cy, 1280, 960)
    pixels = CAMERA.project(target) + 3.0
    coarse_answer, fine_answer = (
        refine(skeleton, start, k * pixels, target, camera, RefinementSettings()) for k, camera in ((1, CAMERA), (2, fine))
    )
    np.testing.assert_allclose(fine_answer.theta, coarse_answer.theta, atol=1e-6)


def test_marks_that_are_not_joints_move_with_their_joints(marked_skeleton: Skeleton, skeleton: Skeleton) -> None:
    marked, plain = marked_skeleton, skeleton
    placed = state(13)
    decoder = HandDecoder(toy_template()).double()
    frames = decoder.frames(torch.tensor(placed.theta), torch.tensor(plain.scaled_offsets(placed.proportions)))
    R = placed.rotation @ frames.rotations.numpy()[list(LANDMARK_JOINTS)]
    expected = landmarks_of(plain, placed) + (R @ marked.landmark_offsets[..., None])[..., 0]
    np.testing.assert_allclose(landmarks_of(marked, placed), expected, atol=1e-4)


def test_no_iteration_returns_the_start(skeleton: Skeleton) -> None:
    start = state(10)
    found = refine(skeleton, start, np.zeros((21, 2)), np.zeros((21, 3)), CAMERA, RefinementSettings(iterations=0))
    np.testing.assert_array_equal(found.theta, start.theta)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_landmarks_that_are_not_numbers_are_refused(skeleton: Skeleton, bad: float) -> None:
    pixels = np.zeros((21, 2))
    pixels[4, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        refine(skeleton, state(1), pixels, np.zeros((21, 3)), CAMERA, RefinementSettings())


def test_settings_without_trust_are_refused() -> None:
    with pytest.raises(ValueError, match="positive deviations"):
        RefinementSettings(image_sigma=0.0)
