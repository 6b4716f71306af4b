"""Laws of the studio's motions: complete, anatomical, smooth, touching where they say so, and without fingers that run through others."""

from functools import cache

import numpy as np
import pytest

from datasets.virtual_studio.motion_script import touch_curves
from datasets.virtual_studio.motions import TEST_MOTIONS, TRAINING_MOTIONS, script_of, stances
from datasets.virtual_studio.touch import YIELD_MM, place_spot
from datasets.virtual_studio.touch_capsules import Capsules, pose_bones
from datasets.virtual_studio.types import Stance
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import HandTemplate
from tests.datasets.virtual_studio.skeletons import skeleton

PAPER_TRAINING = """neutral relaxed, neutral rigid, good luck, fake gun, star trek, star trek extended thumb,
thumb up relaxed, thumb up normal, thumb up rigid, thumb tuck normal, thumb tuck rigid, aokay, aokay upright, surfer,
rocker, rocker front, rocker back, fist, fist rigid, alligator closed, one count, two count, three count, four count, five count,
indextip, middletip, ringtip, pinkytip, palm up, finger spread relaxed, finger spread normal, finger spread rigid,
capisce, claws, peacock, cup, shakespeareyorick, dinosaur, middle finger"""
PAPER_TEST = """five count up, five countdown, fingertip touch, relaxed wave, fist wave, prom wave, palm down wave,
index finger wave, palmer wave, snap, finger wave, finger walk, cash money, snap all"""

ALL = TRAINING_MOTIONS + TEST_MOTIONS
TOUCHING = ("pinkytip", "capisce", "alligator_closed", "fist_rigid", "good_luck", "cash_money")
COUNT = 21
FULLY_HELD = 0.9999


def snake(names: str) -> tuple[str, ...]:
    return tuple("_".join(name.split()) for name in names.split(","))


@cache
def performance(name: str, seed: int = 0, count: int = COUNT) -> tuple[Stance, ...]:
    return tuple(stances(name, skeleton(seed), count, np.random.default_rng(seed)))


def thetas(moments: tuple[Stance, ...]) -> np.ndarray:
    return np.array([stance.theta for stance in moments])


def test_the_paper_s_lists_are_complete() -> None:
    assert snake(PAPER_TRAINING) == TRAINING_MOTIONS
    assert snake(PAPER_TEST) == TEST_MOTIONS
    assert len(TRAINING_MOTIONS) == 40
    assert len(set(ALL)) == len(ALL) == 54


def test_an_unknown_name_is_one_line_that_lists_near_ones() -> None:
    with pytest.raises(ValueError, match="fist_rigid") as error:
        stances("fist_rigit", skeleton(0), 1, np.random.default_rng(0))
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="0 or more"):
        stances("fist", skeleton(0), -1, np.random.default_rng(0))


@pytest.mark.parametrize("count", [0, 1])
def test_few_moments(count: int) -> None:
    assert len(performance("ringtip", count=count)) == count


@pytest.mark.parametrize("name", ["pinkytip", "finger_walk"])
def test_the_generator_decides_and_more_moments_are_the_same_performance(name: str) -> None:
    again = stances(name, skeleton(0), COUNT, np.random.default_rng(0))
    np.testing.assert_array_equal(thetas(performance(name)), thetas(tuple(again)))
    denser = performance(name, count=2 * COUNT - 1)[::2]
    np.testing.assert_allclose(thetas(denser), thetas(performance(name)), atol=1e-9)
    np.testing.assert_allclose([s.position for s in denser], [s.position for s in performance(name)], atol=1e-9)
    other = stances(name, skeleton(0), COUNT, np.random.default_rng(1))
    assert np.abs(thetas(tuple(other)) - thetas(performance(name))).max() > 0.02


@pytest.mark.parametrize("name", ALL)
def test_every_moment_is_a_hand(name: str) -> None:
    """Within anatomy, turned properly, near the studio's middle, and with flesh that yields little."""
    seed, template = ALL.index(name) % 3, HandTemplate.load()
    moments = performance(name, seed)
    theta, R = thetas(moments), np.array([stance.R_world_hand for stance in moments])
    assert (theta >= template.pose_lower - 1e-9).all()
    assert (theta <= template.pose_upper + 1e-9).all()
    np.testing.assert_allclose(R @ R.transpose(0, 2, 1), np.tile(np.eye(3), (COUNT, 1, 1)), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(R), 1, atol=1e-9)
    assert max(np.linalg.norm(stance.position) for stance in moments) < 180
    depth = Capsules.of(skeleton(seed)).overlaps(pose_bones(skeleton(seed), theta)).depth
    assert depth.max() < 2.0


@pytest.mark.parametrize("name", ALL)
def test_a_motion_starts_and_ends_near_a_relaxed_hand(name: str) -> None:
    theta = thetas(performance(name, ALL.index(name) % 3))
    relaxed = np.array(NAMED_POSES["neutral_relaxed"])
    assert np.abs(theta[[0, -1]] - relaxed).max() < np.radians(25)
    assert np.abs(theta[[0, -1]] - relaxed).mean() < np.radians(5)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", TOUCHING)
def test_what_should_touch_touches(name: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    script = script_of(name, generator)
    held = touch_curves(script, np.linspace(0, script.seconds, COUNT)) > FULLY_HELD
    assert held.any()
    bones, capsules = pose_bones(skeleton(seed), thetas(performance(name, seed))), Capsules.of(skeleton(seed))
    for touch, when in zip(script.touches, held.T, strict=True):
        first, second = (place_spot(spot, capsules, bones) for spot in (touch.first, touch.second))
        apart = np.linalg.norm(first.centre - second.centre, axis=1)[when]
        np.testing.assert_allclose(apart, first.radius + second.radius - YIELD_MM, atol=0.3)


@pytest.mark.parametrize("name", ["ringtip", "capisce", "fist_rigid", "five_count_up", "thumb_tuck_rigid", "cash_money"])
def test_nothing_jumps(name: str) -> None:
    """A step to the next moment is hardly longer than the steps beside it."""
    step = np.abs(np.diff(thetas(performance(name, count=161)), axis=0)).max(axis=1)
    beside = np.maximum(step[:-2], step[2:])
    assert (step[1:-1] < 2 * beside + np.radians(8)).all()


def test_rigid_muscles_tremble() -> None:
    def roughness(name: str) -> float:
        theta = thetas(performance(name, count=161))[70:100]
        return float(np.abs(np.diff(theta, 3, axis=0)).mean())

    assert roughness("finger_spread_rigid") > 3 * roughness("finger_spread_relaxed")


def test_crossed_fingers_are_crossed() -> None:
    """Seen on the palm, the middle finger's tip lies on the thumb's side of the index finger's."""
    held = thetas(performance("good_luck"))[COUNT // 2][None]
    capsules, bones = Capsules.of(skeleton(0)), pose_bones(skeleton(0), held)
    ends = dict(zip(("index", "middle"), capsules.placed(bones)[1][0, [5, 8]], strict=True))
    assert ends["middle"][2] > ends["index"][2]
