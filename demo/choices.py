"""What a visitor may choose for an estimation, alike in every tab: the fields, and the options they make."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import gradio as gr

from demo.uploads import FileData, number, uploaded
from demo.visitor_files import VisitorFiles
from estimator.encoders import ENCODERS
from estimator.errors import InputError
from estimator.hand.camera import Camera
from estimator.images import plausible_focal_px
from estimator.pipeline import EstimatorOptions, HandChoice
from estimator.profile import HandProfile

SIDES = get_args(HandChoice)
_LARGEST_PROFILE = 2**18
_FULL_FRAME_DIAGONAL_MM = math.hypot(36, 24)


@dataclass(frozen=True)
class Choices:
    """What was chosen, checked.

    Attributes:
        options: of the estimator.
        focal_mm: focal length as if on 35 mm film; None where the file has to say.
    """

    options: EstimatorOptions
    focal_mm: float | None

    def camera(self, width: int, height: int) -> Camera | None:
        """The camera that was chosen, for pictures of this size.

        Raises:
            InputError: when no lens has that focal length.
        """
        if self.focal_mm is None:
            return None
        focal_px = self.focal_mm * math.hypot(width, height) / _FULL_FRAME_DIAGONAL_MM
        smallest, largest = plausible_focal_px(width, height)
        if not smallest <= focal_px <= largest:
            low, high = (self.focal_mm * limit / focal_px if focal_px else 0.0 for limit in (smallest, largest))
            raise InputError(f"the focal length is {self.focal_mm:g} mm; lenses have {low:.1f} to {high:.0f} mm (as on 35 mm film)")
        return Camera.from_focal(focal_px, width, height)


def choice_fields() -> list[gr.components.Component]:
    """The fields, folded away: side, focal length, hand length, encoder, profile, in the order of ``chosen``."""
    with gr.Accordion("Options", open=False):
        side = gr.Radio(list(SIDES), value=SIDES[0], label="Side of every hand", info="auto leaves it to the detector")
        focal = gr.Number(
            None,
            label="Focal length, mm as on 35 mm film",
            info="0: from the file, else 60° along the diagonal. A phone's main lens has about 26 mm.",
        )
        length = gr.Number(
            None,
            label="Hand length, mm",
            info="Wrist to tip of the middle finger, 50 to 400: makes size and distance absolute. 0: not known",
        )
        encoder = gr.Dropdown(list(ENCODERS), value="default", label="Encoder", info="What reads the pose")
        profile = gr.File(label="Profile of the person, from the Calibrate tab", file_types=[".json"], height=120)
    return [side, focal, length, encoder, profile]


def chosen(defaults: EstimatorOptions, values: Sequence[object], files: VisitorFiles, visitor: str | None) -> Choices:
    """The choices that the fields' values make.

    Raises:
        InputError: when one of them cannot be used.
    """
    side, focal, length, encoder, profile = values
    if side not in SIDES:
        raise InputError(f"the side is one of {', '.join(SIDES)}")
    if encoder not in ENCODERS:  # a file's name is not for visitors
        raise InputError(f"the encoder is one of {', '.join(ENCODERS)}")
    options = replace(
        defaults,
        hand=side,
        hand_length_mm=number(length, "the hand length"),
        encoder=encoder,
        profile=None if profile is None else _profile(profile, files, visitor),
    )
    return Choices(options, number(focal, "the focal length"))


def _profile(file: FileData, files: VisitorFiles, visitor: str | None) -> HandProfile:
    path = files.adopt(uploaded(file, "a profile"), visitor)
    if path.stat().st_size > _LARGEST_PROFILE:
        raise InputError(f"{path.name}: is too large for a profile; choose the file that the Calibrate tab made")
    return HandProfile.load(path)
