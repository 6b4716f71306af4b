"""Laws of the pose sampler, on the shipped template."""

import pytest
import torch

from datasets.pose_sampler import PoseDistribution, PoseSampler
from estimator.hand.template import FINGERTIPS, POSE_NAMES, POSE_SIZE, HandTemplate


@pytest.fixture(scope="module")
def sampler() -> PoseSampler:
    return PoseSampler(HandTemplate.load())


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_poses_stay_within_anatomy(sampler: PoseSampler) -> None:
    poses = sampler.sample(500, generator())
    assert poses.shape == (500, POSE_SIZE)
    assert (poses >= sampler.lower - 1e-6).all()
    assert (poses <= sampler.upper + 1e-6).all()


def test_same_generator_same_poses(sampler: PoseSampler) -> None:
    torch.testing.assert_close(sampler.sample(50, generator(3)), sampler.sample(50, generator(3)), rtol=0, atol=0)
    assert not torch.equal(sampler.sample(50, generator(3)), sampler.sample(50, generator(4)))


def test_fingers_keep_clear_of_each_other() -> None:
    free = PoseSampler(HandTemplate.load(), PoseDistribution(pinch_share=0.0))
    assert free._clearance(free.sample(300, generator())).min() > PoseDistribution().clearance_mm - 3


def test_pinches_touch() -> None:
    pinching = PoseSampler(HandTemplate.load(), PoseDistribution(pinch_share=1.0, named_share=0.0))
    poses = pinching.sample(100, generator())
    joints = pinching.decoder.frames(poses, pinching.decoder.joint_offsets.expand(100, -1, -1)).positions
    thumb, *others = FINGERTIPS
    nearest = (joints[:, others] - joints[:, [thumb]]).norm(dim=-1).min(dim=1).values
    assert nearest.max() < PoseDistribution().pinch_mm[1]


def test_last_joints_follow_the_middle_ones(sampler: PoseSampler) -> None:
    poses = torch.rad2deg(sampler._free(4000, generator()))
    middle, last = (poses[:, POSE_NAMES.index(f"ring{i}.z")] for i in (2, 3))
    assert torch.corrcoef(torch.stack([middle, last]))[0, 1] > 0.8


def test_no_poses(sampler: PoseSampler) -> None:
    assert sampler.sample(0, generator()).shape == (0, POSE_SIZE)
