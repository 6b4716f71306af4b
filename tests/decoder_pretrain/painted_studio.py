"""A painted toy hand before several cameras: what colour each point of its skin has is known."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from datasets.studio_sample import PicturedSample, StudioSample, StudioViews
from estimator.hand.decoder import HandDecoder
from estimator.hand.rasterizer import rasterize
from estimator.hand.template import POSE_NAMES, POSE_SIZE
from tests.toys import toy_template

SIZE, VIEWS, TARGET_VIEWS = 160, 6, 2
FLEXIONS = [i for i, name in enumerate(POSE_NAMES) if name.endswith(".z") and not name.startswith("thumb")]


def paint(points: np.ndarray) -> np.ndarray:
    """Colour of points of the template at rest, mm."""
    waves = np.stack([points @ (0.11, 0.02, 0.13), points @ (-0.05, 0.06, 0.17), points @ (0.17, -0.03, 0.05)], axis=-1)
    return 0.5 + 0.4 * np.sin(waves)


class PaintedStudio:
    """Moments of the template itself; implements PicturedFrames. The first two are flat and neutral, the others bent a little.

    Args:
        light: by which share views and moments differ in brightness.
    """

    def __init__(self, count: int = 4, light: float = 0.0) -> None:
        self.template, self.light = toy_template(), light
        self.theta = torch.zeros(count, POSE_SIZE)
        self.theta[2:, FLEXIONS] = torch.linspace(0.1, 0.3, max(count - 2, 0))[:, None]
        self.kept: dict[int, PicturedSample] = {}

    def __len__(self) -> int:
        return len(self.theta)

    def motion(self, index: int) -> str:
        """Two of the easiest pose."""
        return "RT_neutral_relaxed" if index < 2 else "fist"

    def sample_with_pictures(self, index: int, generator: np.random.Generator) -> PicturedSample:
        """The first camera's picture, and random target views."""
        taken = self._all(index)
        chosen = generator.permutation(VIEWS)[:TARGET_VIEWS]
        return replace(taken, **{name: getattr(taken, name)[chosen] for name in ("K", "R", "t", "depth", "pictures")})

    def sample(self, index: int, generator: np.random.Generator) -> StudioSample:
        """Without the target views' pictures."""
        known = vars(self.sample_with_pictures(index, generator))
        return StudioSample(**{name: value for name, value in known.items() if name != "pictures"})

    def views(self, index: int) -> StudioViews:
        """All of them."""
        taken = self._all(index)
        return StudioViews(taken.pictures, taken.K, taken.R, taken.t, taken.depth)

    def _all(self, index: int) -> PicturedSample:
        if index not in self.kept:
            self.kept[index] = self._taken(index)
        return self.kept[index]

    def _taken(self, index: int) -> PicturedSample:
        mesh = HandDecoder(self.template)(self.theta[index])
        K = np.array([[800.0, 0, SIZE / 2 - 0.5], [0, 800.0, SIZE / 2 - 0.5], [0, 0, 1]], dtype=np.float32)
        shots = [self._shot(mesh.vertices, K, turn, index) for turn in np.linspace(0, 2 * np.pi, VIEWS, endpoint=False) + 0.1]
        pictures, R, t, depth = (np.stack(values) for values in zip(*shots, strict=True))
        joints = mesh.joints.positions.numpy()
        return PicturedSample(pictures[0], joints, np.ones(len(joints), dtype=bool), np.stack([K] * VIEWS), R, t, depth, pictures)

    def _shot(self, vertices: Tensor, K: np.ndarray, turn: float, index: int) -> tuple[np.ndarray, ...]:
        c, s = np.cos(turn), np.sin(turn)
        R = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        t = np.array([0.0, 0, 1000.0]) - R @ np.array([95.0, 0, -5.0])
        drawn = rasterize(vertices.double().numpy() @ R.T + t, self.template.faces, K.astype(float), SIZE, SIZE)
        covered = drawn.faces >= 0
        points = np.einsum("pk,pki->pi", drawn.barycentrics[covered], self.template.vertices[self.template.faces[drawn.faces[covered]]])
        picture = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
        brightness = 1 + self.light * np.sin(2.0 * index + turn)
        picture[covered] = np.rint(255 * np.clip(brightness * paint(points), 0, 1))
        return picture, R.astype(np.float32), t.astype(np.float32), drawn.depth.astype(np.float32)
