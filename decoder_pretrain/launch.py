"""What every run of training does around its trainer: devices before it, a log meanwhile, weights after it."""

import os

from lightning_fabric import Fabric

from datasets.studio_sample import StudioFrames
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.linear_hand_file import OWN_TEMPLATE
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.trainer import Trainer
from decoder_pretrain.training_log import RunLog, SilentLog
from estimator.errors import InputError
from estimator.hand.template import HandTemplate
from estimator.personal_decoder import save_personal_decoder


def start_fabric(device: str) -> Fabric:
    """One process, or as many as torchrun started.

    Raises:
        InputError: when the device cannot be used.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", processes))
    strategy = "ddp_find_unused_parameters_true" if processes > 1 else "auto"
    try:
        fabric = Fabric(accelerator=device, devices=here, num_nodes=max(processes // here, 1), strategy=strategy)
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"--device {device}: cannot be used ({str(error).splitlines()[0][:120]}); use cpu") from error
    return fabric


def complete(trainer: Trainer, frames: StudioFrames, run: RunFolder, template: HandTemplate) -> bool:
    """Train from where a trainer stands to the end and write the weights; False when it was told to stop before and kept a checkpoint.

    Raises:
        InputError: as ``Trainer.train``, and when a file cannot be written.
    """
    first = trainer.fabric.is_global_zero
    if first:
        run.forget_metrics_after(trainer.steps_done(frames))
    log = RunLog(run, template, trainer.steps_done(frames)) if first else SilentLog()
    finished = trainer.train(frames, run, log).finished
    if finished and first:
        _save_weights(run, trainer.config, trainer, template)
    return finished


def _save_weights(folder: RunFolder, config: TrainConfig, trainer: Trainer, template: HandTemplate) -> None:
    model = trainer.plain_model.cpu().eval()
    model.encoder.save(folder.encoder_file, template.skeleton_id)
    save_personal_decoder(model.decoder.correctives, template, f"{config.data} (subject {config.subject})", folder.decoder_file)  # pyright: ignore
    if config.linear_hand:
        template.save(folder.path / OWN_TEMPLATE)
    print(f"{folder.decoder_file}\n{folder.encoder_file}")
