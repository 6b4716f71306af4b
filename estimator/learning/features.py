"""What an encoder has to know of its data before training: how the features of a backbone that stays as it is are spread."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import UInt8

from estimator.errors import InputError
from estimator.image_encoder import ImageEncoder
from estimator.landmark_backbone import LandmarkBackbone

MEASURED_PICTURES = 512
"""So many tell how features that are not trained are spread."""


def measure_features(encoder: ImageEncoder, picture: Callable[[int], UInt8[np.ndarray, "size size 3"]], count: int, seed: int) -> None:
    """Standardise the features of a backbone that stays as it is; backbones that learn are left alone.

    Args:
        picture: what the encoder will see of a sample, by its number.
        count: of samples; some of them are looked at.
        seed: decides which.

    Raises:
        InputError: a sample is damaged.
    """
    backbone = encoder.backbone
    if not isinstance(backbone, LandmarkBackbone):
        return
    chosen = np.random.default_rng(seed).permutation(count)[:MEASURED_PICTURES].tolist()
    try:
        pictures = np.stack([picture(index) for index in chosen])
    except ValueError as error:
        raise InputError(str(error)) from error
    backbone.measure(torch.from_numpy(pictures).movedim(-1, 1).float() / 255)
