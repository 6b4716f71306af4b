"""Our run of the two networks against MediaPipe's own: the same hands, sides and, nearly, landmarks; and what is looked at twice."""

import math
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import HandLandmarker, HandLandmarkerOptions

import estimator
from estimator import landmarker
from estimator.images import read_photograph
from estimator.landmark_features import LandmarkFeatures
from estimator.landmark_network import whole_hand_square
from estimator.landmarker import SMALL_SHARE, SURE_SCORE, Landmarker, SeenHand
from estimator.metrics import similarity_aligned_distances
from estimator.models import load_bundle
from estimator.palm_network import HAND_FACTOR, Palm
from estimator.placed_hand import Side
from estimator.square import Square
from estimator.system import native_messages_dropped


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    return read_photograph(Path(estimator.__file__).parent / "assets" / "sample.jpg").pixels


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_hands_are_mediapipes(sample: np.ndarray, turns: int) -> None:
    """Nearly: MediaPipe cuts the hand's square out of the picture in a way of its own, and of depth the network is least sure."""
    pixels = np.ascontiguousarray(np.rot90(sample, turns))
    options = HandLandmarkerOptions(base_options=BaseOptions(model_asset_buffer=load_bundle()), min_hand_detection_confidence=0.3)
    with native_messages_dropped(), HandLandmarker.create_from_options(options) as native:
        theirs = native.detect(Image(ImageFormat.SRGB, pixels))
    (ours,) = Landmarker(None, 1, 0.3)(pixels)
    (flat,), (solid,), (sides,) = theirs.hand_landmarks, theirs.hand_world_landmarks, theirs.handedness
    size = [pixels.shape[1], pixels.shape[0]]
    their_px = np.array([[point.x, point.y] for point in flat]) * size
    their_mm = np.array([[point.x, point.y, point.z] for point in solid]) * 1000
    assert ours.side == sides[0].category_name.lower()
    assert np.linalg.norm(ours.landmarks * size - their_px, axis=1).mean() < 0.03 * np.ptp(their_px, axis=0).max()
    assert similarity_aligned_distances(ours.landmarks_mm, their_mm, np.ones(21, dtype=bool)).mean() < 10.0


class OnePalm:
    """Sees one palm, of 100 pixels from nearby and of less from afar."""

    closer_looks = 0

    def __init__(self, *_: object) -> None:
        pass

    def __call__(self, image: np.ndarray) -> list[Palm]:
        return [Palm(0.9, np.array([80.0, 80.0, 170.0, 170.0]), np.array([[125.0, 170.0]] * 2 + [[125.0, 90.0]] * 5))]

    def closer(self, image: np.ndarray, palm: Palm) -> Palm:
        OnePalm.closer_looks += 1
        return Palm(0.9, np.array([75.0, 75.0, 175.0, 175.0]), palm.keypoints)


class ToyLandmarker(Landmarker):
    """Has one answer after another for the squares it looks at: how likely the hand is a right one, or None where it sees no hand.

    It remembers the squares, and for which side their hands were taken.
    """

    def __init__(self) -> None:
        super().__init__(None, 1, 0.3)
        self.answers: list[float | None] = []
        self.squares: list[Square] = []
        self.sides: list[Side] = []

    def _at(self, pixels: np.ndarray, square: Square, taken_for: Side) -> SeenHand | None:
        self.squares.append(square)
        self.sides.append(taken_for)
        right = self.answers.pop(0)
        if right is None:
            return None
        landmarks, solid, nothing = np.random.default_rng(0).uniform(0.3, 0.7, size=(21, 2)), np.zeros((21, 3)), np.zeros(1, np.float32)
        seen = LandmarkFeatures(1.0, right, solid, solid, nothing, nothing, np.zeros((1, 1, 3), np.uint8), mirrored=taken_for == "left")
        return SeenHand("right" if right > 0.5 else "left", max(right, 1 - right), landmarks, solid, seen)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyLandmarker:
    monkeypatch.setattr(landmarker, "load_models", lambda *_: [b"", b""])
    monkeypatch.setattr(landmarker, "PalmNetwork", OnePalm)
    monkeypatch.setattr(landmarker, "LandmarkNetwork", OnePalm)
    monkeypatch.setattr(OnePalm, "closer_looks", 0)
    return ToyLandmarker()


def test_a_sure_and_large_right_hand_is_looked_at_once(toy: ToyLandmarker) -> None:
    toy.answers = [SURE_SCORE]
    (hand,) = toy(np.zeros((240, 320, 3), np.uint8))
    assert hand.score == SURE_SCORE
    assert OnePalm.closer_looks == 0
    assert len(toy.squares) == 1


@pytest.mark.parametrize(("again", "mirrored"), [(0.1, True), (None, False)])
def test_a_sure_left_hand_is_looked_at_in_the_mirror(toy: ToyLandmarker, again: float | None, mirrored: bool) -> None:
    toy.answers = [0.05, again]
    (hand,) = toy(np.zeros((240, 320, 3), np.uint8))
    assert (hand.side, hand.score) == ("left", 0.95)
    assert toy.sides == ["right", "left"]
    assert toy.squares[0] == toy.squares[1]
    assert hand.features is not None
    assert hand.features.mirrored == mirrored


def test_a_small_palm_is_looked_for_from_nearby(toy: ToyLandmarker) -> None:
    toy.answers = [0.95]
    toy(np.zeros((100, math.ceil(HAND_FACTOR * 90 / SMALL_SHARE) + 1, 3), np.uint8))
    assert OnePalm.closer_looks == 1
    (square,) = toy.squares
    assert square.side == pytest.approx(HAND_FACTOR * 100)


@pytest.mark.parametrize(
    ("looks", "side", "score", "kept"),
    [
        ((0.7, 0.7, 0.8), "right", 0.7, 2),
        ((0.6, 0.2, 0.2), "left", 0.6, 3),
        ((0.7, None, 0.8), "right", 0.7, 0),
        ((0.2, 0.1, None), "left", 0.7, 1),
        ((None, 0.3, None), "left", 0.55, 2),
        ((None, None, None), "right", 0.6, 0),
    ],
)
def test_a_doubtful_hand_is_looked_at_again_as_it_is_and_in_the_mirror(
    toy: ToyLandmarker, looks: tuple[float | None, ...], side: Side, score: float, kept: int
) -> None:
    """What all looks say of the side counts, and the landmarks of the last one that took it for that and saw a hand."""
    said = (0.6, *looks)
    toy.answers = list(said)
    (hand,) = toy(np.zeros((240, 320, 3), np.uint8))
    assert (hand.side, hand.score) == (side, pytest.approx(score))
    assert hand.features is not None
    assert hand.features.right == said[kept]
    assert toy.sides == ["right", "left", "right", "left"]
    assert toy.squares[0] == toy.squares[1]
    assert toy.squares[2] == toy.squares[3] == whole_hand_square(hand.landmarks * [320, 240] - 0.5)


def test_what_shows_no_hand_is_none(toy: ToyLandmarker) -> None:
    toy.answers = [None]
    assert toy(np.zeros((240, 320, 3), np.uint8)) == []


def test_closing_twice_is_closing_once(toy: ToyLandmarker) -> None:
    palms = weakref.ref(toy._palms)
    toy.close()
    toy.close()
    assert palms() is None


def test_a_small_hand_has_the_landmarks_of_a_large_one(sample: np.ndarray) -> None:
    """The palm network sees 192 pixels: from them alone a palm this small is found too roughly."""
    height, width = sample.shape[:2]
    far = cv2.copyMakeBorder(sample, 2 * height, 2 * height, 2 * width, 2 * width, cv2.BORDER_REPLICATE)
    both = Landmarker(None, 1, 0.3)
    (near,), (small,) = both(sample), both(far)
    expected = near.landmarks * [width, height]
    found = small.landmarks * [5 * width, 5 * height] - [2 * width, 2 * height]
    assert np.linalg.norm(found - expected, axis=1).mean() < 0.05 * np.ptp(expected, axis=0).max()
