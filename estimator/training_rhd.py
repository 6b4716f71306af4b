"""Stage 2: a fresh encoder learns poses from RHD before a decoder that stays as it is (section 8.4)."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro

from datasets.rhd_files import annotation_file
from estimator.command import DONE, INTERRUPTED
from estimator.errors import InputError
from estimator.files import write_file
from estimator.image_encoder import ImageEncoder
from estimator.learning.batches import step_count
from estimator.learning.features import measure_features
from estimator.learning.launch import start_fabric, train_to_end
from estimator.learning.options import RunOptions, given
from estimator.learning.run_folder import RunFolder
from estimator.personal_decoder import SHIPPED, load_template, open_decoder
from estimator.training_rhd_config import Preset, RhdConfig, preset
from estimator.training_rhd_data import RhdCrops, open_rhd
from estimator.training_rhd_model import EncoderBeforeDecoder, weights_sha256
from estimator.training_rhd_trainer import EVALUATION_ERROR, RhdLog, RhdTrainer

SKIPPED_FILE = "skipped.json"
"""Of a run: the samples that it leaves out, each with its reason."""


@dataclass(frozen=True, kw_only=True)
class TrainRhdOptions(RunOptions):
    """Train an encoder on RHD before a frozen decoder: image in, joint angles out, true bone lengths given.

    RUN holds configuration, seed, commit, metrics, TensorBoard logs, checkpoint and, at the end, encoder.safetensors, which
    estimator.infer takes with --encoder.
    """

    data: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(required, but with --resume)")] = None
    """RHD_published_v2, or a folder of the same layout such as datasets.virtual_rhd writes."""

    decoder: Annotated[str, tyro.conf.arg(metavar="{default,template}|FILE")] = "default"
    """Whose hand is posed: default (a simulated man's), template (nobody's), or a file that stage 1 has trained. It is not changed."""

    preset: Preset = "cpu"
    """Everything else: settings for two cores, or the paper's."""

    init: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: a fresh encoder)")] = None
    """Weights to go on from instead of a fresh encoder."""

    learning_rate: Annotated[float | None, tyro.conf.arg(metavar="RATE", help_behavior_hint="(default: the preset's)")] = None
    """Adam's, at the start."""


def config_of(options: TrainRhdOptions) -> RhdConfig:
    """The run that the options ask for, its decoder not yet looked at.

    Raises:
        InputError: when an option does not fit.
    """
    if options.data is None:
        raise InputError("--data is missing: name RHD_published_v2, or a folder that datasets.virtual_rhd has written")
    if options.init is not None and (options.backbone or options.initial):
        raise InputError("--init brings its own network; leave --backbone and --initial out")
    plain = preset(options.preset, str(options.data.resolve()))
    decoder = options.decoder if options.decoder in SHIPPED else str(Path(options.decoder).resolve())
    try:
        schedule = replace(plain.schedule, **given(epochs=options.epochs, batch=options.batch, learning_rate=options.learning_rate))
        encoder = replace(plain.encoder, **given(backbone=options.backbone, initial=options.initial))
    except ValueError as error:
        raise InputError(str(error)) from error
    init = "" if options.init is None else str(options.init.resolve())
    return replace(plain, decoder=decoder, init=init, encoder=encoder, schedule=schedule, seed=options.seed)


def run_folder(path: Path) -> RunFolder[RhdConfig]:
    """The files of one run."""
    return RunFolder(path, RhdConfig, "estimator.train")


def run(options: TrainRhdOptions) -> int:
    """Train; the exit status."""
    folder = run_folder(options.out)
    fabric = start_fabric(options.device)
    config = folder.config() if options.resume else config_of(options)
    person = open_decoder(config.decoder, load_template())
    decoder_sha256 = weights_sha256(person.decoder)
    if options.resume:
        _require_same_decoder(config, decoder_sha256)
        encoder = ImageEncoder(config.encoder)
    else:
        encoder = _first_encoder(config, person.template.skeleton_id)
        config = replace(config, encoder=encoder.config, decoder_sha256=decoder_sha256)
    training, evaluation = _crops(config)
    step_count(training, config.schedule.batch)  # before a folder is begun for a run that cannot be
    trainer = RhdTrainer(fabric, config, EncoderBeforeDecoder(encoder, person.decoder), evaluation, options.workers)
    if options.resume:
        trainer.resume(folder)
    else:
        if not config.init:  # else its file knows
            measure_features(encoder, lambda row: training.crop(row).image, len(training), config.seed)
        if fabric.is_global_zero:
            folder.begin(config)
            _note_skipped(folder, training, evaluation)
    fabric.barrier()
    finished = train_to_end(trainer, training, folder, lambda done: RhdLog(folder, done))
    assert weights_sha256(person.decoder) == config.decoder_sha256, "the frozen decoder has changed"
    if not finished:
        print(f"stopped and kept; go on with: python -m estimator.train --out {options.out} --resume", file=sys.stderr)
        return INTERRUPTED
    if fabric.is_global_zero:
        encoder.cpu().eval().save(folder.encoder_file, person.template.skeleton_id)
        _tell(folder)
    return DONE


def _require_same_decoder(config: RhdConfig, decoder_sha256: str) -> None:
    if decoder_sha256 != config.decoder_sha256:
        raise InputError(
            f"--decoder {config.decoder}: is not the one that this run began with (sha256 {decoder_sha256[:16]} instead of "
            f"{config.decoder_sha256[:16]}); put that one back, or start another run"
        )


def _first_encoder(config: RhdConfig, skeleton_id: str) -> ImageEncoder:
    """A fresh encoder, the same for the same seed, or the one to go on from."""
    if config.init:
        return ImageEncoder.load(Path(config.init), skeleton_id)
    torch.manual_seed(config.seed)
    return ImageEncoder(config.encoder)


def _crops(config: RhdConfig) -> tuple[RhdCrops, RhdCrops | None]:
    """To train on, and to look at afterwards where the folder has an evaluation split."""
    folder = Path(config.data)
    training = RhdCrops(open_rhd(folder, "training"), config.size)
    if not annotation_file(folder, "evaluation").exists():
        print(f"{folder}: has no evaluation split; hands that are trained on are looked at instead", file=sys.stderr)
        return training, None
    return training, RhdCrops(open_rhd(folder, "evaluation"), config.size)


def _note_skipped(folder: RunFolder[RhdConfig], *parts: RhdCrops | None) -> None:
    """Name what is left out, and why, in a file of the run; count it on stderr."""
    found = {part.rhd.split: part.rhd.index for part in parts if part is not None}
    listed = {split: [asdict(skipped) for skipped in index.skipped] for split, index in found.items()}
    write_file(folder.path / SKIPPED_FILE, json.dumps(listed, indent=1).encode())
    for split, index in found.items():
        if index.skipped:
            print(f"{split}: {index.summary()}", file=sys.stderr)


def _tell(folder: RunFolder[RhdConfig]) -> None:
    errors = [line[EVALUATION_ERROR] for line in folder.metrics() if EVALUATION_ERROR in line]
    print(f"{folder.encoder_file}\njoint error, palm aligned, true bone lengths: {errors[0]:.2f} mm at first, {errors[-1]:.2f} mm now")
