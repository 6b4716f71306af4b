"""Trains the landmark encoder (learned inverse kinematics) from sampled poses (the command is ``estimator.train_landmarks``).

No images are needed. A pose is drawn, seen from a random direction and distance, and its landmarks are disturbed in the way in which a
detector errs: its 3D landmarks are those of another, similar hand (pose, proportions and rotation changed together, depth stretched),
its 2D landmarks shift finger by finger. Landmarks lie where the detector puts them (``landmark_offsets``), give or take.
"""

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import roma
import torch
from jaxtyping import Float
from rich.console import Console
from torch import Generator, Tensor
from torch.nn.functional import l1_loss, normalize

from datasets.pose_sampler import PoseSampler
from estimator.checkout import checkout_commit
from estimator.command import DONE, CommandOptions
from estimator.encoder import EncodedHand, LandmarkEncoder, LandmarkEncoderConfig
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import ALIGNMENT_LANDMARKS, FINGERS, LANDMARK_JOINTS, LANDMARK_NAMES, POSE_SIZE, HandTemplate
from estimator.landmark_offsets import LandmarkOffsets
from estimator.refinement import PROPORTIONS, Skeleton
from estimator.version import VERSION


@dataclass(frozen=True)
class DetectorErrors:
    """How the detector's landmarks differ from the truth: standard deviations unless said otherwise.

    Attributes:
        pose: independent error of each joint angle, radians.
        shared_pose: error shared by all flexions of a hand, radians.
        rotation: of the whole hand about each axis, radians.
        depth: smallest and largest stretch along the line of sight.
        space_mm: white, of each 3D landmark.
        image: shift of a whole finger in the crop, as a share of the crop's half side; half as much again is white.
        knuckle: of all knuckles along the first bone, as a share of its length.
    """

    pose: float = 0.16
    shared_pose: float = 0.12
    rotation: float = 0.12
    depth: tuple[float, float] = (0.65, 1.15)
    space_mm: float = 3.0
    image: float = 0.035
    knuckle: float = 0.08


@dataclass(frozen=True)
class TrainLandmarksOptions(CommandOptions):
    """Train the landmark encoder on sampled poses.

    Attributes:
        out: file for the weights; options and commit go beside it as .json.
        steps: gradient steps.
        batch: hands a step.
        learning_rate: at the start; it falls to zero along a cosine.
        poses: poses drawn beforehand; views, proportions and errors are drawn anew for each step.
        seed: of all randomness.
    """

    out: Path
    steps: int = 10_000
    batch: int = 512
    learning_rate: float = 1e-3
    poses: int = 200_000
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.poses, self.learning_rate) <= 0:
            raise InputError("--steps, --batch, --poses and --learning-rate must be positive")


@dataclass(frozen=True)
class LandmarkBatch:
    """Hands as the encoder sees them, and the truth."""

    landmarks_normal: Float[Tensor, "batch 21 2"]
    landmarks_mm: Float[Tensor, "batch 21 3"]
    theta: Float[Tensor, "batch pose"]
    R_crop_hand: Float[Tensor, "batch 3 3"]
    landmarks: Float[Tensor, "batch 21 3"]
    joint_offsets: Float[Tensor, "batch joints 3"]


class LandmarkSampler:
    """Draws training batches for one template."""

    def __init__(
        self, template: HandTemplate, marks: LandmarkOffsets, poses: int, generator: Generator, errors: DetectorErrors = DetectorErrors()
    ) -> None:
        self.decoder = HandDecoder(template)
        self.marks = torch.tensor(marks.mm, dtype=torch.float32)
        self.errors = errors
        self.generator = generator
        self.groups = torch.tensor(Skeleton.of(template).groups)
        self.poses = PoseSampler(template).sample(poses, generator)

    def batch(self, count: int) -> LandmarkBatch:
        """``count`` hands in the crop's frame: upright, in the middle of the view."""
        errors = self.errors
        theta = self.poses[torch.randint(len(self.poses), (count,), generator=self.generator)]
        proportions = 1 + 0.06 * self._normal(count, len(PROPORTIONS)).clamp(-2.5, 2.5)
        offsets = self.decoder.joint_offsets * proportions[:, self.groups, None]
        R, distance = self._views(count)
        hand = self._landmarks(theta, offsets)
        pixels, R, landmarks = _upright(hand, R, distance)

        seen_theta = theta + errors.pose * self._normal(count, POSE_SIZE) + errors.shared_pose * self._normal(count, 1)
        seen_offsets = self.decoder.joint_offsets * (1 + 0.06 * self._normal(count, len(PROPORTIONS)))[:, self.groups, None]
        seen_R = roma.rotvec_to_rotmat(errors.rotation * self._normal(count, 3)) @ R
        knuckle = errors.knuckle * self._normal(count, 1, 1)
        seen = _shift_knuckles(self._landmarks(seen_theta, seen_offsets) @ seen_R.mT, knuckle)
        low, high = errors.depth
        stretch = torch.ones(count, 1, 3)
        stretch[:, 0, 2] = low + (high - low) * self._uniform(count)
        seen = seen * stretch + errors.space_mm * self._normal(count, 21, 3)

        pixels = _shift_knuckles(pixels, knuckle)
        fingers = torch.tensor([0, *(1 + i // 4 for i in range(20))])
        shift = errors.image * self._normal(count, 1 + len(FINGERS), 2)[:, fingers] + 0.5 * errors.image * self._normal(count, 21, 2)
        low_px, high_px = pixels.amin(dim=1, keepdim=True), pixels.amax(dim=1, keepdim=True)
        half = (high_px - low_px).amax(dim=-1, keepdim=True) / 2
        pixels = pixels + half * shift
        low_px, high_px = pixels.amin(dim=1, keepdim=True), pixels.amax(dim=1, keepdim=True)
        half = (high_px - low_px).amax(dim=-1, keepdim=True) / 2
        return LandmarkBatch((pixels - (low_px + high_px) / 2) / half, seen, theta, R, landmarks, offsets)

    def posed(self, encoded: EncodedHand, joint_offsets: Float[Tensor, "batch joints 3"]) -> Float[Tensor, "batch 21 3"]:
        """The encoder's pose and rotation on the true skeleton, centred."""
        points = self._landmarks(encoded.theta, joint_offsets) @ encoded.R_crop_hand.mT
        return points - points.mean(dim=1, keepdim=True)

    def _landmarks(self, theta: Tensor, offsets: Tensor) -> Tensor:
        frames, joints = self.decoder.frames(theta, offsets), list(LANDMARK_JOINTS)
        return frames.positions[:, joints] + (frames.rotations[:, joints] * self.marks[..., None, :]).sum(dim=-1)

    def _views(self, count: int) -> tuple[Tensor, Tensor]:
        """Any direction but the most end-on ones, and a distance in mm."""
        R = roma.unitquat_to_rotmat(normalize(self._normal(2 * count + 64, 4), dim=-1))
        end_on = R[:, 2, 0].abs() > 0.94
        return R[~end_on][:count], 260 + 840 * self._uniform(count).square()

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator)


def _upright(hand: Tensor, R: Tensor, distance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Project hands seen along the axis, rolled as ``crop_hand`` rolls them: pixels at unit focal length, rotation, centred landmarks."""
    joints = hand @ R.mT
    joints = joints - (joints.amin(dim=1, keepdim=True) + joints.amax(dim=1, keepdim=True)) / 2
    depth = joints[..., 2:] + distance[:, None, None]
    pixels = joints[..., :2] / depth
    up = pixels[:, list(ALIGNMENT_LANDMARKS[1:])].mean(dim=1) - pixels[:, ALIGNMENT_LANDMARKS[0]]
    s, c = (up / up.norm(dim=1, keepdim=True)).unbind(dim=1)
    c = -c
    zero, one = torch.zeros_like(s), torch.ones_like(s)
    R_straight_crop = torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=1).reshape(-1, 3, 3)
    centred = joints - joints.mean(dim=1, keepdim=True)
    return pixels @ R_straight_crop[:, :2, :2], R_straight_crop.mT @ R, centred @ R_straight_crop


def _shift_knuckles(landmarks: Tensor, share: Tensor) -> Tensor:
    roots = [LANDMARK_NAMES.index(f"{finger}1") for finger in FINGERS[1:]]
    shifted = landmarks.clone()
    shifted[:, roots] += share * (landmarks[:, [root + 1 for root in roots]] - landmarks[:, roots])
    return shifted


def loss_of(sampler: LandmarkSampler, encoded: EncodedHand, batch: LandmarkBatch) -> Tensor:
    """L1 on posed and direct landmarks (mm / 10), theta and rotation."""
    posed = sampler.posed(encoded, batch.joint_offsets)
    return (
        l1_loss(posed, batch.landmarks) / 10
        + l1_loss(encoded.landmarks, batch.landmarks) / 10
        + l1_loss(encoded.theta, batch.theta)
        + l1_loss(encoded.R_crop_hand, batch.R_crop_hand)
    )


def train(options: TrainLandmarksOptions, console: Console) -> LandmarkEncoder:
    """A trained encoder; the same options and thread count give the same weights.

    Raises:
        InputError: when the loss is not a number.
    """
    torch.manual_seed(options.seed)
    generator = Generator().manual_seed(options.seed)
    template = HandTemplate.load()
    sampler = LandmarkSampler(template, LandmarkOffsets.load(template.skeleton_id), options.poses, generator)
    encoder = LandmarkEncoder(LandmarkEncoderConfig())
    encoder.pose_mean.copy_(sampler.poses.mean(dim=0))
    encoder.pose_deviation.copy_(sampler.poses.std(dim=0).clamp(min=0.02))
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=options.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    start, recent = time.monotonic(), []
    for step in range(1, options.steps + 1):
        batch = sampler.batch(options.batch)
        encoded = encoder(batch.landmarks_normal, batch.landmarks_mm)
        loss = loss_of(sampler, encoded, batch)
        if not loss.isfinite():
            raise InputError(f"step {step}: the loss is not a number ({loss.item()}); lower --learning-rate")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        recent.append((sampler.posed(encoded, batch.joint_offsets) - batch.landmarks).detach().norm(dim=-1).mean().item())
        if step % 500 == 0 or step == options.steps:
            console.print(
                f"step {step}: posed landmarks {np.mean(recent):.2f} mm, {step * options.batch / (time.monotonic() - start):.0f} hands/s"
            )
            recent.clear()
    return encoder.eval()


def run(options: TrainLandmarksOptions) -> int:
    """Do what the options say; the exit status."""
    require_writable_file(options.out)
    record = {
        "command": "estimator.train_landmarks",
        "commit": checkout_commit(),
        "options": dataclasses.asdict(options),
        "version": VERSION,
    }
    write_file(options.out.with_suffix(".json"), json.dumps(record, indent=1, default=str).encode())
    train(options, Console(stderr=True)).save(options.out, HandTemplate.load().skeleton_id)
    return DONE
