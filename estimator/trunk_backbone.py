"""TrunkBackbone: an image encoder's backbone that learnt from photographs of real hands, and learns on."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from estimator.landmark_backbone import find_hand
from estimator.landmark_network import LandmarkNetwork, hand_square
from estimator.landmark_trunk import TRUNK_SIZE, LandmarkTrunk
from estimator.square import OUTERMOST_PIXELS, Square

STEADY_LAYERS = 5
"""The first ones, which see edges, stay as they are: theirs would be the dearest gradients."""

TRUNK_DROPOUT = 0.1


class TrunkBackbone(nn.Module):
    """The detector's landmark network up to its pooled feature, which sees pictures turned until the fingers point up.

    How a picture is to be turned the detector's own run of that network says, which stays as it is.

    Args:
        from_photographs: start from the detector's weights, not from random ones.

    Raises:
        InputError: the network cannot be had.
    """

    def __init__(self, from_photographs: bool = True) -> None:
        super().__init__()
        self.trunk = LandmarkTrunk.open() if from_photographs else LandmarkTrunk()
        for layer in self.trunk.layers[:STEADY_LAYERS]:
            layer.requires_grad_(False)
        self.dropout = nn.Dropout(TRUNK_DROPOUT)
        self._network = LandmarkNetwork.open()

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch features"]:
        """Features of RGB pictures with values in [0, 1]; a share of them at random while training."""
        return self.dropout(self.trunk(self.upright(image).contiguous(memory_format=torch.channels_last)))

    def upright(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch 3 size size"]:
        """The pictures turned about their middle, their borders continued outwards."""
        pixels = (image.detach() * 255).round().to(torch.uint8).movedim(1, -1).contiguous().cpu().numpy()
        size, middle = pixels.shape[1], (pixels.shape[1] - 1) / 2
        turns = [hand_square(find_hand(self._network, picture).landmarks_px).turn for picture in pixels]
        turned = [
            Square(middle, middle, float(size), turn).pixels(picture, size, OUTERMOST_PIXELS)
            for picture, turn in zip(pixels, turns, strict=True)
        ]
        return torch.from_numpy(np.stack(turned)).to(image.device).movedim(-1, 1).to(image.dtype) / 255


def trunk_backbone(initial: str) -> tuple[nn.Module, int]:
    """A backbone and the size of its feature."""
    return TrunkBackbone(initial != "random"), TRUNK_SIZE
