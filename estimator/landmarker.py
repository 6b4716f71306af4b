"""The hand landmarker as one call: pixels in, plain values out. MediaPipe's two networks, run by OpenVINO in half of MediaPipe's time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
"""A hand whose side is less sure than this is looked at again where its first landmarks are, and everywhere in the mirror, too.

Four looks together told the side of 142 photographs and mirror images better than two (12 wrong instead of 16).
"""

BOTH_SIDES: tuple[Side, ...] = ("right", "left")


@dataclass(frozen=True)
class SeenHand:
    """One hand of a picture.

    Attributes:
        side: which hand, in a picture that is not mirrored.
        score: confidence of the detector in the side, 0.5 to 1.
        landmarks: wrist, thumb1..4, ..., pinky1..4 as shares of the picture's width and height.
        landmarks_mm: the same relative to one another, axes of the camera.
        features: the network's run that saw it, taken for a hand of one side or the other; None where another detector stands in.
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
        """The hands in RGB pixels, the likeliest palm first; small palms and doubtful hands are looked at again."""
        hands = [self._hand_of(pixels, palm) for palm in self._palms(pixels)]
        return [hand for hand in hands if hand]

    def again(self, pixels: UInt8[np.ndarray, "height width 3"], landmarks: Float[np.ndarray, "21 2"], side: Side) -> SeenHand | None:
        """The hand whose landmarks (as shares, see ``SeenHand``) and side are about known, by the second network alone.

        None when it sees none. What it says of the side may differ from what the hand was taken for.
        """
        return self._at(pixels, hand_square(landmarks * _size(pixels) - 0.5), side)

    def taken_for(self, side: Side, features: LandmarkFeatures) -> LandmarkFeatures:
        """What the second network sees of the same hand when it is taken for one of this side."""
        return self._hands.taken_for(side, features)

    def close(self) -> None:
        """Gives the networks' memory back; a second time does nothing."""
        for network in ("_palms", "_hands"):
            vars(self).pop(network, None)

    def _hand_of(self, pixels: UInt8[np.ndarray, "height width 3"], palm: Palm) -> SeenHand | None:
        if palm.hand_square.side < SMALL_SHARE * max(pixels.shape[:2]):
            palm = self._palms.closer(pixels, palm)
        hand = self._at(pixels, palm.hand_square, "right")
        if hand is None or (hand.side == "right" and hand.score >= SURE_SCORE):
            return hand
        in_mirror = self._at(pixels, palm.hand_square, "left")
        if hand.score >= SURE_SCORE:
            return _of_side(in_mirror or hand, hand.side, hand.score)
        square = whole_hand_square(hand.landmarks * _size(pixels) - 0.5)
        return _on_average([look for look in (hand, in_mirror, *(self._at(pixels, square, side) for side in BOTH_SIDES)) if look])

    def _at(self, pixels: UInt8[np.ndarray, "height width 3"], square: Square, taken_for: Side) -> SeenHand | None:
        hand = self._hands(pixels, square, taken_for)
        if hand.presence <= self._min_score:
            return None
        return SeenHand(hand.side, hand.score, (hand.landmarks_px + 0.5) / _size(pixels), hand.landmarks_mm, hand.features)


def _on_average(looks: Sequence[SeenHand]) -> SeenHand:
    """Of looks at one hand, as it is and in the mirror, the last that took it for the side which they say together."""
    right = float(np.mean([look.score if look.side == "right" else 1 - look.score for look in looks]))
    side: Side = "right" if right > 0.5 else "left"
    best = next((look for look in reversed(looks) if look.features and look.features.mirrored == (side == "left")), looks[-1])
    return _of_side(best, side, max(right, 1 - right))


def _of_side(hand: SeenHand, side: Side, score: float) -> SeenHand:
    return replace(hand, side=side, score=score)


def _size(pixels: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "2"]:
    return np.array([pixels.shape[1], pixels.shape[0]], dtype=float)
