"""Reader of annotated photographs: an ``index.json`` beside its images."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from datasets.sample import HandSample
from estimator.hand.template import LANDMARK_NAMES, Side

JOINT_ORDER = "wrist, thumb1..4, index1..4, middle1..4, ring1..4, pinky1..4"
INDEX_NAME = "index.json"
SMALLEST_HAND_MM = 10.0
"""A hand that spans less is taken for one in metres: the commonest slip."""

_JOINTS = len(LANDMARK_NAMES)


def read_photos(path: Path) -> list[HandSample]:
    """The samples of an ``index.json``, or of the folder that holds one, in the file's order.

    ``source`` is "photos" and ``rendered`` false where an entry does not say; the other fields left out count as null.

    Raises:
        ValueError: one line with the file, the entry's number (from 0), the field and the cure.
    """
    index = path / INDEX_NAME if path.is_dir() else path
    document = _object(_load(index), f'{index}: not an index of annotated photographs; expected {{"joint_order": ..., "entries": [...]}}')
    order = document.get("joint_order", JOINT_ORDER)
    if order != JOINT_ORDER:
        raise ValueError(f"{index}: joint_order is {order!r}; reorder the joints of every entry to {JOINT_ORDER!r}")
    entries = document.get("entries")
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{index}: entries is not a list of at least one annotated photograph; add some")
    return [
        _Entry(index, number, _object(entry, f'{index}: entry {number} is not an object; write {{"image": ..., ...}}')).sample()
        for number, entry in enumerate(entries)
    ]


def _load(index: Path) -> object:
    try:
        return json.loads(index.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{index}: no such file; name an {INDEX_NAME} or the folder that holds one") from error
    except OSError as error:
        raise ValueError(f"{index}: cannot be read ({error.strerror}); check the file's permissions") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{index}: not UTF-8 text; name an {INDEX_NAME} of annotated photographs") from error
    except (ValueError, RecursionError) as error:  # beside what is no JSON: integers of thousands of digits, lists nested as deep
        raise ValueError(f"{index}: not JSON ({error}); repair or re-create the file") from error


@dataclass(frozen=True)
class _Entry:
    """One entry of the index with the place it stands in, so that every complaint can name it."""

    index: Path
    number: int
    values: dict[str, object]

    def sample(self) -> HandSample:
        visible, valid = self.flags("visible"), self.flags("valid3d")
        return HandSample(
            image=self.index.parent / self.image(),
            source=self.source(),
            side=self.side(),
            rendered=self.rendered(),
            joints_px=self.joints_px(visible),
            visible=visible,
            joints_mm=self.joints_mm(valid),
            valid=valid,
            K=self.intrinsics(),
        )

    def error(self, field: str, complaint: str) -> ValueError:
        return ValueError(f"{self.index}: entry {self.number}, {field}: {complaint}")

    def image(self) -> str:
        image = self.values.get("image")
        if not isinstance(image, str) or not image:
            raise self.error("image", f"expected the image's path relative to the index, found {image!r}")
        return image

    def source(self) -> str:
        source = self.values.get("source", "photos")
        if not isinstance(source, str) or not source or source == "all":
            raise self.error("source", f'expected the name of a collection other than "all", found {source!r}')
        return source

    def side(self) -> Side | None:
        side = self.values.get("hand")
        if side is None or side == "left" or side == "right":
            return side
        raise self.error("hand", f'expected "left", "right" or null, found {side!r}')

    def rendered(self) -> bool:
        rendered = self.values.get("rendered", False)
        if not isinstance(rendered, bool):
            raise self.error("rendered", f"expected true or false, found {rendered!r}")
        return rendered

    def flags(self, field: str) -> Bool[np.ndarray, " 21"]:
        flags = self.values.get(field)
        if flags is None:
            return np.ones(_JOINTS, dtype=bool)
        if not isinstance(flags, list) or len(flags) != _JOINTS or any(flag not in (0, 1) for flag in flags):
            raise self.error(field, f"expected {_JOINTS} of 0 or 1, or null to use every joint")
        return np.array(flags, dtype=bool)

    def joints_px(self, visible: Bool[np.ndarray, " 21"]) -> Float[np.ndarray, "21 2"] | None:
        joints = self.numbers("kp2d", (_JOINTS, 2))
        if joints is None:
            return None
        self.check_finite("kp2d", joints, visible, "visible")
        if not visible.any() or np.ptp(joints[visible], axis=0).max() <= 0:
            raise self.error("kp2d", "the visible joints span no area, so nothing can be measured by the hand's size; leave the entry out")
        return joints

    def joints_mm(self, valid: Bool[np.ndarray, " 21"]) -> Float[np.ndarray, "21 3"] | None:
        joints = self.numbers("kp3d_mm", (_JOINTS, 3))
        if joints is None:
            return None
        self.check_finite("kp3d_mm", joints, valid, "valid3d")
        if valid.sum() < 3:
            raise self.error("kp3d_mm", f"{valid.sum()} valid joints fix no alignment; give at least 3, or null instead of the joints")
        if joints[valid, 2].min() <= 0:
            raise self.error("kp3d_mm", "joints behind the camera; expected its frame: x right, y down, z forward and positive")
        if np.ptp(joints[valid], axis=0).max() < SMALLEST_HAND_MM:
            raise self.error("kp3d_mm", f"the hand spans less than {SMALLEST_HAND_MM:g} mm; convert metres to millimetres")
        return joints

    def intrinsics(self) -> Float[np.ndarray, "3 3"] | None:
        K = self.numbers("K", (3, 3))
        if K is None:
            return None
        form_holds = np.isfinite(K).all() and K[0, 1] == K[1, 0] == 0 and (K[2] == (0, 0, 1)).all()
        if not form_holds or min(K[0, 0], K[1, 1]) <= 0:
            raise self.error("K", "expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] in pixels with positive fx and fy, or null")
        return K

    def numbers(self, field: str, shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"] | None:
        """The field as a matrix, null elements as nan; None where the field is null."""
        rows = self.values.get(field)
        if rows is None:
            return None
        expected = f"expected {shape[0]} rows of {shape[1]} numbers, or null"
        if not isinstance(rows, list) or len(rows) != shape[0]:
            raise self.error(field, expected)
        if any(not isinstance(row, list) or len(row) != shape[1] for row in rows):
            raise self.error(field, expected)
        if any(not _is_number(value) for row in rows for value in row):
            raise self.error(field, expected)
        return np.array([[_float(value) for value in row] for row in rows])

    def check_finite(self, field: str, joints: Float[np.ndarray, "21 axes"], used: Bool[np.ndarray, " 21"], mask: str) -> None:
        bad = np.flatnonzero(used & ~np.isfinite(joints).all(axis=1))
        if len(bad):
            raise self.error(field, f"{LANDMARK_NAMES[bad[0]]} is not a finite number; correct it or set its {mask} to 0")


def _object(value: object, complaint: str) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise ValueError(complaint)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _float(value: int | float | None) -> float:
    """As a float: nan for null, infinity for an integer that no float can hold."""
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf
