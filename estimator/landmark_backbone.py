"""LandmarkBackbone: an image encoder's backbone that learnt from photographs of real hands and stays as it is."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from estimator.feature_store import FeatureStore
from estimator.hand.template import LANDMARK_NAMES
from estimator.landmark_features import POOLED_SIZE, SAMPLED_SIZE, LandmarkFeatures
from estimator.landmark_network import LandmarkNetwork, NetworkHand, hand_square
from estimator.square import Square

SURE = 0.5
"""From this presence on the picture is taken to be the right way up."""

LARGEST = 6.0
"""Features are cut off at so many deviations: a rare picture should not count for dozens."""

USUAL_SIZE = 1024
"""Features of other backbones. More of them, of a spread of one each, would turn a fresh hand over at every step of training."""

FEATURE_SIZE = 6 * len(LANDMARK_NAMES) + POOLED_SIZE + SAMPLED_SIZE


class LandmarkBackbone(nn.Module):
    """The features of the detector's landmark network, in the square that its own landmarks point out; standardised.

    The network itself is no part of the state: it is found where the detector finds it. What standardises its features is, and has to
    be measured once before training.

    Raises:
        InputError: the network cannot be had.
    """

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURE_SIZE))
        self.register_buffer("deviation", torch.ones(FEATURE_SIZE))
        self.dropout = nn.Dropout(dropout)
        self.store: FeatureStore | None = None
        self._network = LandmarkNetwork.open()

    mean: Tensor
    deviation: Tensor

    def measure(self, image: Float[Tensor, "pictures 3 size size"]) -> None:
        """Standardise by the features of some hundred training pictures."""
        found = self._raw(image)
        self.mean.copy_(found.mean(dim=0))
        self.deviation.copy_(found.std(dim=0).clamp_min(1e-3))

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch features"]:
        """Features of RGB pictures with values in [0, 1]; a share of them at random while training."""
        standard = ((self._raw(image) - self.mean) / self.deviation).clamp(-LARGEST, LARGEST)
        return self.dropout(standard * math.sqrt(USUAL_SIZE / FEATURE_SIZE))

    def _raw(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch features"]:
        pixels = (image.detach() * 255).round().to(torch.uint8).movedim(1, -1).contiguous().cpu().numpy()
        return torch.from_numpy(np.stack([self._features(picture) for picture in pixels])).to(image)

    def _features(self, picture: UInt8[np.ndarray, "size size 3"]) -> Float32[np.ndarray, " features"]:
        if self.store is None:
            return _row(self._look(picture))
        kept = self.store.get(picture)
        if kept is None:
            kept = _row(self._look(picture))
            self.store.put(picture, kept)
        return kept

    def _look(self, picture: UInt8[np.ndarray, "size size 3"]) -> LandmarkFeatures:
        """As the detector does: a first look finds the hand, the second has it upright."""
        return self._network(picture, hand_square(find_hand(self._network, picture).landmarks_px)).features


def find_hand(network: LandmarkNetwork, picture: UInt8[np.ndarray, "size size 3"]) -> NetworkHand:
    """The right hand that fills a picture; one not found at once is looked for turned."""
    size = picture.shape[0]
    best = None
    for turn in range(4):
        hand = network(picture, Square((size - 1) / 2, (size - 1) / 2, float(size), turn * math.pi / 2))
        if best is None or hand.presence > best.presence:
            best = hand
        if best.presence >= SURE:
            break
    assert best is not None
    return best


def _row(features: LandmarkFeatures) -> Float32[np.ndarray, " features"]:
    solid = features.landmarks_mm - features.landmarks_mm[:1]
    parts: Sequence[np.ndarray] = (features.landmarks.ravel(), solid.ravel() / 100.0, features.pooled, features.sampled)
    return np.concatenate(parts).astype(np.float16).astype(np.float32)
