"""Trains stage 2: the encoder alone, on RHD, looked at on the evaluation split after each epoch."""

from collections.abc import Iterator, Sized

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from lightning_fabric import Fabric
from torch import nn

from estimator.hand.template import LANDMARK_PARENTS
from estimator.learning.batches import spread_evenly
from estimator.learning.run_folder import Progress, RunFolder
from estimator.learning.trainer import Losses, Outcome, Rated, Trainer
from estimator.learning.training_log import MetricsLog, TrainingLog
from estimator.training_rhd_config import RhdConfig
from estimator.training_rhd_data import RhdBatch, RhdCrops, collate, crop_camera, cropped, epoch_batches
from estimator.training_rhd_model import EncoderBeforeDecoder, RhdStep

EVALUATED = 512
"""Samples of the evaluation split that are looked at after an epoch, evenly spread."""

EVALUATION_ERROR = "evaluation_joint_error_mm"

PICTURED = 6
_MAGNIFIED = 2
_TRUE_COLOR, _FOUND_COLOR = (57, 211, 83), (255, 45, 149)


class RhdTrainer(Trainer[RhdCrops, RhdBatch]):
    """Owns an encoder, its optimiser and where they stand.

    Args:
        evaluation: hands that are not trained on; None where there are none.
    """

    def __init__(
        self, fabric: Fabric, config: RhdConfig, model: EncoderBeforeDecoder, evaluation: RhdCrops | None = None, workers: int = 0
    ) -> None:
        rated = [Rated(model.encoder, config.schedule.learning_rate)]
        super().__init__(fabric, config.schedule, model.encoder, RhdStep(model), rated)
        self.config, self.model, self.evaluation, self.workers = config, model, evaluation, workers

    def batches(self, data: RhdCrops, epoch: int, first_step: int) -> Iterator[RhdBatch]:
        """This process's share of an epoch's batches; ValueError where a picture is damaged."""
        return epoch_batches(data, self.config.schedule.batch, self.config.seed, epoch, first_step, self.share, self.workers)

    def losses(self, batch: RhdBatch) -> Losses:
        """The pose loss."""
        watched = self.forward(batch.image, batch.joints)
        return Losses(watched["pose"], watched)

    def after_epoch(self, step: int, data: RhdCrops, log: TrainingLog) -> None:
        """Pictures and error of hands that are not trained on, by the first process."""
        if self.fabric.is_global_zero:
            looked_at = self.evaluation or data
            error = joint_error_mm(self.model, looked_at, self.config.schedule.batch)
            log.metrics(step, {EVALUATION_ERROR: error}, float(self.progress.epoch))
            log.pictures(step, self.model, looked_at)

    def train(self, data: RhdCrops, run: RunFolder, log: TrainingLog) -> Outcome:
        """As any trainer; the encoder is kept and looked at before its first step, too."""
        if self.progress == Progress():
            self.save(run)
            self.after_epoch(0, data, log)
        return super().train(data, run, log)


class RhdLog(MetricsLog):
    """Writes into a run's folder and to stderr."""

    def pictures(self, step: int, model: nn.Module, data: Sized) -> None:
        """For a few hands: the crop, and in it the true skeleton (green) and the estimated one (pink)."""
        assert isinstance(model, EncoderBeforeDecoder)
        assert isinstance(data, RhdCrops)
        pictures = [skeletons(model, data, row) for row in spread_evenly(len(data), PICTURED)]
        self.picture(step, "true (green) and estimated (pink)", np.concatenate(pictures, axis=1))


@torch.no_grad()
def joint_error_mm(model: EncoderBeforeDecoder, data: RhdCrops, batch: int) -> float:
    """Mean distance of landmarks aligned by the palm, with the true bone lengths, over at most ``EVALUATED`` hands as they are."""
    rows = spread_evenly(len(data), EVALUATED)
    device = next(model.parameters()).device
    was_training = model.encoder.training
    model.encoder.eval()
    errors: list[Float[np.ndarray, " hands"]] = []
    for start in range(0, len(rows), batch):
        hands = collate([data.crop(row) for row in rows[start : start + batch]]).to(device)
        errors.append((model(hands.image, hands.joints) - hands.joints).norm(dim=-1).mean(dim=-1).cpu().numpy())
    model.encoder.train(was_training)
    return float(np.concatenate(errors).mean())


@torch.no_grad()
def skeletons(model: EncoderBeforeDecoder, data: RhdCrops, row: int) -> UInt8[np.ndarray, "height width 3"]:
    """A crop, magnified, with the true skeleton and the estimated one."""
    pictured = data.rhd.pictured(row).as_right()
    crop, camera = cropped(pictured, data.size), crop_camera(pictured, data.size)
    hand = collate([crop]).to(next(model.parameters()).device)
    was_training = model.encoder.training
    model.encoder.eval()
    found = camera.project(model(hand.image, hand.joints)[0].double().cpu().numpy())
    model.encoder.train(was_training)
    picture = cv2.resize(crop.image, None, fx=_MAGNIFIED, fy=_MAGNIFIED, interpolation=cv2.INTER_CUBIC)
    for joints_px, color in ((crop.joints_px, _TRUE_COLOR), (found, _FOUND_COLOR)):
        _draw(picture, _MAGNIFIED * (joints_px + 0.5) - 0.5, color)
    return picture


def _draw(picture: UInt8[np.ndarray, "height width 3"], joints_px: Float[np.ndarray, "21 2"], color: tuple[int, int, int]) -> None:
    fine = np.rint(np.clip(joints_px, -1000, 1000) * 16).astype(int)  # cv2's sixteenths of a pixel
    for joint, parent in enumerate(LANDMARK_PARENTS):
        if parent >= 0:
            cv2.line(picture, fine[parent].tolist(), fine[joint].tolist(), color, 1, cv2.LINE_AA, 4)
