"""Penetration found at nearest vertices agrees with the meter that measures distances to triangles."""

import numpy as np
import pytest

from decoder_pretrain.penetration import PenetrationMeter
from demo.posing import Poser, poser_of
from estimator.hand.poses import NAMED_POSES


@pytest.fixture(scope="module")
def poser() -> Poser:
    return poser_of("template")


@pytest.fixture(scope="module")
def meter(poser: Poser) -> PenetrationMeter:
    return PenetrationMeter(poser.template)


@pytest.mark.parametrize("name", ["flat", "fist", "rocker", "ringtip", "alligator_closed"])
def test_as_deep_and_as_wide_as_the_meter_says(poser: Poser, meter: PenetrationMeter, name: str) -> None:
    posed = poser.pose(np.array(NAMED_POSES[name]))
    exact = meter.depths(posed.vertices)
    assert abs(posed.depth_mm.max() - exact.max()) < 0.25
    found, inside = posed.depth_mm > 0.5, exact > 0.5
    assert (found & inside).sum() >= 0.97 * inside.sum()
    assert (found & ~inside).sum() <= 0.03 * inside.sum() + 8


def test_an_open_hand_is_nowhere_inside_itself(poser: Poser) -> None:
    assert not (poser.pose(np.array(NAMED_POSES["spread"])).depth_mm > 0.3).any()
