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
from estimator.landmark_network import whole_hand_square
from estimator.landmarker import SMALL_SHARE, SURE_SCORE, Landmarker, SeenHand
from estimator.metrics import similarity_aligned_distances
from estimator.models import load_bundle
from estimator.palm_network import HAND_FACTOR, Palm
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
    """Has one answer after another for the squares it looks at, which it remembers: a score, or None where it sees no hand."""

    def __init__(self) -> None:
        super().__init__(None, 1, 0.3)
        self.answers: list[float | None] = []
        self.squares: list[Square] = []

    def _at(self, pixels: np.ndarray, square: Square) -> SeenHand | None:
        self.squares.append(square)
        score = self.answers.pop(0)
        return score and SeenHand("right", score, np.random.default_rng(0).uniform(0.3, 0.7, size=(21, 2)), np.zeros((21, 3)))


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyLandmarker:
    monkeypatch.setattr(landmarker, "load_models", lambda *_: [b"", b""])
    monkeypatch.setattr(landmarker, "PalmNetwork", OnePalm)
    monkeypatch.setattr(landmarker, "LandmarkNetwork", OnePalm)
    monkeypatch.setattr(OnePalm, "closer_looks", 0)
    return ToyLandmarker()


def test_a_sure_and_large_hand_is_looked_at_once(toy: ToyLandmarker) -> None:
    toy.answers = [SURE_SCORE]
    (hand,) = toy(np.zeros((240, 320, 3), np.uint8))
    assert hand.score == SURE_SCORE
    assert OnePalm.closer_looks == 0
    assert len(toy.squares) == 1


def test_a_small_palm_is_looked_for_from_nearby(toy: ToyLandmarker) -> None:
    toy.answers = [0.95]
    toy(np.zeros((100, math.ceil(HAND_FACTOR * 90 / SMALL_SHARE) + 1, 3), np.uint8))
    assert OnePalm.closer_looks == 1
    (square,) = toy.squares
    assert square.side == pytest.approx(HAND_FACTOR * 100)


@pytest.mark.parametrize(("second", "kept"), [(0.7, 0.7), (None, 0.6)])
def test_a_doubtful_hand_is_looked_at_again_which_counts_where_a_hand_is_seen(
    toy: ToyLandmarker, second: float | None, kept: float
) -> None:
    toy.answers = [0.6, second]
    (hand,) = toy(np.zeros((240, 320, 3), np.uint8))
    assert hand.score == kept
    assert toy.squares[1] == whole_hand_square(hand.landmarks * [320, 240] - 0.5)


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
