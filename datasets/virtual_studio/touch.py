"""Fingers that touch where a motion says so, and that do not run through one another."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Spot:
    """A point on the skin of a finger.

    Attributes:
        joint: the nearer end of the bone below it.
        share: how far along that bone.
        side: direction from the bone to the skin in the joint's frame: (0, 1, 0) is the pad, (0, -1, 0) the back.
    """

    joint: str
    share: float = 0.6
    side: tuple[float, float, float] = (0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Touch:
    """Two spots that touch."""

    first: Spot
    second: Spot


def tips(finger: str, thumb_share: float = 0.6, finger_share: float = 0.6) -> Touch:
    """The thumb's pad on a fingertip's pad."""
    return Touch(Spot("thumb3", thumb_share), Spot(f"{finger}3", finger_share))


def thumb_over(finger: str, bone: str = "2") -> Touch:
    """The thumb's pad on the back of a bent finger's middle bone."""
    return Touch(Spot("thumb3"), Spot(f"{finger}{bone}", 0.5, (0.0, -1.0, 0.0)))
