"""MediaPipe's hand landmarker as one call: pixels in, plain values out. Nothing else in the project knows MediaPipe."""

import atexit
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from estimator.errors import InputError
from estimator.models import HAND_LANDMARKER, load_bundle
from estimator.placed_hand import Side
from estimator.system import explain_missing_library, native_messages_dropped


@dataclass(frozen=True)
class SeenHand:
    """One hand as MediaPipe reports it.

    Attributes:
        side: which hand, in a picture that is not mirrored.
        score: confidence of the detector in the side, 0.5 to 1. MediaPipe tells no other score.
        landmarks: wrist, thumb1..4, ..., pinky1..4 as shares of the picture's width and height.
        landmarks_mm: the same relative to one another, axes of the camera.
    """

    side: Side
    score: float
    landmarks: Float[np.ndarray, "21 2"]
    landmarks_mm: Float[np.ndarray, "21 3"]


class Landmarker:
    """Looks for hands in single pictures.

    Args:
        model: a model bundle; None takes the one in the cache, which is fetched when it is not there.
        hand_count: most hands in a picture.
        min_score: palms and hands less likely than this are dropped.

    Raises:
        InputError: the bundle cannot be had or used, or a system library is missing.
    """

    def __init__(self, model: Path | None, hand_count: int, min_score: float) -> None:
        bundle = load_bundle(HAND_LANDMARKER, model)
        try:
            from mediapipe.tasks.python import BaseOptions
            from mediapipe.tasks.python.vision import HandLandmarker, HandLandmarkerOptions

            options = HandLandmarkerOptions(
                base_options=BaseOptions(model_asset_buffer=bundle),
                num_hands=hand_count,
                min_hand_detection_confidence=min_score,
                min_hand_presence_confidence=min_score,
            )
            with native_messages_dropped():
                self._native = HandLandmarker.create_from_options(options)
        except (ImportError, OSError) as error:
            raise InputError(f"mediapipe: {explain_missing_library(error)}") from error
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{model or HAND_LANDMARKER.file_name} does not load as a hand landmarker: {error}") from error
        atexit.register(_leave_to_the_system, weakref.ref(self._native))
        self._has_seen_hand = False

    def __call__(self, pixels: UInt8[np.ndarray, "height width 3"]) -> list[SeenHand]:
        """The hands in contiguous RGB pixels."""
        from mediapipe import Image, ImageFormat

        picture = Image(ImageFormat.SRGB, pixels)
        if self._has_seen_hand:
            result = self._native.detect(picture)
        else:
            with native_messages_dropped():  # the landmark network has something to say when it first runs
                result = self._native.detect(picture)
            self._has_seen_hand = bool(result.hand_landmarks)
        return [
            SeenHand(
                side="left" if sides[0].category_name == "Left" else "right",
                score=float(sides[0].score),
                landmarks=np.array([[point.x, point.y] for point in flat]),
                landmarks_mm=np.array([[point.x, point.y, point.z] for point in solid]) * 1000.0,
            )
            for sides, flat, solid in zip(result.handedness, result.hand_landmarks, result.hand_world_landmarks, strict=True)
        ]

    def close(self) -> None:
        """Gives memory and thread back."""
        self._native.close()


def _leave_to_the_system(native: weakref.ref) -> None:
    """Keeps a landmarker that is still open when Python ends from closing itself: by then MediaPipe cannot, and prints a traceback."""
    landmarker = native()
    if landmarker is not None:
        landmarker.close = lambda: None
