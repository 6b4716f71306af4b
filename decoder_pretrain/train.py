"""python -m decoder_pretrain.train: stage 1, the personalised hand model from a capture studio (sections 6 and 7)."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from lightning_fabric import Fabric

from decoder_pretrain.build import build_model, load_template, studio_frames, virtual_subject
from decoder_pretrain.config import Model, Preset, TrainConfig, With, Without, low_resolution, preset, with_skinning, without
from decoder_pretrain.objective import Objective
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.trainer import Trainer
from decoder_pretrain.training_log import RunLog, SilentLog
from estimator.command import DONE, INTERRUPTED, CommandOptions, run_command
from estimator.errors import InputError
from estimator.hand.template import HandTemplate
from estimator.image_encoder import Backbone, InitialWeights
from estimator.personal_decoder import save_personal_decoder

_CPU_DEVICES = "cpu"


@dataclass(frozen=True, kw_only=True)
class TrainOptions(CommandOptions):
    """Train encoder and decoder on one person in a capture studio, real or simulated."""

    out: Path
    """Folder of the run: configuration, metrics, TensorBoard, checkpoint, weights."""

    data: str = "virtual:1"
    """A DeepHandMesh release's data folder, or virtual:1 to virtual:4 for a simulated subject."""

    subject: int | None = None
    """Number of the person in a release (default: 4, the one with annotations)."""

    preset: Preset = "cpu"
    """Everything else: the paper's settings, or those for two cores and about an hour."""

    model: Model = "deephandmesh"
    """The template's resolution: 12,518 vertices or 790."""

    without: tuple[Without, ...] = ()
    """Losses and correctives to leave out."""

    with_: Annotated[tuple[With, ...], tyro.conf.arg(name="with")] = ()
    """Learn the skinning weights, too."""

    epochs: int | None = None
    """Passes over the data; the course of learning rates is shortened alike."""

    batch: int | None = None
    """Samples a step, over all processes."""

    moments: int | None = None
    """Moments recorded of a simulated subject."""

    size: int | None = None
    """Pixels a side of pictures and depth maps."""

    backbone: Backbone | None = None
    """The encoder's network."""

    initial: InitialWeights | None = None
    """The backbone's start."""

    seed: int = 0
    """Of all randomness."""

    workers: int = 0
    """Processes that read data beside the one that trains."""

    device: str = _CPU_DEVICES
    """Where to train: cpu, cuda, mps. Start with torchrun to use several."""

    resume: bool = False
    """Go on with the run in --out; all other options are taken from it."""


def config_of(options: TrainOptions) -> TrainConfig:
    """The run that the options ask for.

    Raises:
        InputError: when an option does not fit.
    """
    simulated = virtual_subject(options.data)
    if simulated is not None and options.subject not in (None, simulated):
        raise InputError(f"--subject {options.subject} does not fit --data {options.data}; leave one of them out")
    subject = simulated or options.subject or 4
    try:
        config = replace(preset(options.preset, options.data, subject), seed=options.seed)
        for part in options.without:
            config = without(config, part)
        if "skinning" in options.with_:
            config = with_skinning(config)
        if options.model == "low-resolution":
            config = low_resolution(config)
        return _resized(config, options)
    except ValueError as error:
        raise InputError(str(error)) from error


def _resized(config: TrainConfig, options: TrainOptions) -> TrainConfig:
    encoder = replace(config.encoder, **_given(backbone=options.backbone, initial=options.initial))
    studio = replace(config.studio, **_given(moments=options.moments, size=options.size))
    schedule = replace(config.schedule, **_given(batch=options.batch))
    if options.epochs is not None:
        schedule = schedule.shortened(options.epochs)
    return replace(config, encoder=encoder, studio=studio, schedule=schedule)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def run(options: TrainOptions) -> int:
    """Train; the exit status."""
    folder = RunFolder(options.out)
    config = folder.config() if options.resume else config_of(options)
    fabric = _fabric(options.device)
    template = load_template(config)
    frames = studio_frames(config)
    trainer = Trainer(fabric, config, build_model(config, template), Objective(template, config.losses), options.workers)
    if options.resume:
        trainer.resume(folder)
        folder.forget_metrics_after(trainer.steps_done(frames))
    elif fabric.is_global_zero:
        folder.begin(config)
    fabric.barrier()
    log = RunLog(folder, template, trainer.steps_done(frames)) if fabric.is_global_zero else SilentLog()
    outcome = trainer.train(frames, folder, log)
    if not outcome.finished:
        print(f"stopped and kept; go on with: python -m decoder_pretrain.train --out {options.out} --resume", file=sys.stderr)
        return INTERRUPTED
    if fabric.is_global_zero:
        _save_weights(folder, config, trainer, template)
    return DONE


def _save_weights(folder: RunFolder, config: TrainConfig, trainer: Trainer, template: HandTemplate) -> None:
    model = trainer.plain_model.cpu().eval()
    model.encoder.save(folder.encoder_file, template.skeleton_id)
    save_personal_decoder(model.decoder.correctives, template, f"{config.data} (subject {config.subject})", folder.decoder_file)  # pyright: ignore
    print(f"{folder.decoder_file}\n{folder.encoder_file}")


def _fabric(device: str) -> Fabric:
    """One process, or as many as torchrun started."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", processes))
    strategy = "ddp_find_unused_parameters_true" if processes > 1 else "auto"
    try:
        fabric = Fabric(accelerator=device, devices=here, num_nodes=max(processes // here, 1), strategy=strategy)
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"--device {device}: cannot be used ({str(error).splitlines()[0][:120]}); use cpu") from error
    return fabric


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(TrainOptions, run, "decoder_pretrain.train", argv)


if __name__ == "__main__":
    sys.exit(main())
