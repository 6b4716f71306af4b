"""A toy studio: the toy hand of another size before two cameras, in poses that its pictures show."""

import numpy as np
import torch

from datasets.studio_sample import StudioSample
from decoder_pretrain.config import Schedule, StudioData, TrainConfig
from estimator.hand.correctives import CorrectivesConfig
from estimator.hand.decoder import HandDecoder
from estimator.hand.depth_map import depth_maps
from estimator.hand.template import POSE_NAMES, POSE_SIZE
from estimator.hand.types import RestHand
from estimator.image_encoder import ImageEncoderConfig
from tests.toys import toy_template

SIZE, VIEWS = 32, 2
SCALE = 1.1
FLEXIONS = [i for i, name in enumerate(POSE_NAMES) if name.endswith(".z") and not name.startswith("thumb")]


class ToyStudio:
    """Moments of a hand a tenth larger than the template, bent by one random amount; implements StudioFrames."""

    def __init__(self, count: int = 12) -> None:
        self.template = toy_template()
        self.decoder = HandDecoder(self.template)
        bend = np.random.default_rng(7).uniform(0.1, 0.5, count)
        self.theta = torch.zeros(count, POSE_SIZE)
        self.theta[:, FLEXIONS] = torch.tensor(bend[:, None], dtype=torch.float32)
        self.kept: dict[int, StudioSample] = {}

    def __len__(self) -> int:
        return len(self.theta)

    def sample(self, index: int, generator: np.random.Generator) -> StudioSample:
        """From a fixed camera, which takes the picture, and one that was turned about the hand at random."""
        if index not in self.kept:
            self.kept[index] = self._taken(index, np.random.default_rng(index))
        return self.kept[index]

    def _taken(self, index: int, generator: np.random.Generator) -> StudioSample:
        own = self.decoder
        rest = RestHand(SCALE * own.vertices, SCALE * own.joint_offsets, own.skinning_weights)
        mesh = own(self.theta[index], rest)
        K = torch.tensor([[250.0, 0, 15.5], [0, 250.0, 15.5], [0, 0, 1]]).expand(VIEWS, 3, 3)
        turns = torch.tensor([0.0, generator.uniform(-0.5, 0.5)])
        zero, one = torch.zeros(VIEWS), torch.ones(VIEWS)
        R = torch.stack([one, zero, zero, zero, turns.cos(), -turns.sin(), zero, turns.sin(), turns.cos()], dim=1).reshape(-1, 3, 3)
        t = torch.tensor([-70.0, 0.0, 1000.0]).expand(VIEWS, 3)
        depth = depth_maps(mesh.vertices, torch.tensor(self.template.faces), K, R, t, SIZE, SIZE)
        grey = torch.where(depth[0] > 0, 255 * (1000 + 100 - depth[0]).clamp(0, 200) / 200, 0.0)
        return StudioSample(
            image=grey.to(torch.uint8)[..., None].expand(-1, -1, 3).numpy().copy(),
            joints=mesh.joints.positions.numpy(),
            valid=np.ones(len(mesh.joints.positions), dtype=bool),
            K=K.numpy().copy(),
            R=R.numpy(),
            t=t.numpy().copy(),
            depth=depth.numpy(),
        )


def toy_config(epochs: int = 3, batch: int = 4, rate: float = 1e-3) -> TrainConfig:
    """Small and quick."""
    return TrainConfig(
        data="toy",
        encoder=ImageEncoderConfig("tiny", "random"),
        correctives=CorrectivesConfig(1),
        schedule=Schedule(batch=batch, epochs=epochs, learning_rate=rate, decoder_learning_rate=rate, milestones=(epochs,)),
        studio=StudioData(size=SIZE, target_views=VIEWS, moments=12, views_per_moment=VIEWS),
    )
