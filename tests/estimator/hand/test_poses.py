"""Laws of the named poses."""

import numpy as np
import pytest

from estimator.hand.poses import NAMED_POSES, PAPER_POSES
from estimator.hand.template import POSE_NAMES, POSE_SIZE, HandTemplate


@pytest.mark.parametrize("name", NAMED_POSES)
def test_poses_lie_within_anatomy(name: str) -> None:
    theta, template = np.array(NAMED_POSES[name]), HandTemplate.load()
    assert theta.shape == (POSE_SIZE,)
    assert (theta >= template.pose_lower - 1e-9).all()
    assert (theta <= template.pose_upper + 1e-9).all()


def test_the_paper_s_poses_are_there_under_their_names() -> None:
    assert len(PAPER_POSES) == len(set(PAPER_POSES)) == 40
    assert set(PAPER_POSES) < set(NAMED_POSES)


def test_earlier_names_stay() -> None:
    for name in ("flat", "relaxed", "spread", "tuck_fist", "thumb_tuck", "thumb_up", "point", "two", "three", "four", "ok", "pinch_index"):
        assert name in NAMED_POSES


def test_rigid_is_more_than_relaxed() -> None:
    bend = [i for i, name in enumerate(POSE_NAMES) if name.endswith("1.z") and not name.startswith("thumb")]

    def bent(name: str) -> float:
        return float(np.array(NAMED_POSES[name])[bend].mean())

    assert bent("finger_spread_rigid") < bent("finger_spread_normal") < bent("finger_spread_relaxed")
    assert bent("neutral_rigid") < bent("neutral_relaxed")
    assert bent("thumb_up_relaxed") < bent("thumb_up_normal") < bent("thumb_up_rigid")
