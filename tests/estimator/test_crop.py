"""Laws of the crop and of placement."""

import numpy as np
import pytest

from estimator import placement
from estimator.crop import crop_hand, rotation_to_ray
from estimator.hand.camera import Camera
from estimator.hand.template import ALIGNMENT_LANDMARKS, POSE_SIZE
from estimator.placement import EncoderPrediction, place, place_refined, translation_to_pixels
from estimator.refinement import HandState, RefinementSettings, Skeleton, landmarks_of
from estimator.refinement_kernel import rotation_of
from tests.toys import toy_template

CAMERA = Camera(520.0, 510.0, 330.0, 230.0, 640, 480)


def seen_hand(seed: int, centre: tuple[float, float, float] = (90.0, -60.0, 480.0)) -> np.ndarray:
    random = np.random.default_rng(seed)
    state = HandState(random.uniform(0, 0.5, POSE_SIZE), rotation_of(random.normal(0, 1.0, 3)), np.zeros(3), np.ones(6))
    points = landmarks_of(Skeleton.of(toy_template()), state)
    return points - points.mean(axis=0) + centre


@pytest.mark.parametrize("seed", range(4))
def test_crop_is_centred_upright_and_of_unit_size(seed: int) -> None:
    points = seen_hand(seed)
    crop = crop_hand("right", CAMERA.project(points), points, CAMERA)
    normal = crop.landmarks_normal
    np.testing.assert_allclose(normal.max(axis=0) + normal.min(axis=0), 0, atol=1e-9)
    assert np.ptp(normal, axis=0).max() == pytest.approx(2.0)
    wrist, *roots = normal[list(ALIGNMENT_LANDMARKS)]
    upwards = np.mean(roots, axis=0) - wrist
    assert upwards[1] < 0
    assert abs(upwards[0]) < 0.05 * abs(upwards[1])
    np.testing.assert_allclose(crop.R_camera_crop @ crop.R_camera_crop.T, np.eye(3), atol=1e-12)


def test_rolled_image_gives_the_same_crop() -> None:
    points = seen_hand(1, centre=(0.0, 0.0, 500.0))
    square = Camera.from_focal(500.0, 481, 481)
    roll = rotation_of(np.array([0.0, 0.0, 1.1]))
    plain = crop_hand("right", square.project(points), points, square)
    rolled = crop_hand("right", square.project(points @ roll.T), points @ roll.T, square)
    # The crop's axis goes through the middle of a box, which is not quite the same box in a rolled image.
    np.testing.assert_allclose(rolled.landmarks_normal, plain.landmarks_normal, atol=0.03)
    np.testing.assert_allclose(rolled.landmarks_mm, plain.landmarks_mm, atol=1.0)


@pytest.mark.parametrize("seed", range(3))
def test_left_hand_in_a_mirrored_image_is_the_right_hand(seed: int) -> None:
    points, mirror = seen_hand(seed), np.array([-1.0, 1.0, 1.0])
    right = crop_hand("right", CAMERA.project(points), points, CAMERA)
    mirrored = CAMERA.mirrored()
    left = crop_hand("left", mirrored.project(points * mirror), points * mirror, mirrored)
    np.testing.assert_allclose(left.landmarks_normal, right.landmarks_normal, atol=1e-9)
    np.testing.assert_allclose(left.landmarks_mm, right.landmarks_mm, atol=1e-9)
    np.testing.assert_allclose(left.R_camera_crop, right.R_camera_crop, atol=1e-12)
    assert left.camera == right.camera


def test_landmarks_on_one_pixel_give_a_crop_without_extent() -> None:
    crop = crop_hand("right", np.full((21, 2), 100.0), np.zeros((21, 3)), CAMERA)
    assert np.isfinite(crop.landmarks_normal).all()
    np.testing.assert_allclose(crop.landmarks_normal, 0, atol=1e-6)


@pytest.mark.parametrize("ray", [(0.0, 0.0, 2.0), (0.5, -0.3, 1.0), (-2.0, 2.0, 0.3)])
def test_rotation_to_ray(ray: tuple[float, float, float]) -> None:
    R = rotation_to_ray(np.array(ray))
    np.testing.assert_allclose(R @ (0, 0, 1), np.array(ray) / np.linalg.norm(ray), atol=1e-12)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1.0)


def test_translation_is_found_exactly() -> None:
    points = seen_hand(5)
    moved = points - points[0]
    np.testing.assert_allclose(translation_to_pixels(moved, CAMERA.project(points), CAMERA), points[0], atol=1e-6)


@pytest.mark.parametrize("pixels", [np.full((21, 2), 50.0), np.zeros((21, 2))])
def test_impossible_pixels_still_give_a_hand_before_the_camera(pixels: np.ndarray) -> None:
    points = seen_hand(6) - seen_hand(6)[0]
    assert (points + translation_to_pixels(points, pixels, CAMERA))[:, 2].min() > 0


@pytest.mark.parametrize("seed", range(3))
def test_a_true_prediction_is_placed_at_the_truth(seed: int) -> None:
    skeleton = Skeleton.of(toy_template())
    random = np.random.default_rng(seed)
    truth = HandState(random.uniform(0, 0.6, POSE_SIZE), rotation_of(random.normal(0, 0.6, 3)), np.array([40.0, 30.0, 520.0]), np.ones(6))
    points = landmarks_of(skeleton, truth)
    crop = crop_hand("right", CAMERA.project(points), points, CAMERA)
    relative = (points - points.mean(axis=0)) @ crop.R_camera_crop
    prediction = EncoderPrediction(truth.theta, crop.R_camera_crop.T @ truth.rotation, relative)
    np.testing.assert_allclose(landmarks_of(skeleton, place(skeleton, prediction, crop)), points, atol=1e-6)


def test_refinement_starts_where_placement_ends() -> None:
    skeleton, points = Skeleton.of(toy_template()), seen_hand(9)
    crop = crop_hand("right", CAMERA.project(points), points, CAMERA)
    prediction = EncoderPrediction(np.full(POSE_SIZE, 0.2), crop.R_camera_crop.T, np.zeros((21, 3)))
    unmoved = place_refined(skeleton, prediction, crop, RefinementSettings(iterations=0))
    np.testing.assert_array_equal(unmoved.translation, place(skeleton, prediction, crop).translation)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_target_in_space_mixes_encoder_and_detector_at_the_encoders_size(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    skeleton, points = Skeleton.of(toy_template()), seen_hand(3)
    crop = crop_hand("right", CAMERA.project(points), 1.7 * points, CAMERA)
    encoded = np.random.default_rng(1).normal(0, 40, (21, 3))
    encoded -= encoded.mean(axis=0)
    prediction = EncoderPrediction(np.full(POSE_SIZE, 0.2), crop.R_camera_crop.T, encoded)
    targets: list[np.ndarray] = []

    def recorder(skeleton: Skeleton, start: HandState, px: np.ndarray, relative: np.ndarray, *_: object) -> HandState:
        targets.append(relative)
        return start

    monkeypatch.setattr(placement, "refine", recorder)
    place_refined(skeleton, prediction, crop, RefinementSettings(encoder_share=share))
    detected = crop.landmarks_mm
    size = max(np.vdot(detected, encoded) / np.vdot(detected, detected), 0.0)
    expected = np.stack([crop.R_camera_crop @ (share * e + (1 - share) * size * d) for e, d in zip(encoded, detected, strict=True)])
    np.testing.assert_allclose(targets[0], expected, atol=1e-9)
