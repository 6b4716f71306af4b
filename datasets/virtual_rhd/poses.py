"""Poses of the virtual RHD's hands: anatomical ones, the paper's, pinches, and hands whose fingers each do what they like, as in signs."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from datasets.pose_sampler import PoseDistribution, PoseSampler
from datasets.virtual_rhd.hand_model import HandModel, load_hand_model
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import FINGERS, POSE_NAMES, POSE_SIZE

POOL = 2048
"""Poses drawn at once: pictures take them, jittered."""

POOL_PICTURES = 100_000
"""So many pictures, by number, share a pool."""

NAMED_SHARE = 0.45
"""Of the poses that are not signs: near a named one or between two."""

SIGN_SHARE = 0.3

_JITTER_DEG = 2.5

_STATES_DEG = np.array([(0, 3, 2), (-2, 85, 55), (40, 45, 25), (80, 8, 4), (80, 100, 60), (62, 84, 46), (20, 26, 14)])
_STATE_SHARES = np.array([0.30, 0.08, 0.08, 0.08, 0.26, 0.10, 0.10])
"""Flexion of a finger's three joints: stretched, hooked, half bent, flat and bent at the root, curled, loosely curled, at ease."""


@dataclass(frozen=True, eq=False)
class PosePool:
    """Poses ready for use.

    Attributes:
        model: whose they are.
        thetas: radians.
    """

    model: HandModel
    thetas: Float[np.ndarray, "poses pose"]

    def draw(self, generator: np.random.Generator) -> "DrawnPose":
        """One of them, a little changed."""
        theta = self.thetas[generator.integers(len(self.thetas))] + np.radians(generator.normal(0, _JITTER_DEG, POSE_SIZE))
        theta = np.clip(theta, self.model.template.pose_lower, self.model.template.pose_upper)
        return DrawnPose(theta, self.model.rotations(theta[None])[0])


@dataclass(frozen=True)
class DrawnPose:
    """A pose of one picture.

    Attributes:
        theta: radians.
        rotations: of the joints in the hand frame.
    """

    theta: Float[np.ndarray, " pose"]
    rotations: Float[np.ndarray, "joints 3 3"]


def pose_pool(seed: int, index: int) -> PosePool:
    """The poses, of the shipped template, that the picture of this number is taken from."""
    return _pool(seed, index // POOL_PICTURES)


@lru_cache(maxsize=4)
def _pool(seed: int, number: int) -> PosePool:
    model = load_hand_model()
    generator = Generator().manual_seed(1_000_003 * seed + number)
    return PosePool(model, sample_poses(model, POOL, generator).double().numpy())


def sample_poses(model: HandModel, count: int, generator: Generator) -> Float[Tensor, "count pose"]:
    """Poses in which no finger runs through another, in random order."""
    sampler = _sampler(model)
    signs = round(count * SIGN_SHARE)
    kept = [sampler.sample(count - signs, generator)]
    found = 0
    while found < signs:
        poses = _signs(4 * signs, sampler, generator)
        poses = poses[sampler.apart(poses)][: signs - found]
        kept.append(poses)
        found += len(poses)
    poses = torch.cat(kept)
    return poses[torch.randperm(count, generator=generator)]


@lru_cache(maxsize=1)
def _sampler(model: HandModel) -> PoseSampler:
    return PoseSampler(model.template, PoseDistribution(named_share=NAMED_SHARE))


def _signs(count: int, sampler: PoseSampler, generator: Generator) -> Float[Tensor, "count pose"]:
    """Each finger in a state of its own, jittered, neighbours often alike; the thumb as one of the named poses has it."""
    named = torch.tensor([list(pose) for pose in NAMED_POSES.values()], dtype=torch.float32)
    theta = named[torch.randint(len(named), (count,), generator=generator)].clone()
    states = torch.multinomial(torch.tensor(_STATE_SHARES), 4 * count, replacement=True, generator=generator).reshape(count, 4)
    for finger in range(1, 4):
        alike = torch.rand(count, generator=generator) < 0.5
        states[:, finger] = torch.where(alike, states[:, finger - 1], states[:, finger])
    table = torch.tensor(_STATES_DEG, dtype=torch.float32).deg2rad()
    spread = torch.deg2rad(9 * torch.randn(count, 1, generator=generator).abs() - 3)
    for place, finger in enumerate(FINGERS[1:]):
        for joint in range(3):
            theta[:, POSE_NAMES.index(f"{finger}{joint + 1}.z")] = table[states[:, place], joint]
        # straight fingers can spread, curled ones cannot
        straight = (states[:, place] == 0).float()
        theta[:, POSE_NAMES.index(f"{finger}1.y")] = straight * spread[:, 0] * (place - 1.2)
        theta[:, POSE_NAMES.index(f"{finger}1.x")] = 0
    jitter = torch.deg2rad(4 * torch.randn(count, POSE_SIZE, generator=generator))
    return (theta + jitter).clamp(sampler.lower, sampler.upper)
