"""Steadying: straight motion stays, noise goes, nothing lags; on the manifold."""

import numpy as np
import pytest

from estimator.hand.template import POSE_SIZE
from estimator.refinement import HandState
from estimator.refinement_kernel import rotation_of
from estimator.smoothing import Smoothing, between, smoothed

SECONDS = (np.arange(31) / 30).tolist()


def state(theta: np.ndarray, turn: np.ndarray, place: np.ndarray) -> HandState:
    return HandState(theta, rotation_of(turn), place, np.ones(6))


def moving(noise: np.random.Generator | None = None, speed: float = 0.0) -> list[HandState]:
    """A hand that bends, turns about one axis and drifts evenly."""
    axis, place = np.array([0.3, -0.2, 0.9]), np.array([20.0, -30.0, 500.0])
    draw = (lambda size, scale: scale * noise.standard_normal(size)) if noise else (lambda size, scale: np.zeros(size))
    return [state(0.3 + speed * t + draw(POSE_SIZE, 0.05), speed * t * axis + draw(3, 0.03), place * (1 + draw(3, 0.004))) for t in SECONDS]


def distance(one: HandState, other: HandState) -> tuple[float, float, float]:
    turn = np.arccos(np.clip((np.trace(one.rotation.T @ other.rotation) - 1) / 2, -1, 1))
    return float(np.abs(one.theta - other.theta).max()), float(turn), float(np.linalg.norm(one.translation - other.translation))


@pytest.mark.parametrize("at", [0, 7, 15, 30])
def test_a_still_hand_stays(at: int) -> None:
    states = moving()
    assert distance(smoothed(SECONDS, states, at, Smoothing()), states[at]) == pytest.approx((0, 0, 0), abs=1e-6)


@pytest.mark.parametrize("speed", [0.1, 1.0, 5.0])
def test_even_motion_stays(speed: float) -> None:
    states = moving(speed=speed)
    theta, turn, _ = distance(smoothed(SECONDS, states, 15, Smoothing()), states[15])
    assert theta < 1e-6
    assert turn < 1e-3  # the arm from palm to wrist swings along


def test_noise_of_a_still_hand_falls_threefold() -> None:
    random = np.random.default_rng(0)
    truth = moving()[0]
    before, after = [], []
    for _ in range(12):
        states = moving(random)
        before.append(distance(states[15], truth))
        after.append(distance(smoothed(SECONDS, states, 15, Smoothing()), truth))
    assert (np.mean(before, axis=0) > 3 * np.mean(after, axis=0)).all()


def test_a_fast_motion_neither_lags_nor_fades() -> None:
    seconds = (np.arange(90) / 30).tolist()
    swing = [np.sin(2 * np.pi * 1.5 * t) for t in seconds]
    states = [state(np.full(POSE_SIZE, 0.6 * s), np.array([0.0, 0.0, 0.5 * s]), np.array([50.0 * s, 0.0, 500.0])) for s in swing]
    found = np.array([smoothed(seconds, states, at, Smoothing()).theta[0] for at in range(20, 70)])
    true = 0.6 * np.array(swing)
    lags = range(-4, 5)
    errors = [np.square(found - true[20 - lag : 70 - lag]).mean() for lag in lags]
    assert lags[int(np.argmin(errors))] == 0
    assert found.std() > 0.85 * true[20:70].std()


def test_turning_the_world_turns_the_answer() -> None:
    states, R = moving(np.random.default_rng(2)), rotation_of(np.array([0.0, 0.0, 1.0]))  # about the camera's axis
    turned = [HandState(s.theta, R @ s.rotation, R @ s.translation, s.proportions) for s in states]
    one, other = smoothed(SECONDS, states, 12, Smoothing()), smoothed(SECONDS, turned, 12, Smoothing())
    np.testing.assert_allclose(other.rotation, R @ one.rotation, atol=1e-9)
    np.testing.assert_allclose(other.theta, one.theta, atol=1e-9)
    np.testing.assert_allclose(other.translation, R @ one.translation, atol=0.5)


def test_between_two_states() -> None:
    one, other = moving(speed=2.0)[0], moving(speed=2.0)[20]
    assert distance(between(one, other, 0.0), one) == pytest.approx((0, 0, 0), abs=1e-6)
    assert distance(between(one, other, 1.0), other) == pytest.approx((0, 0, 0), abs=1e-6)
    half = between(one, other, 0.5)
    assert distance(half, one)[1] == pytest.approx(distance(half, other)[1], abs=1e-6)
