"""Laws of the hand's capsules: kinematics as the decoder has them, true velocities, true distances."""

import numpy as np
import torch

from datasets.virtual_studio.touch_capsules import Capsules, nearest_shares, pose_bones
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_NAMES, POSE_SIZE, HandTemplate
from tests.datasets.virtual_studio.skeletons import skeleton


def some_theta(count: int) -> np.ndarray:
    template = HandTemplate.load()
    return np.random.default_rng(0).uniform(template.pose_lower, template.pose_upper, (count, POSE_SIZE))


def test_bones_lie_where_the_decoder_puts_them() -> None:
    theta, decoder = some_theta(5), HandDecoder(HandTemplate.load()).double()
    bones = pose_bones(skeleton(0), theta)
    frames = decoder.frames(torch.tensor(theta), decoder.joint_offsets.expand(5, -1, -1))
    np.testing.assert_allclose(bones.positions, frames.positions.numpy(), atol=1e-3)
    np.testing.assert_allclose(bones.rotations, frames.rotations.numpy(), atol=1e-5)


def test_velocities_are_finite_differences() -> None:
    theta, joint, local, small = some_theta(1), JOINT_NAMES.index("thumb3"), np.array([10.0, 2.0, 3.0]), 1e-6

    def place(theta: np.ndarray) -> np.ndarray:
        bones = pose_bones(skeleton(1), theta)
        return bones.positions[:, joint] + bones.rotations[:, joint] @ local

    nudged = np.repeat(theta, POSE_SIZE, axis=0)
    differences = (place(nudged + small * np.eye(POSE_SIZE)) - place(nudged - small * np.eye(POSE_SIZE))) / (2 * small)
    velocities = pose_bones(skeleton(1), theta).velocities(np.array([0]), np.array([joint]), place(theta))
    np.testing.assert_allclose(velocities[0], differences, atol=1e-5)


def test_nearest_shares_are_nearest() -> None:
    a, b, c, d = np.random.default_rng(0).normal(size=(4, 50, 3))
    s, t = nearest_shares(a, b, c, d)
    found = np.linalg.norm(a + s[:, None] * (b - a) - c - t[:, None] * (d - c), axis=1)
    grid = np.linspace(0, 1, 60)
    first, second = (start[:, None] + grid[:, None] * (end - start)[:, None] for start, end in ((a, b), (c, d)))
    searched = np.linalg.norm(first[:, :, None] - second[:, None], axis=-1).min(axis=(1, 2))
    assert (found < searched + 1e-9).all()
    assert (found > searched - 0.1).all()


def test_a_flat_hand_overlaps_nowhere() -> None:
    for seed in range(3):
        assert Capsules.of(skeleton(seed)).overlaps(pose_bones(skeleton(seed), np.zeros((1, POSE_SIZE)))).depth.max() < 1.5
