"""The arguments that several commands have alike: which hand, through what lens, and what looks at it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from estimator.command import CommandOptions
from estimator.lens import Lens

if TYPE_CHECKING:
    from estimator.pipeline import EstimatorOptions


@dataclass(frozen=True, kw_only=True)
class PictureArguments(CommandOptions):
    """What ``infer``, ``video`` and ``calibrate`` ask about pictures and machine."""

    hand: Literal["auto", "left", "right"] = "auto"
    """Which hand is meant; auto leaves it to the detector (calibrate: the one that most pictures show)."""
    focal_px: Annotated[float | None, tyro.conf.arg(metavar="F", help_behavior_hint="(default: a photograph's EXIF)")] = None
    """Focal length in pixels of the upright picture."""
    fov_deg: Annotated[float | None, tyro.conf.arg(metavar="A", help_behavior_hint="(default: a photograph's EXIF, else 60)")] = None
    """Field of view along the picture's diagonal in degrees, instead of --focal-px."""
    device: str = "cpu"
    """Where the networks run: cpu, cuda, cuda:1, mps."""
    detector_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: fetched once)")] = None
    """MediaPipe's hand_landmarker.task, for machines without network."""

    def lens(self) -> Lens:
        """What is said of the focal length.

        Raises:
            InputError: when that cannot be.
        """
        return Lens(self.focal_px, self.fov_deg)


@dataclass(frozen=True, kw_only=True)
class EstimatorArguments(PictureArguments):
    """What ``infer`` and ``video`` ask about the estimator."""

    max_hands: Annotated[int, tyro.conf.arg(metavar="N")] = 4
    """Most hands looked for at once."""
    profile: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """A person's bone lengths, as python -m estimator.calibrate writes them: proportions and scale of every hand."""
    hand_length_mm: Annotated[float | None, tyro.conf.arg(metavar="L", help_behavior_hint="(default: the profile's or average)")] = None
    """Wrist to tip of the middle finger, in millimetres, 50 to 400: the scale of the result, before that of a profile."""
    encoder: Annotated[str, tyro.conf.arg(metavar="{default,landmarks,image}|FILE")] = "default"
    """What reads the pose: default (landmarks, and features of the detector's network), landmarks (learned inverse kinematics), image (the
    image alone), or a file of weights."""
    decoder: Annotated[str, tyro.conf.arg(metavar="{default,template}|FILE")] = "default"
    """Whose skin is posed: default (a simulated man's, on average bones), template (nobody's), or a file that stage 1 has trained
    (decoder_pretrain.train)."""
    refine: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: refined)")] = True
    """Fit pose and place to the landmarks after the encoder; --no-refine is for comparison."""

    def estimator_options(self) -> "EstimatorOptions":
        """As the estimator takes them, with the profile read.

        Raises:
            InputError: naming what cannot be used.
        """
        from estimator.pipeline import EstimatorOptions
        from estimator.profile import HandProfile

        return EstimatorOptions(
            max_hands=self.max_hands,
            hand=self.hand,
            profile=None if self.profile is None else HandProfile.load(self.profile),
            hand_length_mm=self.hand_length_mm,
            encoder=self.encoder,
            decoder=self.decoder,
            refine=self.refine,
            detector_model=self.detector_model,
            device=self.device,
        )
