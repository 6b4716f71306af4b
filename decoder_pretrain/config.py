"""TrainConfig: everything that decides a run of stage 1, and the two presets."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from decoder_pretrain.objective import LossWeights
from estimator.hand.correctives import CorrectivesConfig
from estimator.image_encoder import ImageEncoderConfig

Preset = Literal["paper", "cpu"]
Model = Literal["deephandmesh", "low-resolution", "linear"]
Without = Literal["pose", "depth", "penetration", "laplacian", "identity-skeleton", "identity-vertex", "pose-vertex"]
With = Literal["skinning", "texture"]
Pose = Literal["encoder", "fitted"]

_LOSSES_OF: dict[str, tuple[str, ...]] = {
    "pose": ("pose",),
    "depth": ("depth",),
    "penetration": ("penetration_rigid", "penetration_nonrigid"),
    "laplacian": ("laplacian",),
}

LOW_RESOLUTION_REGULARISER = 0.01
"""Weight of the correctives' L2 norm at 790 vertices, where the paper uses one and does not name its weight (section 15)."""

DRIFT_WEIGHT = 0.1
"""Of the vertices' wandering along the surface (``drift_loss``) in preset cpu: without it, nails fold up."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        batch: samples a step, over all processes.
        epochs: passes over the data.
        learning_rate: Adam's, of the encoder.
        decoder_learning_rate: Adam's, of the decoder.
        milestones: epochs after which both are divided by ten.

    Raises:
        ValueError: when a number is not positive.
    """

    batch: int = 32
    epochs: int = 35
    learning_rate: float = 1e-4
    decoder_learning_rate: float = 1e-4
    milestones: tuple[int, ...] = (30, 32)

    def __post_init__(self) -> None:
        if min(self.batch, self.epochs) < 1 or min(self.learning_rate, self.decoder_learning_rate) <= 0:
            raise ValueError(f"batch, epochs and learning rates must be positive, not {self}")

    def factor(self, epoch: int) -> float:
        """What the learning rates are multiplied with in an epoch, counted from 0."""
        return 0.1 ** sum(epoch >= milestone for milestone in self.milestones)

    def shortened(self, epochs: int) -> "Schedule":
        """The same course in another number of epochs."""
        return replace(self, epochs=epochs, milestones=tuple(round(milestone * epochs / self.epochs) for milestone in self.milestones))


@dataclass(frozen=True)
class StudioData:
    """What is seen of the data.

    Attributes:
        size: of pictures and depth maps, pixels a side.
        target_views: depth maps a sample (C_out).
        moments: moments recorded of a virtual subject; the real release has its own.
        views_per_moment: virtual cameras that record each of them.
    """

    size: int = 256
    target_views: int = 6
    moments: int = 8000
    views_per_moment: int = 12


@dataclass(frozen=True)
class TrainConfig:
    """A run of stage 1; the defaults are the paper's (sections 4 to 7).

    Attributes:
        data: a release's folder, or ``virtual:`` and the number of a simulated subject.
        subject: number of the person.
        model: ``deephandmesh`` on the template of 12,518 vertices, ``low-resolution`` on that of 790 (section 15), or ``linear``,
            a fixed hand in MANO's manner (section 8.3).
        linear_hand: file of a linear hand of the user's own, its template beside it; empty for the one that ships.
        pose: in what pose the decoder meets the depth maps. ``encoder``: the encoder's, and both learn from each other (section 6).
            ``fitted``: each moment's own, which starts where it fits the key points and learns by all losses; the encoder learns joints and
            poses beside it. An encoder that cannot follow its training pictures closely blurs the hand that learns from it: fingers grow
            short and pointed.
        seed: of all randomness.
    """

    data: str
    subject: int = 1
    model: str = "deephandmesh"
    linear_hand: str = ""
    pose: str = "encoder"
    encoder: ImageEncoderConfig = ImageEncoderConfig()
    correctives: CorrectivesConfig = CorrectivesConfig()
    losses: LossWeights = LossWeights()
    schedule: Schedule = Schedule()
    studio: StudioData = StudioData()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in get_args(Model):
            raise ValueError(f"the model should be one of {', '.join(get_args(Model))}, not {self.model}")
        if self.pose not in get_args(Pose):
            raise ValueError(f"the pose should be one of {', '.join(get_args(Pose))}, not {self.pose}")
        if self.model == "linear" and self.correctives.parts != CorrectivesConfig().parts:
            raise ValueError("the linear hand is fixed: only losses can be left out of its training, and nothing added")
        if self.linear_hand and self.model != "linear":
            raise ValueError(f"a linear hand of one's own does not fit the model {self.model}; choose the model linear")


def preset(name: Preset, data: str, subject: int) -> TrainConfig:
    """The paper's settings, or those with which two cores converge in about an hour.

    These have an encoder whose backbone learnt from real hands and stays as it is, a decoder that learns in fitted poses, small pictures,
    and fewer views.
    """
    paper = TrainConfig(data, subject, correctives=CorrectivesConfig(subject))
    if name == "paper":
        return paper
    return replace(
        paper,
        pose="fitted",
        encoder=ImageEncoderConfig("hand_landmarks"),
        losses=replace(paper.losses, drift=DRIFT_WEIGHT),
        schedule=Schedule(batch=16, epochs=36, learning_rate=3e-5, decoder_learning_rate=5e-4, milestones=(28, 34)),
        studio=StudioData(size=128, target_views=2, moments=2000, views_per_moment=6),
    )


def without(config: TrainConfig, part: str) -> TrainConfig:
    """The ablation that leaves out a loss or a corrective."""
    if part in _LOSSES_OF:
        return replace(config, losses=replace(config.losses, **dict.fromkeys(_LOSSES_OF[part], 0.0)))
    parts = tuple(kept for kept in config.correctives.parts if kept != part)
    return replace(config, correctives=replace(config.correctives, parts=parts))


def with_skinning(config: TrainConfig) -> TrainConfig:
    """Learns the skinning weights, too (section 13)."""
    return replace(config, correctives=replace(config.correctives, parts=(*config.correctives.parts, "skinning")))


def low_resolution(config: TrainConfig) -> TrainConfig:
    """On the template of 790 vertices, its correctives regularised (section 15)."""
    losses = replace(config.losses, correctives=LOW_RESOLUTION_REGULARISER, drift=0.0)
    return replace(config, model="low-resolution", losses=losses)


def linear(config: TrainConfig) -> TrainConfig:
    """With a fixed linear hand for a decoder; the losses stay (section 8.3), but for that of vertices that it cannot move."""
    return replace(config, model="linear", losses=replace(config.losses, drift=0.0))
