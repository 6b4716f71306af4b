"""Moments to test a hand model on: of a simulated subject's gestures, or of a release with its scans."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from datasets.virtual_studio.studio import HAS_KEY_POINT, VirtualStudio
from decoder_pretrain.build import virtual_subject
from decoder_pretrain.evaluation import TestMoment
from estimator.errors import InputError
from estimator.models import cache_folder

Split = Literal["training", "test"]


def virtual_moments(subject: int, split: Split, size: int, count: int, seed: int = 1) -> Iterator[TestMoment]:
    """``count`` moments of a simulated subject, each seen by one camera; joints without the key points' error.

    Raises:
        InputError: when the recording cannot be kept.
    """
    cache = cache_folder() / "virtual_studio"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        studio = VirtualStudio(subject, split, size, 1, count, 1, seed, cache)
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from error
    for index in range(len(studio)):
        yield TestMoment(
            motion=studio.moment(index).motion,
            image=studio.input_image(index, np.random.default_rng(index)),
            joints=studio.true_joints(index).astype(np.float64),
            valid=HAS_KEY_POINT,
            scan=studio.scan(index),
        )


def moments_of(data: str, split: Split, size: int, count: int) -> Iterator[TestMoment]:
    """Moments of ``virtual:N``, or of a release's folder.

    Raises:
        InputError: when the data is missing or damaged.
    """
    subject = virtual_subject(data)
    if subject is None:
        raise InputError(f"--data {data}: only simulated subjects can be evaluated yet; give virtual:1 to virtual:4")
    return virtual_moments(subject, split, size, count)
