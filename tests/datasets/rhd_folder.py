"""A small RHD folder written from the format's description, not by this project's writer."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = 320
K = np.array([[280.0, 0, 160.0], [0, 280.0, 160.0], [0, 0, 1]])
FINGER_ORDER = ("thumb", "index", "middle", "ring", "pinky")


def hand_m(bend: float, wrist: tuple[float, float, float]) -> np.ndarray:
    """21 points in metres in RHD's order: the wrist, then of each finger tip, last joint, middle joint, base."""
    points = [np.zeros(3)]
    for finger in range(5):
        base = np.array([0.02 * (finger - 2), -0.08 + 0.01 * abs(finger - 2), 0.0])
        chain = [base]
        for joint, length in enumerate((0.045, 0.027, 0.022), start=1):
            angle = bend * joint + 0.01 * finger
            chain.append(chain[-1] + length * np.array([0.05 * (finger - 2), -np.cos(angle), -np.sin(angle)]))
        points += chain[::-1]
    return np.array(points) + wrist


def entry_of(left: np.ndarray, right: np.ndarray, visible: np.ndarray) -> dict[str, np.ndarray]:
    """What the pickle says of one sample."""
    xyz = np.concatenate([left, right])
    projected = xyz @ K.T
    uv_vis = np.column_stack([projected[:, :2] / projected[:, 2:], visible])
    return {"xyz": xyz, "uv_vis": uv_vis, "K": K}


def mask_of(left_pixels: int, right_pixels: int) -> np.ndarray:
    """Labels with so many pixels of each hand; 17 and 33 are the palms, 2 and 18 the thumbs' tips."""
    mask = np.zeros((SIZE, SIZE), dtype=np.uint8)
    mask[200:300, :] = 1
    mask[0, :left_pixels] = np.resize((17, 2), left_pixels)
    mask[1, :right_pixels] = np.resize((33, 18), right_pixels)
    return mask


def sample_entry(number: int) -> dict[str, np.ndarray]:
    """Sample ``number``: two hands, both visible; even ones are to the left hand's advantage in ``write_rhd``'s masks."""
    left = hand_m(0.1 + 0.05 * number, (0.08, 0.05, 0.5 + 0.01 * number))
    right = hand_m(0.3 + 0.05 * number, (-0.08, 0.04, 0.55))
    return entry_of(left, right, np.ones(42))


def picture_of(number: int) -> np.ndarray:
    """A colour picture that tells the sample and left from right."""
    picture = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    picture[..., 0] = np.linspace(0, 255, SIZE).astype(np.uint8)
    picture[..., 1] = 10 * number
    return picture


def write_png(path: Path, pixels: np.ndarray) -> None:
    """One file of a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_pickle(root: Path, split: str, entries: Any) -> None:
    """The annotation."""
    path = root / split / f"anno_{split}.pickle"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(entries, protocol=2))


def write_rhd(
    root: Path,
    count: int = 4,
    split: str = "training",
    entry: Callable[[int], Any] = sample_entry,
    picture: Callable[[int], np.ndarray] = picture_of,
) -> Path:
    """So many samples; of even ones the left hand has more pixels, of odd ones the right."""
    for number in range(count):
        name = f"{number:05d}.png"
        write_png(root / split / "color" / name, picture(number))
        write_png(root / split / "mask" / name, mask_of(60, 50) if number % 2 == 0 else mask_of(50, 60))
        steps = np.full((SIZE, SIZE), 6554 + number)  # about half a metre
        write_png(root / split / "depth" / name, np.stack([steps // 256, steps % 256, 0 * steps], axis=-1).astype(np.uint8))
    write_pickle(root, split, {number: entry(number) for number in range(count)})
    return root
