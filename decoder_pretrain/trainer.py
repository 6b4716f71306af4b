"""Trains stage 1: encoder and decoder together, on the moments of a studio."""

from collections.abc import Iterator

from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn

from datasets.studio_sample import StudioFrames
from decoder_pretrain.augmentation import augmented, unchanged
from decoder_pretrain.batches import StudioBatch, epoch_batches
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.fitting import fitted_theta
from decoder_pretrain.objective import LossTerms, Objective, StudioTruth
from decoder_pretrain.studio_model import StudioModel, joints_in_studio, place_in_studio
from estimator.hand.losses import pose_loss
from estimator.learning import trainer
from estimator.learning.trainer import Losses, Rated

_ENCODER, _ERROR = "encoder_pose", "joint_error_mm"


class TrainingStep(nn.Module):
    """From a batch's tensors to its losses.

    Args:
        pose: in which the decoder learns (see ``TrainConfig``).
    """

    def __init__(self, model: StudioModel, objective: Objective, pose: str) -> None:
        super().__init__()
        self.model = model
        self.objective = objective
        self._terms = {"encoder": self._together, "fitted": self._apart}[pose]

    def forward(self, image: Float[Tensor, "batch 3 size size"], *truth: Tensor | None) -> LossTerms:
        """The terms, and the encoder's mean joint error (mm) to look at; ``truth`` are the fields of ``StudioTruth`` in order."""
        known = StudioTruth(*truth)
        terms, joints = self._terms(image, known)
        distance = (joints.detach() - known.joints).norm(dim=-1)
        return {**terms, _ERROR: distance[known.valid].mean()}

    def _together(self, image: Float[Tensor, "batch 3 size size"], truth: StudioTruth) -> tuple[LossTerms, Tensor]:
        """The decoder's losses in the encoder's pose, which reach both; the encoder's joints."""
        prediction = self.model(image, truth.joints, truth.valid)
        return self.objective(prediction, truth, self.model.decoder), prediction.joints

    def _apart(self, image: Float[Tensor, "batch 3 size size"], truth: StudioTruth) -> tuple[LossTerms, Tensor]:
        """The decoder's losses in the fitted pose, and the encoder's own; the encoder's joints."""
        decoder = self.model.decoder
        joints = joints_in_studio(decoder, self.model.encoder(image), truth.joints, truth.valid)
        fitted = place_in_studio(decoder, fitted_theta(decoder, truth.joints, truth.valid), truth.joints, truth.valid)
        return {**self.objective(fitted, truth, decoder), _ENCODER: pose_loss(joints, truth.joints, truth.valid).mean()}, joints


class Trainer(trainer.Trainer[StudioFrames, StudioBatch]):
    """Owns a model, its optimiser and where they stand."""

    def __init__(self, fabric: Fabric, config: TrainConfig, model: StudioModel, objective: Objective, workers: int = 0) -> None:
        schedule = config.schedule
        rated = [Rated(model.encoder, schedule.learning_rate), Rated(model.decoder, schedule.decoder_learning_rate)]
        super().__init__(fabric, schedule, model, TrainingStep(model, objective, config.pose), rated)
        self.config, self.objective, self.workers = config, objective, workers
        self.plain_model: StudioModel = model

    def batches(self, data: StudioFrames, epoch: int, first_step: int) -> Iterator[StudioBatch]:
        """This process's share of an epoch's batches; ValueError where the data is damaged."""
        seed, batch = self.config.seed, self.config.schedule.batch
        changed = unchanged if self.config.encoder.backbone == "hand_landmarks" else augmented
        return epoch_batches(data, batch, seed, epoch, first_step, self.share, self.workers, changed)

    def losses(self, batch: StudioBatch) -> Losses:
        """The weighted sum, and its terms."""
        watched = self.forward(batch.image, *vars(batch.truth).values())
        total = self.objective.total({name: term for name, term in watched.items() if name not in (_ENCODER, _ERROR)})
        return Losses(total + watched[_ENCODER] if _ENCODER in watched else total, watched)
