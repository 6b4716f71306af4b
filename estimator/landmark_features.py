"""What the detector's landmark network sees in a square: landmarks, and the features inside it that they are made of.

The network was trained on photographs of real hands. An encoder that builds on its features inherits that, at no cost beyond the
detector's own run. Features of a left hand are not those of a right one in the mirror; so the network looks at left hands in the mirror,
and features are always a right hand's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from estimator.hand.template import LANDMARK_NAMES
from estimator.network import InnerOutput

FEATURE_MAPS = (InnerOutput("Add", (1, 112, 14, 14)), InnerOutput("Add", (1, 40, 28, 28)), InnerOutput("Add", (1, 192, 7, 7)))
"""The last sums of three resolutions, where the network's residual blocks end."""

POOLED = InnerOutput("ReduceMean", (1, 1152))
"""The vector that the network's answers are linear in."""

MAP_CHANNELS = tuple(output.shape[1] for output in FEATURE_MAPS)
POOLED_SIZE = POOLED.shape[1]
SAMPLED_SIZE = sum(MAP_CHANNELS) * len(LANDMARK_NAMES)


@dataclass(frozen=True)
class LandmarkFeatures:
    """One run of the landmark network on one square, or on its mirror image.

    Attributes:
        presence: how sure the network is that the square shows a hand, 0 to 1.
        right: how sure it is that what it saw is a right hand, 0 to 1.
        landmarks: wrist, thumb1..4, ..., pinky1..4 as shares of the square's side from its upper left corner, and their depth in the
            same unit, from the wrist's.
        landmarks_mm: the same relative to one another, mm; the square's axes: x right, y down, z forward.
        pooled: the network's last feature, averaged over the square.
        sampled: its feature maps at the landmarks, map after map, in each of them landmark after landmark.
        picture: RGB, what the network saw.
        mirrored: it saw the square's mirror image, because the hand was taken for a left one; everything here speaks of that image.
    """

    presence: float
    right: float
    landmarks: Float[np.ndarray, "21 3"]
    landmarks_mm: Float[np.ndarray, "21 3"]
    pooled: Float32[np.ndarray, " pooled"]
    sampled: Float32[np.ndarray, " sampled"]
    picture: UInt8[np.ndarray, "side side 3"]
    mirrored: bool = False


def sample_maps(maps: list[Float32[np.ndarray, "1 _ _ _"]], points: Float[np.ndarray, "points 2"]) -> Float32[np.ndarray, " sampled"]:
    """Square feature maps at points given as shares of their side, bilinear; beyond the outermost cells' centres theirs."""
    return np.concatenate([_sample(features[0], points).ravel() for features in maps])


def _sample(
    features: Float32[np.ndarray, "channels side side"], points: Float[np.ndarray, "points 2"]
) -> Float32[np.ndarray, "points channels"]:
    side = features.shape[1]
    cells = np.clip(points * side - 0.5, 0, side - 1)
    low = np.minimum(cells.astype(int), max(side - 2, 0))
    high = np.minimum(low + 1, side - 1)
    (x0, y0), (x1, y1) = low.T, high.T
    right, below = (cells - low).astype(np.float32).T
    upper = features[:, y0, x0] * (1 - right) + features[:, y0, x1] * right
    lower = features[:, y1, x0] * (1 - right) + features[:, y1, x1] * right
    return (upper * (1 - below) + lower * below).T
