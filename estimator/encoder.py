"""From a crop and its landmarks to theta. Today: learned inverse kinematics, which looks at the landmarks alone."""

import dataclasses
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import roma
import torch
from jaxtyping import Float
from torch import Tensor, nn

from estimator.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from estimator.errors import InputError
from estimator.hand.template import LANDMARK_NAMES, POSE_SIZE

LANDMARK_ENCODER = Path(__file__).parent / "assets" / "landmark_encoder.safetensors"
_KIND = "landmark-encoder"
_UNIT_MM = 100.0


@dataclass(frozen=True)
class EncodedHand:
    """What an encoder says of a right hand in a crop.

    Attributes:
        theta: joint angles, radians.
        R_crop_hand: takes the hand frame's directions to the crop's.
        landmarks: the 21 landmarks in the crop's axes, centred on their mean, mm at the template's size.
    """

    theta: Float[Tensor, "*batch pose"]
    R_crop_hand: Float[Tensor, "*batch 3 3"]
    landmarks: Float[Tensor, "*batch 21 3"]


@dataclass(frozen=True)
class LandmarkEncoderConfig:
    """Size of the network."""

    width: int = 512
    depth: int = 3


class LandmarkEncoder(nn.Module):
    """Learned inverse kinematics: 21 landmarks in the crop and in space to theta, global rotation and undisturbed landmarks.

    The relative 3D landmarks are normalised to unit RMS radius: their absolute size says nothing of the hand's.
    """

    def __init__(self, config: LandmarkEncoderConfig = LandmarkEncoderConfig()) -> None:
        super().__init__()
        self.config = config
        widths = [5 * len(LANDMARK_NAMES), *[config.width] * config.depth]
        layers = [(nn.Linear(a, b), nn.LayerNorm(b), nn.GELU()) for a, b in pairwise(widths)]
        self.body = nn.Sequential(*(module for layer in layers for module in layer))
        self.head = nn.Linear(widths[-1], POSE_SIZE + 6 + 3 * len(LANDMARK_NAMES))
        self.register_buffer("pose_mean", torch.zeros(POSE_SIZE))
        self.register_buffer("pose_deviation", torch.ones(POSE_SIZE))

    pose_mean: Tensor
    pose_deviation: Tensor

    def forward(self, landmarks_normal: Float[Tensor, "*batch 21 2"], landmarks_mm: Float[Tensor, "*batch 21 3"]) -> EncodedHand:
        """Arguments as in ``HandCrop``."""
        centred = landmarks_mm - landmarks_mm.mean(dim=-2, keepdim=True)
        radius = centred.square().sum(dim=-1).mean(dim=-1).sqrt().clamp(min=1e-6)
        features = torch.cat([landmarks_normal.flatten(-2), (centred / radius[..., None, None]).flatten(-2)], dim=-1)
        theta, rotation, landmarks = self.head(self.body(features)).split([POSE_SIZE, 6, 3 * len(LANDMARK_NAMES)], dim=-1)
        landmarks = _UNIT_MM * landmarks.unflatten(-1, (-1, 3))
        return EncodedHand(
            theta=self.pose_mean + self.pose_deviation * theta,
            R_crop_hand=roma.special_gramschmidt(rotation.unflatten(-1, (3, 2))),
            landmarks=landmarks - landmarks.mean(dim=-2, keepdim=True),
        )

    def save(self, path: Path, skeleton_id: str) -> None:
        """Write weights and configuration, bound to the skeleton whose angles they speak of."""
        save_checkpoint(Checkpoint(_KIND, skeleton_id, dataclasses.asdict(self.config), self.state_dict()), path)

    @classmethod
    def load(cls, path: Path, skeleton_id: str) -> "LandmarkEncoder":
        """Read what ``save`` wrote, ready to be called.

        Raises:
            InputError: when the file is damaged or belongs to another skeleton.
        """
        checkpoint = load_checkpoint(path, _KIND, skeleton_id)
        try:
            encoder = cls(LandmarkEncoderConfig(**checkpoint.config))  # pyright: ignore[reportArgumentType]
            encoder.load_state_dict(dict(checkpoint.weights))
        except (TypeError, RuntimeError) as error:
            raise InputError(f"{path}: weights and configuration do not fit this version ({error}); train it again") from error
        return encoder.eval()
