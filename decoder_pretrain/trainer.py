"""Trains stage 1: encoder and decoder together, on the moments of a studio."""

from collections.abc import Iterator

from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn

from datasets.studio_sample import StudioFrames
from decoder_pretrain.augmentation import augmented, unchanged
from decoder_pretrain.batches import StudioBatch, epoch_batches
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.objective import LossTerms, Objective, StudioTruth
from decoder_pretrain.studio_model import MomentPoses, StudioModel, joints_in_studio, place_in_studio
from estimator.hand.losses import pose_loss
from estimator.learning import trainer
from estimator.learning.trainer import Losses, Rated

_ENCODER, _ERROR = "encoder_pose", "joint_error_mm"

_POSE_RATE = 1e-3
"""Adam's for the moments' poses, radians: each is met once an epoch, and moves by some ten times that."""

_RADIAN_MM = 10.0
"""What a radian counts beside a millimetre when the encoder is told a moment's pose: joints do not tell how a fingertip is turned."""


class TrainingStep(nn.Module):
    """From a batch's tensors to its losses."""

    def __init__(self, model: StudioModel, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, image: Float[Tensor, "batch 3 size size"], *truth: Tensor | None) -> LossTerms:
        """The terms, and the encoder's mean joint error (mm) to look at; ``truth`` are the fields of ``StudioTruth`` in order."""
        known = StudioTruth(*truth)  # pyright: ignore[reportArgumentType]
        terms, joints = self._together(image, known) if self.model.poses is None else self._apart(image, known, self.model.poses)
        distance = (joints.detach() - known.joints).norm(dim=-1)
        return {**terms, _ERROR: distance[known.valid].mean()}

    def _together(self, image: Float[Tensor, "batch 3 size size"], truth: StudioTruth) -> tuple[LossTerms, Tensor]:
        """The decoder's losses in the encoder's pose, which reach both; the encoder's joints."""
        prediction = self.model(image, truth.joints, truth.valid)
        return self.objective(prediction, truth, self.model.decoder), prediction.joints

    def _apart(self, image: Float[Tensor, "batch 3 size size"], truth: StudioTruth, poses: MomentPoses) -> tuple[LossTerms, Tensor]:
        """The decoder's losses in the moments' own poses, and the encoder's, which sees neither surface; the encoder's joints."""
        decoder = self.model.decoder
        theta, encoded = poses(decoder, truth.moments, truth.joints, truth.valid), self.model.encoder(image)
        terms = self.objective(place_in_studio(decoder, theta, truth.joints, truth.valid), truth, decoder)
        joints = joints_in_studio(decoder, encoded, truth.joints, truth.valid)
        turned = (encoded - theta.detach()).abs().mean()
        return {**terms, _ENCODER: pose_loss(joints, truth.joints, truth.valid).mean() + _RADIAN_MM * turned}, joints


class Trainer(trainer.Trainer[StudioFrames, StudioBatch]):
    """Owns a model, its optimiser and where they stand."""

    def __init__(self, fabric: Fabric, config: TrainConfig, model: StudioModel, objective: Objective, workers: int = 0) -> None:
        schedule = config.schedule
        rated = [Rated(model.encoder, schedule.learning_rate), Rated(model.decoder, schedule.decoder_learning_rate)]
        if model.poses is not None:
            rated.append(Rated(model.poses, _POSE_RATE))
        super().__init__(fabric, schedule, model, TrainingStep(model, objective), rated)
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
