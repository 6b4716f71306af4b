"""What touches what, and how far two spots of a hand are from touching."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datasets.virtual_studio.touch_capsules import BONES, Capsules, PosedBones

YIELD_MM = 1.0
"""How far the flesh of two touching fingers gives way, together."""


@dataclass(frozen=True)
class Spot:
    """A place on the skin of a finger.

    Attributes:
        bone: named after the joint at its nearer end.
        share: how far along the bone's capsule; 1 is the ball of the fingertip where the bone is a finger's last.
        side: unit vector from the bone to the skin in the joint's frame: (0, 1, 0) is the pad, (0, -1, 0) the back.
    """

    bone: str
    share: float
    side: tuple[float, float, float]


@dataclass(frozen=True)
class Touch:
    """Two spots that touch."""

    first: Spot
    second: Spot


_PAD, _BACK, _THUMB_SIDE, _PINKY_SIDE = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)


def tips(finger: str, on_thumb: float = 0.8, on_finger: float = 0.8) -> Touch:
    """The thumb's pad on a finger's; shares along their last bones."""
    return Touch(Spot("thumb3", on_thumb, _PAD), Spot(f"{finger}3", on_finger, _PAD))


def thumb_over(finger: str, on_thumb: float = 0.7) -> Touch:
    """The thumb's palm side on the back of a bent finger's middle bone."""
    return Touch(Spot("thumb3", on_thumb, _PAD), Spot(f"{finger}2", 0.6, _BACK))


def side_by_side(finger: str, neighbour: str) -> Touch:
    """Two fingertips' sides; the first finger is nearer to the thumb."""
    return Touch(Spot(f"{finger}3", 0.8, _PINKY_SIDE), Spot(f"{neighbour}3", 0.8, _THUMB_SIDE))


@dataclass(frozen=True)
class SpotPlace:
    """Where a spot is in many poses, hand frame, mm.

    Attributes:
        joint: what it is fixed to.
        centre: the point inside the flesh.
        skin: the point on the skin, pressed in by half of ``YIELD_MM``.
        radius: of the flesh around the centre.
    """

    joint: int
    centre: Float[np.ndarray, "moments 3"]
    skin: Float[np.ndarray, "moments 3"]
    radius: float


def place_spot(spot: Spot, capsules: Capsules, bones: PosedBones) -> SpotPlace:
    """Find a spot in every pose."""
    i = BONES.index(spot.bone)
    joint = int(capsules.joint[i])
    centre = capsules.start[i] + spot.share * (capsules.end[i] - capsules.start[i])
    radius = float(capsules.radius_start[i] + spot.share * (capsules.radius_end[i] - capsules.radius_start[i]))
    R, t = bones.rotations[:, joint], bones.positions[:, joint]
    return SpotPlace(joint, R @ centre + t, R @ (centre + (radius - YIELD_MM / 2) * np.array(spot.side)) + t, radius)
