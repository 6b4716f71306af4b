"""FeatureEncoder: from the features of the detector's landmark network to theta, global rotation and a confidence.

The features come from a network that was trained on photographs of real hands, and stay as they are. A linear map of them corrects what
learned inverse kinematics makes of the landmarks in space: linear maps carry over from simulated hands to photographs better than deeper
ones. Learned inverse kinematics of the corrected landmarks then finds the pose. All hands are right ones here: the network looks at left
ones in the mirror.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from estimator.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from estimator.encoder import EncodedHand, LandmarkEncoder, LandmarkEncoderConfig
from estimator.errors import InputError
from estimator.hand.template import ALIGNMENT_LANDMARKS, LANDMARK_NAMES
from estimator.landmark_features import POOLED_SIZE, SAMPLED_SIZE

ASSETS = Path(__file__).parent / "assets"
DEFAULT_ENCODER, IMAGE_ENCODER = ASSETS / "default_encoder.safetensors", ASSETS / "image_encoder.safetensors"

FEATURE_ENCODER = "feature-encoder"
"""Kind of the file of weights."""

Inputs = Literal["landmarks", "features", "pooled"]
"""What the linear map looks at: the landmarks alone, as a control; landmarks, features at them and the pooled ones; or the pooled features
alone, which is the image alone."""

_COUNT = len(LANDMARK_NAMES)
LANDMARK_VALUES = 9 * _COUNT
"""The detector's landmarks in the square and in space, and those that inverse kinematics makes of them."""

_INPUT_SIZES: dict[str, int] = {
    "landmarks": LANDMARK_VALUES,
    "features": LANDMARK_VALUES + SAMPLED_SIZE + POOLED_SIZE,
    "pooled": POOLED_SIZE,
}
UNIT_MM = 100.0


@dataclass(frozen=True)
class FeatureEncoderConfig:
    """What the linear map looks at, and the size of the inverse kinematics.

    Raises:
        ValueError: when the inputs are unknown.
    """

    inputs: str = "features"
    width: int = 512
    depth: int = 3

    def __post_init__(self) -> None:
        if self.inputs not in get_args(Inputs):
            raise ValueError(f"inputs should be one of {', '.join(get_args(Inputs))}, not {self.inputs}")

    @property
    def input_size(self) -> int:
        """Numbers that the linear map looks at."""
        return _INPUT_SIZES[self.inputs]

    @property
    def output_size(self) -> int:
        """Numbers that it gives: landmarks in space, their error's logarithm, and in the image where it may not look at the detector's."""
        return 3 * _COUNT + 1 + (2 * _COUNT if self.inputs == "pooled" else 0)


@dataclass(frozen=True)
class FoundLandmarks:
    """What the linear map says of a hand, in the axes of the network's square.

    Attributes:
        mm: the 21 landmarks relative to their mean, of the template's size.
        flat: the same in the square, as shares of its side.
        error_mm: how far the landmarks in space are expected to be off.
    """

    mm: Float[Tensor, "*batch 21 3"]
    flat: Float[Tensor, "*batch 21 2"]
    error_mm: Float[Tensor, "*batch"]


class FeatureEncoder(nn.Module):
    """A linear map between two learned inverse kinematics (see the module's text); the image alone has no first one."""

    def __init__(self, config: FeatureEncoderConfig = FeatureEncoderConfig()) -> None:
        super().__init__()
        self.config = config
        kinematics = LandmarkEncoderConfig(config.width, config.depth)
        self.first = None if config.inputs == "pooled" else LandmarkEncoder(kinematics)
        self.map = nn.Linear(config.input_size, config.output_size)
        self.kinematics = LandmarkEncoder(kinematics)

    def forward(
        self,
        landmarks: Float[Tensor, "*batch 21 3"],
        landmarks_mm: Float[Tensor, "*batch 21 3"],
        features: Float[Tensor, "*batch _"],
    ) -> tuple[FoundLandmarks, EncodedHand]:
        """Landmarks and pose of right hands, both in the axes of what the network saw.

        Arguments as in ``LandmarkFeatures``; ``features`` as of ``features_for``. The image alone does not look at the landmarks.
        """
        base = self.base(landmarks, landmarks_mm)
        found = self.correct(self.map(self.inputs(landmarks, landmarks_mm, base, features)), landmarks, base)
        return found, self.pose(found)

    def base(self, landmarks: Float[Tensor, "*batch 21 3"], landmarks_mm: Float[Tensor, "*batch 21 3"]) -> Float[Tensor, "*batch 21 3"]:
        """The landmarks in space that the map corrects; zero for the image alone."""
        if self.first is None:
            return torch.zeros_like(landmarks_mm)
        return _read(self.first, landmarks[..., :2], landmarks_mm).landmarks

    def inputs(
        self,
        landmarks: Float[Tensor, "*batch 21 3"],
        landmarks_mm: Float[Tensor, "*batch 21 3"],
        base: Float[Tensor, "*batch 21 3"],
        features: Float[Tensor, "*batch _"],
    ) -> Float[Tensor, "*batch inputs"]:
        """What the map looks at (see ``Inputs``): landmarks free of size and place, and the features."""
        if self.config.inputs == "pooled":
            return features
        low, high = landmarks[..., :2].amin(dim=-2, keepdim=True), landmarks[..., :2].amax(dim=-2, keepdim=True)
        half = ((high - low).amax(dim=-1, keepdim=True) / 2).clamp(min=1e-9)
        middle = torch.cat([(low + high) / 2, torch.zeros_like(low[..., :1])], dim=-1)
        centred = landmarks_mm - landmarks_mm.mean(dim=-2, keepdim=True)
        radius = centred.square().sum(dim=-1).mean(dim=-1).sqrt().clamp(min=1e-6)[..., None, None]
        values = [part.flatten(-2) for part in ((landmarks - middle) / half, centred / radius, base / UNIT_MM)]
        return torch.cat([*values, features] if self.config.inputs == "features" else values, dim=-1)

    def correct(
        self, output: Float[Tensor, "*batch outputs"], landmarks: Float[Tensor, "*batch 21 3"], base: Float[Tensor, "*batch 21 3"]
    ) -> FoundLandmarks:
        """What the map's output says."""
        space, error, flat = output.split([3 * _COUNT, 1, self.config.output_size - 3 * _COUNT - 1], dim=-1)
        mm = base + UNIT_MM * space.unflatten(-1, (_COUNT, 3))
        mm = mm - mm.mean(dim=-2, keepdim=True)
        return FoundLandmarks(mm, flat.unflatten(-1, (_COUNT, 2)) if flat.shape[-1] else landmarks[..., :2], error[..., 0].exp())

    def pose(self, found: FoundLandmarks) -> EncodedHand:
        """Inverse kinematics of found landmarks."""
        return _read(self.kinematics, found.flat, found.mm)

    def save(self, path: Path, skeleton_id: str) -> None:
        """Write weights and configuration in half precision, bound to the skeleton whose angles they speak of."""
        halved = {name: value.half() for name, value in self.state_dict().items()}
        save_checkpoint(Checkpoint(FEATURE_ENCODER, skeleton_id, dataclasses.asdict(self.config), halved), path)

    @classmethod
    def load(cls, path: Path, skeleton_id: str) -> "FeatureEncoder":
        """Read what ``save`` wrote, ready to be called.

        Raises:
            InputError: when the file is damaged or belongs to another skeleton.
        """
        checkpoint = load_checkpoint(path, FEATURE_ENCODER, skeleton_id)
        try:
            encoder = cls(FeatureEncoderConfig(**checkpoint.config))  # pyright: ignore[reportArgumentType]
            encoder.load_state_dict({name: value.float() for name, value in checkpoint.weights.items()})
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: weights and configuration do not fit this version ({error}); train it again") from error
        return encoder.eval()


def features_for(inputs: str, sampled: np.ndarray, pooled: np.ndarray) -> Float[np.ndarray, "*batch _"]:
    """Of a run's features those that an encoder with these inputs looks at."""
    return {"pooled": pooled, "landmarks": pooled[..., :0]}.get(inputs, np.concatenate([sampled, pooled], axis=-1))


def _read(kinematics: LandmarkEncoder, flat: Float[Tensor, "*batch 21 2"], mm: Float[Tensor, "*batch 21 3"]) -> EncodedHand:
    """Inverse kinematics, which looks at landmarks with the fingers up; its answer in the square's axes again."""
    R_square_upright = _upright(flat)
    flat, mm = flat @ R_square_upright[..., :2, :2], mm @ R_square_upright
    low, high = flat.amin(dim=-2, keepdim=True), flat.amax(dim=-2, keepdim=True)
    half = ((high - low).amax(dim=-1, keepdim=True) / 2).clamp(min=1e-9)
    encoded = kinematics((flat - (low + high) / 2) / half, mm)
    return EncodedHand(encoded.theta, R_square_upright @ encoded.R_crop_hand, encoded.landmarks @ R_square_upright.mT)


def turn_between(before: Float[np.ndarray, "21 3"], after: Float[np.ndarray, "21 3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation about z that takes points best onto others, both centred first; identity where no turn is better than another."""
    one, other = (points[:, :2] - points[:, :2].mean(axis=0) for points in (before, after))
    c = float((one * other).sum())
    s = float((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum())
    length = float(np.hypot(c, s))
    if length < 1e-12:
        return np.eye(3)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, length]]) / length


def _upright(flat: Float[Tensor, "*batch 21 2"]) -> Float[Tensor, "*batch 3 3"]:
    """Takes directions of a view in which wrist to finger roots points up (as a ``HandCrop``'s does) to those of the square."""
    up = flat[..., list(ALIGNMENT_LANDMARKS[1:]), :].mean(dim=-2) - flat[..., ALIGNMENT_LANDMARKS[0], :]
    s, c = (up / up.norm(dim=-1, keepdim=True).clamp(min=1e-9)).unbind(dim=-1)
    c = -c
    zero, one = torch.zeros_like(s), torch.ones_like(s)
    return torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=-1).unflatten(-1, (3, 3))
