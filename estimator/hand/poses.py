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


def _theta(thumb: Thumb, index: Finger, middle: Finger, ring: Finger, pinky: Finger) -> tuple[float, ...]:
    """The 28 degrees of freedom, radians."""
    euler_deg = {"thumb0": thumb.base, "thumb1": thumb.root, "thumb2": (0.0, 0.0, thumb.middle), "thumb3": (0.0, 0.0, thumb.last)}
    for name, finger in zip(FINGERS[1:], (index, middle, ring, pinky), strict=True):
        euler_deg[f"{name}1"] = (0.0, finger.aside, finger.root)
        euler_deg[f"{name}2"] = (0.0, 0.0, finger.middle)
        euler_deg[f"{name}3"] = (0.0, 0.0, finger.last)
    return tuple(math.radians(euler_deg[JOINT_NAMES[joint]][axis]) for joint, axis in DEGREES_OF_FREEDOM)


INDEX_CURLED, MIDDLE_CURLED = Finger(72, 100, 60), Finger(78, 102, 62)
RING_CURLED, PINKY_CURLED = Finger(80, 102, 62), Finger(80, 100, 60)
RESTING = Finger(18, 22, 12)

NAMED_POSES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "flat": _theta(Thumb(), Finger(), Finger(), Finger(), Finger()),
        "relaxed": _theta(
            Thumb((0, 0, 8), (0, -6, 12), 12, 18), Finger(18, 25, 12, -2), Finger(24, 30, 16), Finger(28, 33, 18, 1), Finger(30, 32, 18, 3)
        ),
        "spread": _theta(
            Thumb((0, 0, -10), (0, 0, -12), 0, 0), Finger(-4, 0, 0, -12), Finger(-4, 0, 0, -1), Finger(-4, 0, 0, 10), Finger(-4, 0, 0, 18)
        ),
        "fist": _theta(Thumb((-20, -28, -1), (-19, -31, 24), 46, 40), INDEX_CURLED, MIDDLE_CURLED, RING_CURLED, PINKY_CURLED),
        "tuck_fist": _theta(
            Thumb((-9, -20, -12), (-16, -29, 37), 75, 36), Finger(62, 85, 45), Finger(62, 85, 45), Finger(62, 85, 45), Finger(62, 85, 45)
        ),
        "thumb_tuck": _theta(
            Thumb((-14, -29, -13), (-20, -22, 45), 75, 31), Finger(3, 3, 2), Finger(3, 3, 2), Finger(3, 3, 2), Finger(3, 3, 2)
        ),
        "thumb_up": _theta(Thumb((0, 6, -8), (0, 12, -12), -5, -15), INDEX_CURLED, MIDDLE_CURLED, RING_CURLED, PINKY_CURLED),
        "point": _theta(Thumb((-20, -28, -1), (-19, -31, 24), 46, 40), Finger(0, 3, 2), MIDDLE_CURLED, RING_CURLED, PINKY_CURLED),
        "two": _theta(Thumb((-18, -25, 2), (-17, -32, 29), 55, 34), Finger(0, 3, 2, -8), Finger(0, 3, 2, 6), RING_CURLED, PINKY_CURLED),
        "three": _theta(
            Thumb((-6, 0, 24), (-3, -2, 30), 22, 25), Finger(0, 3, 2, -8), Finger(0, 3, 2), Finger(0, 3, 2, 6), Finger(42, 42, 18)
        ),
        "four": _theta(
            Thumb((-14, -29, -13), (-20, -22, 45), 75, 31), Finger(0, 3, 2, -6), Finger(0, 3, 2), Finger(0, 3, 2, 5), Finger(0, 3, 2, 10)
        ),
        "ok": _theta(
            Thumb((-1, -8, 15), (-1, -10, 19), 12, 19), Finger(45, 48, 25), Finger(6, 10, 6), Finger(0, 8, 5, 3), Finger(-5, 5, 4, 8)
        ),
        "pinch_index": _theta(Thumb((-1, -8, 15), (-1, -10, 19), 12, 19), Finger(45, 48, 25), RESTING, RESTING, RESTING),
        "pinch_middle": _theta(Thumb((-2, -8, 22), (-1, -9, 23), 13, 18), RESTING, Finger(49, 53, 28), RESTING, RESTING),
        "pinch_ring": _theta(Thumb((-3, -6, 24), (-1, -8, 27), 16, 20), RESTING, RESTING, Finger(47, 49, 24), RESTING),
        "pinch_pinky": _theta(Thumb((-6, 0, 24), (-3, -2, 30), 22, 25), RESTING, RESTING, RESTING, Finger(42, 42, 18)),
        "claws": _theta(
            Thumb((0, 0, 6), (0, -5, 5), 30, 45), Finger(-5, 85, 55, -5), Finger(-5, 88, 58), Finger(-5, 88, 58, 4), Finger(-5, 85, 55, 10)
        ),
        "surfer": _theta(Thumb((0, 0, -8), (0, 0, -12), 0, -10), INDEX_CURLED, MIDDLE_CURLED, RING_CURLED, Finger(0, 3, 2, 12)),
        "rocker": _theta(
            Thumb((-15, -24, -2), (-15, -36, 20), 53, 44), Finger(0, 3, 2, -5), MIDDLE_CURLED, RING_CURLED, Finger(0, 3, 2, 8)
        ),
        "star_trek": _theta(
            Thumb((0, 0, -6), (0, 0, -6), 0, 0), Finger(0, 3, 2, -2), Finger(0, 3, 2, -7), Finger(0, 3, 2, 7), Finger(0, 3, 2)
        ),
        "good_luck": _theta(
            Thumb((-18, -25, 2), (-17, -32, 29), 55, 34), Finger(6, 6, 3, 7), Finger(24, 12, 6, -15), RING_CURLED, PINKY_CURLED
        ),
    }
)
"""Theta, radians, of each named pose."""
