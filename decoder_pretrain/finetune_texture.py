"""python -m decoder_pretrain.finetune_texture: fine-tunes a trained run until each point of the skin keeps its colour (section 11)."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from decoder_pretrain.build import studio_frames
from decoder_pretrain.finetuning import finetune, finetuning
from decoder_pretrain.finished_run import FinishedRun
from decoder_pretrain.run_folder import RunFolder
from estimator.command import DONE, INTERRUPTED, run_command
from estimator.errors import InputError
from estimator.learning.launch import start_fabric
from estimator.learning.options import MachineOptions


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(MachineOptions):
    """Fine-tune a run of decoder_pretrain.train with the texture's loss, on the data that it was trained on."""

    run: Path
    """Folder of the finished run."""

    out: Path
    """Folder for the fine-tuning: as a run's, and the person's reference texture."""

    weight: float = 1.0
    """Of the texture's loss; 0 fine-tunes without it, to see what it does."""

    epochs: int | None = None
    """Passes over the data (default: the paper's 15); the course of learning rates is shortened alike."""

    resume: bool = False
    """Go on with the fine-tuning in --out; weight and epochs are taken from it."""


def run(options: FinetuneOptions) -> int:
    """Fine-tune; the exit status."""
    finished, folder = FinishedRun.load(RunFolder(options.run)), RunFolder(options.out)
    fabric = start_fabric(options.device)
    if options.resume:
        folder.config()
    elif fabric.is_global_zero:
        try:
            folder.begin(finetuning(finished.config, options.weight, options.epochs))
        except ValueError as error:
            raise InputError(str(error)) from error
    fabric.barrier()
    if finetune(fabric, finished, folder, studio_frames(finished.config), options.workers):
        return DONE
    again = f"python -m decoder_pretrain.finetune_texture --run {options.run} --out {options.out} --resume"
    print(f"stopped and kept; go on with: {again}", file=sys.stderr)
    return INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(FinetuneOptions, run, "decoder_pretrain.finetune_texture", argv)


if __name__ == "__main__":
    sys.exit(main())
