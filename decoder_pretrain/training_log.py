"""TrainingLog: metrics and pictures of a run, for TensorBoard, for the run's folder and for whoever watches."""

import sys
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8
from torch.utils.tensorboard import SummaryWriter

from datasets.studio_sample import StudioFrames
from decoder_pretrain.pictures import beside, shaded, tinted_difference
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.studio_model import StudioModel
from estimator.hand.template import HandTemplate

PICTURED = 4
"""Moments shown after each epoch."""


@runtime_checkable
class TrainingLog(Protocol):
    """Where a trainer tells how it goes."""

    def metrics(self, step: int, values: dict[str, float], epoch: float) -> None:
        """Losses of a step."""

    def pictures(self, step: int, model: StudioModel, frames: StudioFrames) -> None:
        """What the model makes of a few moments."""


class RunLog:
    """Writes into a run's folder and to stderr."""

    def __init__(self, run: RunFolder, template: HandTemplate, first_step: int = 0) -> None:
        self._run, self._template = run, template
        self._board = SummaryWriter(str(run.path / "tensorboard"), purge_step=first_step + 1)

    def metrics(self, step: int, values: dict[str, float], epoch: float) -> None:
        """Losses of a step."""
        self._run.log({"step": step, "epoch": round(epoch, 3), **{name: round(value, 5) for name, value in values.items()}})
        for name, value in values.items():
            self._board.add_scalar(f"training/{name}", value, step)
        print(f"epoch {epoch:6.2f}  " + "  ".join(f"{name} {value:.3f}" for name, value in values.items()), file=sys.stderr)

    def pictures(self, step: int, model: StudioModel, frames: StudioFrames) -> None:
        """For a few moments: picture, estimated hand, and where it lies too near (red) or too far (blue)."""
        rows = [self._row(model, frames, len(frames) * i // PICTURED) for i in range(PICTURED)]
        self._board.add_image("training/picture, hand, depth error", np.concatenate(rows), step, dataformats="HWC")
        self._board.flush()

    def close(self) -> None:
        """Let go of the files."""
        self._board.close()

    @torch.no_grad()
    def _row(self, model: StudioModel, frames: StudioFrames, index: int) -> UInt8[np.ndarray, "height width 3"]:
        sample = frames.sample(index, np.random.default_rng(index))
        was_training = model.training
        model.eval()
        device = next(model.parameters()).device
        image = torch.tensor(sample.image, device=device).permute(2, 0, 1)[None].float() / 255
        prediction = model(image, torch.tensor(sample.joints, device=device)[None], torch.tensor(sample.valid, device=device)[None])
        model.train(was_training)
        vertices = prediction.vertices[0].cpu().double().numpy() @ sample.R[0].T.astype(np.float64) + sample.t[0]
        faces, K = self._template.faces, sample.K[0].astype(np.float64)
        return beside([sample.image, shaded(vertices, faces, K, len(sample.image)), tinted_difference(vertices, faces, K, sample.depth[0])])


class SilentLog:
    """For processes that are not the first: keeps quiet."""

    def metrics(self, step: int, values: dict[str, float], epoch: float) -> None:
        """Nothing."""

    def pictures(self, step: int, model: StudioModel, frames: StudioFrames) -> None:
        """Nothing."""
