"""Our run of the two networks against MediaPipe's own: the same hands, sides and, nearly, landmarks."""

from pathlib import Path

import numpy as np
import pytest
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import HandLandmarker, HandLandmarkerOptions

import estimator
from estimator.images import read_photograph
from estimator.landmarker import Landmarker
from estimator.metrics import similarity_aligned_distances
from estimator.models import load_bundle
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
