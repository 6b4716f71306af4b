"""HandTrack against the placed hands that it stands for."""

import numpy as np
import pytest

from estimator.hand_track import HandTrack
from estimator.placed_hand import PlacedHand
from tests.toys import toy_placed_hand


def track_of(hands: list[PlacedHand]) -> HandTrack:
    first, count = hands[0], len(hands)
    return HandTrack(
        identity=0,
        side=first.side,
        template=first.template,
        camera=first.camera,
        scale_source=first.scale_source,
        rest_vertices=first.rest_vertices,
        rest_rotations=first.rest_rotations,
        rest_positions=first.rest_positions,
        frames=np.arange(count),
        seconds=np.arange(count) / 25.0,
        theta=np.stack([hand.theta for hand in hands]),
        root_rotations=np.stack([hand.root_rotation for hand in hands]),
        root_translations=np.stack([hand.root_translation for hand in hands]),
        bridged=np.zeros(count, dtype=bool),
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_joints_are_those_of_the_placed_hands(side: str) -> None:
    hands = [toy_placed_hand(side, seed) for seed in range(3)]
    joints = track_of(hands).joints
    np.testing.assert_allclose(joints.rotations, [hand.joint_rotations for hand in hands], atol=1e-5)
    np.testing.assert_allclose(joints.positions, [hand.joint_positions for hand in hands], atol=1e-3)
