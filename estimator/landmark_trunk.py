"""LandmarkTrunk: the detector's landmark network up to its pooled feature, in torch, so that it can learn further.

An encoder that starts from it knows hands from real photographs, as one that starts from ImageNet knows objects. The weights are read from
the detector's model, where batch normalisation is already folded into the convolutions.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn.functional import pad

from estimator.errors import InputError
from estimator.models import HAND_LANDMARKER, load_models
from estimator.network import read_model

if TYPE_CHECKING:
    from openvino import Node

TRUNK_SIZE = 1152

_STEM = 24
_BLOCKS = (
    (24, 16, 3, 1),
    (64, 24, 3, 2),
    (144, 24, 3, 1),
    (144, 40, 5, 2),
    (240, 40, 5, 1),
    (240, 80, 3, 2),
    (480, 80, 3, 1),
    (480, 80, 3, 1),
    (480, 112, 5, 1),
    (672, 112, 5, 1),
    (672, 112, 5, 1),
    (672, 192, 5, 2),
    (1152, 192, 5, 1),
    (1152, 192, 5, 1),
    (1152, 192, 5, 1),
)
"""Inverted bottlenecks: channels inside, channels out, side of the kernel, stride."""


class LandmarkTrunk(nn.Module):
    """Convolutions from an RGB picture with values in [0, 1] to the vector that the landmark network's answers are linear in.

    Made for pictures of 224 pixels a side with the fingers up; smaller ones cost less.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_Convolution(3, _STEM, 3, 2), nn.ReLU6()]
        channels = _STEM
        for inside, outside, kernel, stride in _BLOCKS:
            layers.append(_Bottleneck(channels, inside, outside, kernel, stride))
            channels = outside
        layers += [
            _Convolution(channels, TRUNK_SIZE, 1),
            nn.ReLU6(),
            _Convolution(TRUNK_SIZE, TRUNK_SIZE, 3, groups=TRUNK_SIZE),
            nn.ReLU6(),
        ]
        self.layers = nn.Sequential(*layers)

    @classmethod
    def open(cls, bundle: Path | None = None) -> "LandmarkTrunk":
        """With the weights of a model bundle; None takes the one in the cache, which is fetched when it is not there.

        Raises:
            InputError: the bundle cannot be had, or its network is another one.
        """
        trunk = cls()
        own = [module for module in trunk.modules() if isinstance(module, nn.Conv2d)]
        found = list(_convolutions(load_models(HAND_LANDMARKER, bundle)[1]))
        if [tuple(convolution.weight.shape) for convolution in own] != [weight.shape for weight, _ in found]:
            raise InputError("the landmark network of the hand detector has other layers than expected; give the released model")
        with torch.no_grad():
            for convolution, (weight, bias) in zip(own, found, strict=True):
                convolution.weight.copy_(torch.from_numpy(weight))
                assert convolution.bias is not None
                convolution.bias.copy_(torch.from_numpy(bias))
        return trunk

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch pooled"]:
        """The pooled feature (``LandmarkFeatures.pooled``)."""
        return self.layers(image).mean(dim=(-2, -1))


class _Convolution(nn.Module):
    """Padded as TensorFlow's "same": where it cannot be even, a pixel more to the right and below."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.inner = nn.Conv2d(inside, outside, kernel, stride, groups=groups)
        self._kernel, self._stride = kernel, stride

    def forward(self, features: Float[Tensor, "batch inside height width"]) -> Float[Tensor, "batch outside _ _"]:
        """The map."""
        height, width = (max((-(-side // self._stride) - 1) * self._stride + self._kernel - side, 0) for side in features.shape[-2:])
        return self.inner(pad(features, (width // 2, width - width // 2, height // 2, height - height // 2)))


class _Bottleneck(nn.Module):
    """Widens, looks around in each channel, narrows; what comes in is added where it fits."""

    def __init__(self, channels: int, inside: int, outside: int, kernel: int, stride: int) -> None:
        super().__init__()
        widened = [] if inside == channels else [_Convolution(channels, inside, 1), nn.ReLU6()]
        around = [_Convolution(inside, inside, kernel, stride, groups=inside), nn.ReLU6()]
        self.layers = nn.Sequential(*widened, *around, _Convolution(inside, outside, 1))
        self.added = channels == outside and stride == 1

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outside _ _"]:
        """The map."""
        return features + self.layers(features) if self.added else self.layers(features)


def _convolutions(model: bytes) -> Iterator[tuple[Float32[np.ndarray, "outside inside kernel kernel"], Float32[np.ndarray, " outside"]]]:
    """Weights and bias of every convolution of a TFLite network, in the order of its layers."""
    for node in read_model("landmark network of the hand detector", model).get_ordered_ops():
        if node.get_type_name() in ("Convolution", "GroupConvolution"):
            weight = _constant(node.input_value(1).get_node())
            (added,) = node.output(0).get_target_inputs()
            bias = _constant(added.get_node().input_value(1).get_node())
            yield weight.reshape(-1, *weight.shape[-3:]), bias.ravel()


def _constant(node: "Node") -> Float32[np.ndarray, "..."]:
    """What a part of the graph that depends on no input amounts to."""
    kind = node.get_type_name()
    if kind == "Constant":
        return np.asarray(node.get_data(), dtype=np.float32)  # pyright: ignore[reportAttributeAccessIssue]
    value = _constant(node.input_value(0).get_node())
    if kind == "Transpose":
        return value.transpose(_whole(node))
    return value if kind == "Convert" else value.reshape(tuple(node.output(0).get_partial_shape().to_shape()))


def _whole(node: "Node") -> tuple[int, ...]:
    return tuple(int(axis) for axis in _constant(node.input_value(1).get_node()))
