"""The detector's second network: what a square around a hand shows of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from estimator.network import Network
from estimator.placed_hand import Side
from estimator.square import OUTERMOST_PIXELS, Square

SIDE_PX = 224
_OUTPUTS = ((1, 63), (1, 1), (1, 1), (1, 63))


@dataclass(frozen=True)
class NetworkHand:
    """What the network says of a square.

    Attributes:
        presence: how sure it is that the square shows a hand, 0 to 1.
        side: which hand, in an image that is not mirrored.
        score: confidence in the side, 0.5 to 1.
        landmarks_px: wrist, thumb1..4, ..., pinky1..4 in the image, pixels.
        landmarks_mm: the same relative to one another, mm, axes of the camera.
    """

    presence: float
    side: Side
    score: float
    landmarks_px: Float[np.ndarray, "21 2"]
    landmarks_mm: Float[np.ndarray, "21 3"]


class LandmarkNetwork:
    """Looks at squares in which a hand fills about half of the side, fingers up.

    Args:
        model: the bundle's ``hand_landmarks_detector.tflite``.

    Raises:
        InputError: it cannot be used.
    """

    def __init__(self, model: bytes) -> None:
        self._network = Network("landmark network of the hand detector", model, SIDE_PX, _OUTPUTS)

    def __call__(self, image: UInt8[np.ndarray, "height width 3"], square: Square) -> NetworkHand:
        """What an RGB image shows in one square of it."""
        picture = square.pixels(image, SIDE_PX, OUTERMOST_PIXELS)
        flat, presence, right, solid = (output[0].astype(np.float64) for output in self._network(picture))
        return NetworkHand(
            presence=float(presence[0]),
            side="right" if right[0] > 0.5 else "left",
            score=float(max(right[0], 1 - right[0])),
            landmarks_px=square.to_image(flat.reshape(21, 3)[:, :2] / SIDE_PX),
            landmarks_mm=square.turn_back(solid.reshape(21, 3)) * 1000.0,
        )
