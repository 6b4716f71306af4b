"""DetectorResponse: from how long bones look in the detector's landmarks to how long they are, measured on simulated people.

The detector sees hands more alike than they are: a finger a tenth longer than the average hand's looks a twentieth longer in its
landmarks, because where a joint cannot be made out it lies where most people have it. It has habits, too: all knuckles look a little nearer
to the fingertips. Both are linear in the logarithms of bone lengths, near enough.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from estimator.errors import InputError
from estimator.profile import BONE_NAMES

DETECTOR_RESPONSE = Path(__file__).parent / "assets" / "detector_response.json"


@dataclass(frozen=True)
class DetectorResponse:
    """What simulated people's landmarks say of their bones; rows and columns as ``BONE_NAMES``.

    Everything is in logarithms of bone lengths over the average hand's, in hands of one length.

    Attributes:
        gain: takes what is seen to what is true.
        offset: of the average hand that is seen from what is true.
        spread: standard deviation of what is left.
    """

    gain: Float[np.ndarray, "bones bones"]
    offset: Float[np.ndarray, " bones"]
    spread: Float[np.ndarray, " bones"]

    @classmethod
    def faithful(cls) -> "DetectorResponse":
        """That of landmarks which are what they should be."""
        return cls(np.eye(len(BONE_NAMES)), np.zeros(len(BONE_NAMES)), np.zeros(len(BONE_NAMES)))

    @classmethod
    def fitted(
        cls, seen: Float[np.ndarray, "people bones"], true: Float[np.ndarray, "people bones"], ridge: float, folds: int = 10
    ) -> "DetectorResponse":
        """The map that people with known bones give; its spread is that of people it was not made from.

        Args:
            seen: logarithms of factors by landmarks.
            true: the same as they are.
            ridge: how many people's worth of evidence there is for each bone being seen as it is.
            folds: parts of the people that are foretold by the others.
        """
        gain, offset = _regression(seen, true, ridge)
        left = np.empty_like(true)
        for fold in range(folds):
            out = np.arange(len(seen)) % folds == fold
            A, b = _regression(seen[~out], true[~out], ridge)
            left[out] = true[out] - (seen[out] @ A.T + b)
        return cls(gain, offset, np.sqrt(np.square(left).mean(axis=0)))

    def corrected(self, seen: Float[np.ndarray, " bones"]) -> Float[np.ndarray, " bones"]:
        """What is true, as far as that is known."""
        return self.gain @ seen + self.offset

    def document(self, skeleton_id: str) -> dict[str, object]:
        """As JSON, bound to the skeleton whose bones it speaks of."""
        gain = {bone: [round(value, 4) for value in row] for bone, row in zip(BONE_NAMES, self.gain.tolist(), strict=True)}
        return {"skeleton": skeleton_id, "gain": gain, "offset": _by_bone(self.offset), "spread": _by_bone(self.spread)}

    @classmethod
    def load(cls, skeleton_id: str, path: Path = DETECTOR_RESPONSE) -> "DetectorResponse":
        """Read what ``document`` describes.

        Raises:
            InputError: when the file is damaged or belongs to another skeleton.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            parts = (np.array([document[name][bone] for bone in BONE_NAMES], dtype=np.float64) for name in ("gain", "offset", "spread"))
            gain, offset, spread = parts
            if gain.shape != (len(BONE_NAMES), len(BONE_NAMES)):
                raise ValueError(f"gain has shape {gain.shape}")  # noqa: TRY301 (the same cure as for other damage)
            skeleton = document["skeleton"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: cannot read the detector's response ({error}); restore the file from the repository") from error
        if skeleton != skeleton_id:
            raise InputError(
                f"{path}: this response belongs to skeleton {skeleton}, the one in use is {skeleton_id}; "
                "run python -m estimator.train_detector_response"
            )
        return cls(gain, offset, spread)


def _regression(
    seen: Float[np.ndarray, "people bones"], true: Float[np.ndarray, "people bones"], ridge: float
) -> tuple[Float[np.ndarray, "bones bones"], Float[np.ndarray, " bones"]]:
    """Gain and offset in least squares, drawn towards a gain of one by ``ridge`` typical people."""
    middle, target = seen.mean(axis=0), true.mean(axis=0)
    x, y = seen - middle, true - target
    typical = np.square(x).mean()
    count = x.shape[1]
    gain = np.eye(count) + np.linalg.solve(x.T @ x + ridge * typical * np.eye(count), x.T @ (y - x)).T
    return gain, target - gain @ middle


def _by_bone(values: Float[np.ndarray, " bones"]) -> dict[str, float]:
    return {bone: round(value, 4) for bone, value in zip(BONE_NAMES, values.tolist(), strict=True)}
