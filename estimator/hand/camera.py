"""The pinhole camera: x right, y down, z forward; pixel (0, 0) is the centre of the top-left pixel."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

DEFAULT_FOV_DEG = 60.0
"""Diagonal field of view assumed where nothing is known: that of a phone's or laptop's camera."""


@dataclass(frozen=True)
class Camera:
    """Intrinsics in pixels for an image of ``width`` x ``height``.

    Raises:
        ValueError: when a focal length or a side is not positive and finite.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (0 < self.fx < math.inf and 0 < self.fy < math.inf):
            raise ValueError(f"focal length must be positive and finite, not {self.fx} x {self.fy} px")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"an image has at least one pixel, not {self.width} x {self.height}")

    @classmethod
    def from_focal(cls, focal_px: float, width: int, height: int) -> "Camera":
        """Square pixels, principal point in the middle of the image."""
        return cls(focal_px, focal_px, (width - 1) / 2, (height - 1) / 2, width, height)

    @classmethod
    def from_fov(cls, fov_deg: float, width: int, height: int) -> "Camera":
        """Square pixels; ``fov_deg`` is measured along the image's diagonal.

        Raises:
            ValueError: unless 0 < fov_deg < 180.
        """
        if not 0 < fov_deg < 180:
            raise ValueError(f"the diagonal field of view must lie between 0 and 180 degrees, not {fov_deg}")
        return cls.from_focal(math.hypot(width, height) / 2 / math.tan(math.radians(fov_deg) / 2), width, height)

    @property
    def K(self) -> Float[np.ndarray, "3 3"]:
        """Intrinsic matrix."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def mirrored(self) -> "Camera":
        """The camera of the image flipped left to right."""
        return Camera(self.fx, self.fy, self.width - 1 - self.cx, self.cy, self.width, self.height)

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Pixels of points in the camera frame; what lies in the camera's plane comes out infinite or nan."""
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y, z = points[..., 0], points[..., 1], points[..., 2]
            return np.stack([self.fx * x / z + self.cx, self.fy * y / z + self.cy], axis=-1)

    def unproject(self, pixels: Float[np.ndarray, "*batch 2"], depth: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch 3"]:
        """Points in the camera frame at the given depth along z."""
        x = (pixels[..., 0] - self.cx) / self.fx
        y = (pixels[..., 1] - self.cy) / self.fy
        return np.stack([x * depth, y * depth, depth], axis=-1)
