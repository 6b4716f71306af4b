"""Hands in an image: side, score, box, 21 landmarks in the image and relative in 3D. MediaPipe's two networks, looked through up to twice.

One look at the whole image answers most photographs. Where it finds nothing, the image is looked at again with a margin (for a hand
that fills the frame or is cut by its border) and in tiles (for small hands); what is found there is looked at once more from close by,
which improves landmarks and side and drops what was no hand. (``landmarker`` looks twice at small or doubtful hands of any one look.)
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Float, UInt8

from estimator.command import BAD_INPUT, DONE, CommandOptions, run_command
from estimator.errors import InputError
from estimator.landmark_features import LandmarkFeatures
from estimator.landmarker import Landmarker
from estimator.models import HAND_LANDMARKER, cached_bundle
from estimator.placed_hand import Box, Side
from estimator.view import View, around, padded, tiles, whole

HANDS_A_LOOK = 4
CLOSE_FACTOR = 3.0
"""Side of a close look over the hand's: measured best of 1.6 to 4, and the size for which the palm network was made."""

MARGIN_FACTOR = 1.5
TILES = ((1 / 2, 48), (1 / 3, 96), (1 / 5, 192))
"""Share of the image's longer side, and the tile's least side in pixels: the palm network sees 192, so finer tiles add little."""

SMALLEST_HAND_PX = 32.0
"""What tiles show and is smaller was mostly no hand, and no pose can be read from it."""

BOX_FACTORS = (3.0, 2.0, 1.4)
SAME_DISTANCE, SAME_OVERLAP = 0.25, 0.75
CLOSE_DISTANCE = 0.5


@dataclass(frozen=True)
class Detection:
    """One hand of an image.

    Attributes:
        side: which hand it is, in an image that is not mirrored.
        score: confidence of the detector in the side, 0.5 to 1; unsure of the side is mostly unsure of the hand.
        landmarks_px: wrist, thumb1..4, ..., pinky1..4 in the image, pixels; may lie outside of it.
        landmarks_mm: the same relative to one another, mm, axes of the camera (x right, y down, z forward), as seen by a camera that
            looks straight at the hand; of an average hand's size.
        features: the landmark network's run that saw it, for encoders (see ``HandDetector.taken_for``); None where the detection comes from
            elsewhere.
    """

    side: Side
    score: float
    landmarks_px: Float[np.ndarray, "21 2"]
    landmarks_mm: Float[np.ndarray, "21 3"]
    features: LandmarkFeatures | None = None

    @cached_property
    def box(self) -> Box:
        """The landmarks' box."""
        x, y = (float(value) for value in self.landmarks_px.min(axis=0))
        right, bottom = (float(value) for value in self.landmarks_px.max(axis=0))
        return x, y, right - x, bottom - y

    @property
    def size(self) -> float:
        """The longer side of the box, pixels."""
        return max(self.box[2:])


class HandDetector:
    """Finds hands in single images; a context manager, since it holds native memory and threads.

    Args:
        model: a model bundle; None takes the one in the cache, which is fetched when it is not there.
        max_hands: most hands returned, those with the best scores.
        min_score: below this a look's palm or hand is dropped. MediaPipe's own default, 0.5, misses hands that 0.3 finds, and 0.3 finds
            none in pictures without people.

    Raises:
        InputError: the bundle cannot be had or used, or OpenVINO cannot be loaded.
        ValueError: an argument is out of its range.
    """

    def __init__(self, model: Path | None = None, max_hands: int = 4, min_score: float = 0.3) -> None:
        if max_hands < 1:
            raise ValueError(f"max_hands must be at least 1, not {max_hands}")
        if not 0 < min_score < 1:
            raise ValueError(f"min_score must lie between 0 and 1, not {min_score}")
        self._max_hands = max_hands
        self._landmarker = Landmarker(model, max(max_hands, HANDS_A_LOOK), min_score)

    def __call__(self, image: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """The hands in an RGB image, best score first.

        Raises:
            ValueError: the image is not uint8 of shape (height, width, 3) with at least one pixel.
        """
        return self.glance(image) or distinct(self._look_again(image))[: self._max_hands]

    def glance(self, image: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """The hands that one look at the whole image shows, best score first: quick also where there is none.

        Raises:
            ValueError: the image is not uint8 of shape (height, width, 3) with at least one pixel.
        """
        _require_image(image)
        seen = self._look(image, whole(image.shape[1], image.shape[0]))
        return distinct(seen)[: self._max_hands]

    def in_box(self, image: UInt8[np.ndarray, "height width 3"], box: Box) -> Detection | None:
        """The hand that lies in a box (x, y, width, height, pixels), looked for from closer and closer by, then turned; None without one.

        Raises:
            ValueError: image or box (then an InputError) cannot be used.
        """
        _require_image(image)
        _require_box(image, box)
        box = _clipped(box, image)
        for view in [around(box, factor, turns) for turns in range(4) for factor in BOX_FACTORS]:
            inside = [hand for hand in self._look(image, view) if _share_inside(hand.box, box) >= 0.5]
            if inside:
                return max(inside, key=lambda hand: _overlap(hand.box, box))
        return None

    def track(self, image: UInt8[np.ndarray, "height width 3"], previous: Detection) -> Detection | None:
        """The hand of the frame before, wherever it has moved to; None when it is lost.

        Only the landmark network looks, to where ``previous.landmarks_px`` were, and says by itself whether it sees a hand there; that
        takes a third of a call's time. A caller who knows better where the hand will be moves these landmarks first. Two hands that cross
        may end as one: see ``distinct``. It looks at a hand of ``previous.side``; side and score are what it says of this frame alone.

        Raises:
            ValueError: the image is not uint8 of shape (height, width, 3) with at least one pixel.
        """
        _require_image(image)
        size = np.array([image.shape[1], image.shape[0]], dtype=float)
        hand = self._landmarker.again(image, (previous.landmarks_px + 0.5) / size, previous.side)
        return None if hand is None else Detection(hand.side, hand.score, hand.landmarks * size - 0.5, hand.landmarks_mm, hand.features)

    def taken_for(self, side: Side, features: LandmarkFeatures) -> LandmarkFeatures:
        """A detection's features as an encoder of hands of this side needs them.

        They are that already where the side is the one that the detector found; somebody who knows better costs one more look.
        """
        return self._landmarker.taken_for(side, features)

    def close(self) -> None:
        """Gives the native memory back; the detector cannot be used afterwards."""
        self._landmarker.close()

    def __enter__(self) -> "HandDetector":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _look(self, image: UInt8[np.ndarray, "height width 3"], view: View) -> list[Detection]:
        if not view.meets(image.shape[1], image.shape[0]):
            return []
        return [
            Detection(hand.side, hand.score, view.to_image(hand.landmarks), view.turn_back(hand.landmarks_mm), hand.features)
            for hand in self._landmarker(view.pixels(image))
        ]

    def _look_again(self, image: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Hands that the first look has missed, from the first kind of view that shows any."""
        height, width = image.shape[:2]
        for views in _second_looks(width, height):
            seen = distinct(hand for view in views for hand in self._look(image, view))
            closer = [self._look_closer(image, hand) for hand in seen]
            confirmed = [hand for hand in closer if hand and hand.size >= SMALLEST_HAND_PX]
            if confirmed:
                return confirmed
        return []

    def _look_closer(self, image: UInt8[np.ndarray, "height width 3"], hand: Detection) -> Detection | None:
        """The same hand, seen so that it fills a third of the view; None when there is none from there."""
        candidates = self._look(image, around(hand.box, CLOSE_FACTOR))
        nearest = min(candidates, key=lambda candidate: distance(hand, candidate), default=None)
        return nearest if nearest and distance(hand, nearest) < CLOSE_DISTANCE else None


def distance(one: Detection, other: Detection) -> float:
    """Median distance of corresponding landmarks over the larger hand's size."""
    size = max(one.size, other.size, 1e-9)
    return float(np.median(np.linalg.norm(one.landmarks_px - other.landmarks_px, axis=1)) / size)


def distinct(hands: Iterable[Detection]) -> list[Detection]:
    """Each hand once, best score first: of detections on the same place, whatever their sides, the better one stays."""
    kept: list[Detection] = []
    for hand in sorted(hands, key=lambda hand: -hand.score):
        if not any(distance(hand, other) < SAME_DISTANCE or _overlap(hand.box, other.box) > SAME_OVERLAP for other in kept):
            kept.append(hand)
    return kept


def _second_looks(width: int, height: int) -> Iterator[Sequence[View]]:
    yield [padded(width, height, MARGIN_FACTOR)]
    for share, least_side in TILES:
        if max(width, height) * share >= least_side:
            yield list(tiles(width, height, share))


def _require_image(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected an RGB image, uint8 of shape (height, width, 3), not {image.dtype} of shape {image.shape}")


def _require_box(image: np.ndarray, box: Box) -> None:
    x, y, width, height = box
    if not all(math.isfinite(value) for value in box) or width <= 0 or height <= 0:
        raise InputError(f"a box is x, y, width, height with positive sides, not {box}")
    if x >= image.shape[1] - 0.5 or y >= image.shape[0] - 0.5 or x + width <= -0.5 or y + height <= -0.5:
        raise InputError(f"the box {box} lies outside of the image, which is {image.shape[1]} x {image.shape[0]} pixels")


def _clipped(box: Box, image: np.ndarray) -> Box:
    """The part of a box that lies in the image, so that no box however large asks for a large view."""
    height, width = image.shape[:2]
    left, top = max(box[0], -0.5), max(box[1], -0.5)
    return left, top, min(box[0] + box[2], width - 0.5) - left, min(box[1] + box[3], height - 0.5) - top


def _common(one: Box, other: Box) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _overlap(one: Box, other: Box) -> float:
    """Common area over joint area."""
    common = _common(one, other)
    return common / max(one[2] * one[3] + other[2] * other[3] - common, 1e-9)


def _share_inside(inner: Box, outer: Box) -> float:
    return _common(inner, outer) / max(inner[2] * inner[3], 1e-9)


@dataclass(frozen=True, kw_only=True)
class FetchOptions(CommandOptions):
    """Prepare the hand detector for offline use."""

    fetch: bool = False
    """Check the model bundle in the cache ($DEEPHANDMESH_CACHE, else the user's cache folder), fetch it if it is missing or damaged, and
    print its path."""


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m estimator.detector --fetch``."""
    return run_command(FetchOptions, _fetch, "estimator.detector", argv)


def _fetch(options: FetchOptions) -> int:
    if not options.fetch:
        print("nothing to do: use --fetch to fetch the detector's model bundle, --help for help", file=sys.stderr)
        return BAD_INPUT
    path, _ = cached_bundle(HAND_LANDMARKER)
    print(path)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
