"""HandSample: one annotated hand in one image, what every dataset yields."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from estimator.hand.template import Side


@dataclass(frozen=True)
class HandSample:
    """A hand's annotation; joints are the 21 landmarks in the order of ``LANDMARK_NAMES``.

    Attributes:
        image: the picture's file.
        source: the collection that the picture comes from.
        side: which hand it is; None where nobody knows.
        rendered: the picture was computed, not photographed.
        joints_px: in the upright image; None where there is no 2D annotation.
        visible: which rows of ``joints_px`` to trust; the others may be nan.
        joints_mm: in the camera frame; None where there is no 3D annotation.
        valid: which rows of ``joints_mm`` to trust; the others may be nan.
        K: intrinsic matrix of the camera, pixels; None where it is unknown.
    """

    image: Path
    source: str
    side: Side | None
    rendered: bool
    joints_px: Float[np.ndarray, "21 2"] | None
    visible: Bool[np.ndarray, " 21"]
    joints_mm: Float[np.ndarray, "21 3"] | None
    valid: Bool[np.ndarray, " 21"]
    K: Float[np.ndarray, "3 3"] | None
