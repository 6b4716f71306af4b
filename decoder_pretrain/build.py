"""From a configuration to data and model."""

import re
from pathlib import Path
from typing import Literal

import torch

from datasets.studio_sample import StudioFrames
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.studio_model import StudioModel
from estimator.errors import InputError
from estimator.hand.correctives import Correctives
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import DEFAULT_TEMPLATE, LOW_RESOLUTION_TEMPLATE, HandTemplate
from estimator.image_encoder import ImageEncoder
from estimator.models import cache_folder

Split = Literal["training", "test"]


def virtual_subject(data: str) -> int | None:
    """The number in ``virtual:N``; None for a folder.

    Raises:
        InputError: when it is no subject.
    """
    from datasets.virtual_studio.subject import SUBJECTS

    if not data.startswith("virtual:"):
        return None
    found = re.fullmatch(r"virtual:(\d{1,3})", data)
    if not found or int(found[1]) not in SUBJECTS:
        known = ", ".join(f"virtual:{number}" for number in SUBJECTS)
        raise InputError(f"--data {data}: no such simulated subject; there are {known}")
    return int(found[1])


def studio_frames(config: TrainConfig, split: Split = "training") -> StudioFrames:
    """The moments to train on, or those of gestures never trained on.

    Raises:
        InputError: one line, when the data is missing or damaged.
    """
    from datasets.virtual_studio.studio import VirtualStudio

    studio, subject = config.studio, virtual_subject(config.data)
    try:
        if subject is None:
            return _release_frames(config)
        cache = cache_folder() / "virtual_studio"
        cache.mkdir(parents=True, exist_ok=True)
        return VirtualStudio(subject, split, studio.size, studio.target_views, studio.moments, studio.views_per_moment, config.seed, cache)
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from error


def _release_frames(config: TrainConfig) -> StudioFrames:
    from datasets.capture_studio import CaptureStudio
    from datasets.capture_studio_samples import CaptureStudioFrames

    folder = Path(config.data)
    if not folder.is_dir():
        raise InputError(f"--data {folder}: no such folder; name the release's data folder, or virtual:1 for a simulated subject")
    return CaptureStudioFrames(CaptureStudio(folder), config.subject, config.studio.size, config.studio.target_views)


def load_template(config: TrainConfig) -> HandTemplate:
    """The template that the configured model refines."""
    return HandTemplate.load(LOW_RESOLUTION_TEMPLATE if config.model == "low-resolution" else DEFAULT_TEMPLATE)


def build_model(config: TrainConfig, template: HandTemplate) -> StudioModel:
    """A fresh model; the same for the same seed."""
    torch.manual_seed(config.seed)
    correctives = Correctives(config.correctives, torch.tensor(template.skinning_weights, dtype=torch.float32))
    return StudioModel(ImageEncoder(config.encoder), HandDecoder(template, correctives))
