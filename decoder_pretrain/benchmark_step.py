"""The command that times a preset's training step with its true sizes: seconds, peak memory, and what the time goes to."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function

from datasets.studio_sample import StudioFrames
from decoder_pretrain.batches import StudioBatch
from decoder_pretrain.build import build_model, load_template, studio_frames
from decoder_pretrain.config import Preset, TrainConfig, preset
from decoder_pretrain.objective import Objective
from decoder_pretrain.trainer import Trainer
from estimator.command import DONE, CommandOptions, run_command
from estimator.errors import InputError
from estimator.image_encoder import InitialWeights
from estimator.learning.launch import start_fabric
from estimator.machine import peak_memory_mb
from estimator.system import native_messages_dropped

NETWORKS, SURFACE, DATA = "networks", "everything else of the step", "reading the batch"

_ENCODER = "encoder"
"""Name of the encoder's forward pass in the profile: what it does besides torch's operations counts, too."""

_OF_NETWORKS = (_ENCODER, "conv", "addmm", "aten::mm", "linear", "batch_norm", "relu", "hardtanh", "threshold", "pool", "adam")
"""Parts of the names of operations that belong to encoder and correctives, and to updating them."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkStepOptions(CommandOptions):
    """Time a preset's training step on the simulated studio."""

    preset: Preset = "cpu"
    """Whose batch, views, pictures and networks."""

    initial: InitialWeights = "imagenet"
    """The backbone's start; random needs no download and takes as long."""

    moments: int = 64
    """Moments to record of simulated subject 1: as many as a batch at least."""

    steps: int = 5
    """Steps that are timed, after one that is not."""

    seed: int = 0
    """Of all randomness."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"--steps must be at least 1, not {self.steps}")


@dataclass(frozen=True)
class StepCost:
    """What steps cost.

    Attributes:
        seconds: of each step on the wall, its batch included.
        shares: of the wall's time in ``NETWORKS``, ``SURFACE`` and ``DATA``.
        peak_mib: most memory that the process has held.
    """

    seconds: tuple[float, ...]
    shares: dict[str, float]
    peak_mib: float


def run(options: BenchmarkStepOptions) -> int:
    """Time the steps and print what they cost."""
    plain = preset(options.preset, "virtual:1", 1)
    config = replace(
        plain,
        seed=options.seed,
        encoder=replace(plain.encoder, initial=options.initial),
        studio=replace(plain.studio, moments=options.moments),
    )
    if options.moments < config.schedule.batch:
        raise InputError(f"--moments {options.moments}: a batch of preset {options.preset} has {config.schedule.batch}")
    Console().print(_table(options, config, step_cost(config, studio_frames(config), options.steps)))
    return DONE


def step_cost(config: TrainConfig, frames: StudioFrames, steps: int) -> StepCost:
    """What steps of a run cost, one after the other; the first is not counted."""
    template = load_template(config)
    model = build_model(config, template, len(frames))
    trainer = Trainer(start_fabric("cpu"), config, model, Objective(template, config.losses))
    model.train()
    batches = _endless(trainer, frames)
    trainer.step(next(batches))
    seconds, reading = [], 0.0
    with native_messages_dropped(), _named(model.encoder), profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(steps):
            begin = time.perf_counter()
            batch = next(batches)
            reading += time.perf_counter() - begin
            trainer.step(batch)
            seconds.append(time.perf_counter() - begin)
    busy = Counter[str]()
    for event in profiled.key_averages():
        busy[NETWORKS if any(name in event.key.lower() for name in _OF_NETWORKS) else SURFACE] += event.self_cpu_time_total / 1e6
    total = sum(seconds)
    networks = min(busy[NETWORKS], total)
    shares = {NETWORKS: networks / total, DATA: reading / total, SURFACE: max(total - networks - reading, 0.0) / total}
    return StepCost(tuple(seconds), shares, peak_memory_mb())


@contextmanager
def _named(encoder: nn.Module) -> Iterator[None]:
    """The encoder's forward pass under its name in a profile."""
    spans: list[record_function] = []

    def begin(*_: object) -> None:
        spans.append(record_function(_ENCODER))
        spans[-1].__enter__()

    handles = [encoder.register_forward_pre_hook(begin), encoder.register_forward_hook(lambda *_: spans.pop().__exit__(None, None, None))]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _endless(trainer: Trainer, frames: StudioFrames) -> Iterator[StudioBatch]:
    epoch = 0
    while True:
        yield from trainer.batches(frames, epoch, 0)
        epoch += 1


def _table(options: BenchmarkStepOptions, config: TrainConfig, cost: StepCost) -> Table:
    schedule, studio = config.schedule, config.studio
    sizes = f"batch {schedule.batch}, {studio.size} px, {studio.target_views} views, {config.encoder.backbone}"
    table = Table(title=f"A step of preset {options.preset} ({sizes}; simulated data)", box=SIMPLE, show_header=False)
    table.add_row("median of the steps", f"{np.median(cost.seconds):.2f} s")
    table.add_row("quickest", f"{min(cost.seconds):.2f} s")
    for part, share in cost.shares.items():
        table.add_row(part, f"{share:.0%}")
    table.add_row("peak memory", f"{cost.peak_mib:,.0f} MiB")
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(BenchmarkStepOptions, run, "decoder_pretrain.benchmark_step", argv)


if __name__ == "__main__":
    sys.exit(main())
