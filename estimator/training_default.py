"""Trains the encoders on the landmark network's features from simulated pictures (the command is ``estimator.train_default``).

Pictures of the virtual RHD become samples (``training_default_samples``), the samples linear maps (``training_linear_map``), and learned
inverse kinematics goes on learning from what those maps say of pictures that they did not learn from: in few and small steps, because it
comes from far more sampled poses (``training_landmarks``) than there are pictures.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from rich.console import Console
from torch import Generator, Tensor
from torch.nn.functional import l1_loss

from datasets.virtual_rhd.stream import VirtualRhdOptions
from estimator.checkout import checkout_commit
from estimator.command import DONE, CommandOptions
from estimator.encoder import LANDMARK_ENCODER, LandmarkEncoder
from estimator.errors import InputError
from estimator.feature_encoder import (
    UNIT_MM,
    FeatureEncoder,
    FeatureEncoderConfig,
    FoundLandmarks,
    Inputs,
    features_for,
)
from estimator.files import require_writable_file, write_file
from estimator.hand.alignment import align_similarity
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import LANDMARK_JOINTS, LANDMARK_NAMES, HandTemplate
from estimator.landmark_offsets import LandmarkOffsets
from estimator.training_default_pictures import look_at_pictures
from estimator.training_default_samples import SHARD, FeatureSamples, read_shards
from estimator.training_linear_map import LinearFit, fit_map, out_of_fold
from estimator.version import VERSION

LARGEST_ERROR, LEAST_PRESENCE = 0.1, 0.3
"""Pictures on which the landmark network errs by more of half its square, or sees no hand, teach nothing that a photograph would."""

_SPACE = 3 * len(LANDMARK_NAMES)

HELD_OUT = 10
"""Every so many shards one is kept for measuring."""


@dataclass(frozen=True)
class TrainDefaultOptions(CommandOptions):
    """Train an encoder on the features of the detector's landmark network, from simulated pictures.

    Pictures that were looked at stay in the user's cache: an interrupted run goes on there, and a run with more pictures adds to them.

    Attributes:
        out: file for the weights; options, commit and errors go beside it as .json.
        inputs: features (landmarks, features at them and pooled: the default encoder), pooled (the image alone), or landmarks (a control).
        pictures: simulated pictures to learn from; one in ten is kept for measuring.
        backgrounds: folder of photographs to put behind the hands; coloured shapes are drawn unless given.
        environments: npz of panoramas of linear light; made-up lamps shine unless given.
        steps: gradient steps of the inverse kinematics.
        batch: hands a step.
        learning_rate: of those steps at the start; it falls to zero along a cosine.
        processes: that render side by side.
        seed: of all randomness.
    """

    out: Path
    inputs: Inputs = "features"
    pictures: int = 10_000
    backgrounds: Path | None = None
    environments: Path | None = None
    steps: int = 300
    batch: int = 256
    learning_rate: float = 1e-4
    processes: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.learning_rate, self.processes) <= 0:
            raise InputError("--steps, --batch, --learning-rate and --processes must be positive")
        if self.pictures < 2 * HELD_OUT * SHARD // 10:
            raise InputError(f"--pictures {self.pictures}: at least {2 * HELD_OUT * SHARD // 10} are needed")

    @property
    def rendering(self) -> VirtualRhdOptions:
        """What the pictures are made of."""
        return VirtualRhdOptions(self.backgrounds, self.environments)


@dataclass(frozen=True)
class Hands:
    """Samples as tensors, ready to learn from: those on which the landmark network did not fail.

    Attributes:
        inputs: of the linear map.
        targets: of the linear map: corrections of landmarks in space and, for the image alone, landmarks in the square.
        landmarks: the network's in the square.
        base: what is corrected.
        true_mm: see ``FeatureSamples``.
        seen_mm: the network's own landmarks in space.
        theta: true pose.
        R_square_hand: true rotation.
        held_out: those kept for measuring.
    """

    inputs: Float[Tensor, "hands inputs"]
    targets: Float[Tensor, "hands targets"]
    landmarks: Float[Tensor, "hands 21 3"]
    base: Float[Tensor, "hands 21 3"]
    true_mm: Float[Tensor, "hands 21 3"]
    seen_mm: Float[Tensor, "hands 21 3"]
    theta: Float[Tensor, "hands pose"]
    R_square_hand: Float[Tensor, "hands 3 3"]
    held_out: torch.Tensor


def run(options: TrainDefaultOptions) -> int:
    """Do what the options say; the exit status."""
    require_writable_file(options.out)
    console = Console(stderr=True)
    template = HandTemplate.load()
    shards = look_at_pictures(options.pictures, options.rendering, options.seed, options.processes, console)
    encoder, report = train(options, template, shards, console)
    encoder.save(options.out, template.skeleton_id)
    record = {
        "command": "estimator.train_default",
        "commit": checkout_commit(),
        "options": dataclasses.asdict(options),
        "version": VERSION,
        "simulated": True,
        "held_out": report,
    }
    write_file(options.out.with_suffix(".json"), json.dumps(record, indent=1, default=_name_of).encode())
    return DONE


def _name_of(path: Path) -> str:
    """What was used, whatever folder of whose machine it lay in."""
    return path.name


def train(
    options: TrainDefaultOptions, template: HandTemplate, shards: Sequence[Path], console: Console
) -> tuple[FeatureEncoder, dict[str, float]]:
    """A trained encoder and its errors on pictures that were kept back; options and thread count give the same weights."""
    torch.manual_seed(options.seed)
    encoder = FeatureEncoder(FeatureEncoderConfig(options.inputs))
    for kinematics in (encoder.first, encoder.kinematics):
        if kinematics is not None:
            kinematics.load_state_dict(LandmarkEncoder.load(LANDMARK_ENCODER, template.skeleton_id).state_dict())
    hands = prepare(encoder, read_shards(shards))
    console.print(f"{int((~hands.held_out).sum())} hands to learn from, {int(hands.held_out.sum())} kept for measuring")
    fit = fit_map(hands.inputs, hands.targets, hands.held_out)
    console.print(f"ridge {fit.ridge:g}")
    posed = PosedLandmarks(template)
    learn_kinematics(encoder, hands, use_map(encoder, fit, hands), posed, options, console)
    report = measure(encoder.eval(), hands, posed)
    for name, value in report.items():
        console.print(f"{name}: {value:.2f}")
    return encoder, report


@torch.inference_mode()
def prepare(encoder: FeatureEncoder, samples: FeatureSamples) -> Hands:
    """Samples as tensors, failures of the landmark network left out."""
    kept = samples.select((samples.error < LARGEST_ERROR) & (samples.presence > LEAST_PRESENCE))
    landmarks, landmarks_mm, true_mm, flat = (
        torch.tensor(array, dtype=torch.float32) for array in (kept.landmarks, kept.landmarks_mm, kept.true_mm, kept.true_landmarks)
    )
    pooled = encoder.config.inputs == "pooled"
    base = encoder.base(landmarks, landmarks_mm)
    features = torch.tensor(features_for(encoder.config.inputs, kept.sampled, kept.pooled).astype(np.float32))
    space = ((true_mm - base) / UNIT_MM).flatten(1)
    return Hands(
        inputs=encoder.inputs(landmarks, landmarks_mm, base, features),
        targets=torch.cat([space, flat.flatten(1)], dim=1) if pooled else space,
        landmarks=landmarks,
        base=base,
        true_mm=true_mm,
        seen_mm=landmarks_mm,
        theta=torch.tensor(kept.theta, dtype=torch.float32),
        R_square_hand=torch.tensor(kept.R_square_hand, dtype=torch.float32),
        held_out=torch.tensor(kept.index // SHARD % HELD_OUT == HELD_OUT - 1),
    )


@torch.inference_mode()
def use_map(encoder: FeatureEncoder, fit: LinearFit, hands: Hands) -> FoundLandmarks:
    """Put a linear map into the encoder, a map of its expected error beside it; what maps say of hands that they did not learn from."""
    values = out_of_fold(fit, hands.inputs, hands.targets, hands.held_out)
    outputs = torch.cat([values[:, :_SPACE], torch.zeros(len(values), 1), values[:, _SPACE:]], dim=1)
    found = encoder.correct(outputs, hands.landmarks, hands.base)
    error = (found.mm - hands.true_mm).norm(dim=-1).mean(dim=-1)
    error_fit = fit_map(hands.inputs, error.log()[:, None], hands.held_out)
    encoder.map.weight.copy_(torch.cat([fit.weight[:_SPACE], error_fit.weight, fit.weight[_SPACE:]]))
    encoder.map.bias.copy_(torch.cat([fit.bias[:_SPACE], error_fit.bias, fit.bias[_SPACE:]]))
    return FoundLandmarks(found.mm.clone(), found.flat.clone(), error)


def learn_kinematics(
    encoder: FeatureEncoder,
    hands: Hands,
    found: FoundLandmarks,
    posed: "PosedLandmarks",
    options: TrainDefaultOptions,
    console: Console,
) -> None:
    """Inverse kinematics of what the maps say of pictures that they did not learn from."""
    generator = Generator().manual_seed(options.seed)
    learning = ~hands.held_out
    mm, flat, theta, R = found.mm[learning], found.flat[learning], hands.theta[learning], hands.R_square_hand[learning]
    optimizer = torch.optim.AdamW(encoder.kinematics.parameters(), lr=options.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    recent: list[float] = []
    for step in range(1, options.steps + 1):
        rows = torch.randint(len(mm), (options.batch,), generator=generator)
        own = encoder.pose(FoundLandmarks(mm[rows], flat[rows], torch.zeros(len(rows))))
        target = posed(theta[rows], R[rows])
        loss = (
            l1_loss(posed(own.theta, own.R_crop_hand), target) / 10
            + l1_loss(own.landmarks, target) / 10
            + l1_loss(own.theta, theta[rows])
            + l1_loss(own.R_crop_hand, R[rows])
        )
        if not loss.isfinite():
            raise FloatingPointError(f"loss is {loss.item()} at step {step}; lower --learning-rate")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.kinematics.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        recent.append(loss.item())
        if step % 100 == 0 or step == options.steps:
            console.print(f"step {step}: loss {np.mean(recent):.3f}")
            recent.clear()


class PosedLandmarks:
    """The template's hand in a pose: its landmarks where the detector puts them, relative to their mean, mm."""

    def __init__(self, template: HandTemplate) -> None:
        self._decoder = HandDecoder(template)
        self._marks = torch.tensor(LandmarkOffsets.load(template.skeleton_id).mm, dtype=torch.float32)

    def __call__(self, theta: Float[Tensor, "hands pose"], R: Float[Tensor, "hands 3 3"]) -> Float[Tensor, "hands 21 3"]:
        """``R`` takes the hand frame to that of the answer."""
        frames, joints = self._decoder.frames(theta, self._decoder.joint_offsets.expand(len(theta), -1, -1)), list(LANDMARK_JOINTS)
        points = frames.positions[:, joints] + (frames.rotations[:, joints] * self._marks[..., None, :]).sum(dim=-1)
        points = points @ R.mT
        return points - points.mean(dim=1, keepdim=True)


@torch.inference_mode()
def measure(encoder: FeatureEncoder, hands: Hands, posed: "PosedLandmarks") -> dict[str, float]:
    """Errors of the landmarks in space on the pictures that were kept back, after similarity alignment, mm; simulated."""
    rows = hands.held_out
    found = encoder.correct(encoder.map(hands.inputs[rows]), hands.landmarks[rows], hands.base[rows])
    pose = encoder.pose(found)
    points = {
        "detector": hands.seen_mm[rows],
        "base": hands.base[rows],
        "linear map": found.mm,
        "pose": posed(pose.theta, pose.R_crop_hand),
    }
    errors = {name: _aligned_error(values, hands.true_mm[rows]) for name, values in points.items()}
    return {name: float(values.mean()) for name, values in {**errors, "expected": found.error_mm}.items()}


def _aligned_error(points: Float[Tensor, "hands 21 3"], target: Float[Tensor, "hands 21 3"]) -> Float[Tensor, " hands"]:
    if not points.any():
        return points.new_full((len(points),), float("nan"))
    points, target = points.double(), target.double()
    return (align_similarity(points, target).apply(points) - target).norm(dim=-1).mean(dim=-1)
