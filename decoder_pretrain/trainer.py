"""Trains stage 1: one function a step, one loop over epochs; what is random follows from seed, epoch and sample."""

import itertools
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam

from datasets.studio_sample import StudioFrames
from decoder_pretrain.batches import Share, StudioBatch, epoch_batches, step_count
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.objective import LossTerms, Objective, StudioTruth
from decoder_pretrain.run_folder import Progress, RunFolder
from decoder_pretrain.studio_model import StudioModel
from decoder_pretrain.training_log import TrainingLog
from estimator.errors import InputError

LOG_EVERY = 20
"""Steps between lines of metrics."""

CHECKPOINT_SECONDS = 300.0
_ERROR = "joint_error_mm"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``finished``, or stopped by a signal after its checkpoint was written."""

    finished: bool
    progress: Progress


class TrainingStep(nn.Module):
    """From a batch's tensors to its losses: what Fabric wraps, because it passes tensors and nothing else."""

    def __init__(self, model: StudioModel, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, image: Float[Tensor, "batch 3 size size"], *truth: Tensor | None) -> LossTerms:
        """The terms, and the mean joint error (mm) to look at; ``truth`` are the fields of ``StudioTruth`` in order."""
        known = StudioTruth(*truth)
        prediction = self.model(image, known.joints, known.valid)
        terms = self.objective(prediction, known, self.model.decoder)
        distance = (prediction.joints.detach() - known.joints).norm(dim=-1)
        return {**terms, _ERROR: distance[known.valid].mean()}


class Trainer:
    """Owns a model, its optimiser and where they stand."""

    def __init__(self, fabric: Fabric, config: TrainConfig, model: StudioModel, objective: Objective, workers: int = 0) -> None:
        self.fabric, self.config, self.workers = fabric, config, workers
        schedule = config.schedule
        if schedule.batch % fabric.world_size:
            raise InputError(f"a batch of {schedule.batch} cannot be shared out evenly over {fabric.world_size} processes")
        groups = [
            {"params": list(model.encoder.parameters()), "lr": schedule.learning_rate},
            {"params": list(model.decoder.parameters()), "lr": schedule.decoder_learning_rate},
        ]
        self.rates = [group["lr"] for group in groups]
        self.plain_model, self.objective = model, objective
        self.forward, self.optimizer = fabric.setup(TrainingStep(model, objective), Adam(groups, fused=True))
        self.progress = Progress()

    def resume(self, run: RunFolder) -> None:
        """Go on where the run's checkpoint stands."""
        state, self.progress = run.load_checkpoint()
        self.plain_model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])

    def steps_done(self, frames: StudioFrames) -> int:
        """Steps behind it."""
        return self.progress.epoch * step_count(frames, self.config.schedule.batch) + self.progress.step

    def train(self, frames: StudioFrames, run: RunFolder, log: TrainingLog) -> Outcome:
        """From where it stands to the last epoch, or until the process is told to stop.

        Raises:
            InputError: when the data is damaged or the loss is no number; the last checkpoint stays.
        """
        steps = step_count(frames, self.config.schedule.batch)
        share = Share(self.fabric.global_rank, self.fabric.world_size)
        self.plain_model.train()
        with _stop_signal() as stopped:
            saved = time.monotonic()
            for epoch in range(self.progress.epoch, self.config.schedule.epochs):
                self._set_rates(epoch)
                first = self.progress.step
                batches = epoch_batches(frames, self.config.schedule.batch, self.config.seed, epoch, first, share, self.workers)
                for step, batch in zip(itertools.count(first), _reported(batches)):
                    terms = self.step(batch.to(self.fabric.device))
                    self.progress = Progress(epoch, step + 1)
                    done = self.steps_done(frames)
                    if done % LOG_EVERY == 0:
                        log.metrics(done, {name: value.item() for name, value in terms.items()}, done / steps)
                    stopping = self._any(stopped.is_set())
                    if stopping or time.monotonic() - saved > CHECKPOINT_SECONDS:
                        self.save(run)
                        saved = time.monotonic()
                    if stopping:
                        return Outcome(False, self.progress)
                self.progress = Progress(epoch + 1, 0)
                self.save(run)
                saved = time.monotonic()
                log.pictures((epoch + 1) * steps, self.plain_model, frames)
        return Outcome(True, self.progress)

    def step(self, batch: StudioBatch) -> LossTerms:
        """One step of the optimiser; the losses before it, the weighted sum among them as ``total``."""
        terms = self.forward(batch.image, *vars(batch.truth).values())
        error = terms.pop(_ERROR)
        total = self.objective.total(terms)
        if not total.isfinite():
            sizes = ", ".join(f"{name} {value.item():.3g}" for name, value in terms.items())
            raise InputError(f"epoch {self.progress.epoch}: the loss is not a number ({sizes}); lower the learning rate or check the data")
        self.optimizer.zero_grad()
        self.fabric.backward(total)
        self.optimizer.step()
        return {"total": total.detach(), **{name: value.detach() for name, value in terms.items()}, _ERROR: error}

    def save(self, run: RunFolder) -> None:
        """Write a checkpoint of where it stands. The first process does so alone, waiting for none: their clocks differ."""
        if self.fabric.is_global_zero:
            state: dict[str, Any] = {"model": self.plain_model.state_dict(), "optimizer": self.optimizer.state_dict()}
            run.save_checkpoint(state, self.progress)

    def _any(self, stopped: bool) -> bool:
        """Whether any process was told to stop, so that all of them stop after the same step."""
        if self.fabric.world_size == 1:
            return stopped
        return bool(self.fabric.all_reduce(torch.tensor(float(stopped), device=self.fabric.device), reduce_op="max"))

    def _set_rates(self, epoch: int) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * self.config.schedule.factor(epoch)


def _reported(batches: Iterator[StudioBatch]) -> Iterator[StudioBatch]:
    """The batches; damaged data is an input error."""
    try:
        yield from batches
    except ValueError as error:
        raise InputError(str(error)) from error


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Set when the process is asked to end: the step under way is finished and kept."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
