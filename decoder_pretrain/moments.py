"""Moments to test a hand model on: of a simulated subject's gestures, or of a release with its scans."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, overload

import numpy as np

from datasets.capture_studio import CaptureStudio
from datasets.capture_studio_samples import CaptureStudioFrames
from datasets.virtual_studio.studio import HAS_KEY_POINT, VirtualStudio
from decoder_pretrain.build import virtual_subject
from decoder_pretrain.evaluation import KnownMoment
from estimator.errors import InputError
from estimator.learning.index_place import index_place
from estimator.models import cache_folder

Split = Literal["training", "test"]


class _Moments(Sequence[KnownMoment], ABC):
    """Moments that are made when they are asked for; the numbers are those of a store of such moments."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> KnownMoment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[KnownMoment]: ...
    def __getitem__(self, index: int | slice) -> KnownMoment | Sequence[KnownMoment]:
        """A moment, or a list of some; an ``InputError`` names a file that is missing or damaged."""
        found = self._numbers[index]
        return self._moment(found) if isinstance(found, int) else [self._moment(one) for one in found]

    @abstractmethod
    def _moment(self, number: int) -> KnownMoment:
        """One of them, by its number in the store."""


class VirtualMoments(_Moments):
    """``count`` moments of a simulated subject, each seen by one camera; joints without the key points' error.

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
        super().__init__(range(len(self._studio)))

    def _moment(self, number: int) -> KnownMoment:
        return KnownMoment(
            motion=self._studio.moment(number).motion,
            image=self._studio.input_image(number, np.random.default_rng(number)),
            joints=self._studio.true_joints(number).astype(np.float64),
            valid=HAS_KEY_POINT,
            scan=self._studio.scan(number),
        )


class ReleaseMoments(_Moments):
    """Moments of one person of a release, each seen by one camera, with the key points for joints; evenly spread over what is there.

    Args:
        folder: the release's data folder.
        subject: number of the person.
        split: the sequences to train on, or those of the range of motion, which are left out there.
        size: of the pictures, pixels a side.
        count: moments; fewer where there are fewer.

    Raises:
        InputError: one line, when the folder holds no such moments or files are damaged.
    """

    def __init__(self, folder: Path, subject: int, split: Split, size: int, count: int) -> None:
        try:
            studio = CaptureStudio(folder, index_place(folder, "capture_studio", ".json"))
            among = studio.training_frames if split == "training" else studio.test_frames
            self._frames = CaptureStudioFrames(studio, subject, size, 1, among)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from error
        chosen = np.linspace(0, len(self._frames) - 1, min(count, len(self._frames)))
        super().__init__(np.rint(chosen).astype(int).tolist())

    def _moment(self, number: int) -> KnownMoment:
        hand = self._frames.hands[number]
        try:
            image, scan = self._frames.input_image(number, np.random.default_rng(number)), self._frames.scan(number)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from error
        return KnownMoment(self._frames.motion(number), image, hand.joints, hand.valid, scan)


def moments_of(data: str, subject: int, split: Split, size: int, count: int) -> Sequence[KnownMoment]:
    """Moments of ``virtual:N``, or of a person in a release's folder.

    Raises:
        InputError: when the data is missing or damaged.
    """
    simulated = virtual_subject(data)
    if simulated is not None:
        return VirtualMoments(simulated, split, size, count)
    folder = Path(data)
    if not folder.is_dir():
        raise InputError(f"--data {data}: no such folder; name the release's data folder, or virtual:1 for a simulated subject")
    return ReleaseMoments(folder, subject, split, size, count)
