"""What is behind the people: photographs from a folder, or coloured shapes where none is given."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from datasets.camera_effects import lens_blur
from datasets.virtual_rhd.types import SIDE_PX
from estimator.hand.shading import decode_srgb

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_LONGEST_PX = 720
_LINEAR = decode_srgb(np.arange(256, dtype=np.uint8))


@dataclass(frozen=True, eq=False)
class Scenery:
    """Backgrounds.

    Attributes:
        photographs: RGB, of any size; shapes are drawn where there are none.
    """

    photographs: tuple[UInt8[np.ndarray, "_ _ 3"], ...]

    @classmethod
    def of_folder(cls, folder: Path | None) -> "Scenery":
        """The pictures of a folder, made small.

        Raises:
            ValueError: one line, when there is no such folder or no picture that can be read in it.
        """
        if folder is None:
            return cls(())
        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder; name one with photographs for backgrounds, or none at all")
        pictures = [_read(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES]
        readable = tuple(picture for picture in pictures if picture is not None)
        if not readable:
            raise ValueError(f"{folder}: no photograph in it can be read ({', '.join(_SUFFIXES)}); name another folder")
        return cls(readable)

    def draw(self, generator: np.random.Generator) -> Float32[np.ndarray, "height width 3"]:
        """Linear light of a part of one of them, mirrored or not, in focus or not."""
        count = len(self.photographs)
        picture = _part(self.photographs[generator.integers(count)], generator) if count else shapes(generator)
        blur_px = generator.choice([0.0, generator.uniform(0.8, 3.0), generator.uniform(3.0, 9.0)], p=[0.4, 0.35, 0.25])
        linear = cv2.LUT(picture, _LINEAR)
        if blur_px < 0.5:
            return linear
        if blur_px < 2.5:
            return cv2.GaussianBlur(linear, (0, 0), 0.6 * blur_px)
        # wide discs are spread on a smaller picture
        small = cv2.resize(linear, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        spread = lens_blur(small, float(blur_px / 2)).astype(np.float32)
        return cv2.resize(spread, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)


def _read(path: Path) -> UInt8[np.ndarray, "rows columns 3"] | None:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    scale = min(_LONGEST_PX / max(picture.shape[:2]), 1.0)
    smaller = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    return cv2.cvtColor(smaller, cv2.COLOR_BGR2RGB)


def _part(picture: np.ndarray, generator: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
    """A square part at least a third as large as the picture, sometimes turned a little."""
    height, width = picture.shape[:2]
    side = min(height, width) * float(generator.uniform(0.45, 1.0))
    middle = [generator.uniform(side / 2, length - side / 2) if length > side else length / 2 for length in (width, height)]
    angle = np.radians(generator.normal(0, 4))
    scale = side / SIDE_PX
    flip = generator.choice([-1.0, 1.0])
    linear = scale * np.array([[flip * np.cos(angle), -np.sin(angle)], [flip * np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([linear, np.array(middle) - linear @ np.full(2, (SIDE_PX - 1) / 2)])
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_LINEAR if scale < 1.5 else cv2.INTER_AREA)
    return cv2.warpAffine(picture, matrix, (SIDE_PX, SIDE_PX), flags=flags, borderMode=cv2.BORDER_REFLECT)


def shapes(generator: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
    """A wall with light falling over it, and things before it: rectangles, discs and bars in colours that go together."""
    tint = generator.uniform(0, 255, 3) * 0.3 + generator.uniform(30, 200)
    v, u = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX - 0.5
    slope = generator.normal(0, 45, 2)
    wall = tint + (slope[0] * u + slope[1] * v)[..., None]
    coarse = generator.normal(0, 1, (12, 12, 3)).astype(np.float32)
    picture = wall + generator.uniform(2, 14) * cv2.resize(coarse, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(generator.integers(0, 12)):
        colour = np.clip(tint + generator.normal(0, 60) + generator.normal(0, 25, 3), 0, 255).tolist()
        x, y = (int(place) for place in generator.uniform(-0.1, 1.1, 2) * SIDE_PX)
        w, h = (int(length) for length in np.exp(generator.uniform(np.log(8), np.log(260), 2)))
        if generator.random() < 0.3:
            cv2.circle(picture, (x, y), max(w // 2, 3), colour, -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints(((x, y), (w, h), generator.normal(0, 6)))
            cv2.fillPoly(picture, [np.rint(corners).astype(np.int32)], colour, cv2.LINE_AA)
    rough = generator.normal(0, 1, (SIDE_PX // 2, SIDE_PX // 2)).astype(np.float32)
    grain = generator.uniform(0, 9) * cv2.resize(rough, (SIDE_PX, SIDE_PX))[..., None]
    return np.clip(picture + grain, 0, 255).astype(np.uint8)
