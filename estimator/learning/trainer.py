"""Trainer: one function a step, one loop over epochs; what is random follows from seed, epoch and sample."""

import itertools
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam

from estimator.errors import InputError
from estimator.learning.batches import Share, step_count
from estimator.learning.run_folder import Progress, RunFolder
from estimator.learning.training_log import TrainingLog

LOG_EVERY = 20
"""Steps between lines of metrics."""

CHECKPOINT_SECONDS = 300.0

_STEPS_AN_EPOCH = 2**32
"""More than there are."""


@runtime_checkable
class Batch(Protocol):
    """Samples as tensors."""

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        ...


@runtime_checkable
class Course(Protocol):
    """How long and how fast."""

    @property
    def batch(self) -> int:
        """Samples a step, over all processes."""
        ...

    @property
    def epochs(self) -> int:
        """Passes over the data."""
        ...

    def factor(self, epoch: int) -> float:
        """What the learning rates are multiplied with in an epoch, counted from 0."""
        ...


@dataclass(frozen=True)
class Rated:
    """A module and Adam's learning rate for its parameters."""

    module: nn.Module
    learning_rate: float


@dataclass(frozen=True)
class Losses:
    """What a step makes of a batch.

    Attributes:
        total: what is minimised.
        watched: numbers to be logged.
    """

    total: Float[Tensor, ""]
    watched: dict[str, Float[Tensor, ""]]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``finished``, or stopped by a signal after its checkpoint was written."""

    finished: bool
    progress: Progress


Data = TypeVar("Data", bound=Sized)
BatchType = TypeVar("BatchType", bound=Batch)


class Trainer(ABC, Generic[Data, BatchType]):
    """Owns a model, its optimiser and where they stand.

    Args:
        model: what a checkpoint keeps and ``pictures`` shows.
        step: from a batch's tensors to its losses, the model within: what Fabric wraps, because it passes tensors and nothing else.
        rated: what is trained.

    Raises:
        InputError: when the batch cannot be shared out.
    """

    def __init__(self, fabric: Fabric, course: Course, model: nn.Module, step: nn.Module, rated: Sequence[Rated]) -> None:
        if course.batch % fabric.world_size:
            raise InputError(f"a batch of {course.batch} cannot be shared out evenly over {fabric.world_size} processes")
        self.fabric, self.course, self.plain_model = fabric, course, model
        self.share = Share(fabric.global_rank, fabric.world_size)
        self.rates = [part.learning_rate for part in rated]
        groups = [{"params": [p for p in part.module.parameters() if p.requires_grad], "lr": part.learning_rate} for part in rated]
        self.forward, self.optimizer = fabric.setup(step, Adam(groups, fused=True))
        self.progress = Progress()

    @abstractmethod
    def batches(self, data: Data, epoch: int, first_step: int) -> Iterator[BatchType]:
        """This process's share of an epoch's batches; ValueError where the data is damaged."""

    @abstractmethod
    def losses(self, batch: BatchType) -> Losses:
        """Of a batch, by ``forward``."""

    def after_epoch(self, step: int, data: Data, log: TrainingLog) -> None:
        """What is shown of the model."""
        log.pictures(step, self.plain_model, data)

    def resume(self, run: RunFolder) -> None:
        """Go on where the run's checkpoint stands.

        Raises:
            InputError: when there is none, or it does not fit.
        """
        state, self.progress = run.load_checkpoint()
        try:
            self.plain_model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError(f"{run.checkpoint_file}: does not fit its configuration; start the run again in another folder") from error

    def steps_done(self, data: Data) -> int:
        """Steps behind it."""
        return self.progress.epoch * step_count(data, self.course.batch) + self.progress.step

    def train(self, data: Data, run: RunFolder, log: TrainingLog) -> Outcome:
        """From where it stands to the last epoch, or until the process is told to stop.

        Raises:
            InputError: when the data is damaged or the loss is no number; the last checkpoint stays.
        """
        steps = step_count(data, self.course.batch)
        self.plain_model.train()
        with _stop_signal() as stopped:
            saved = time.monotonic()
            for epoch in range(self.progress.epoch, self.course.epochs):
                self._set_rates(epoch)
                first = self.progress.step
                for step, batch in zip(itertools.count(first), _reported(self.batches(data, epoch, first))):
                    torch.manual_seed(_STEPS_AN_EPOCH * epoch + step)  # dropout's, so that a resumed run hides the same
                    watched = self.step(batch.to(self.fabric.device))
                    self.progress = Progress(epoch, step + 1)
                    done = self.steps_done(data)
                    if done % LOG_EVERY == 0:
                        log.metrics(done, {name: value.item() for name, value in watched.items()}, done / steps)
                    stopping = self._any(stopped.is_set())
                    if stopping or time.monotonic() - saved > CHECKPOINT_SECONDS:
                        self.save(run)
                        saved = time.monotonic()
                    if stopping:
                        return Outcome(False, self.progress)
                self.progress = Progress(epoch + 1, 0)
                self.save(run)
                saved = time.monotonic()
                self.after_epoch((epoch + 1) * steps, data, log)
        return Outcome(True, self.progress)

    def step(self, batch: BatchType) -> dict[str, Float[Tensor, ""]]:
        """One step of the optimiser; the losses before it, ``total`` among them."""
        losses = self.losses(batch)
        if not losses.total.isfinite():
            sizes = ", ".join(f"{name} {value.item():.3g}" for name, value in losses.watched.items())
            raise InputError(f"epoch {self.progress.epoch}: the loss is not a number ({sizes}); lower the learning rate or check the data")
        self.optimizer.zero_grad()
        self.fabric.backward(losses.total)
        self.optimizer.step()
        return {"total": losses.total.detach(), **{name: value.detach() for name, value in losses.watched.items()}}

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
            group["lr"] = rate * self.course.factor(epoch)


def _reported(batches: Iterator[BatchType]) -> Iterator[BatchType]:
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
