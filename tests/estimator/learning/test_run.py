"""What every run of training promises, whatever it trains: its files survive an interruption, its log is closed."""

from collections.abc import Iterator, Sized
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from estimator.errors import InputError
from estimator.learning.launch import train_to_end
from estimator.learning.run_folder import RunFolder
from estimator.learning.trainer import Losses, Rated, Trainer
from estimator.learning.training_log import MetricsLog


@dataclass(frozen=True)
class ToyConfig:
    batch: int = 1
    epochs: int = 2

    def factor(self, epoch: int) -> float:
        return 1.0


@dataclass(frozen=True)
class ToyBatch:
    values: Tensor

    def to(self, device: torch.device) -> "ToyBatch":
        return self


class ToyTrainer(Trainer[list, ToyBatch]):
    """Learns to say nothing, until a number is broken."""

    def __init__(self) -> None:
        model = nn.Linear(2, 1)
        super().__init__(Fabric(accelerator="cpu", devices=1), ToyConfig(), model, model, [Rated(model, 1e-2)])

    def batches(self, data: list, epoch: int, first_step: int) -> Iterator[ToyBatch]:
        yield from (ToyBatch(torch.tensor([value, 1.0])) for value in data[first_step:])

    def losses(self, batch: ToyBatch) -> Losses:
        return Losses(self.forward(batch.values).square().mean(), {})


class ToyLog(MetricsLog):
    closed = False

    def pictures(self, step: int, model: nn.Module, data: Sized) -> None:
        pass

    def close(self) -> None:
        super().close()
        self.closed = True


def toy_run(path: Path) -> RunFolder[ToyConfig]:
    run = RunFolder(path, ToyConfig, "toy")
    run.begin(ToyConfig())
    return run


def test_metrics_are_read_up_to_where_an_interruption_left_them(tmp_path: Path) -> None:
    run = toy_run(tmp_path / "run")
    for step in (20, 40):
        run.log({"step": step, "epoch": step / 40, "total": 1.0})
    with run.metrics_file.open("a") as file:
        file.write('{"step": 60, "ep')
    assert [line["step"] for line in run.metrics()] == [20, 40]
    run.forget_metrics_after(20)
    run.log({"step": 21, "epoch": 0.5})
    assert [line["step"] for line in run.metrics()] == [20, 21]


@pytest.mark.parametrize("broken", [False, True])
def test_the_log_is_closed_however_a_run_ends(tmp_path: Path, broken: bool) -> None:
    run, data = toy_run(tmp_path / "run"), [0.1] * 25 + [float("nan") if broken else 0.1]
    logs: list[ToyLog] = []

    def open_log(done: int) -> ToyLog:
        logs.append(ToyLog(run, done))
        return logs[0]

    with pytest.raises(InputError, match="not a number") if broken else nullcontext():
        assert train_to_end(ToyTrainer(), data, run, open_log)
    assert [log.closed for log in logs] == [True]
    assert [line["step"] for line in run.metrics()] == ([20] if broken else [20, 40])
