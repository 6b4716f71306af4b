"""Hand poses as hands take them: theta drawn from anatomy, named poses and pinches, without fingers that run through each other."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import FINGERS, FINGERTIPS, JOINT_NAMES, POSE_NAMES, POSE_SIZE, HandTemplate

_LONG_FINGERS = FINGERS[1:]

Draw = Callable[[int, Generator], Tensor]
"""Gives so many poses."""

Judge = Callable[[Tensor], Tensor]
"""Says which of some poses are accepted."""


@dataclass(frozen=True)
class PoseDistribution:
    """Shares and spreads of the draw; angles in degrees.

    Attributes:
        pinch_share: of poses in which the thumb touches a finger.
        named_share: of poses near a named one or between two.
        root_flexion: range of the finger roots about z.
        middle_flexion: range of the middle joints.
        last_share: flexion of the last joint as a share of the middle one's.
        spread: standard deviation of the finger roots about y.
        twist: standard deviation of the finger roots about x.
        jitter: standard deviation added to named poses.
        clearance_mm: how far two fingers' axes stay apart.
        pinch_mm: distance of two tips that touch, smallest and largest.
    """

    pinch_share: float = 0.15
    named_share: float = 0.25
    root_flexion: tuple[float, float] = (-18.0, 85.0)
    middle_flexion: tuple[float, float] = (0.0, 108.0)
    last_share: float = 0.55
    spread: float = 6.0
    twist: float = 3.0
    jitter: float = 6.0
    clearance_mm: float = 12.0
    pinch_mm: tuple[float, float] = (6.0, 17.0)


class PoseSampler:
    """Draws theta for one template; all randomness comes from the generator that is passed."""

    def __init__(self, template: HandTemplate, distribution: PoseDistribution = PoseDistribution()) -> None:
        self.distribution = distribution
        self.decoder = HandDecoder(template)
        self.lower = torch.tensor(template.pose_lower, dtype=torch.float32)
        self.upper = torch.tensor(template.pose_upper, dtype=torch.float32)
        self.named = torch.tensor([list(pose) for pose in NAMED_POSES.values()], dtype=torch.float32)

    def sample(self, count: int, generator: Generator) -> Float[Tensor, "count pose"]:
        """``count`` poses, radians, in random order."""
        shares = self.distribution
        pinches = round(count * shares.pinch_share)
        named = round(count * shares.named_share)
        poses = torch.cat(
            [
                self._accepted(self._free, self._pinching, pinches, generator),
                self._accepted(self._near_named, self.apart, named, generator),
                self._accepted(self._free, self.apart, count - pinches - named, generator),
            ]
        )
        return poses[torch.randperm(count, generator=generator)]

    def _accepted(self, draw: Draw, accept: Judge, count: int, generator: Generator) -> Float[Tensor, "count pose"]:
        """Draws until enough poses are accepted."""
        kept: list[Tensor] = [torch.zeros(0, POSE_SIZE)]
        while sum(len(poses) for poses in kept) < count:
            poses = draw(4096, generator)
            kept.append(poses[accept(poses)])
        return torch.cat(kept)[:count]

    def _free(self, count: int, generator: Generator) -> Float[Tensor, "count pose"]:
        """Anatomical ranges; in half of the hands the long fingers bend alike."""
        shares = self.distribution
        theta = torch.zeros(count, POSE_SIZE)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator)

        shared = (uniform(count, 1) < 0.5).float()
        root = shared * uniform(count, 1) + (1 - shared) * uniform(count, 4)
        middle = shared * uniform(count, 1) + (1 - shared) * uniform(count, 4)
        extended = uniform(count, 4) < 0.25
        root, middle = (torch.where(extended, 0.15 * x + offset, x) for x, offset in ((root, 0.1), (middle, 0.0)))
        columns = {
            "1.x": shares.twist * normal(count, 4),
            "1.y": shares.spread * normal(count, 4),
            "1.z": _between(root + 0.1 * normal(count, 4), shares.root_flexion),
            "2.z": _between(middle + 0.1 * normal(count, 4), shares.middle_flexion),
        }
        columns["3.z"] = shares.last_share * columns["2.z"] + 6 * normal(count, 4)
        for suffix, degrees in columns.items():
            theta[:, [POSE_NAMES.index(f"{finger}{suffix}") for finger in _LONG_FINGERS]] = torch.deg2rad(degrees)
        thumb = [i for i, name in enumerate(POSE_NAMES) if name.startswith("thumb")]
        bell = uniform(3, count, len(thumb)).mean(dim=0)
        wide = uniform(count, len(thumb))
        share = torch.where(uniform(count, 1) < 0.5, bell, wide)
        theta[:, thumb] = self.lower[thumb] + share * (self.upper[thumb] - self.lower[thumb])
        return theta.clamp(self.lower, self.upper)

    def _near_named(self, count: int, generator: Generator) -> Float[Tensor, "count pose"]:
        """Mixtures of two named poses, jittered."""
        first, second = (self.named[torch.randint(len(self.named), (count,), generator=generator)] for _ in range(2))
        share = torch.rand(count, 1, generator=generator).square()
        jitter = torch.deg2rad(self.distribution.jitter * torch.randn(count, POSE_SIZE, generator=generator))
        return ((1 - share) * first + share * second + jitter).clamp(self.lower, self.upper)

    def apart(self, theta: Float[Tensor, "count pose"]) -> Bool[Tensor, " count"]:
        """Whether fingers keep clear of each other and of the palm."""
        return self._clearance(theta) > self.distribution.clearance_mm - 3

    def _pinching(self, theta: Float[Tensor, "count pose"]) -> Bool[Tensor, " count"]:
        """Whether the thumb's tip touches a finger's and nothing collides."""
        joints = self.decoder.frames(theta, self.decoder.joint_offsets.expand(len(theta), -1, -1)).positions
        thumb, *others = FINGERTIPS
        distance = (joints[:, others] - joints[:, [thumb]]).norm(dim=-1).min(dim=-1).values
        low, high = self.distribution.pinch_mm
        return (distance > low) & (distance < high) & (self._clearance(theta) > min(low, self.distribution.clearance_mm))

    def _clearance(self, theta: Float[Tensor, "count pose"]) -> Float[Tensor, " count"]:
        """Smallest distance between points along the bones of different fingers, knuckles aside, mm."""
        joints = self.decoder.frames(theta, self.decoder.joint_offsets.expand(len(theta), -1, -1)).positions
        steps = torch.linspace(0.0, 1.0, 4)[:, None]
        fingers = []
        for finger in FINGERS:
            chain = [JOINT_NAMES.index(f"{finger}{part}") for part in ("1", "2", "3", "_null")]
            parts = [joints[:, [a]] + steps * (joints[:, [b]] - joints[:, [a]]) for a, b in pairwise(chain)]
            fingers.append(torch.cat(parts, dim=1)[:, 2:])
        root = [JOINT_NAMES.index(f"{finger}1") for finger in _LONG_FINGERS]
        wrist = joints[:, [JOINT_NAMES.index("wrist")]]
        palm = torch.cat([wrist + share * (joints[:, root] - wrist) for share in (0.3, 0.55, 0.8)], dim=1)
        smallest = torch.full((len(theta),), torch.inf)
        for i, finger in enumerate(fingers):
            for other in fingers[i + 1 :]:
                smallest = torch.minimum(smallest, torch.cdist(finger, other).flatten(1).min(dim=1).values)
            tip = finger[:, -5:]
            smallest = torch.minimum(smallest, torch.cdist(tip, palm).flatten(1).min(dim=1).values)
        return smallest


def _between(share: Tensor, limits: tuple[float, float]) -> Tensor:
    low, high = limits
    return low + share.clamp(0, 1) * (high - low)
