"""TrainingLog: metrics and pictures of a run, for TensorBoard, for the run's folder and for whoever watches."""

import sys
from collections.abc import Sized
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from estimator.learning.run_folder import RunFolder


@runtime_checkable
class TrainingLog(Protocol):
    """Where a trainer tells how it goes."""

    def metrics(self, step: int, values: dict[str, float], epoch: float) -> None:
        """Numbers of a step."""

    def pictures(self, step: int, model: nn.Module, data: Sized) -> None:
        """What the model makes of a few samples."""

    def close(self) -> None:
        """Let go of the files."""


class MetricsLog:
    """Writes numbers and pictures into a run's folder, and numbers to stderr."""

    def __init__(self, run: RunFolder, first_step: int = 0) -> None:
        self._run = run
        self._board = SummaryWriter(str(run.path / "tensorboard"), purge_step=first_step + 1)

    def metrics(self, step: int, values: dict[str, float], epoch: float) -> None:
        """Numbers of a step."""
        self._run.log({"step": step, "epoch": round(epoch, 3), **{name: round(value, 5) for name, value in values.items()}})
        for name, value in values.items():
            self._board.add_scalar(f"training/{name}", value, step)
        print(f"epoch {epoch:6.2f}  " + "  ".join(f"{name} {value:.3f}" for name, value in values.items()), file=sys.stderr)

    def picture(self, step: int, name: str, picture: UInt8[np.ndarray, "height width 3"]) -> None:
        """A picture under a name, for TensorBoard."""
        self._board.add_image(f"training/{name}", picture, step, dataformats="HWC")
        self._board.flush()

    def close(self) -> None:
        """Write what TensorBoard's writer still holds, and let go of the files."""
        self._board.close()


class SilentLog:
    """For processes that are not the first: keeps quiet."""

    def metrics(self, step: int, values: dict[str, float], epoch: float) -> None:
        """Nothing."""

    def pictures(self, step: int, model: nn.Module, data: Sized) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
