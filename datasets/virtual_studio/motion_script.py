"""A motion written down as key poses, and the smooth curves through them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from datasets.virtual_studio.touch import Touch
from estimator.hand.template import FINGERS, POSE_NAMES, POSE_SIZE

ALL_AT_ONCE = (FINGERS,)
FINGERS_THEN_THUMB = (FINGERS[1:], FINGERS[:1])
THUMB_THEN_FINGERS = (FINGERS[:1], FINGERS[1:])


@dataclass(frozen=True)
class Key:
    """Where the hand is at one time of a motion.

    Attributes:
        seconds: when, from the motion's start.
        theta: the 28 degrees of freedom, radians.
        turn: rotation vector, in the world, from how the script holds the hand, radians.
        touches: what touches; fades in on the way here, and out on the way to a key without it.
        order: groups of fingers that set out for this key one after the other, each before the one ahead has arrived.
    """

    seconds: float
    theta: Float[np.ndarray, " pose"]
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    touches: tuple[Touch, ...] = ()
    order: tuple[tuple[str, ...], ...] = ALL_AT_ONCE


@dataclass(frozen=True)
class Script:
    """A motion: at least two keys in the order of time.

    Attributes:
        keys: the first at 0 s.
        R_world_hand: how the hand is held where a key's turn is zero.
        pivot_mm: what a turn leaves in place: a point so far from the wrist towards the middle knuckle.
        tension: 0 for slack muscles, 1 for as tense as can be.
    """

    keys: tuple[Key, ...]
    R_world_hand: Float[np.ndarray, "3 3"]
    pivot_mm: float
    tension: float

    @property
    def seconds(self) -> float:
        """Length of the motion."""
        return self.keys[-1].seconds

    @property
    def touches(self) -> tuple[Touch, ...]:
        """Every touch of the motion, once."""
        return tuple(dict.fromkeys(touch for key in self.keys for touch in key.touches))


def minimum_jerk(share: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """How far a hand has come after a share of the time (Flash and Hogan 1985): from 0 to 1, starting and stopping softly."""
    s = np.clip(share, 0.0, 1.0)
    return s**3 * (10 - 15 * s + 6 * s**2)


def theta_curve(script: Script, seconds: Float[np.ndarray, " moments"]) -> Float[np.ndarray, "moments pose"]:
    """Theta at each time: every joint by minimum jerk from key to key, in the order that the key names."""
    theta = np.tile(script.keys[0].theta, (len(seconds), 1))
    for start, end in pairwise(script.keys):
        share = _share(start, end, seconds)
        for columns, (leave, arrive) in _windows(end.order):
            progress = minimum_jerk((share - leave) / (arrive - leave))
            theta[:, columns] += progress[:, None] * (end.theta - start.theta)[columns]
    return theta


def turn_curve(script: Script, seconds: Float[np.ndarray, " moments"]) -> Float[np.ndarray, "moments 3"]:
    """The hand's turn at each time, a rotation vector in the world."""
    turn = np.tile(script.keys[0].turn, (len(seconds), 1))
    for start, end in pairwise(script.keys):
        turn += minimum_jerk(_share(start, end, seconds))[:, None] * np.subtract(end.turn, start.turn)
    return turn


def touch_curves(script: Script, seconds: Float[np.ndarray, " moments"]) -> Float[np.ndarray, "moments touches"]:
    """How far each of ``script.touches`` is closed at each time: 1 at keys that have it, 0 at others, smooth between."""
    held = np.array([[touch in key.touches for touch in script.touches] for key in script.keys], dtype=np.float64)
    weights = np.tile(held[0], (len(seconds), 1))
    for (start, end), change in zip(pairwise(script.keys), np.diff(held, axis=0), strict=True):
        weights += minimum_jerk(_share(start, end, seconds))[:, None] * change
    return weights


def _share(start: Key, end: Key, seconds: Float[np.ndarray, " moments"]) -> Float[np.ndarray, " moments"]:
    return (seconds - start.seconds) / (end.seconds - start.seconds)


def _windows(order: tuple[tuple[str, ...], ...]) -> list[tuple[list[int], tuple[float, float]]]:
    """For each group of fingers its columns of theta, and the shares of the time at which it leaves and arrives."""
    part = len(order) + 1
    return [
        ([i for i in range(POSE_SIZE) if POSE_NAMES[i].startswith(group)], (place / part, (place + 2) / part))
        for place, group in enumerate(order)
    ]
