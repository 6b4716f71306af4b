"""Where the detector's landmarks lie in the hand: points fixed to joints, measured on simulated hands."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from estimator.errors import InputError
from estimator.hand.template import LANDMARK_NAMES

LANDMARK_OFFSETS = Path(__file__).parent / "assets" / "landmark_offsets.json"


@dataclass(frozen=True)
class LandmarkOffsets:
    """For each landmark its place in the frame of the joint that it names.

    Attributes:
        mm: offsets, mm, for a hand of the template's size.
    """

    mm: Float[np.ndarray, "21 3"]

    def document(self, skeleton_id: str) -> dict[str, object]:
        """As JSON, bound to the skeleton whose frames the offsets speak of."""
        return {
            "skeleton": skeleton_id,
            "offsets_mm": {name: [round(x, 3) for x in row] for name, row in zip(LANDMARK_NAMES, self.mm.tolist(), strict=True)},
        }

    @classmethod
    def load(cls, skeleton_id: str, path: Path = LANDMARK_OFFSETS) -> "LandmarkOffsets":
        """Read what ``document`` describes.

        Raises:
            InputError: when the file is damaged or belongs to another skeleton.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            offsets = cls(np.array([document["offsets_mm"][name] for name in LANDMARK_NAMES], dtype=np.float64))
            skeleton = document["skeleton"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: cannot read the landmark offsets ({error}); restore the file from the repository") from error
        if skeleton != skeleton_id:
            raise InputError(
                f"{path}: these offsets belong to skeleton {skeleton}, the one in use is {skeleton_id}; "
                "run python -m estimator.train_landmark_offsets"
            )
        return offsets
