"""Small clips for tests: the sample's hand, moving a little."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

SAMPLE = Path(__file__).parents[2] / "estimator" / "assets" / "sample.jpg"


def save_clip(path: Path, frames: list[np.ndarray], rate: int = 10) -> Path:
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def hand_frames(count: int, width: int = 320, height: int = 240) -> list[np.ndarray]:
    picture = np.asarray(Image.open(SAMPLE).convert("RGB").resize((width, height)))
    return [np.roll(picture, step, axis=1) for step in range(count)]
