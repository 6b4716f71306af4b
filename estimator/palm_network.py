"""The detector's first network: where in a picture palms are, and the square in which the second one should look at each hand.

The numbers are those of MediaPipe's graphs (hand_detector_graph.cc), for which both networks were trained.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from estimator.network import Network
from estimator.square import BLACK, Square

SIDE_PX = 192
GRIDS = ((24, 2), (12, 6))
"""Cells along a side and anchors in each cell, in the order of the network's rows."""

_ANCHOR_COUNT = sum(cells * cells * anchors for cells, anchors in GRIDS)
_KEYPOINT_COUNT = 7
_WRIST, _MIDDLE_ROOT = 0, 2
_OUTPUTS = ((1, _ANCHOR_COUNT, 4 + 2 * _KEYPOINT_COUNT), (1, _ANCHOR_COUNT, 1))

SAME_OVERLAP = 0.3
"""Boxes with so much in common (over their joint area) are of one palm, which lies at their mean, weighted by score."""

CLOSE_FACTOR = 1.6
"""Side of a near look over that of the hand's square."""

HAND_FACTOR, HAND_SHIFT = 2.6, 0.5
"""The hand's square: its side over the palm box's longer side, and its way towards the fingers over the box's height."""


@dataclass(frozen=True)
class Palm:
    """A palm in a picture.

    Attributes:
        score: how sure the network is, 0 to 1.
        box: left, top, right, bottom, pixels.
        keypoints: wrist, roots of index, middle, ring and little finger, and two of the thumb, pixels.
    """

    score: float
    box: Float[np.ndarray, "4"]
    keypoints: Float[np.ndarray, "7 2"]

    @property
    def hand_square(self) -> Square:
        """Where the hand is: turned so that the middle finger's root is above the wrist, and moved towards the fingers."""
        left, top, right, bottom = self.box
        x, y = self.keypoints[_MIDDLE_ROOT] - self.keypoints[_WRIST]
        turn = math.atan2(x, -y)
        shift = HAND_SHIFT * (bottom - top)
        side = HAND_FACTOR * max(right - left, bottom - top)
        return Square(
            float((left + right) / 2 + shift * math.sin(turn)), float((top + bottom) / 2 - shift * math.cos(turn)), float(side), turn
        )


class PalmNetwork:
    """Finds palms, best in pictures of which the hand fills a third.

    Args:
        model: the bundle's ``hand_detector.tflite``.
        most: most palms of a picture.
        min_score: palms less likely than this are dropped.

    Raises:
        InputError: the model cannot be used.
    """

    def __init__(self, model: bytes, most: int, min_score: float) -> None:
        self._network = Network("palm network of the hand detector", model, SIDE_PX, _OUTPUTS)
        self._anchors = anchors()
        self._most, self._min_score = most, min_score

    def __call__(self, image: UInt8[np.ndarray, "height width 3"]) -> list[Palm]:
        """The palms in an RGB image, best score first."""
        return self._in_square(image, Square.whole(image.shape[1], image.shape[0]))

    def closer(self, image: UInt8[np.ndarray, "height width 3"], palm: Palm) -> Palm:
        """The same palm, seen from so near that its hand fills a third of the square; as it was where it is not seen from there."""
        hand = palm.hand_square
        near = self._in_square(image, Square(hand.x, hand.y, CLOSE_FACTOR * hand.side))
        same = [other for other in near if _overlap(other.box, palm.box) > SAME_OVERLAP]
        return max(same, key=lambda other: _overlap(other.box, palm.box), default=palm)

    def _in_square(self, image: UInt8[np.ndarray, "height width 3"], square: Square) -> list[Palm]:
        places, logits = (output[0].astype(np.float64) for output in self._network(square.pixels(image, SIDE_PX, BLACK)))
        scores = 1 / (1 + np.exp(-logits[:, 0].clip(-100, 100)))
        likely = scores >= self._min_score
        places, scores, centres = places[likely] / SIDE_PX, scores[likely], self._anchors[likely]
        middles, halves = places[:, :2] + centres, places[:, 2:4] / 2
        corners = np.stack([middles - halves, middles + halves], axis=1)
        keypoints = places[:, 4:].reshape(-1, _KEYPOINT_COUNT, 2) + centres[:, None]
        points = square.to_image(np.concatenate([corners, keypoints], axis=1))
        return distinct_palms([Palm(float(s), p[:2].reshape(4), p[2:]) for s, p in zip(scores, points, strict=True)])[: self._most]


def anchors() -> Float[np.ndarray, "anchors 2"]:
    """The middles of the cells that the network's rows start from, as shares of the picture's side."""
    return np.concatenate([np.repeat(_cell_middles(cells), count, axis=0) for cells, count in GRIDS])


def _cell_middles(cells: int) -> Float[np.ndarray, "cells 2"]:
    y, x = np.divmod(np.arange(cells * cells), cells)
    return (np.stack([x, y], axis=1) + 0.5) / cells


def distinct_palms(palms: list[Palm]) -> list[Palm]:
    """Each palm once, best score first, at the weighted mean of all the places where it was seen."""
    left = sorted(palms, key=lambda palm: -palm.score)
    found = []
    while left:
        same = [palm for palm in left if _overlap(palm.box, left[0].box) > SAME_OVERLAP] or left[:1]
        found.append(_mean(same))
        left = [palm for palm in left if not any(palm is other for other in same)]
    return found


def _mean(palms: list[Palm]) -> Palm:
    weights = np.array([palm.score for palm in palms])
    weights /= weights.sum()
    return Palm(palms[0].score, weights @ [palm.box for palm in palms], np.einsum("p,pkc->kc", weights, [p.keypoints for p in palms]))


def _overlap(one: Float[np.ndarray, "4"], other: Float[np.ndarray, "4"]) -> float:
    """Common area over joint area."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = float(np.prod(np.maximum(high - low, 0.0)))
    joint = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - common
    return common / max(joint, 1e-9)
