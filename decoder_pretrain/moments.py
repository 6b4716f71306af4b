"""Moments to test a hand model on: of a simulated subject's gestures, or of a release with its scans."""

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np

from datasets.virtual_studio.studio import HAS_KEY_POINT, VirtualStudio
from decoder_pretrain.build import virtual_subject
from decoder_pretrain.evaluation import TestMoment
from estimator.errors import InputError
from estimator.models import cache_folder

Split = Literal["training", "test"]


class VirtualMoments(Sequence[TestMoment]):
    """``count`` moments of a simulated subject, each seen by one camera; joints without the key points' error.

    Scans are made when a moment is asked for.

    Raises:
        InputError: when the recording cannot be kept.
    """

    def __init__(self, subject: int, split: Split, size: int, count: int, seed: int = 1) -> None:
        cache = cache_folder() / "virtual_studio"
        try:
            cache.mkdir(parents=True, exist_ok=True)
            self._studio = VirtualStudio(subject, split, size, 1, count, 1, seed, cache)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from error

    def __len__(self) -> int:
        return len(self._studio)

    @overload
    def __getitem__(self, index: int) -> TestMoment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TestMoment]: ...
    def __getitem__(self, index: int | slice) -> TestMoment | Sequence[TestMoment]:
        """A moment, or a list of some."""
        found = range(len(self))[index]
        return self._moment(found) if isinstance(found, int) else [self._moment(one) for one in found]

    def _moment(self, index: int) -> TestMoment:
        return TestMoment(
            motion=self._studio.moment(index).motion,
            image=self._studio.input_image(index, np.random.default_rng(index)),
            joints=self._studio.true_joints(index).astype(np.float64),
            valid=HAS_KEY_POINT,
            scan=self._studio.scan(index),
        )


def moments_of(data: str, split: Split, size: int, count: int) -> Sequence[TestMoment]:
    """Moments of ``virtual:N``, or of a release's folder.

    Raises:
        InputError: when the data is missing or damaged.
    """
    subject = virtual_subject(data)
    if subject is None:
        raise InputError(f"--data {data}: only simulated subjects can be evaluated yet; give virtual:1 to virtual:4")
    return VirtualMoments(subject, split, size, count)
