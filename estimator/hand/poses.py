"""Hand poses by name: for tests, for sampling training poses around them, and for the demo's sliders.

Angles are written in degrees, as a person would describe them, and stored as theta in radians.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from estimator.hand.template import DEGREES_OF_FREEDOM, FINGERS, JOINT_NAMES

Degrees = float | int


@dataclass(frozen=True)
class Finger:
    """One finger's angles, degrees.

    Attributes:
        root: flexion where the finger leaves the palm.
        middle: flexion of its middle joint.
        last: flexion of its last joint.
        aside: abduction, positive to the pinky's side.
    """

    root: Degrees = 0.0
    middle: Degrees = 0.0
    last: Degrees = 0.0
    aside: Degrees = 0.0


@dataclass(frozen=True)
class Thumb:
    """The thumb's angles, degrees.

    Attributes:
        base: x, y, z of thumb0, between the wrist and the metacarpal.
        root: x, y, z of thumb1, the metacarpal's own joint.
        middle: flexion of thumb2.
        last: flexion of thumb3.
    """

    base: tuple[Degrees, Degrees, Degrees] = (0.0, 0.0, 0.0)
    root: tuple[Degrees, Degrees, Degrees] = (0.0, 0.0, 0.0)
    middle: Degrees = 0.0
    last: Degrees = 0.0


def pose_theta(thumb: Thumb, index: Finger, middle: Finger, ring: Finger, pinky: Finger) -> tuple[float, ...]:
    """The 28 degrees of freedom, radians."""
    euler_deg = {"thumb0": thumb.base, "thumb1": thumb.root, "thumb2": (0.0, 0.0, thumb.middle), "thumb3": (0.0, 0.0, thumb.last)}
    for name, finger in zip(FINGERS[1:], (index, middle, ring, pinky), strict=True):
        euler_deg[f"{name}1"] = (0.0, finger.aside, finger.root)
        euler_deg[f"{name}2"] = (0.0, 0.0, finger.middle)
        euler_deg[f"{name}3"] = (0.0, 0.0, finger.last)
    return tuple(math.radians(euler_deg[JOINT_NAMES[joint]][axis]) for joint, axis in DEGREES_OF_FREEDOM)


def _alike(
    root: Degrees, middle: Degrees, last: Degrees, aside: tuple[Degrees, Degrees, Degrees, Degrees] = (0, 0, 0, 0)
) -> tuple[Finger, ...]:
    """Index to pinky bent alike, each to its own side."""
    return tuple(Finger(root, middle, last, to_side) for to_side in aside)


INDEX_CURLED, MIDDLE_CURLED = Finger(72, 100, 60), Finger(78, 102, 62)
RING_CURLED, PINKY_CURLED = Finger(80, 102, 62), Finger(80, 100, 60)


UPRIGHT = Finger(0, 3, 2)

_GENERAL_POSES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "flat": pose_theta(Thumb(), Finger(), Finger(), Finger(), Finger()),
        "relaxed": pose_theta(
            Thumb((0, 0, 8), (0, -6, 12), 12, 18), Finger(18, 25, 12, -2), Finger(24, 30, 16), Finger(28, 33, 18, 1), Finger(30, 32, 18, 3)
        ),
        "spread": pose_theta(
            Thumb((0, 0, -10), (0, 0, -12), 0, 0), Finger(-4, 0, 0, -12), Finger(-4, 0, 0, -1), Finger(-4, 0, 0, 10), Finger(-4, 0, 0, 18)
        ),
        "fist": pose_theta(
            Thumb((-12, -18, -1), (-7, -22, 22), 49, 25),
            Finger(87, 104, 61, 1),
            Finger(77, 102, 62, -5),
            Finger(80, 102, 62),
            Finger(80, 100, 60),
        ),
        "tuck_fist": pose_theta(
            Thumb((-12, -19, -11), (-16, -28, 40), 75, 36), Finger(58, 82, 43), Finger(62, 85, 45), Finger(62, 85, 45), Finger(62, 85, 45)
        ),
        "thumb_tuck": pose_theta(
            Thumb((-14, -29, -13), (-20, -22, 45), 75, 31), Finger(3, 3, 2), Finger(3, 3, 2), Finger(3, 3, 2), Finger(3, 3, 2)
        ),
        "thumb_up": pose_theta(Thumb((0, 6, -8), (0, 12, -12), -5, -15), INDEX_CURLED, MIDDLE_CURLED, RING_CURLED, PINKY_CURLED),
        "point": pose_theta(
            Thumb((-22, -25, 3), (-18, -30, 27), 41, 37), Finger(0, 3, 2), Finger(81, 98, 60, -1), Finger(80, 102, 62), Finger(80, 100, 60)
        ),
        "two": pose_theta(
            Thumb((-20, -21, 7), (-16, -31, 33), 49, 31),
            Finger(0, 3, 2, -8),
            Finger(0, 3, 2, 6),
            Finger(82, 97, 60, -1),
            Finger(80, 100, 60),
        ),
        "three": pose_theta(
            Thumb((-6, 1, 26), (-3, -2, 30), 16, 21), Finger(0, 3, 2, -8), Finger(0, 3, 2), Finger(0, 3, 2, 6), Finger(48, 46, 20)
        ),
        "four": pose_theta(
            Thumb((-14, -29, -13), (-20, -22, 45), 75, 31), Finger(0, 3, 2, -6), Finger(0, 3, 2), Finger(0, 3, 2, 5), Finger(0, 3, 2, 10)
        ),
        "ok": pose_theta(
            Thumb((-1, -9, 15), (-4, -11, 19), 10, 13), Finger(51, 52, 27, 1), Finger(6, 10, 6), Finger(0, 8, 5, 3), Finger(-5, 5, 4, 8)
        ),
        "pinch_index": pose_theta(
            Thumb((-1, -9, 15), (-4, -11, 19), 10, 13), Finger(51, 52, 27, 1), Finger(18, 22, 12), Finger(18, 22, 12), Finger(18, 22, 12)
        ),
        "pinch_middle": pose_theta(
            Thumb((-2, -10, 22), (-5, -10, 23), 11, 12), Finger(18, 22, 12), Finger(55, 57, 30), Finger(18, 22, 12), Finger(18, 22, 12)
        ),
        "pinch_ring": pose_theta(
            Thumb((-3, -7, 24), (-3, -9, 27), 14, 14), Finger(18, 22, 12), Finger(18, 22, 12), Finger(52, 54, 26), Finger(18, 22, 12)
        ),
        "pinch_pinky": pose_theta(
            Thumb((-6, 1, 26), (-3, -2, 30), 16, 21), Finger(18, 22, 12), Finger(18, 22, 12), Finger(18, 22, 12), Finger(48, 46, 20)
        ),
        "claws": pose_theta(
            Thumb((0, 0, 6), (0, -5, 5), 30, 45), Finger(-5, 85, 55, -5), Finger(-5, 88, 58), Finger(-5, 88, 58, 4), Finger(-5, 85, 55, 10)
        ),
        "surfer": pose_theta(Thumb((0, 0, -8), (0, 0, -12), 0, -10), INDEX_CURLED, MIDDLE_CURLED, RING_CURLED, Finger(0, 3, 2, 12)),
        "rocker": pose_theta(
            Thumb((-18, -19, 3), (-14, -33, 24), 46, 40),
            Finger(0, 3, 2, -5),
            Finger(85, 98, 60, -1),
            Finger(80, 102, 62),
            Finger(0, 3, 2, 8),
        ),
        "star_trek": pose_theta(
            Thumb((0, 0, -6), (0, 0, -6), 0, 0), Finger(0, 3, 2, -2), Finger(0, 3, 2, -7), Finger(0, 3, 2, 7), Finger(0, 3, 2)
        ),
        "good_luck": pose_theta(
            Thumb((-20, -21, 7), (-16, -31, 33), 49, 31),
            Finger(4, 6, 3, 6),
            Finger(26, 12, 6, -14),
            Finger(82, 97, 60, -1),
            Finger(80, 100, 60),
        ),
    }
)

_PAPER_POSES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "neutral_relaxed": pose_theta(
            Thumb((0, 0, 2), (0, -4, 6), 10, 14),
            Finger(14, 20, 11, -5),
            Finger(18, 23, 13, -1),
            Finger(21, 26, 14, 4),
            Finger(24, 27, 15, 9),
        ),
        "neutral_rigid": pose_theta(Thumb((0, 0, -6), (0, 0, -10), -8, -20), *_alike(-14, 0, -3, (-3, 0, 3, 6))),
        "good_luck": _GENERAL_POSES["good_luck"],
        "fake_gun": pose_theta(Thumb((0, 6, -8), (0, 12, -12), -5, -15), UPRIGHT, MIDDLE_CURLED, RING_CURLED, PINKY_CURLED),
        "star_trek": pose_theta(
            Thumb((-4, -6, 8), (-3, -16, 8), 8, 8), Finger(0, 3, 2, -4), Finger(0, 3, 2, -9), Finger(0, 3, 2, 9), Finger(0, 3, 2, 4)
        ),
        "star_trek_extended_thumb": pose_theta(
            Thumb((0, 4, -14), (0, 8, -20), -4, -14), Finger(0, 3, 2, -4), Finger(0, 3, 2, -9), Finger(0, 3, 2, 9), Finger(0, 3, 2, 4)
        ),
        "thumb_up_relaxed": pose_theta(
            Thumb((0, 4, 0), (0, 8, -4), 6, 8), Finger(60, 84, 48), Finger(66, 86, 50), Finger(68, 86, 50), Finger(68, 84, 48)
        ),
        "thumb_up_normal": _GENERAL_POSES["thumb_up"],
        "thumb_up_rigid": pose_theta(
            Thumb((0, 8, -14), (0, 16, -20), -12, -32), Finger(84, 106, 68), Finger(84, 106, 68), Finger(84, 106, 68), Finger(80, 101, 65)
        ),
        "thumb_tuck_normal": _GENERAL_POSES["tuck_fist"],
        "thumb_tuck_rigid": pose_theta(
            Thumb((-9, -24, -14), (-18, -32, 37), 75, 37),
            Finger(65, 101, 61, -1),
            Finger(72, 80, 49, 2),
            Finger(72, 92, 56),
            Finger(72, 92, 56),
        ),
        "aokay": _GENERAL_POSES["ok"],
        "aokay_upright": _GENERAL_POSES["ok"],
        "surfer": _GENERAL_POSES["surfer"],
        "rocker": _GENERAL_POSES["rocker"],
        "rocker_front": _GENERAL_POSES["rocker"],
        "rocker_back": _GENERAL_POSES["rocker"],
        "fist": _GENERAL_POSES["fist"],
        "fist_rigid": pose_theta(
            Thumb((-8, -14, -2), (-4, -22, 24), 52, 35),
            Finger(90, 103, 68, 1),
            Finger(81, 107, 70, -5),
            Finger(86, 106, 70),
            Finger(81, 100, 67),
        ),
        "alligator_closed": pose_theta(
            Thumb((-8, -12, 28), (-9, -16, 27), -1, -9),
            Finger(71, 19, 9, 3),
            Finger(77, 23, 11),
            Finger(74, 20, 10, -1),
            Finger(74, 20, 10, -4),
        ),
        "one_count": _GENERAL_POSES["point"],
        "two_count": _GENERAL_POSES["two"],
        "three_count": _GENERAL_POSES["three"],
        "four_count": _GENERAL_POSES["four"],
        "five_count": pose_theta(
            Thumb((0, 0, -8), (0, 0, -10), 0, -4), Finger(-2, 2, 1, -10), Finger(-2, 2, 1, -1), Finger(-2, 2, 1, 8), Finger(-2, 2, 1, 15)
        ),
        "indextip": _GENERAL_POSES["pinch_index"],
        "middletip": _GENERAL_POSES["pinch_middle"],
        "ringtip": _GENERAL_POSES["pinch_ring"],
        "pinkytip": _GENERAL_POSES["pinch_pinky"],
        "palm_up": pose_theta(Thumb((0, 0, -4), (0, 0, -4), 6, 8), *_alike(6, 8, 4, (-5, -1, 4, 8))),
        "finger_spread_relaxed": pose_theta(
            Thumb((0, 0, -4), (0, 0, -6), 4, 4), Finger(6, 10, 6, -8), Finger(7, 11, 6), Finger(8, 12, 6, 7), Finger(9, 12, 6, 13)
        ),
        "finger_spread_normal": _GENERAL_POSES["spread"],
        "finger_spread_rigid": pose_theta(Thumb((0, 4, -18), (0, 8, -26), -12, -28), *_alike(-15, 0, -4, (-18, -2, 14, 20))),
        "capisce": pose_theta(
            Thumb((-4, -7, 22), (-13, -12, 25), 14, 19),
            Finger(57, 35, 14, 6),
            Finger(49, 70, 34, 8),
            Finger(45, 68, 35, 5),
            Finger(73, 16, 5),
        ),
        "claws": _GENERAL_POSES["claws"],
        "peacock": pose_theta(
            Thumb((-3, -12, 19), (-3, -13, 21), 1, 3), Finger(66, 32, 11), Finger(-6, 3, 2, -2), Finger(-8, 2, 1, 10), Finger(-10, 2, 1, 20)
        ),
        "cup": pose_theta(
            Thumb((0, -6, 10), (0, -6, 4), 18, 22), Finger(34, 40, 22), Finger(36, 42, 23), Finger(38, 44, 24), Finger(40, 46, 25)
        ),
        "shakespeareyorick": pose_theta(
            Thumb((0, 0, 2), (0, 0, -4), 24, 34),
            Finger(14, 42, 26, -12),
            Finger(12, 44, 28, -1),
            Finger(12, 44, 28, 9),
            Finger(12, 44, 26, 18),
        ),
        "dinosaur": pose_theta(
            Thumb((-5, -3, 24), (-2, -9, 22), 10, 8), Finger(72, 12, 7, -5), Finger(-10, 6, 34), Finger(76, 12, 7), Finger(72, 12, 7, 7)
        ),
        "middle_finger": pose_theta(
            Thumb((-21, -25, -4), (-21, -28, 21), 39, 37), Finger(78, 98, 59, 1), Finger(0, 3, 2), Finger(80, 102, 62), Finger(80, 100, 60)
        ),
    }
)

NAMED_POSES: Mapping[str, tuple[float, ...]] = MappingProxyType({**_GENERAL_POSES, **_PAPER_POSES})
"""Theta, radians, of each named pose."""

PAPER_POSES: tuple[str, ...] = tuple(_PAPER_POSES)
"""Names of the 40 poses that DeepHandMesh's training set holds, in the paper's order (section 14)."""
