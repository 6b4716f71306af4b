"""result.json: everything that was found in one image, in the schema that other programs read."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Shaped

from estimator.errors import InputError
from estimator.files import write_file
from estimator.hand.camera import Camera
from estimator.hand.template import DEGREES_OF_FREEDOM, JOINT_NAMES
from estimator.placed_hand import PlacedHand
from estimator.version import VERSION

SCHEMA = "deephandmesh/1"
CameraSource = Literal["exif", "option", "default"]

PX_DECIMALS = MM_DECIMALS = MS_DECIMALS = 3
RAD_DECIMALS, ROTATION_DECIMALS, SHARE_DECIMALS = 5, 7, 4


@dataclass(frozen=True)
class SourceImage:
    """The image that was looked at: its path as the user gave it, its size upright, its file's SHA-256."""

    path: Path
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class ResultTiming:
    """Milliseconds that each stage took for the whole image."""

    detect: float
    encode: float
    decode: float
    place: float
    render: float
    total: float


@dataclass(frozen=True)
class ModelVersions:
    """What made the result: ids of template and decoder, name or id of the encoder."""

    template: str
    decoder: str
    encoder: str


@dataclass(frozen=True)
class HandResult:
    """One hand and the files written of it: by format, relative to the folder of result.json."""

    hand: PlacedHand
    files: Mapping[str, Path]


@dataclass(frozen=True)
class Result:
    """All that result.json says; hands are in the order of their index."""

    image: SourceImage
    camera: Camera
    camera_source: CameraSource
    hands: Sequence[HandResult]
    timing: ResultTiming
    versions: ModelVersions


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal.

    Raises:
        InputError: when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions") from error


def result_document(result: Result) -> dict[str, Any]:
    """The result as plain JSON values: keys always in the same order, numbers rounded and finite.

    Raises:
        ValueError: when a number is not finite.
    """
    image, camera, timing, versions = result.image, result.camera, result.timing, result.versions
    return {
        "schema": SCHEMA,
        "image": {"path": _text(image.path), "width": image.width, "height": image.height, "sha256": image.sha256},
        "camera": {
            **{name: _number(getattr(camera, name), PX_DECIMALS) for name in ("fx", "fy", "cx", "cy")},
            "source": result.camera_source,
        },
        "hands": [_hand(index, hand_result) for index, hand_result in enumerate(result.hands)],
        "timing_ms": {name: _number(value, MS_DECIMALS) for name, value in vars(timing).items()},
        "versions": {"deephandmesh": VERSION, **vars(versions)},
    }


def write_result(result: Result, path: Path) -> None:
    """Write result.json: UTF-8, indented, each row of numbers on one line.

    Raises:
        InputError: when the file cannot be written.
        ValueError: when a number is not finite.
    """
    text = json.dumps(result_document(result), indent=2, ensure_ascii=False, allow_nan=False)
    # A line break never stands inside a JSON string, so this touches nothing but lists of numbers.
    rows = re.sub(r"\[\n\s*([-+.\de,\s]+?)\n\s*\]", lambda match: f"[{' '.join(match[1].split())}]", text)
    write_file(path, (rows + "\n").encode("utf-8"))


def _hand(index: int, hand_result: HandResult) -> dict[str, Any]:
    hand = hand_result.hand
    return {
        "index": index,
        "side": hand.side,
        "score": _number(hand.score, SHARE_DECIMALS),
        "box": _numbers(np.array(hand.box), PX_DECIMALS),
        "landmarks_px": _numbers(hand.landmarks_px, PX_DECIMALS),
        "joints_px": _numbers(hand.joints_px, PX_DECIMALS),
        "joints_mm": _numbers(hand.joints_mm, MM_DECIMALS),
        "skeleton_mm": {name: _numbers(position, MM_DECIMALS) for name, position in zip(JOINT_NAMES, hand.joint_positions, strict=True)},
        "pose_rad": _pose(hand),
        "root": {
            "rotation": _numbers(hand.root_rotation, ROTATION_DECIMALS),
            "translation_mm": _numbers(hand.root_translation, MM_DECIMALS),
        },
        "bone_lengths_mm": {name: _number(length, MM_DECIMALS) for name, length in hand.bone_lengths_mm.items()},
        "scale_source": hand.scale_source,
        "reprojection_px": _number(hand.reprojection_px, PX_DECIMALS),
        "mesh": {
            "vertices": len(hand.vertices),
            "faces": len(hand.faces),
            "files": {name: _text(path) for name, path in hand_result.files.items()},
        },
    }


def _pose(hand: PlacedHand) -> dict[str, Any]:
    """Euler angles x, y, z of each joint that moves; of a left hand those of the right hand that it mirrors."""
    angles: dict[str, np.ndarray] = {JOINT_NAMES[joint]: np.zeros(3) for joint, _ in DEGREES_OF_FREEDOM}
    for (joint, axis), angle in zip(DEGREES_OF_FREEDOM, hand.theta, strict=True):
        angles[JOINT_NAMES[joint]][axis] = angle
    return {name: _numbers(values, RAD_DECIMALS) for name, values in angles.items()}


def _number(value: float, decimals: int) -> float:
    return _numbers(np.asarray(value), decimals)


def _numbers(values: Shaped[np.ndarray, "..."], decimals: int) -> Any:  # noqa: ANN401 (lists as deep as the array)
    """Nested lists of numbers to so many decimals; no minus zero."""
    if not np.isfinite(values).all():
        raise ValueError(f"a result holds finite numbers only, not {values}")
    return (np.round(values.astype(np.float64), decimals) + 0.0).tolist()


def _text(path: Path) -> str:
    """A path for JSON: forward slashes, and a readable escape for each byte of a name that is not UTF-8."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode("utf-8")
