"""Figure 12: how much a person's texture differs from moment to moment, without and with the texture's loss (section 11)."""

import numpy as np
from jaxtyping import Float

from datasets.studio_sample import PicturedFrames
from decoder_pretrain.build import studio_frames
from decoder_pretrain.pictures import Picture, diverging
from decoder_pretrain.report_content import Figure, Missing, Panel
from decoder_pretrain.report_figures import whose
from decoder_pretrain.report_pictures import ERROR_STOPS, blended
from decoder_pretrain.report_runs import Data, Run, Runs, Variant
from decoder_pretrain.studio_model import StudioModel
from decoder_pretrain.texture_deviation import texture_deviation
from estimator.hand.shading import encode_srgb

MOMENTS = 24
LARGEST_DEVIATION, LARGEST_CHANGE = 0.12, 0.03
"""Of RGB in [0, 1]."""


def texture_figure(data: Data, runs: Runs) -> Figure:
    """Standard deviation over texture space without and with the texture's loss, and their difference.

    Without it, a run that was fine-tuned likewise stands here; where there is none, the one before fine-tuning.
    """
    before = runs.best(Variant(data, added=("fine-tuning",))) or runs.best(Variant(data))
    after = runs.best(Variant(data, added=("texture",)))
    missing = [] if before else [Missing(Variant(data))]
    missing += [] if after else [Missing(Variant(data, added=("texture",)))]
    rows = (_panels(before, after),) if before and after else ()
    return Figure(
        "Figure 12",
        "How much the texture differs from moment to moment",
        f"Standard deviation of each texel's colour over {MOMENTS} moments of the training poses, whose pictures are unwrapped "
        f"on each model's meshes (darkest: {LARGEST_DEVIATION:g} of full brightness and more); "
        "on the right what the loss changes: blue is less, red more "
        f"(full colour: {LARGEST_CHANGE:g}). White: no surface, or seen too rarely. {whose(data)}",
        ("without the texture loss", "with it", "difference"),
        rows,
        tuple(missing),
    )


def _panels(before: Run, after: Run) -> tuple[Panel, ...]:
    without, with_loss = (_deviation(run) for run in (before, after))
    change = with_loss - without
    return (
        Panel(deviation_picture(without), f"{before.name}, mean {np.nanmean(without):.4f}"),
        Panel(deviation_picture(with_loss), f"{after.name}, mean {np.nanmean(with_loss):.4f}"),
        Panel(_on_white(diverging(np.nan_to_num(change), LARGEST_CHANGE), change), f"mean {np.nanmean(change):+.4f}"),
    )


def deviation_picture(deviation: Float[np.ndarray, "size size"]) -> Picture:
    """Dark where colours vary much; white where the deviation is NaN."""
    shares = np.nan_to_num(deviation) / LARGEST_DEVIATION
    return _on_white(blended(shares.reshape(-1), ERROR_STOPS).reshape(*shares.shape, 3), deviation)


def _on_white(colours: Float[np.ndarray, "size size 3"], known: Float[np.ndarray, "size size"]) -> Picture:
    return encode_srgb(np.where(np.isnan(known)[..., None], 1.0, colours))


def _deviation(run: Run) -> Float[np.ndarray, "size size"]:
    frames = studio_frames(run.config)
    assert isinstance(frames, PicturedFrames)
    count = min(MOMENTS, len(frames))
    moments = [len(frames) * row // count for row in range(count)]
    found = texture_deviation(StudioModel(run.encoder(), run.person.decoder), run.person.template, frames, moments)
    run.forget()
    return found
