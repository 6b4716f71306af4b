"""The motions of the paper's captures by name (section 14): 40 poses to train with, and conversational gestures to test with."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

import numpy as np

from datasets.virtual_studio.gestures import GESTURES
from datasets.virtual_studio.motion_facing import AHEAD, BACK, DOWN, FRONT, KNUCKLE_MM, SIDE, UP
from datasets.virtual_studio.motion_script import ALL_AT_ONCE, FINGERS_THEN_THUMB, THUMB_THEN_FINGERS, Key, Script
from datasets.virtual_studio.performance import perform
from datasets.virtual_studio.touch import Touch, side_by_side, thumb_over, tips
from datasets.virtual_studio.types import Stance, SubjectSkeleton
from estimator.hand.poses import NAMED_POSES, PAPER_POSES

TRAINING_MOTIONS: tuple[str, ...] = PAPER_POSES
"""The 40 motions of the training set, each from a relaxed hand into one of the paper's poses and back."""

TEST_MOTIONS: tuple[str, ...] = tuple(GESTURES)
"""The gestures of the test set: the paper counts 15 and names 14. Its "five count" is ``five_count_up``, since a pose has that name."""


def stances(name: str, skeleton: SubjectSkeleton, count: int, generator: np.random.Generator) -> list[Stance]:
    """``count`` moments, evenly in time, of one performance of a motion by a subject.

    All that is random is drawn before the performance is sampled: the same generator gives the same performance whatever ``count``.

    Raises:
        ValueError: when there is no motion of that name, or ``count`` is negative.
    """
    if count < 0:
        raise ValueError(f"a motion has no {count} moments; count must be 0 or more")
    return perform(script_of(name, generator), skeleton, count, generator)


def script_of(name: str, generator: np.random.Generator) -> Script:
    """The key poses of one performance of a motion, of nobody's hand in particular.

    Raises:
        ValueError: when there is no motion of that name.
    """
    if name in GESTURES:
        return GESTURES[name](generator)
    if name in TRAINING_MOTIONS:
        return _training_script(name, generator)
    near = get_close_matches(name, TRAINING_MOTIONS + TEST_MOTIONS, n=3) or TRAINING_MOTIONS + TEST_MOTIONS
    raise ValueError(f"there is no motion {name!r}; there is {', '.join(near)}")


_HELD = MappingProxyType(
    {
        SIDE: "neutral_relaxed neutral_rigid aokay rocker fist fist_rigid thumb_tuck_normal thumb_tuck_rigid"
        " indextip middletip ringtip pinkytip",
        FRONT: "good_luck star_trek star_trek_extended_thumb aokay_upright rocker_front claws peacock"
        " one_count two_count three_count four_count five_count finger_spread_relaxed finger_spread_normal finger_spread_rigid",
        BACK: "surfer rocker_back capisce middle_finger",
        AHEAD: "fake_gun thumb_up_relaxed thumb_up_normal thumb_up_rigid cup",
        UP: "palm_up shakespeareyorick",
        DOWN: "alligator_closed dinosaur",
    }
)
_FACING = {name: facing for facing, names in _HELD.items() for name in names.split()}

_TENSION = MappingProxyType({"relaxed": 0.0, "rigid": 1.0})
_AVERAGE_TENSION = 0.4

_FIST = (thumb_over("middle"), thumb_over("index", on_thumb=0.1))
_TOUCHES: Mapping[str, tuple[Touch, ...]] = MappingProxyType(
    {
        "aokay": (tips("index"),),
        "aokay_upright": (tips("index"),),
        "indextip": (tips("index"),),
        "middletip": (tips("middle"),),
        "ringtip": (tips("ring"),),
        "pinkytip": (tips("pinky"),),
        "three_count": (tips("pinky"),),
        "peacock": (tips("index"),),
        "capisce": (tips("index"), tips("middle"), side_by_side("middle", "ring"), side_by_side("ring", "pinky")),
        "alligator_closed": (tips("middle"),),
        "fist": _FIST,
        "fist_rigid": _FIST,
        "one_count": (thumb_over("middle"),),
        "middle_finger": (thumb_over("index"),),
        "two_count": (thumb_over("ring"),),
        "good_luck": (thumb_over("ring"),),
        "rocker": (thumb_over("middle"),),
        "rocker_front": (thumb_over("middle"),),
        "rocker_back": (thumb_over("middle"),),
    }
)

_ORDER = {
    **{name: FINGERS_THEN_THUMB for name, touches in _TOUCHES.items() if touches[0].second.bone.endswith("2")},
    **dict.fromkeys(("thumb_tuck_normal", "thumb_tuck_rigid", "four_count"), THUMB_THEN_FINGERS),
}


def _training_script(name: str, generator: np.random.Generator) -> Script:
    """From a relaxed hand into the pose, holding it, and back, in a performance's own time and strength."""
    relaxed, pose = (np.array(NAMED_POSES[each]) for each in ("neutral_relaxed", name))
    pose = relaxed + generator.uniform(0.9, 1.06) * (pose - relaxed)
    rest, enter, hold, leave = generator.uniform((0.2, 0.6, 2.4, 0.6), (0.4, 1.1, 3.4, 1.0))
    times = np.cumsum((0.0, rest, enter, hold, leave, rest)).tolist()
    touches, order = _TOUCHES.get(name, ()), _ORDER.get(name, ALL_AT_ONCE)
    there = [Key(time, pose, touches=touches, order=order) for time in times[2:4]]
    back = Key(times[4], relaxed, order=order[::-1])
    keys = (Key(times[0], relaxed), Key(times[1], relaxed), *there, back, Key(times[5], relaxed))
    tension = _TENSION.get(name.rsplit("_", 1)[-1], _AVERAGE_TENSION)
    return Script(keys, _FACING[name].R_world_hand, KNUCKLE_MM, tension)
