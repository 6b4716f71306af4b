"""python -m decoder_pretrain.train: stage 1, the personalised hand model from a capture studio (sections 6 and 7)."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from decoder_pretrain.build import build_model, first_look, load_template, remember_features, studio_frames, virtual_subject
from decoder_pretrain.config import Model, Pose, Preset, TrainConfig, With, Without, linear, low_resolution, preset, with_skinning, without
from decoder_pretrain.finetuning import finetune, finetuning
from decoder_pretrain.finished_run import FinishedRun
from decoder_pretrain.launch import complete
from decoder_pretrain.objective import Objective
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.trainer import Trainer
from estimator.command import DONE, INTERRUPTED, run_command
from estimator.errors import InputError
from estimator.learning.features import measure_features
from estimator.learning.launch import start_fabric
from estimator.learning.options import RunOptions, given

TEXTURE_FOLDER = "texture"
"""Of a run's fine-tuning, in the run's."""

_THE_PRESETS = "(default: the preset's)"


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunOptions):
    """Train encoder and decoder on one person in a capture studio, real or simulated."""

    data: str = "virtual:1"
    """A DeepHandMesh release's data folder, or virtual:1 to virtual:4 for a simulated subject."""

    subject: Annotated[int | None, tyro.conf.arg(help_behavior_hint="(default: 4, the one with annotations)")] = None
    """Number of the person in a release."""

    preset: Preset = "cpu"
    """Everything else: the paper's settings, or those for two cores and about an hour."""

    model: Model = "deephandmesh"
    """Ours on the template of 12,518 vertices or on that of 790, or a fixed linear hand in MANO's manner to compare with."""

    linear_hand: Annotated[Path | None, tyro.conf.arg(help_behavior_hint="(default: the one that ships)")] = None
    """A linear hand of your own, such as decoder_pretrain.mano makes."""

    without: tuple[Without, ...] = ()
    """Losses and correctives to leave out."""

    with_: Annotated[tuple[With, ...], tyro.conf.arg(name="with")] = ()
    """Learn the skinning weights, too; fine-tune with the texture's loss afterwards, in the run's folder texture."""

    pose: Annotated[Pose | None, tyro.conf.arg(help_behavior_hint="(default: encoder with preset paper, fitted with preset cpu)")] = None
    """In what pose the decoder learns: the encoder's, or each moment's own, fitted to key points and moved by all losses."""

    moments: Annotated[int | None, tyro.conf.arg(help_behavior_hint=_THE_PRESETS)] = None
    """Moments recorded of a simulated subject."""

    size: Annotated[int | None, tyro.conf.arg(help_behavior_hint=_THE_PRESETS)] = None
    """Pixels a side of pictures and depth maps."""


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
        if options.model == "linear":
            config = linear(config)
        own = str(options.linear_hand.resolve()) if options.linear_hand else ""
        return _resized(replace(config, linear_hand=own), options)
    except ValueError as error:
        raise InputError(str(error)) from error


def _resized(config: TrainConfig, options: TrainOptions) -> TrainConfig:
    encoder = replace(config.encoder, **given(backbone=options.backbone, initial=options.initial))
    studio = replace(config.studio, **given(moments=options.moments, size=options.size))
    schedule = replace(config.schedule, **given(batch=options.batch))
    if options.epochs is not None:
        schedule = schedule.shortened(options.epochs)
    return replace(config, encoder=encoder, studio=studio, schedule=schedule, **given(pose=options.pose))


def run(options: TrainOptions) -> int:
    """Train; the exit status."""
    folder, texture_folder = RunFolder(options.out), RunFolder(options.out / TEXTURE_FOLDER)
    config = folder.config() if options.resume else config_of(options)
    if config.losses.texture > 0:
        raise InputError(f"{options.out}: is a fine-tuning; go on with python -m decoder_pretrain.finetune_texture")
    fabric = start_fabric(options.device)
    template = load_template(config)
    frames = studio_frames(config)
    model = build_model(config, template, len(frames))
    remember_features(model.encoder)
    trainer = Trainer(fabric, config, model, Objective(template, config.losses), options.workers)
    if options.resume:
        trainer.resume(folder)
    else:
        measure_features(model.encoder, lambda index: first_look(frames, index, config.seed), len(frames), config.seed)
        if fabric.is_global_zero:
            folder.begin(config)
        if fabric.is_global_zero and "texture" in options.with_:
            texture_folder.begin(finetuning(config))
    fabric.barrier()
    done = complete(trainer, frames, folder, template)
    if done and texture_folder.config_file.exists():
        done = finetune(fabric, FinishedRun.load(folder), texture_folder, frames, options.workers)
    if not done:
        print(f"stopped and kept; go on with: python -m decoder_pretrain.train --out {options.out} --resume", file=sys.stderr)
    return DONE if done else INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(TrainOptions, run, "decoder_pretrain.train", argv)


if __name__ == "__main__":
    sys.exit(main())
