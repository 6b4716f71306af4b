"""The files of RHD, each by itself: annotation, picture, mask, depth map."""

from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from datasets.safe_pickle import load_pickle

Split = Literal["training", "evaluation"]
SPLITS = get_args(Split)

SIZE_PX = 320
"""Of every picture, along both sides."""

CURE = "copy it from RHD_published_v2 again"

_FARTHEST_MM = 5000.0
_LAST_STEP = 65535.0
_PNG_DAMAGE = (OSError, SyntaxError, ValueError, EOFError)
"""What PIL raises over damaged PNG files; a broken chunk is a syntax error to it."""


def annotation_file(root: Path, split: Split) -> Path:
    """Where a split's annotation lies."""
    return root / split / f"anno_{split}.pickle"


def color_folder(root: Path, split: Split) -> Path:
    """Where a split's pictures lie."""
    return root / split / "color"


def mask_folder(root: Path, split: Split) -> Path:
    """Where a split's masks lie."""
    return root / split / "mask"


def depth_folder(root: Path, split: Split) -> Path:
    """Where a split's depth maps lie."""
    return root / split / "depth"


def file_name(number: int) -> str:
    """Of a sample's picture, mask and depth map."""
    return f"{number:05d}.png"


def read_annotation(root: Path, split: Split) -> dict[int, object]:
    """What a split's annotation says of each sample, unchecked.

    Raises:
        ValueError: one line naming file and cure, when the folder is not RHD's, or the file is damaged or asks for more than arrays.
    """
    path = annotation_file(root, split)
    if not path.is_file():
        cure = "name RHD_published_v2, the folder that holds training/ and evaluation/"
        raise ValueError(f"{root}: not an RHD folder, it has no {split}/{path.name}; {cure}")
    entries = load_pickle(path)
    if not isinstance(entries, dict) or not entries or not all(isinstance(number, int | np.integer) and number >= 0 for number in entries):
        raise ValueError(f"{path}: expected a dict from the samples' numbers to their annotations; {CURE}")
    return {int(number): entry for number, entry in sorted(entries.items())}


def check_color(path: Path) -> None:
    """That a picture is there and whole, without decoding it.

    Raises:
        ValueError: the reason.
    """
    if not path.is_file():
        raise ValueError("no picture")
    try:
        with Image.open(path) as image:
            size = image.size
            image.verify()
    except _PNG_DAMAGE as error:
        raise ValueError("the picture is damaged") from error
    if size != (SIZE_PX, SIZE_PX):
        raise ValueError(f"the picture is not {SIZE_PX}x{SIZE_PX} pixels")


def read_color(path: Path) -> UInt8[np.ndarray, "320 320 3"]:
    """A picture.

    Raises:
        ValueError: one line naming file and cure, when it is missing, damaged or of another size.
    """
    return _read(path, "RGB")


def read_mask(path: Path) -> UInt8[np.ndarray, "320 320"]:
    """A mask's labels: 0 background, 1 person, 2 to 17 left hand, 18 to 33 right hand; errors as ``read_color``."""
    mask = _read(path, None)
    return mask if mask.ndim == 2 else np.ascontiguousarray(mask[..., 0])


def read_depth(path: Path) -> Float32[np.ndarray, "320 320"]:
    """A depth map along the camera's z, mm; errors as ``read_color``."""
    coded = _read(path, None)
    if coded.ndim != 3:
        raise ValueError(f"{path}: expected a depth of two channels, found one; {CURE}")
    return decode_depth(np.ascontiguousarray(coded[..., :2]))


def decode_depth(coded: UInt8[np.ndarray, "height width 2"]) -> Float32[np.ndarray, "height width"]:
    """Depth in mm from its two bytes, the greater one first: 65535 is 5 m."""
    steps = 256 * coded[..., 0].astype(np.float32) + coded[..., 1]
    return steps * np.float32(_FARTHEST_MM / _LAST_STEP)


def _read(path: Path, mode: str | None) -> UInt8[np.ndarray, "320 320 *channels"]:
    try:
        with Image.open(path) as image:
            pixels = np.array(image.convert(mode) if mode else image)
    except _PNG_DAMAGE as error:
        reason = (isinstance(error, OSError) and error.strerror) or "it is no image, or damaged"
        raise ValueError(f"{path}: cannot be read ({reason}); {CURE}") from error
    if pixels.shape[:2] != (SIZE_PX, SIZE_PX) or pixels.dtype != np.uint8:
        found = " x ".join(map(str, pixels.shape))
        raise ValueError(f"{path}: expected {SIZE_PX}x{SIZE_PX} pixels of bytes, found {found} of {pixels.dtype}; {CURE}")
    return pixels
