"""What counts as trembling."""

import numpy as np
import pytest

from estimator.clip_jitter import JitterMeter


def jitter(points: np.ndarray, seconds: np.ndarray) -> float:
    meter = JitterMeter()
    for index, (at, time) in enumerate(zip(points, seconds, strict=True)):
        meter.add(0, index, float(time), at)
    return meter.rms_mm


@pytest.mark.parametrize("uneven", [False, True])
def test_noise_gives_its_own_size(uneven: bool) -> None:
    random = np.random.default_rng(0)
    seconds = np.cumsum(random.uniform(0.01, 0.1, 2000)) if uneven else np.arange(2000) / 30
    points = random.normal(0, 1 / np.sqrt(3), (2000, 21, 3))
    assert jitter(points, seconds) == pytest.approx(1.0, rel=0.03)


def test_straight_motion_gives_none() -> None:
    seconds = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.1, 50))
    assert jitter(seconds[:, None, None] * np.ones((21, 3)) * 300.0, seconds) == pytest.approx(0.0, abs=1e-6)


def test_frames_that_are_no_neighbours_are_not_compared() -> None:
    meter = JitterMeter()
    for index in (0, 1, 5, 6, 9):
        meter.add(0, index, index / 30, np.full((21, 3), float(index**2)))
    assert np.isnan(meter.rms_mm)


def test_hands_are_measured_apart() -> None:
    meter = JitterMeter()
    for index in range(10):
        for identity in (0, 1):
            meter.add(identity, index, index / 30, np.full((21, 3), 100.0 * identity))
    assert meter.rms_mm == 0
