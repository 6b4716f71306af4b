"""FinishedRun: what a run of training learned, to go on from or to look at."""

from dataclasses import dataclass

from decoder_pretrain.build import build_model, load_template
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.studio_model import StudioModel
from estimator.errors import InputError
from estimator.hand.template import HandTemplate


@dataclass(frozen=True)
class FinishedRun:
    """A trained model and how it came about.

    Attributes:
        config: of the run.
        template: what the model refines.
        model: with its full correctives, in full precision, on the CPU.
    """

    config: TrainConfig
    template: HandTemplate
    model: StudioModel

    @classmethod
    def load(cls, run: RunFolder) -> "FinishedRun":
        """Read a run's configuration and last checkpoint.

        Raises:
            InputError: when there is no run, or it is damaged or not finished.
        """
        config = run.config()
        state, progress = run.load_checkpoint()
        if progress.epoch < config.schedule.epochs:
            raise InputError(
                f"{run.path}: is not finished ({progress.epoch} of {config.schedule.epochs} epochs); "
                f"finish it with: python -m decoder_pretrain.train --out {run.path} --resume"
            )
        template = load_template(config)
        model = build_model(config, template, len(state["model"].get("poses.moved", ())))
        try:
            model.load_state_dict(state["model"])
        except (RuntimeError, KeyError) as error:
            raise InputError(f"{run.checkpoint_file}: does not fit its configuration; train it again in another folder") from error
        return cls(config, template, model.eval())
