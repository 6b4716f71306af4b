"""Moments to test a hand model on: of a simulated subject's gestures, or of a release with its scans."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, overload

import numpy as np

from datasets.capture_studio import CaptureStudio
from datasets.capture_studio_samples import CaptureStudioFrames
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


class ReleaseMoments(Sequence[TestMoment]):
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
            studio = CaptureStudio(folder)
            among = studio.training_frames if split == "training" else studio.test_frames
            self._frames = CaptureStudioFrames(studio, subject, size, 1, among)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from error
        chosen = np.linspace(0, len(self._frames) - 1, min(count, len(self._frames)))
        self._indices = np.rint(chosen).astype(int).tolist()

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> TestMoment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TestMoment]: ...
    def __getitem__(self, index: int | slice) -> TestMoment | Sequence[TestMoment]:
        """A moment, or a list of some; an ``InputError`` names a file that is missing or damaged."""
        found = self._indices[index]
        return self._moment(found) if isinstance(found, int) else [self._moment(one) for one in found]

    def _moment(self, index: int) -> TestMoment:
        hand = self._frames.hands[index]
        try:
            image, scan = self._frames.input_image(index, np.random.default_rng(index)), self._frames.scan(index)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from error
        return TestMoment(self._frames.motion(index), image, hand.joints, hand.valid, scan)


def moments_of(data: str, subject: int, split: Split, size: int, count: int) -> Sequence[TestMoment]:
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
