"""Batches of studio samples: which sample comes when follows from the seed alone, so that a run can be resumed or shared out exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datasets.studio_sample import StudioFrames, StudioSample
from decoder_pretrain.augmentation import Change, augmented
from decoder_pretrain.objective import StudioTruth
from estimator.learning.batches import Share, sample_generator, shuffled_batches


@dataclass(frozen=True)
class StudioBatch:
    """Pictures and what supervises them.

    Attributes:
        pixels: RGB.
        truth: joints, cameras, depth maps.
    """

    pixels: UInt8[Tensor, "batch 3 size size"]
    truth: StudioTruth

    @property
    def image(self) -> Float[Tensor, "batch 3 size size"]:
        """The pictures with values in [0, 1]."""
        return self.pixels.float() / 255

    def to(self, device: torch.device) -> "StudioBatch":
        """The batch on a device."""
        moved = {name: None if value is None else value.to(device) for name, value in vars(self.truth).items()}
        return StudioBatch(self.pixels.to(device), StudioTruth(**moved))


def epoch_batches(
    frames: StudioFrames,
    batch: int,
    seed: int,
    epoch: int,
    first_step: int = 0,
    share: Share = Share(),
    workers: int = 0,
    changed: Change = augmented,
) -> Iterator[StudioBatch]:
    """The batches of an epoch from ``first_step`` on, shuffled; the last, incomplete one is left out.

    Each picture is ``changed`` at random. Every sample draws from a generator of its own, so neither the number of processes nor of
    ``workers`` changes what is seen.
    """
    batches = shuffled_batches(frames, batch, seed, epoch, first_step, share)
    items = _Samples(frames, seed, epoch, changed)
    yield from DataLoader(items, batch_sampler=batches, collate_fn=collate, num_workers=workers)


class _Samples(Dataset):
    def __init__(self, frames: StudioFrames, seed: int, epoch: int, changed: Change) -> None:
        self._frames, self._seed, self._epoch, self._changed = frames, seed, epoch, changed

    def __getitem__(self, index: int) -> tuple[int, StudioSample]:
        generator = sample_generator(self._seed, self._epoch, index)
        sample = self._frames.sample(index, generator)
        return index, replace(sample, image=self._changed(sample.image, generator))


def collate(numbered: Sequence[tuple[int, StudioSample]]) -> StudioBatch:
    """Samples as tensors, with the numbers of their moments; all of one kind."""
    moments, samples = zip(*numbered, strict=True)
    stacked = {name: torch.from_numpy(np.stack([getattr(sample, name) for sample in samples])) for name in vars(samples[0])}
    for name in stacked.keys() & {"image", "pictures"}:
        stacked[name] = stacked[name].movedim(-1, -3).contiguous()
    return StudioBatch(stacked.pop("image"), StudioTruth(torch.tensor(moments), **stacked))
