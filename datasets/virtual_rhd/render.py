"""The picture of a scene: linear colours, coverage, depth and mask, from one rasterization."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, UInt8

from datasets.virtual_rhd.drawing import Drawn
from datasets.virtual_rhd.illumination import Illumination
from datasets.virtual_rhd.light import Arrived
from datasets.virtual_rhd.people import Skin
from datasets.virtual_rhd.scene import Scene
from datasets.virtual_rhd.shade import shade
from estimator.hand.compiled import compiled


@dataclass(frozen=True)
class Rendered:
    """A scene as a camera's lens shows it.

    Attributes:
        colours: linear light times coverage.
        coverage: share of each pixel that the scene covers.
        depth_mm: at the pixels' centres; 0 where the scene is not.
        mask: labels at the pixels' centres.
    """

    colours: Float32[np.ndarray, "height width 3"]
    coverage: Float32[np.ndarray, "height width"]
    depth_mm: Float32[np.ndarray, "height width"]
    mask: UInt8[np.ndarray, "height width"]

    def before(self, background: Float32[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width 3"]:
        """The scene's light and that of what is behind it."""
        light = np.empty_like(background)
        _lay_over(self.colours, self.coverage, background, light)
        return light


def render(
    scene: Scene,
    drawn: Drawn,
    texture: UInt8[np.ndarray, "rows columns channels"],
    skin: Skin,
    knit: float,
    arrived: Arrived,
    illumination: Illumination,
) -> Rendered:
    """What was drawn, lit."""
    colours, coverage = shade(scene, drawn, texture, skin, knit, arrived, illumination)
    depth, mask = np.zeros_like(coverage), np.zeros(coverage.shape, dtype=np.uint8)
    _read_centres(drawn.seen, drawn.closeness, scene.labels, depth, mask)
    return Rendered(colours, coverage, depth, mask)


@compiled
@no_type_check
def _read_centres(seen: np.ndarray, closeness: np.ndarray, labels: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> None:
    """Depth and label at the pixels' centres."""
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            face = seen[2 * y + 1, 2 * x + 1]
            if face >= 0:
                depth[y, x], mask[y, x] = np.float32(1) / closeness[2 * y + 1, 2 * x + 1], labels[face]


@compiled
@no_type_check
def _lay_over(colours: np.ndarray, coverage: np.ndarray, background: np.ndarray, light: np.ndarray) -> None:
    for y in range(coverage.shape[0]):
        for x in range(coverage.shape[1]):
            free = np.float32(1) - coverage[y, x]
            for channel in range(3):
                light[y, x, channel] = colours[y, x, channel] + free * background[y, x, channel]
