"""What every command that trains an encoder offers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from estimator.command import CommandOptions
from estimator.image_encoder import Backbone, InitialWeights


@dataclass(frozen=True, kw_only=True)
class MachineOptions(CommandOptions):
    """Where a run takes place."""

    workers: int = 0
    """Processes that read data beside the one that trains."""

    device: str = "cpu"
    """Where to train: cpu, cuda, mps. Start with torchrun to use several."""


@dataclass(frozen=True, kw_only=True)
class RunOptions(MachineOptions):
    """How an encoder is trained, and into which folder."""

    out: Path
    """Folder of the run: configuration, metrics, TensorBoard, checkpoint, weights."""

    epochs: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: the preset's)")] = None
    """Passes over the data; the course of learning rates is shortened alike."""

    batch: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: the preset's)")] = None
    """Samples a step, over all processes."""

    backbone: Annotated[
        Backbone | None,
        tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the preset's)"),
    ] = None
    """The encoder's network: resnet50 (the paper's), efficientnet_lite0, hand_landmarks (the detector's, which stays as it is), hand_trunk
    (the same, which learns on), tiny."""

    initial: Annotated[InitialWeights | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the preset's)")] = None
    """The backbone's start: imagenet or random."""

    seed: int = 0
    """Of all randomness."""

    resume: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: a new run)")] = False
    """Go on with the run in --out; all other options are taken from it."""


def given(**values: object) -> dict[str, object]:
    """Those that are not None: what a user has asked for."""
    return {name: value for name, value in values.items() if value is not None}
