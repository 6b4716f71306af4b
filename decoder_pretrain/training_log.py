"""RunLog: metrics and pictures of a run of stage 1."""

import numpy as np
import torch
from jaxtyping import UInt8

from datasets.studio_sample import StudioFrames
from decoder_pretrain.pictures import beside, shaded, tinted_difference
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.studio_model import StudioModel
from estimator.hand.template import HandTemplate
from estimator.learning.training_log import MetricsLog

PICTURED = 4
"""Moments shown after each epoch."""


class RunLog(MetricsLog):
    """Writes into a run's folder and to stderr."""

    def __init__(self, run: RunFolder, template: HandTemplate, first_step: int = 0) -> None:
        super().__init__(run, first_step)
        self._template = template

    def pictures(self, step: int, model: StudioModel, data: StudioFrames) -> None:
        """For a few moments: picture, estimated hand, and where it lies too near (red) or too far (blue)."""
        rows = [self._row(model, data, len(data) * i // PICTURED) for i in range(PICTURED)]
        self.picture(step, "picture, hand, depth error", np.concatenate(rows))

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
