"""One entry of RHD's annotation: the hand that counts, checked, in our order of joints and in millimetres; or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from estimator.hand.template import FINGERS, LANDMARK_NAMES, Side

RHD_JOINTS = ("wrist", *(f"{finger}{i}" for finger in FINGERS for i in (4, 3, 2, 1)))
"""A hand's 21 key points in RHD's order: tips first."""

FIRST_ROW: dict[Side, int] = {"left": 0, "right": len(RHD_JOINTS)}
"""Row of each hand's wrist among the 42 key points."""

FIRST_LABEL: dict[Side, int] = {"left": 2, "right": 18}
LABELS_A_HAND = 16
"""Mask values of a hand: three of each finger, and its palm. 0 is background, 1 the rest of the person."""

_ORDER = [RHD_JOINTS.index(name) for name in LANDMARK_NAMES]
_MM_A_M = 1000.0
_FARTHEST_PROJECTION_PX = 2.0
_HAND_SPANS_MM = (20.0, 500.0)


class UnusableError(ValueError):
    """A sample that cannot be used. The message is the reason, the same for all samples that have it."""


@dataclass(frozen=True)
class RhdHand:
    """The hand of a sample that counts: the one of which more is seen.

    Attributes:
        number: the sample's, which its files are named after.
        side: of the person.
        joints_mm: the 21 landmarks in the camera frame, in the order of ``LANDMARK_NAMES``.
        joints_px: where the picture has them; hidden ones, too.
        visible: which of them nothing hides and the picture holds.
        K: intrinsic matrix, pixels.
    """

    number: int
    side: Side
    joints_mm: Float[np.ndarray, "21 3"]
    joints_px: Float[np.ndarray, "21 2"]
    visible: Bool[np.ndarray, " 21"]
    K: Float[np.ndarray, "3 3"]


def hand_pixels(mask: UInt8[np.ndarray, "height width"], side: Side) -> Bool[np.ndarray, "height width"]:
    """Where a mask shows a hand."""
    first = FIRST_LABEL[side]
    return (mask >= first) & (mask < first + LABELS_A_HAND)


def hand_of_entry(number: int, entry: object, mask: UInt8[np.ndarray, "height width"] | None) -> RhdHand:
    """The hand with more pixels in the mask; with more visible key points where these are as many or there is no mask.

    Raises:
        UnusableError: when a value is missing or out of range, or no key point of that hand is visible.
    """
    xyz, uv_vis, K = (_numbers(entry, field, shape) for field, shape in (("xyz", (42, 3)), ("uv_vis", (42, 3)), ("K", (3, 3))))
    side = _side(uv_vis[:, 2] > 0, mask)
    rows = [FIRST_ROW[side] + row for row in _ORDER]
    hand = RhdHand(number, side, _MM_A_M * xyz[rows], uv_vis[rows, :2], uv_vis[rows, 2] > 0, K)
    _require_sound(hand)
    return hand


def _numbers(entry: object, field: str, shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
    array = entry.get(field) if isinstance(entry, Mapping) else None
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind not in "fiu":
        raise UnusableError(f"{field} is not an array of {shape[0]} x {shape[1]} numbers")
    return array.astype(np.float64)


def _side(visible: Bool[np.ndarray, " 42"], mask: UInt8[np.ndarray, "height width"] | None) -> Side:
    def seen(side: Side) -> tuple[int, int]:
        first = FIRST_ROW[side]
        pixels = 0 if mask is None else int(np.count_nonzero(hand_pixels(mask, side)))
        return pixels, int(visible[first : first + len(RHD_JOINTS)].sum())

    return "left" if seen("left") > seen("right") else "right"


def _require_sound(hand: RhdHand) -> None:
    joints, K = hand.joints_mm, hand.K
    if not hand.visible.any():
        raise UnusableError("no key point of the hand is visible")
    if not (np.isfinite(joints).all() and np.isfinite(hand.joints_px).all()):
        raise UnusableError("a key point is not a finite number")
    if joints[:, 2].min() <= 0:
        raise UnusableError("a key point lies behind the camera")
    if not _HAND_SPANS_MM[0] <= np.ptp(joints, axis=0).max() <= _HAND_SPANS_MM[1]:
        raise UnusableError("the key points span no hand in metres")
    if not np.isfinite(K).all() or min(K[0, 0], K[1, 1]) <= 0 or K[0, 1] != 0 or K[1, 0] != 0 or not np.array_equal(K[2], (0, 0, 1)):
        raise UnusableError("K is not [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]")
    projected = joints @ K.T
    distance = np.linalg.norm(projected[:, :2] / projected[:, 2:] - hand.joints_px, axis=1)
    if distance[hand.visible].max() > _FARTHEST_PROJECTION_PX:
        raise UnusableError("K does not project the key points to their pixels")
