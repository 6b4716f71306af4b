"""The pipeline on the shipped template and encoder, with detections made from posed hands."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator import EstimatorOptions, HandEstimator
from estimator.benchmark import SAMPLE_IMAGE
from estimator.detector import Detection, HandDetector
from estimator.errors import InputError
from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import FINGERS, JOINT_NAMES, HandTemplate
from estimator.images import read_photograph
from estimator.landmark_offsets import LandmarkOffsets
from estimator.placed_hand import PlacedHand
from estimator.refinement import HandState, RefinementSettings, Skeleton, landmarks_of
from estimator.refinement_kernel import rotation_of
from tests.procrustes import similarity_error

CAMERA = Camera.from_fov(60.0, 640, 480)
FACING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Takes the hand frame to a camera that sees the palm, fingers up."""


TEMPLATE = HandTemplate.load()
SKELETON = Skeleton.of(TEMPLATE, LandmarkOffsets.load(TEMPLATE.skeleton_id))


class GivenDetector(HandDetector):
    """Gives the same detections for every image."""

    def __init__(self, *detections: Detection) -> None:
        self.detections = list(detections)

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return self.detections

    def in_box(self, image: np.ndarray, box: tuple[float, float, float, float]) -> Detection | None:
        return self.detections[0] if self.detections else None


def truth(name: str, seed: int, proportions: tuple[float, ...] = (1.0,) * 6) -> np.ndarray:
    """Landmarks of a named pose before the camera, mm."""
    random = np.random.default_rng(seed)
    rotation = rotation_of(random.normal(0, 0.35, 3)) @ FACING
    translation = np.array([random.uniform(-60, 60), 60.0, random.uniform(400, 600)])
    return landmarks_of(SKELETON, HandState(np.array(NAMED_POSES[name]), rotation, translation, np.array(proportions)))


def detection_of(landmarks: np.ndarray) -> Detection:
    return Detection("right", 0.9, CAMERA.project(landmarks), landmarks - landmarks.mean(axis=0))


def mirrored(detection: Detection, width: int = CAMERA.width) -> Detection:
    px = detection.landmarks_px
    return replace(
        detection,
        side="left",
        landmarks_px=np.stack([width - 1 - px[:, 0], px[:, 1]], axis=1),
        landmarks_mm=detection.landmarks_mm * (-1, 1, 1),
    )


@pytest.fixture(scope="module")
def estimator() -> HandEstimator:
    return HandEstimator(detector=GivenDetector())


@pytest.mark.parametrize("name", ["flat", "relaxed", "fist", "point", "spread", "thumb_up", "ok"])
def test_true_landmarks_give_back_the_hand(estimator: HandEstimator, name: str) -> None:
    landmarks = truth(name, seed=3)
    hand = estimator.place(detection_of(landmarks), CAMERA)
    assert hand.reprojection_px < 3.0
    assert similarity_error(hand.joints_mm, landmarks) < 5.0


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_mirrored_photograph_gives_the_mirrored_mesh(seed: int, refine: bool) -> None:
    estimator = HandEstimator(EstimatorOptions(refine=refine), GivenDetector())
    detection = detection_of(truth("relaxed", seed))
    right, left = estimator.place(detection, CAMERA), estimator.place(mirrored(detection), CAMERA)
    assert left.side == "left"
    np.testing.assert_allclose(left.vertices * (-1, 1, 1), right.vertices, atol=0.1)
    np.testing.assert_allclose(left.joints_mm * (-1, 1, 1), right.joints_mm, atol=0.1)
    np.testing.assert_array_equal(left.faces[:, ::-1], right.faces)


@pytest.mark.parametrize("encoder", ["default", "image"])
def test_mirrored_picture_gives_the_mirrored_mesh_of_every_encoder(encoder: str) -> None:
    """From pixels on: the landmark network looks at the same hand in both pictures, given that it looks at the same place."""
    image = read_photograph(SAMPLE_IMAGE).pixels
    in_mirror = np.ascontiguousarray(image[:, ::-1])
    with HandEstimator(EstimatorOptions(encoder=encoder)) as estimator:
        camera = Camera.from_fov(60.0, image.shape[1], image.shape[0])
        (start,) = estimator.detector(image)
        right = estimator.detector.track(image, start)
        left = estimator.detector.track(in_mirror, mirrored(start, image.shape[1]))
        assert right is not None
        assert left is not None
        assert (right.side, left.side) == ("right", "left")
        one, other = estimator.place(right, camera), estimator.place(left, camera)
        np.testing.assert_allclose(other.vertices * (-1, 1, 1), one.vertices, atol=0.1)


def test_a_side_that_the_user_gives_is_the_one_that_the_network_looks_for() -> None:
    image = read_photograph(SAMPLE_IMAGE).pixels
    with HandEstimator(EstimatorOptions(hand="left")) as estimator:
        (right,) = estimator.detector(image)
        assert right.side == "right"
        assert right.features is not None
        left = replace(right, side="left", features=estimator.detector.taken_for("left", right.features))
        one, other = estimator.place(right, CAMERA), estimator.place(left, CAMERA)
    assert one.side == other.side == "left"
    np.testing.assert_array_equal(one.vertices, other.vertices)


@pytest.mark.parametrize("side", ["left", "right"])
def test_frames_are_proper_and_skinning_gives_the_mesh(estimator: HandEstimator, side: str) -> None:
    detection = detection_of(truth("claws", 1))
    hand = estimator.place(detection if side == "right" else mirrored(detection), CAMERA)
    for rotations in (hand.rest_rotations, hand.joint_rotations):
        np.testing.assert_allclose(np.linalg.det(rotations), 1.0, atol=1e-5)
    T = hand.joint_rotations @ hand.rest_rotations.transpose(0, 2, 1)
    t = hand.joint_positions - np.einsum("jab,jb->ja", T, hand.rest_positions)
    weights = hand.template.skinning_weights
    skinned = np.einsum("vj,jab,vb->va", weights, T, hand.rest_vertices, optimize=True) + weights @ t
    np.testing.assert_allclose(skinned, hand.vertices, atol=0.01)
    np.testing.assert_allclose(hand.rest_positions[JOINT_NAMES.index("wrist")], 0, atol=1e-9)


@pytest.mark.parametrize("length", [150.0, 210.0])
def test_hand_length_scales_hand_and_distance_alike(length: float) -> None:
    detection = detection_of(truth("spread", 2))
    plain = HandEstimator(detector=GivenDetector()).place(detection, CAMERA)
    scaled = HandEstimator(EstimatorOptions(hand_length_mm=length), GivenDetector()).place(detection, CAMERA)
    chain = ("middle1", "middle2", "middle3", "middle_null")
    assert sum(scaled.bone_lengths_mm[name] for name in chain) == pytest.approx(length, rel=1e-4)
    assert scaled.scale_source == "hand-length"
    np.testing.assert_allclose(scaled.joints_px, plain.joints_px, atol=0.01)
    ratio = scaled.root_translation / plain.root_translation
    np.testing.assert_allclose(scaled.vertices, ratio[2] * plain.vertices, atol=0.05)


def test_the_surface_follows_longer_and_shorter_fingers() -> None:
    options = EstimatorOptions(decoder="template", refinement=RefinementSettings(proportion_sigma=1.0, pose_sigma=0.5))
    detection = detection_of(truth("flat", 7, proportions=(1.0, 1.15, 0.85, 1.15, 0.85, 1.2)))
    hand = HandEstimator(options, GivenDetector()).place(detection, CAMERA)
    rest = HandDecoder(TEMPLATE).rest_frames(torch.tensor(TEMPLATE.joint_offsets, dtype=torch.float32)).positions.numpy()
    ratios = []
    for finger in FINGERS:
        tip, bone = JOINT_NAMES.index(f"{finger}_null"), f"{finger}2"
        ratios.append(hand.bone_lengths_mm[bone] / np.linalg.norm(TEMPLATE.joint_offsets[JOINT_NAMES.index(bone)]))
        skin_to_tip = np.linalg.norm(hand.vertices - hand.joint_positions[tip], axis=1).min()
        assert skin_to_tip == pytest.approx(np.linalg.norm(TEMPLATE.vertices - rest[tip], axis=1).min(), abs=1.0)
    assert max(ratios) > 1.08
    assert min(ratios) < 0.92


def test_the_skin_that_ships_changes_the_surface_and_not_the_skeleton() -> None:
    detection = detection_of(truth("spread", 1))
    lent, bare = (
        HandEstimator(EstimatorOptions(decoder=name), GivenDetector()).place(detection, CAMERA) for name in ("default", "template")
    )
    np.testing.assert_allclose(lent.joint_positions, bare.joint_positions, atol=1e-3)
    moved = np.linalg.norm(lent.vertices[::50, None] - bare.vertices, axis=-1).min(axis=1)
    assert 0.5 < moved.mean() < 3.0


def test_refinement_comes_nearer_to_the_landmarks() -> None:
    for seed in range(4):
        detection = detection_of(truth("three", seed))
        with_it, without = (
            HandEstimator(EstimatorOptions(refine=refine), GivenDetector()).place(detection, CAMERA).reprojection_px
            for refine in (True, False)
        )
        assert with_it < without


def test_every_detection_becomes_a_hand_in_order() -> None:
    first, second = detection_of(truth("fist", 4)), mirrored(detection_of(truth("flat", 5)))
    estimate = HandEstimator(detector=GivenDetector(first, second)).estimate(np.zeros((480, 640, 3), np.uint8), CAMERA)
    assert [hand.side for hand in estimate.hands] == ["right", "left"]
    assert min(estimate.timing.encode, estimate.timing.decode, estimate.timing.place) > 0


def test_no_detection_is_no_hand() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    assert HandEstimator(detector=GivenDetector())(image) == []
    assert HandEstimator(detector=GivenDetector()).estimate(image, CAMERA, box=(0.0, 0.0, 10.0, 10.0)).hands == []


def test_side_of_the_user_overrides_the_detectors() -> None:
    hand = HandEstimator(EstimatorOptions(hand="left"), GivenDetector()).place(detection_of(truth("flat", 6)), CAMERA)
    assert hand.side == "left"


def test_impossible_landmarks_still_give_a_finite_hand(estimator: HandEstimator) -> None:
    for landmarks in (np.full((21, 2), 200.0), np.random.default_rng(0).uniform(0, 400, (21, 2))):
        hand: PlacedHand = estimator.place(Detection("right", 0.5, landmarks, np.zeros((21, 3))), CAMERA)
        assert np.isfinite(hand.vertices).all()
        assert hand.joint_positions[:, 2].min() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_hands": 0}, "--max-hands must be at least 1"),
        ({"hand_length_mm": 0.0}, "--hand-length-mm must lie between"),
        ({"hand_length_mm": float("nan")}, "--hand-length-mm must lie between"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        EstimatorOptions(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "absent.safetensors"}, r"absent\.safetensors: cannot read"),
        ({"device": "cuda:77"}, "--device cuda:77"),
        ({"device": "potato"}, "--device potato"),
    ],
)
def test_models_that_cannot_be_had_are_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        HandEstimator(EstimatorOptions(**options), GivenDetector())
