"""What every command that trains an encoder offers."""

from dataclasses import dataclass
from pathlib import Path

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

    epochs: int | None = None
    """Passes over the data; the course of learning rates is shortened alike."""

    batch: int | None = None
    """Samples a step, over all processes."""

    backbone: Backbone | None = None
    """The encoder's network."""

    initial: InitialWeights | None = None
    """The backbone's start."""

    seed: int = 0
    """Of all randomness."""

    resume: bool = False
    """Go on with the run in --out; all other options are taken from it."""


def given(**values: object) -> dict[str, object]:
    """Those that are not None: what a user has asked for."""
    return {name: value for name, value in values.items() if value is not None}
