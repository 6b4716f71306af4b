"""What every run of training does around its trainer: devices before it, a log meanwhile."""

import os
from collections.abc import Callable, Sized
from contextlib import closing

from lightning_fabric import Fabric

from estimator.errors import InputError
from estimator.learning.run_folder import RunFolder
from estimator.learning.trainer import Trainer
from estimator.learning.training_log import SilentLog, TrainingLog


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


def train_to_end(trainer: Trainer, data: Sized, run: RunFolder, open_log: Callable[[int], TrainingLog]) -> bool:
    """Train from where a trainer stands; False when it was told to stop before the end and kept a checkpoint.

    Args:
        open_log: makes the first process's log, given the steps that are done; it is closed however training ends.

    Raises:
        InputError: as ``Trainer.train``, and when a file cannot be written.
    """
    done = trainer.steps_done(data)
    if not trainer.fabric.is_global_zero:
        return trainer.train(data, run, SilentLog()).finished
    run.forget_metrics_after(done)
    with closing(open_log(done)) as log:
        return trainer.train(data, run, log).finished
