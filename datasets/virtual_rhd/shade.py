"""The colours of a drawn scene, in passes over the samples that are worth shading: what is there, its relief, its light."""

import numpy as np
from jaxtyping import Float32, UInt8

from datasets.virtual_rhd.drawing import Drawn
from datasets.virtual_rhd.illumination import Illumination
from datasets.virtual_rhd.light import Arrived
from datasets.virtual_rhd.paint import paint
from datasets.virtual_rhd.people import Skin
from datasets.virtual_rhd.reflection import reflected, tilted_normals
from datasets.virtual_rhd.samples import choose_samples
from datasets.virtual_rhd.scene import Scene


def shade(
    scene: Scene,
    drawn: Drawn,
    texture: UInt8[np.ndarray, "rows columns channels"],
    skin: Skin,
    knit: float,
    arrived: Arrived,
    illumination: Illumination,
) -> tuple[Float32[np.ndarray, "height width 3"], Float32[np.ndarray, "height width"]]:
    """Linear light times coverage, and coverage, of each pixel."""
    samples = choose_samples(scene, drawn, arrived)
    surface, heights = paint(samples, texture, skin, knit, len(drawn.seen) // 2)
    normals = tilted_normals(scene, drawn, samples, heights)
    return reflected(drawn, samples, normals, surface, illumination)
