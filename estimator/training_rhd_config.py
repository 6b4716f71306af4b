"""RhdConfig: everything that decides a run of stage 2, and the two presets."""

from dataclasses import dataclass, replace
from typing import Literal

from estimator.image_encoder import INPUT_SIZES, ImageEncoderConfig

Preset = Literal["cpu", "paper"]


@dataclass(frozen=True)
class RhdSchedule:
    """How long and how fast.

    Attributes:
        batch: samples a step, over all processes.
        epochs: passes over the data.
        learning_rate: Adam's.
        tenths: shares of the run after which the learning rate is divided by ten.

    Raises:
        ValueError: when a number is out of range.
    """

    batch: int = 32
    epochs: int = 35
    learning_rate: float = 1e-4
    tenths: tuple[float, ...] = (30 / 35, 32 / 35)

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"--batch {self.batch}: at least 1 sample a step")
        if self.epochs < 1:
            raise ValueError(f"--epochs {self.epochs}: at least 1 pass over the data")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"--learning-rate {self.learning_rate}: between 0 and 1, for instance 1e-4")

    def factor(self, epoch: int) -> float:
        """What the learning rate is multiplied with in an epoch, counted from 0."""
        return 0.1 ** sum(epoch >= round(share * self.epochs) for share in self.tenths)


@dataclass(frozen=True)
class RhdConfig:
    """A run of stage 2 (section 8.4); the defaults are the paper's, the schedule that of section 7.

    Attributes:
        data: folder of RHD.
        decoder: ``default``, ``template`` or a file that stage 1 has trained.
        decoder_sha256: of that decoder's weights, which stay as they are.
        init: weights to go on from; empty for a fresh encoder.
        encoder: its architecture and, where it is fresh, its start. The paper's is random.
        schedule: how long and how fast.
        seed: of all randomness.
    """

    data: str
    decoder: str = "default"
    decoder_sha256: str = ""
    init: str = ""
    encoder: ImageEncoderConfig = ImageEncoderConfig("resnet50", "random")
    schedule: RhdSchedule = RhdSchedule()
    seed: int = 0

    @property
    def size(self) -> int:
        """Of the crops, pixels a side."""
        return INPUT_SIZES[self.encoder.backbone]


def preset(name: Preset, data: str) -> RhdConfig:
    """The paper's settings, or those with which two cores learn something of 2,000 images within a quarter of an hour."""
    if name == "paper":
        return RhdConfig(data)
    schedule = RhdSchedule(batch=16, epochs=12, learning_rate=1.5e-4, tenths=(0.75, 0.92))
    return replace(RhdConfig(data), encoder=ImageEncoderConfig("efficientnet_lite0", "imagenet"), schedule=schedule)
