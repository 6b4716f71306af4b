"""Fine-tuning with the texture's loss: a finished run, 15 more epochs, and each point of the skin keeps its colour (section 11)."""

from dataclasses import dataclass, replace

import numpy as np
from lightning_fabric import Fabric

from datasets.studio_sample import PicturedFrames, PicturedSample
from decoder_pretrain.config import Schedule, TrainConfig
from decoder_pretrain.finished_run import FinishedRun
from decoder_pretrain.launch import complete
from decoder_pretrain.objective import Objective
from decoder_pretrain.reference_texture import ReferenceTexture, neutral_moments, reference_texture
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.texture_consistency import TextureConsistency
from decoder_pretrain.trainer import Trainer
from estimator.hand.template import HandTemplate

FINETUNING = Schedule(epochs=15, learning_rate=1e-4, decoder_learning_rate=1e-4, milestones=(10, 12))
"""The paper's; the batch is that of the run before."""

LAPLACIAN_WEIGHT = 1.0
"""lambda_lap while fine-tuning."""


@dataclass(frozen=True)
class WithPictures:
    """Frames whose samples hold their target views' pictures: what a trainer is given to fine-tune on."""

    frames: PicturedFrames

    def __len__(self) -> int:
        return len(self.frames)

    def sample(self, index: int, generator: np.random.Generator) -> PicturedSample:
        """A moment, target views with pictures."""
        return self.frames.sample_with_pictures(index, generator)


def finetuning(config: TrainConfig, weight: float = 1.0, epochs: int | None = None) -> TrainConfig:
    """A run's configuration for its fine-tuning.

    Args:
        weight: of the texture's loss; 0 to see what it does (Figure 12).
        epochs: other than the paper's.

    Raises:
        ValueError: when one of them is out of range.
    """
    schedule = replace(FINETUNING, batch=config.schedule.batch)
    smooth = LAPLACIAN_WEIGHT if config.losses.laplacian > 0 else 0.0
    losses = replace(config.losses, laplacian=smooth, texture=weight)
    return replace(config, losses=losses, schedule=schedule if epochs is None else schedule.shortened(epochs))


def finetuning_trainer(fabric: Fabric, finished: FinishedRun, run: RunFolder, frames: PicturedFrames, workers: int = 0) -> Trainer:
    """A trainer at the checkpoint of ``run``, which knows its configuration; where it has none yet, at the end of the finished run.

    Then T* and a first checkpoint are in ``run``, too. It is to be given frames ``WithPictures``.

    Raises:
        InputError: when T* cannot be made, or something in ``run`` is damaged.
    """
    config, begun = run.config(), run.checkpoint_file.exists()
    fabric.barrier()
    if config.losses.texture > 0 and fabric.is_global_zero and not run.reference_texture_file.exists():
        reference_texture(finished.model, finished.template, frames, neutral_moments(frames)).save(run.reference_texture_file)
    fabric.barrier()
    trainer = Trainer(fabric, config, finished.model, _objective(config, finished.template, run), workers)
    if begun:
        trainer.resume(run)
    else:
        trainer.save(run)
    return trainer


def finetune(fabric: Fabric, finished: FinishedRun, run: RunFolder, frames: PicturedFrames, workers: int = 0) -> bool:
    """Fine-tune to the end; False when told to stop before. Errors as ``finetuning_trainer`` and ``complete``."""
    return complete(finetuning_trainer(fabric, finished, run, frames, workers), WithPictures(frames), run, finished.template)


def _objective(config: TrainConfig, template: HandTemplate, run: RunFolder) -> Objective:
    if config.losses.texture == 0:
        return Objective(template, config.losses)
    reference = ReferenceTexture.load(run.reference_texture_file).resized()
    return Objective(template, config.losses, TextureConsistency(template, reference))
