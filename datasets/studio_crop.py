"""Square crops around a hand: as cameras of their own, as pictures, as depth maps; and left hands as right ones."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

ENLARGEMENT = 1.5
"""Side of a crop over the longer side of the box around the joints (the release's training)."""

MIRROR = np.diag([-1.0, 1.0, 1.0])
"""Takes the world to its mirror image, and back: a left hand is a right one there."""

_SMALLEST_SIDE_PX = 1.0
_MOST_SAMPLES = 8


@dataclass(frozen=True)
class PinholeCamera:
    """A camera with a perfect lens, of a whole picture or of a crop: ``x_camera = R @ x_world + t``, mm.

    Attributes:
        K: in the picture's pixels; pixel (0, 0) is the centre of the top-left one.
        width: pixels.
        height: pixels.
    """

    K: Float[np.ndarray, "3 3"]
    R: Float[np.ndarray, "3 3"]
    t: Float[np.ndarray, "3"]
    width: int
    height: int

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Where the picture shows points of the world, pixels; they should lie before the camera."""
        return _project(points @ self.R.T + self.t, self.K)

    def mirrored(self) -> "PinholeCamera":
        """The camera that takes the flipped picture of the mirrored world."""
        flip = np.array([[-1.0, 0.0, self.width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        return PinholeCamera(flip @ self.K @ MIRROR, MIRROR @ self.R @ MIRROR, MIRROR @ self.t, self.width, self.height)


def crop_around(
    points: Float[np.ndarray, "points 3"],
    K: Float[np.ndarray, "3 3"],
    R: Float[np.ndarray, "3 3"],
    t: Float[np.ndarray, "3"],
    size: int,
    enlargement: float = ENLARGEMENT,
) -> PinholeCamera:
    """The square around the box of the points (world, mm) in a camera's picture, as a camera of ``size`` pixels a side.

    Raises:
        ValueError: when there is no point, or one lies behind the camera.
    """
    seen = points @ R.T + t
    if not len(points) or not seen[:, 2].min() > 0:
        raise ValueError("cannot crop around joints that are unknown or behind the camera")
    pixels = _project(seen, K)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    side = max(enlargement * float((high - low).max()), _SMALLEST_SIDE_PX)
    scale = size / side
    x, y = scale * (side / 2 - (low + high) / 2) - 0.5  # the square's corner lands on that of pixel (0, 0)
    return PinholeCamera(np.array([[scale, 0.0, x], [0.0, scale, y], [0.0, 0.0, 1.0]]) @ K, R, t, size, size)


def crop_image(
    image: UInt8[np.ndarray, "height width 3"], K: Float[np.ndarray, "3 3"], distortion: Float[np.ndarray, "5"], crop: PinholeCamera
) -> UInt8[np.ndarray, "rows columns 3"]:
    """What the crop shows of a photograph by a camera with the given K and lens: straightened, antialiased, black beyond its border."""
    samples = int(np.clip(np.ceil(K[0, 0] / crop.K[0, 0]), 1, _MOST_SAMPLES))
    fine = cv2.remap(image, source_pixels(crop, K, distortion, samples), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return cv2.resize(fine, (crop.width, crop.height), interpolation=cv2.INTER_AREA) if samples > 1 else fine


def crop_depth(
    depth: Float32[np.ndarray, "height width"], K: Float[np.ndarray, "3 3"], distortion: Float[np.ndarray, "5"], crop: PinholeCamera
) -> Float32[np.ndarray, "rows columns"]:
    """What the crop shows of a depth map: the nearest pixel, since depths on both sides of an edge have no mean; 0 beyond the border."""
    columns, rows = np.moveaxis(np.rint(source_pixels(crop, K, distortion)).astype(np.int64), -1, 0)
    inside = (rows >= 0) & (rows < depth.shape[0]) & (columns >= 0) & (columns < depth.shape[1])
    return np.where(inside, depth[np.where(inside, rows, 0), np.where(inside, columns, 0)], np.float32(0))


def source_pixels(
    crop: PinholeCamera, K: Float[np.ndarray, "3 3"], distortion: Float[np.ndarray, "5"], samples: int = 1
) -> Float32[np.ndarray, "rows columns 2"]:
    """Where each sample of a crop, ``samples`` along a pixel's side, lies in the picture of a camera with the given K and lens."""
    column, row = np.meshgrid(*((np.arange(side * samples) + 0.5) / samples - 0.5 for side in (crop.width, crop.height)))
    y = (row - crop.K[1, 2]) / crop.K[1, 1]
    x = (column - crop.K[0, 2] - crop.K[0, 1] * y) / crop.K[0, 0]
    if np.any(distortion):
        x, y = _distort(x, y, distortion)
    return np.stack([K[0, 0] * x + K[0, 1] * y + K[0, 2], K[1, 1] * y + K[1, 2]], axis=-1).astype(np.float32)


def _distort(x: np.ndarray, y: np.ndarray, distortion: Float[np.ndarray, "5"]) -> tuple[np.ndarray, np.ndarray]:
    """OpenCV's lens: radial k1, k2, k3 and tangential p1, p2."""
    k1, k2, p1, p2, k3 = distortion
    r = x * x + y * y
    radial = 1 + r * (k1 + r * (k2 + r * k3))
    return radial * x + 2 * p1 * x * y + p2 * (r + 2 * x * x), radial * y + p1 * (r + 2 * y * y) + 2 * p2 * x * y


def _project(seen: Float[np.ndarray, "*batch 3"], K: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "*batch 2"]:
    image = seen @ K.T
    return image[..., :2] / image[..., 2:]
