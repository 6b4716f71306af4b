"""Rhd: the Rendered Hand pose Dataset (RHD_published_v2), computed pictures of people with their hands' joints."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from datasets.rhd_annotation import RhdHand, hand_pixels
from datasets.rhd_files import SIZE_PX, Split, color_folder, depth_folder, file_name, mask_folder, read_color, read_depth, read_mask
from datasets.rhd_index import Follow, load_index
from datasets.sample import HandSample
from datasets.studio_crop import MIRROR, PinholeCamera


@dataclass(frozen=True)
class PicturedHand:
    """A hand and its picture.

    Attributes:
        image: RGB.
        hand: its annotation.
    """

    image: UInt8[np.ndarray, "320 320 3"]
    hand: RhdHand

    def as_right(self) -> "PicturedHand":
        """The same hand if it is a right one, else its mirror image: picture, joints and camera flipped together."""
        return self if self.hand.side == "right" else mirrored(self)


class Rhd:
    """One split, indexed at the first use and whenever annotation or files were added or removed since.

    Of each sample one hand counts (see ``RhdHand``). Samples that cannot be used are left out, counted and named: ``index.summary()``.

    Args:
        root: the folder that holds ``training`` and ``evaluation``.
        cache: file to keep the index in; beside the annotation unless given.
        follow: is passed the samples' numbers while they are looked at.

    Raises:
        ValueError: one line naming file and cure, when the folder is not RHD's, no sample can be used, the annotation is damaged or asks
            for more than arrays, or the cache cannot be written.
    """

    def __init__(self, root: Path, split: Split = "training", cache: Path | None = None, follow: Follow = iter) -> None:
        self.root, self.split = root, split
        self.index = load_index(root, split, cache or root / split / "index_cache.npz", follow)

    def __len__(self) -> int:
        return len(self.index.hands)

    def hand(self, row: int) -> RhdHand:
        """One hand's annotation."""
        return self.index.hands.hand(row)

    def pictured(self, row: int) -> PicturedHand:
        """A hand with its picture; errors as ``read_color``."""
        hand = self.hand(row)
        return PicturedHand(read_color(self.image_path(row)), hand)

    def sample(self, row: int) -> HandSample:
        """A hand with its picture's path."""
        hand = self.hand(row)
        valid = np.ones(len(hand.visible), dtype=bool)
        return HandSample(self.image_path(row), "rhd", hand.side, True, hand.joints_px, hand.visible, hand.joints_mm, valid, hand.K)

    def image_path(self, row: int) -> Path:
        """Where a hand's picture lies."""
        return color_folder(self.root, self.split) / file_name(self.hand(row).number)

    def mask(self, row: int) -> UInt8[np.ndarray, "320 320"]:
        """The labels of a hand's picture; errors as ``read_mask``."""
        return read_mask(mask_folder(self.root, self.split) / file_name(self.hand(row).number))

    def hand_mask(self, row: int) -> Bool[np.ndarray, "320 320"]:
        """Where its picture shows the hand; errors as ``read_mask``."""
        return hand_pixels(self.mask(row), self.hand(row).side)

    def depth(self, row: int) -> Float32[np.ndarray, "320 320"]:
        """The depth map of a hand's picture, mm; errors as ``read_depth``."""
        return read_depth(depth_folder(self.root, self.split) / file_name(self.hand(row).number))


def mirrored(pictured: PicturedHand) -> PicturedHand:
    """A hand as a mirror shows it: u to W-1-u, X to -X, the camera's cx to W-1-cx; the other side's."""
    hand = pictured.hand
    camera = PinholeCamera(hand.K, np.eye(3), np.zeros(3), SIZE_PX, SIZE_PX).mirrored()
    flipped = hand.joints_px * (-1, 1) + (SIZE_PX - 1, 0)
    other = "right" if hand.side == "left" else "left"
    return PicturedHand(
        np.ascontiguousarray(pictured.image[:, ::-1]), RhdHand(hand.number, other, hand.joints_mm @ MIRROR, flipped, hand.visible, camera.K)
    )
