"""Lens: what a user says of the focal length, and the camera that it makes of a picture."""

import math
from dataclasses import dataclass

from estimator.errors import InputError
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.images import PLAUSIBLE_FOV_DEG, plausible_focal_px
from estimator.result import CameraSource


@dataclass(frozen=True)
class Lens:
    """The options ``--focal-px`` and ``--fov-deg``: one of them or neither.

    Raises:
        InputError: when both are given, or no lens has the value.
    """

    focal_px: float | None = None
    fov_deg: float | None = None

    def __post_init__(self) -> None:
        if self.focal_px is not None and self.fov_deg is not None:
            raise InputError("--focal-px and --fov-deg say the same thing; give one of them")
        if self.focal_px is not None and not 0 < self.focal_px < math.inf:
            raise InputError(f"--focal-px {self.focal_px:g}: a focal length is above 0 and finite, in pixels")
        smallest, largest = PLAUSIBLE_FOV_DEG
        if self.fov_deg is not None and not smallest <= self.fov_deg <= largest:
            raise InputError(f"--fov-deg {self.fov_deg:g}: a lens's field of view is {smallest:.3g} to {largest:.3g} degrees")

    def camera(self, width: int, height: int, shown: str, recorded_px: float | None = None) -> tuple[Camera, CameraSource]:
        """The camera of a picture, and where its focal length is from: what the user says goes before what the file has recorded.

        Raises:
            InputError: naming the picture (``shown``), when no lens has this focal length with a picture of this size.
        """
        if self.focal_px is not None:
            smallest, largest = plausible_focal_px(width, height)
            if not smallest <= self.focal_px <= largest:
                raise InputError(
                    f"{shown}: --focal-px {self.focal_px:g}: with {width} x {height} px a lens has {smallest:.0f} to {largest:.0f} px; "
                    "give the focal length in pixels of this picture"
                )
            return Camera.from_focal(self.focal_px, width, height), "option"
        if self.fov_deg is not None:
            return Camera.from_fov(self.fov_deg, width, height), "option"
        if recorded_px is not None:
            return Camera.from_focal(recorded_px, width, height), "exif"
        return Camera.from_fov(DEFAULT_FOV_DEG, width, height), "default"
