"""The conversational gestures of the paper's test set (section 14), each a script of key poses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from datasets.virtual_studio.gesture_poses import PIANO, SCOOPED, SNAPPED, SNAPPING, STEPS, STIFF_WAVE, WAVING
from datasets.virtual_studio.motion_facing import DOWN, DROOPING, FRONT, KNUCKLE_MM, SIDE, STANDING, UP, Facing
from datasets.virtual_studio.motion_script import ALL_AT_ONCE, FINGERS_THEN_THUMB, THUMB_THEN_FINGERS, Key, Script
from datasets.virtual_studio.touch import Touch, thumb_over, tips
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import FINGERS, POSE_NAMES

_WRIST_MM, _FOREARM_MM = 0.0, -120.0


@dataclass(frozen=True)
class Step:
    """The next key pose of a gesture.

    Attributes:
        theta: radians.
        seconds: on the way to it.
        turn_deg: of the hand in the world, about x (to the thumb's side of a palm that faces front), y (up), z (front).
        touches: what touches.
        order: which fingers go first.
    """

    theta: Sequence[float]
    seconds: float
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    touches: tuple[Touch, ...] = ()
    order: tuple[tuple[str, ...], ...] = ALL_AT_ONCE


_RELAXED = Step(NAMED_POSES["neutral_relaxed"], 0.5)
_COUNTS = (
    Step(NAMED_POSES["one_count"], 0.6, touches=(thumb_over("middle"),)),
    Step(NAMED_POSES["two_count"], 0.45, touches=(thumb_over("ring"),)),
    Step(NAMED_POSES["three_count"], 0.45, touches=(tips("pinky"),)),
    Step(NAMED_POSES["four_count"], 0.45),
    Step(NAMED_POSES["five_count"], 0.4),
)


def _script(
    generator: np.random.Generator,
    facing: Facing,
    steps: Sequence[Step],
    pivot_mm: float = KNUCKLE_MM,
    tension: float = 0.3,
) -> Script:
    """The steps between two relaxed ones, in a performance's own tempo and rhythm."""
    steps = [_RELAXED, *steps, _RELAXED]
    pace = generator.uniform(0.85, 1.2) * generator.uniform(0.9, 1.1, size=len(steps)) * [step.seconds for step in steps]
    times = np.cumsum(pace) - pace[0]
    keys = tuple(
        Key(float(time), np.array(step.theta), tuple(np.radians(step.turn_deg).tolist()), step.touches, step.order)
        for time, step in zip(times, steps, strict=True)
    )
    return Script(keys, facing.R_world_hand, pivot_mm, tension)


def _held(step: Step, seconds: float) -> tuple[Step, Step]:
    """A step, and staying there."""
    return step, Step(step.theta, seconds, step.turn_deg, step.touches)


def _counted(generator: np.random.Generator, counts: Sequence[Step]) -> Script:
    """From count to count: the thumb lets go, fingers move, the thumb follows."""
    steps: list[Step] = []
    for step in counts:
        if steps:
            steps.append(Step(_with_thumb_off(steps[-1].theta), 0.22))
        steps += _held(replace(step, order=FINGERS_THEN_THUMB), 0.4)
    return _script(generator, FRONT, steps)


def _count_up(generator: np.random.Generator) -> Script:
    return _counted(generator, _COUNTS)


def _count_down(generator: np.random.Generator) -> Script:
    return _counted(generator, _COUNTS[::-1])


def _with_thumb_off(theta: Sequence[float]) -> tuple[float, ...]:
    """The fingers' angles with a relaxed thumb."""
    relaxed = NAMED_POSES["neutral_relaxed"]
    return tuple(relaxed[i] if name.startswith("thumb") else theta[i] for i, name in enumerate(POSE_NAMES))


def _touch_fingertips(generator: np.random.Generator) -> Script:
    open_hand = Step(NAMED_POSES["neutral_relaxed"], 0.25)
    steps = []
    for finger in FINGERS[1:]:
        steps += [*_held(Step(NAMED_POSES[f"{finger}tip"], 0.35, touches=(tips(finger),)), 0.25), open_hand]
    return _script(generator, SIDE, steps)


def _wave(
    generator: np.random.Generator,
    facing: Facing,
    there: Sequence[float],
    back: Sequence[float],
    turn_deg: tuple[float, float, float],
    pivot_mm: float,
    seconds: float,
    tension: float = 0.2,
    enter: Step | None = None,
) -> Script:
    """Three or four times to and fro; ``there`` and ``back`` are the hand at either end."""
    wide = generator.uniform(0.8, 1.15)
    ends = (tuple(wide * angle for angle in turn_deg), tuple(-wide * angle for angle in turn_deg))
    first = [enter] if enter else []
    touches = enter.touches if enter else ()
    swings = [
        Step(theta, seconds, end, touches) for _ in range(generator.integers(3, 5)) for theta, end in zip((there, back), ends, strict=True)
    ]
    return _script(
        generator, facing, [*first, *swings, *([Step(enter.theta, seconds, touches=touches)] if enter else [])], pivot_mm, tension
    )


def _wave_relaxed(generator: np.random.Generator) -> Script:
    return _wave(generator, DROOPING, WAVING[0], WAVING[1], (28.0, 0.0, 0.0), _WRIST_MM, 0.4, tension=0.0)


def _wave_fist(generator: np.random.Generator) -> Script:
    fist = NAMED_POSES["fist"]
    touches = (thumb_over("middle"), thumb_over("index", on_thumb=0.1))
    enter = Step(fist, 0.7, touches=touches, order=FINGERS_THEN_THUMB)
    return _wave(generator, SIDE, fist, fist, (12.0, 50.0, 12.0), _WRIST_MM, 0.5, enter=enter)


def _wave_prom(generator: np.random.Generator) -> Script:
    return _wave(generator, FRONT, STIFF_WAVE, STIFF_WAVE, (0.0, 32.0, 4.0), _FOREARM_MM, 0.45)


def _wave_palm_down(generator: np.random.Generator) -> Script:
    return _wave(generator, DOWN, NAMED_POSES["palm_up"], NAMED_POSES["palm_up"], (0.0, 28.0, 6.0), _WRIST_MM, 0.38)


def _wave_index_finger(generator: np.random.Generator) -> Script:
    point = NAMED_POSES["one_count"]
    enter = Step(point, 0.6, touches=(thumb_over("middle"),))
    return _wave(generator, FRONT, point, point, (0.0, 0.0, 22.0), _WRIST_MM, 0.28, enter=enter)


def _wave_palmer(generator: np.random.Generator) -> Script:
    return _wave(generator, DOWN, STIFF_WAVE, SCOOPED, (-18.0, 0.0, 0.0), _WRIST_MM, 0.45)


def _snap_of(finger: str) -> list[Step]:
    """Thumb and finger press together; then the finger slips off and slaps the palm."""
    press = Step(SNAPPING[finger], 0.45, touches=(tips(finger),))
    return [*_held(press, 0.2), Step(SNAPPED[finger], 0.22), Step(SNAPPED[finger], 0.25), Step(NAMED_POSES["neutral_relaxed"], 0.4)]


def _snap(generator: np.random.Generator) -> Script:
    return _script(generator, SIDE, [*_snap_of("middle"), *_snap_of("middle")])


def _snap_all(generator: np.random.Generator) -> Script:
    return _script(generator, SIDE, [step for finger in FINGERS[1:] for step in _snap_of(finger)])


def _wave_fingers(generator: np.random.Generator) -> Script:
    order = (*FINGERS[::-1], *FINGERS[1:])
    steps = [Step(PIANO[None], 0.4), *(Step(PIANO[finger], 0.24) for _ in range(2) for finger in order), Step(PIANO[None], 0.3)]
    return _script(generator, DOWN, steps)


def _walk(generator: np.random.Generator) -> Script:
    paces = [Step(theta, 0.32) for _ in range(generator.integers(3, 5)) for theta in STEPS]
    return _script(generator, STANDING, [Step(STEPS[0], 0.7, order=THUMB_THEN_FINGERS), *paces])


def _rub_money(generator: np.random.Generator) -> Script:
    """The thumb to and fro between the index and the middle fingertip."""
    theta = NAMED_POSES["alligator_closed"]
    ends = [(tips("index", 0.7),), (tips("middle", 0.85),)]
    rubs = [Step(theta, 0.26, touches=touches) for _ in range(generator.integers(4, 6)) for touches in ends]
    return _script(generator, UP, [Step(theta, 0.6, touches=ends[0]), *rubs])


GESTURES: Mapping[str, Callable[[np.random.Generator], Script]] = MappingProxyType(
    {
        "five_count_up": _count_up,
        "five_countdown": _count_down,
        "fingertip_touch": _touch_fingertips,
        "relaxed_wave": _wave_relaxed,
        "fist_wave": _wave_fist,
        "prom_wave": _wave_prom,
        "palm_down_wave": _wave_palm_down,
        "index_finger_wave": _wave_index_finger,
        "palmer_wave": _wave_palmer,
        "snap": _snap,
        "finger_wave": _wave_fingers,
        "finger_walk": _walk,
        "cash_money": _rub_money,
        "snap_all": _snap_all,
    }
)
"""A gesture's script by its name, random in tempo, number and width of its movements."""
