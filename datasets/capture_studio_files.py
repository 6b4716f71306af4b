"""The files of a DeepHandMesh release, each by itself: cameras, key points, depth maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32

from datasets.safe_pickle import load_pickle
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, Side

CALIBRATED_WIDTH, CALIBRATED_HEIGHT = 334, 512
"""Size in pixels of the images that the calibration speaks of."""

CURE = "copy it from the DeepHandMesh release again"

KEY_POINT_JOINTS = tuple(joint for joint, name in enumerate(JOINT_NAMES) if name != "thumb0")
"""For each row of a hand's key points the joint that it names. thumb0 has none."""


@dataclass(frozen=True)
class StudioCamera:
    """A calibrated camera: ``x_camera = R @ x_world + t``, mm.

    Attributes:
        K: intrinsic matrix in pixels of a 334 x 512 image; ``K_for`` gives that of another size.
        distortion: of the lens, in OpenCV's order (k1, k2, p1, p2, k3).
    """

    name: str
    K: Float[np.ndarray, "3 3"]
    distortion: Float[np.ndarray, "5"]
    R: Float[np.ndarray, "3 3"]
    t: Float[np.ndarray, "3"]

    def K_for(self, width: int, height: int) -> Float[np.ndarray, "3 3"]:
        """Intrinsic matrix of the image scaled to another size."""
        x, y = width / CALIBRATED_WIDTH, height / CALIBRATED_HEIGHT
        # pixel (0, 0) is a pixel's centre, but images scale about their corner
        return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]]) @ self.K

    def to_camera(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Points of the world in the camera's frame, mm."""
        return points @ self.R.T + self.t


def read_cameras(path: Path) -> dict[str, StudioCamera]:
    """The cameras of a ``KRT_512`` file by name.

    Raises:
        ValueError: one line naming file and cure, when it cannot be read or a camera is damaged.
    """
    lines = list(_lines(path))
    cameras: dict[str, StudioCamera] = {}
    for start in range(0, len(lines), 8):
        block = lines[start : start + 8]
        number, name = block[0][0], " ".join(block[0][1])
        if len(block) < 8 or len(block[0][1]) != 1 or name in cameras:
            raise _damaged(
                path, number, f"a camera's name of its own and 7 lines of numbers, found {name[:40]!r} and {len(block) - 1} lines"
            )
        rows = [_numbers(path, line, count) for line, count in zip(block[1:], (3, 3, 3, 5, 4, 4, 4), strict=True)]
        K, Rt = np.array(rows[:3]), np.array(rows[4:])
        R = Rt[:, :3]
        if np.abs(R @ R.T - np.eye(3)).max() > 1e-2 or np.linalg.det(R) < 0:
            raise _damaged(path, number, f"a rotation in the extrinsics of camera {name}")
        if min(K[0, 0], K[1, 1]) <= 0 or not np.array_equal(K[2], [0, 0, 1]):
            raise _damaged(path, number, f"an intrinsic matrix of camera {name}")
        cameras[name] = StudioCamera(name, K, np.array(rows[3]), R, Rt[:, 3])
    if not cameras:
        raise ValueError(f"{path}: no camera in it; {CURE}")
    return cameras


@dataclass(frozen=True)
class KeyPoints:
    """One hand's key points.

    Attributes:
        joints: world frame, mm, in the template's order; nan where not valid.
        valid: which joints the file names; never thumb0.
    """

    joints: Float[np.ndarray, "22 3"]
    valid: Bool[np.ndarray, " 22"]

    @property
    def missing_count(self) -> int:
        """How many of the 21 joints that a file can name are missing."""
        return len(KEY_POINT_JOINTS) - int(self.valid.sum())


@dataclass(frozen=True)
class FrameKeyPoints:
    """Both hands' key points; those of a hand that was not there are not valid."""

    right: KeyPoints
    left: KeyPoints

    def of(self, side: Side) -> KeyPoints:
        """One hand's."""
        return self.right if side == "right" else self.left


def read_key_points(path: Path) -> FrameKeyPoints:
    """The key points of a ``.pts`` file.

    Raises:
        ValueError: one line naming file and cure, when it cannot be read or a row is damaged.
    """
    per_hand = len(KEY_POINT_JOINTS)
    joints, valid = np.full((2, JOINT_COUNT, 3), np.nan), np.zeros((2, JOINT_COUNT), dtype=bool)
    for number, words in _lines(path):
        index, *place = _numbers(path, (number, words), 6)[:4]
        if index not in range(2 * per_hand):
            raise _damaged(path, number, f"the number of a joint from 0 to {2 * per_hand - 1}, found {words[0][:40]}")
        hand, row = divmod(int(index), per_hand)
        joint = KEY_POINT_JOINTS[row]
        if valid[hand, joint]:
            raise _damaged(path, number, f"each joint once, found {words[0]} again")
        joints[hand, joint], valid[hand, joint] = place, True
    if not valid.any():
        raise ValueError(f"{path}: no key point in it; {CURE}, or remove it to leave the frame out")
    right, left = (KeyPoints(*hand) for hand in zip(joints, valid, strict=True))
    return FrameKeyPoints(right, left)


def read_depth_map(path: Path) -> Float32[np.ndarray, "height width"]:
    """A depth map in mm, 0 where there is no surface.

    Raises:
        ValueError: one line naming file and cure, when it cannot be read, is no depth map, or a pickle that asks for more than arrays.
    """
    depth = load_pickle(path)
    if not isinstance(depth, np.ndarray) or depth.ndim != 2 or depth.dtype.kind != "f" or not depth.size:
        raise ValueError(f"{path}: expected a 2-D array of floats; {CURE}")
    if not np.isfinite(depth).all() or depth.min() < 0:
        raise ValueError(f"{path}: a depth is negative or not finite; {CURE}")
    return depth.astype(np.float32)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that says something."""
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error}); {CURE}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text of numbers; {CURE}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if words := line.split():
            yield number, words


def _numbers(path: Path, line: tuple[int, list[str]], count: int) -> list[float]:
    number, words = line
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise _damaged(path, number, f"{count} finite numbers, found {' '.join(words)[:60]!r}")
    return values


def _damaged(path: Path, number: int, expected: str) -> ValueError:
    return ValueError(f"{path}, line {number}: expected {expected}; {CURE}")
