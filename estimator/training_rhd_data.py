"""RHD as stage 2 eats it: crops of right hands with their joints, changed at random, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datasets.rhd import PicturedHand, Rhd
from datasets.rhd_files import Split
from datasets.studio_crop import PinholeCamera, crop_around, crop_image
from estimator.command import progress_bar
from estimator.errors import InputError
from estimator.learning.batches import Share, sample_generator, shuffled_batches
from estimator.learning.index_place import index_place
from estimator.training_rhd_augmentation import augmented

_NO_DISTORTION = np.zeros(5)


@dataclass(frozen=True)
class HandCropSample:
    """A right hand (left ones are mirrored), cropped square around its joints.

    Attributes:
        image: RGB.
        joints: the 21 landmarks in the camera frame, mm.
        joints_px: where the crop shows them.
    """

    image: UInt8[np.ndarray, "size size 3"]
    joints: Float32[np.ndarray, "21 3"]
    joints_px: Float[np.ndarray, "21 2"]


@dataclass(frozen=True)
class RhdBatch:
    """Crops as tensors.

    Attributes:
        pixels: RGB.
        joints: as ``HandCropSample``'s.
    """

    pixels: UInt8[Tensor, "batch 3 size size"]
    joints: Float32[Tensor, "batch 21 3"]

    @property
    def image(self) -> Float[Tensor, "batch 3 size size"]:
        """The pictures with values in [0, 1]."""
        return self.pixels.float() / 255

    def to(self, device: torch.device) -> "RhdBatch":
        """The batch on a device."""
        return RhdBatch(self.pixels.to(device), self.joints.to(device))


class RhdCrops:
    """The hands of a split in crops of ``size`` pixels a side."""

    def __init__(self, rhd: Rhd, size: int) -> None:
        self.rhd, self.size = rhd, size

    def __len__(self) -> int:
        return len(self.rhd)

    def crop(self, row: int) -> HandCropSample:
        """A hand as it is; ValueError, one line naming the file, when its picture is damaged."""
        pictured = self.rhd.pictured(row).as_right()
        return cropped(pictured, self.size)

    def sample(self, row: int, generator: np.random.Generator) -> HandCropSample:
        """A hand changed at random; the same for a generator in the same state. Errors as ``crop``'s."""
        plain = self.crop(row)
        image, joints_px = augmented(plain.image, plain.joints_px, generator)
        return replace(plain, image=image, joints_px=joints_px)


def crop_camera(pictured: PicturedHand, size: int) -> PinholeCamera:
    """The square around a hand's joints, with margin, as a camera of ``size`` pixels a side."""
    return crop_around(pictured.hand.joints_mm, pictured.hand.K, np.eye(3), np.zeros(3), size)


def cropped(pictured: PicturedHand, size: int) -> HandCropSample:
    """What ``crop_camera`` shows."""
    camera = crop_camera(pictured, size)
    joints = pictured.hand.joints_mm
    image = crop_image(pictured.image, pictured.hand.K, _NO_DISTORTION, camera)
    return HandCropSample(image, joints.astype(np.float32), camera.project(joints))


def epoch_batches(
    crops: RhdCrops, batch: int, seed: int, epoch: int, first_step: int = 0, share: Share = Share(), workers: int = 0
) -> Iterator[RhdBatch]:
    """The batches of an epoch from ``first_step`` on, shuffled and changed at random."""
    batches = shuffled_batches(crops, batch, seed, epoch, first_step, share)
    yield from DataLoader(_Samples(crops, seed, epoch), batch_sampler=batches, collate_fn=collate, num_workers=workers)


def collate(samples: Sequence[HandCropSample]) -> RhdBatch:
    """Crops as a batch."""
    pixels = torch.from_numpy(np.stack([sample.image for sample in samples])).movedim(-1, -3).contiguous()
    return RhdBatch(pixels, torch.from_numpy(np.stack([sample.joints for sample in samples])))


class _Samples(Dataset):
    def __init__(self, crops: RhdCrops, seed: int, epoch: int) -> None:
        self._crops, self._seed, self._epoch = crops, seed, epoch

    def __getitem__(self, row: int) -> HandCropSample:
        return self._crops.sample(row, sample_generator(self._seed, self._epoch, row))


def open_rhd(folder: Path, split: Split) -> Rhd:
    """A split of RHD; its index is kept beside the annotation, or in the user's cache where the data cannot be written to.

    Raises:
        InputError: one line, when it cannot be used.
    """
    try:
        cache = index_place(folder / split, f"rhd_{split}", ".npz")
        with progress_bar() as progress:
            return Rhd(folder, split, cache, lambda numbers: progress.track(numbers, description=f"looking at RHD's {split} samples"))
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from error
