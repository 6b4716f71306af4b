"""The detector's second network: what a square around a hand shows of it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from estimator.hand.template import LANDMARK_NAMES
from estimator.landmark_features import FEATURE_MAPS, POOLED, LandmarkFeatures, sample_maps
from estimator.models import HAND_LANDMARKER, load_models
from estimator.network import Network
from estimator.placed_hand import Side
from estimator.square import OUTERMOST_PIXELS, Square

SIDE_PX = 224
_OUTPUTS = ((1, 63), (1, 1), (1, 1), (1, 63))

_WRIST = LANDMARK_NAMES.index("wrist")
_ROOTS = [LANDMARK_NAMES.index(name) for name in ("index1", "middle1", "ring1")]
_ROOT_SHARES = np.array([0.25, 0.5, 0.25])
_FINGERS_FIRST_JOINTS = (f"{finger}{joint}" for finger in ("index", "middle", "ring", "pinky") for joint in (1, 2))
_STEADY = [LANDMARK_NAMES.index(name) for name in ("wrist", "thumb1", "thumb2", "thumb3", *_FINGERS_FIRST_JOINTS)]
"""Landmarks that move little when fingers bend."""

HAND_FACTOR, WHOLE_FACTOR, HAND_SHIFT = 2.0, 1.6, 0.1
"""The square around a known hand: its side over that of its steady landmarks' square or of all landmarks', and its way towards the fingers
over that."""


@dataclass(frozen=True)
class NetworkHand:
    """What the network says of a square.

    Attributes:
        presence: how sure it is that the square shows a hand, 0 to 1.
        side: which hand, in an image that is not mirrored.
        score: confidence in the side, 0.5 to 1.
        landmarks_px: wrist, thumb1..4, ..., pinky1..4 in the image, pixels.
        landmarks_mm: the same relative to one another, mm, axes of the camera.
        features: all of the network's run, in the frame of what it saw: the square, or its mirror image.
    """

    presence: float
    side: Side
    score: float
    landmarks_px: Float[np.ndarray, "21 2"]
    landmarks_mm: Float[np.ndarray, "21 3"]
    features: LandmarkFeatures


class LandmarkNetwork:
    """Looks at squares in which a hand fills about half of the side, fingers up.

    Args:
        model: the bundle's ``hand_landmarks_detector.tflite``.

    Raises:
        InputError: it cannot be used.
    """

    def __init__(self, model: bytes) -> None:
        self._network = Network("landmark network of the hand detector", model, SIDE_PX, _OUTPUTS, (*FEATURE_MAPS, POOLED))

    @classmethod
    def open(cls, bundle: Path | None = None) -> "LandmarkNetwork":
        """The network of a model bundle; None takes the one in the cache, which is fetched when it is not there.

        Raises:
            InputError: the bundle cannot be had or used.
        """
        return cls(load_models(HAND_LANDMARKER, bundle)[1])

    def __call__(self, image: UInt8[np.ndarray, "height width 3"], square: Square, taken_for: Side = "right") -> NetworkHand:
        """What an RGB image shows in one square of it, seen in the mirror where the hand is taken for a left one."""
        picture = square.pixels(image, SIDE_PX, OUTERMOST_PIXELS)
        features = self.look(picture) if taken_for == "right" else self.look_in_mirror(picture)
        right = 1 - features.right if features.mirrored else features.right
        landmarks, landmarks_mm = features.landmarks[:, :2], features.landmarks_mm
        if features.mirrored:
            landmarks, landmarks_mm = landmarks * (-1, 1) + (1, 0), landmarks_mm * (-1, 1, 1)
        return NetworkHand(
            presence=features.presence,
            side="right" if right > 0.5 else "left",
            score=max(right, 1 - right),
            landmarks_px=square.to_image(landmarks),
            landmarks_mm=square.turn_back(landmarks_mm),
            features=features,
        )

    def taken_for(self, side: Side, features: LandmarkFeatures) -> LandmarkFeatures:
        """The features of the same square for a hand of this side: another look, unless it was taken for that already."""
        if features.mirrored == (side == "left"):
            return features
        if features.mirrored:
            return self.look(np.ascontiguousarray(features.picture[:, ::-1]))
        return self.look_in_mirror(features.picture)

    def look_in_mirror(self, picture: UInt8[np.ndarray, "224 224 3"]) -> LandmarkFeatures:
        """As ``look``, at the mirror image: for a left hand."""
        return replace(self.look(np.ascontiguousarray(picture[:, ::-1])), mirrored=True)

    def look(self, picture: UInt8[np.ndarray, "224 224 3"]) -> LandmarkFeatures:
        """What an RGB picture shows in which a hand fills about half of the side, fingers up."""
        flat, presence, right, solid, *maps, pooled = self._network(picture)
        landmarks = flat.reshape(21, 3).astype(np.float64) / SIDE_PX
        return LandmarkFeatures(
            presence=float(presence[0, 0]),
            right=float(right[0, 0]),
            landmarks=landmarks,
            landmarks_mm=solid.reshape(21, 3).astype(np.float64) * 1000.0,
            pooled=pooled[0],
            sampled=sample_maps(maps, landmarks[:, :2]),
            picture=picture,
        )

    def look_at_all(self, pictures: Iterable[UInt8[np.ndarray, "224 224 3"]]) -> list[LandmarkFeatures]:
        """As ``look``, for one picture after the other."""
        return [self.look(picture) for picture in pictures]


def hand_square(landmarks_px: Float[np.ndarray, "21 2"]) -> Square:
    """The square to look at for a hand whose landmarks are about known (MediaPipe's hand_landmark_landmarks_to_roi): fingers up."""
    return _square_around(landmarks_px[_STEADY], HAND_FACTOR, _upward(landmarks_px))


def whole_hand_square(landmarks_px: Float[np.ndarray, "21 2"]) -> Square:
    """As ``hand_square``, for a second look at the same picture: where all of the hand is known, that gives the better landmarks."""
    return _square_around(landmarks_px, WHOLE_FACTOR, _upward(landmarks_px))


def _upward(landmarks_px: Float[np.ndarray, "21 2"]) -> float:
    """Turn of the square in which the hand's fingers point up."""
    x, y = _ROOT_SHARES @ landmarks_px[_ROOTS] - landmarks_px[_WRIST]
    return math.atan2(x, -y)


def _square_around(points: Float[np.ndarray, "points 2"], factor: float, turn: float) -> Square:
    inner = Square.around(points, turn)
    middle = inner.to_image(np.array([0.5, 0.5 - HAND_SHIFT]))
    return Square(float(middle[0]), float(middle[1]), factor * inner.side, turn)
