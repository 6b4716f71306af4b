"""What every run of stage 1 does with its trainer: a log meanwhile, weights after it."""

from pathlib import Path

from datasets.studio_sample import StudioFrames
from decoder_pretrain.build import virtual_subject
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.linear_hand_file import OWN_TEMPLATE
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.trainer import Trainer
from decoder_pretrain.training_log import RunLog
from estimator.hand.template import HandTemplate
from estimator.learning.launch import train_to_end
from estimator.personal_decoder import save_personal_decoder


def complete(trainer: Trainer, frames: StudioFrames, run: RunFolder, template: HandTemplate) -> bool:
    """Train from where a trainer stands to the end and write the weights; False when it was told to stop before and kept a checkpoint.

    Raises:
        InputError: as ``Trainer.train``, and when a file cannot be written.
    """
    finished = train_to_end(trainer, frames, run, lambda done: RunLog(run, template, done))
    if finished and trainer.fabric.is_global_zero:
        _save_weights(run, trainer.config, trainer, template)
    return finished


def _save_weights(folder: RunFolder, config: TrainConfig, trainer: Trainer, template: HandTemplate) -> None:
    model = trainer.plain_model.cpu().eval()
    model.encoder.save(folder.encoder_file, template.skeleton_id)
    whose = f"{config.data} (simulated)" if virtual_subject(config.data) else f"{Path(config.data).name} (subject {config.subject})"
    save_personal_decoder(model.decoder.correctives, template, whose, folder.decoder_file)  # pyright: ignore
    if config.linear_hand:
        template.save(folder.path / OWN_TEMPLATE)
    print(f"{folder.decoder_file}\n{folder.encoder_file}")
