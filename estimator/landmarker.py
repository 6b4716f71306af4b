"""The hand landmarker as one call: pixels in, plain values out. MediaPipe's two networks, run by OpenVINO in half of MediaPipe's time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from estimator.landmark_features import LandmarkFeatures
from estimator.landmark_network import LandmarkNetwork, hand_square, whole_hand_square
from estimator.models import HAND_LANDMARKER, load_models
from estimator.palm_network import Palm, PalmNetwork
from estimator.placed_hand import Side
from estimator.square import Square

SMALL_SHARE = 0.2
"""A palm whose hand's square is a smaller share of the picture's longer side is looked for again from near: the palm network sees 192
pixels."""

SURE_SCORE = 0.9
"""A hand whose side is less sure than this is looked at again, where its first landmarks are."""


@dataclass(frozen=True)
class SeenHand:
    """One hand of a picture.

    Attributes:
        side: which hand, in a picture that is not mirrored.
        score: confidence of the detector in the side, 0.5 to 1.
        landmarks: wrist, thumb1..4, ..., pinky1..4 as shares of the picture's width and height.
        landmarks_mm: the same relative to one another, axes of the camera.
        features: the network's run that saw it; None where another detector stands in.
    """

    side: Side
    score: float
    landmarks: Float[np.ndarray, "21 2"]
    landmarks_mm: Float[np.ndarray, "21 3"]
    features: LandmarkFeatures | None = None


class Landmarker:
    """Looks for hands in single pictures: for palms first, then closely at the hand of each.

    Args:
        model: a model bundle; None takes the one in the cache, which is fetched when it is not there.
        hand_count: most hands in a picture.
        min_score: palms and hands less likely than this are dropped.

    Raises:
        InputError: the bundle cannot be had or used, or OpenVINO cannot be loaded.
    """

    def __init__(self, model: Path | None, hand_count: int, min_score: float) -> None:
        palms, hands = load_models(HAND_LANDMARKER, model)
        self._palms = PalmNetwork(palms, hand_count, min_score)
        self._hands = LandmarkNetwork(hands)
        self._min_score = min_score

    def __call__(self, pixels: UInt8[np.ndarray, "height width 3"]) -> list[SeenHand]:
        """The hands in RGB pixels, the likeliest palm first; small palms and doubtful hands are looked at twice."""
        hands = [self._hand_of(pixels, palm) for palm in self._palms(pixels)]
        return [hand for hand in hands if hand]

    def again(self, pixels: UInt8[np.ndarray, "height width 3"], landmarks: Float[np.ndarray, "21 2"]) -> SeenHand | None:
        """The hand whose landmarks are about known (as shares, see ``SeenHand``), by the second network alone; None when it sees none."""
        return self._at(pixels, hand_square(landmarks * _size(pixels) - 0.5))

    def close(self) -> None:
        """Gives the networks' memory back; a second time does nothing."""
        for network in ("_palms", "_hands"):
            vars(self).pop(network, None)

    def _hand_of(self, pixels: UInt8[np.ndarray, "height width 3"], palm: Palm) -> SeenHand | None:
        if palm.hand_square.side < SMALL_SHARE * max(pixels.shape[:2]):
            palm = self._palms.closer(pixels, palm)
        hand = self._at(pixels, palm.hand_square)
        if hand is None or hand.score >= SURE_SCORE:
            return hand
        return self._at(pixels, whole_hand_square(hand.landmarks * _size(pixels) - 0.5)) or hand

    def _at(self, pixels: UInt8[np.ndarray, "height width 3"], square: Square) -> SeenHand | None:
        hand = self._hands(pixels, square)
        if hand.presence <= self._min_score:
            return None
        return SeenHand(hand.side, hand.score, (hand.landmarks_px + 0.5) / _size(pixels), hand.landmarks_mm, hand.features)


def _size(pixels: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "2"]:
    return np.array([pixels.shape[1], pixels.shape[0]], dtype=float)
