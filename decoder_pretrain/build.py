"""From a configuration to data and model."""

import re
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8

from datasets.studio_sample import PicturedFrames, StudioFrames
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.linear_hand_file import DEFAULT_LINEAR_HAND, load_linear_hand, own_template
from decoder_pretrain.studio_model import MomentPoses, StudioModel
from estimator.errors import InputError
from estimator.feature_store import FeatureStore
from estimator.hand.correctives import Correctives
from estimator.hand.decoder import HandDecoder
from estimator.hand.linear_correctives import LinearCorrectives
from estimator.hand.template import DEFAULT_TEMPLATE, LOW_RESOLUTION_TEMPLATE, HandTemplate
from estimator.image_encoder import ImageEncoder
from estimator.landmark_backbone import LandmarkBackbone
from estimator.learning.index_place import index_place
from estimator.models import HAND_LANDMARKER, cache_folder

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


def studio_frames(config: TrainConfig, split: Split = "training") -> PicturedFrames:
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


def _release_frames(config: TrainConfig) -> PicturedFrames:
    from datasets.capture_studio import CaptureStudio
    from datasets.capture_studio_samples import CaptureStudioFrames

    folder = Path(config.data)
    if not folder.is_dir():
        raise InputError(f"--data {folder}: no such folder; name the release's data folder, or virtual:1 for a simulated subject")
    frames = CaptureStudioFrames(
        CaptureStudio(folder, index_place(folder, "capture_studio", ".json")),
        config.subject,
        config.studio.size,
        config.studio.target_views,
    )
    print(f"{folder}: {len(frames)} hands of subject {config.subject}; {frames.left_out}", file=sys.stderr)
    return frames


def load_template(config: TrainConfig) -> HandTemplate:
    """The template that the configured model refines.

    Raises:
        InputError: when a linear hand of the user's own lacks it.
    """
    if config.linear_hand:
        return own_template(Path(config.linear_hand).parent)
    return HandTemplate.load(DEFAULT_TEMPLATE if config.model == "deephandmesh" else LOW_RESOLUTION_TEMPLATE)


def build_model(config: TrainConfig, template: HandTemplate, moments: int = 0) -> StudioModel:
    """A fresh model, the same for the same seed, for training data of so many moments."""
    torch.manual_seed(config.seed)
    encoder, decoder = ImageEncoder(config.encoder), HandDecoder(template, _correctives(config, template))
    return StudioModel(encoder, decoder, MomentPoses(moments) if config.pose == "fitted" else None)


def remember_features(encoder: ImageEncoder) -> None:
    """Let a backbone that stays as it is keep what it sees of pictures in the user's cache.

    Raises:
        InputError: there is no room for features.
    """
    if isinstance(encoder.backbone, LandmarkBackbone):
        name = HAND_LANDMARKER.members[1].sha256[:16]
        encoder.backbone.store = FeatureStore(cache_folder() / "features" / f"{name}.sqlite")


def first_look(frames: StudioFrames, index: int, seed: int) -> UInt8[np.ndarray, "size size 3"]:
    """One of a moment's pictures."""
    return frames.sample(index, np.random.default_rng([seed, index])).image


def _correctives(config: TrainConfig, template: HandTemplate) -> Correctives | LinearCorrectives:
    W = torch.tensor(template.skinning_weights, dtype=torch.float32)
    if config.model == "linear":
        hand = load_linear_hand(Path(config.linear_hand or DEFAULT_LINEAR_HAND), template)
        return LinearCorrectives(hand, config.subject, W)
    return Correctives(config.correctives, W)
