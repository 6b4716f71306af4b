"""Environment: a panorama of light around a scene, as distant lights and as blurred look-up tables."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Environment:
    """Radiance from every direction, seen from the middle of a panorama.

    Rows go from the zenith to the nadir, columns once around; column 0 and the last meet behind the camera, the middle column lies
    ahead (+z of the camera frame), columns to the right of it lie to the camera's right.

    Attributes:
        radiance: linear.
    """

    radiance: Float[np.ndarray, "rows columns 3"]

    @classmethod
    def load(cls, path: Path) -> "Environment":
        """Read the array ``radiance`` of an npz file.

        Raises:
            ValueError: when there is no such array.
        """
        with np.load(path, allow_pickle=False) as data:
            if "radiance" not in data:
                raise ValueError(f"{path}: expected an array named radiance, found {', '.join(data)}")
            return cls(data["radiance"].astype(np.float32))

    def turned(self, share: float) -> "Environment":
        """The environment turned about the vertical by ``share`` of a full turn, to the right."""
        return Environment(np.roll(self.radiance, round(share * self.radiance.shape[1]), axis=1))

    @property
    def directions(self) -> Float[np.ndarray, "texels 3"]:
        """Unit vectors to the middle of each texel, row by row, camera frame."""
        rows, columns = self.radiance.shape[:2]
        down = np.pi * (np.arange(rows) + 0.5) / rows
        around = 2 * np.pi * ((np.arange(columns) + 0.5) / columns - 0.5)
        down, around = (grid.ravel() for grid in np.meshgrid(down, around, indexing="ij"))
        return np.stack([np.sin(down) * np.sin(around), -np.cos(down), np.sin(down) * np.cos(around)], axis=1)

    @property
    def power(self) -> Float[np.ndarray, "texels 3"]:
        """Radiance times solid angle of each texel, row by row."""
        rows, columns = self.radiance.shape[:2]
        edges = np.cos(np.pi * np.arange(rows + 1) / rows)
        solid_angles = 2 * np.pi / columns * (edges[:-1] - edges[1:])
        return (self.radiance * solid_angles[:, None, None]).reshape(-1, 3)

    def blurred(self, exponent: float, rows: int = 64) -> "Environment":
        """What a cosine lobe of the given exponent gathers around each direction, its weights summing to one.

        Exponent 1 is the irradiance of a flat patch over pi; larger ones are ever sharper reflections.
        """
        table = Environment(np.zeros((rows, 2 * rows, 3), dtype=np.float32))
        lobes = np.maximum(table.directions @ self.directions.T, 0) ** exponent
        gathered = lobes @ self.power * (exponent + 1) / (2 * np.pi)
        return Environment(gathered.reshape(rows, 2 * rows, 3).astype(np.float32))

    def look_up(self, directions: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Radiance along unit vectors, interpolated between texels."""
        rows, columns = self.radiance.shape[:2]
        down = np.arccos(np.clip(-directions[:, 1], -1, 1)) / np.pi * rows - 0.5
        around = (np.arctan2(directions[:, 0], directions[:, 2]) / (2 * np.pi) + 0.5) * columns - 0.5
        row, column = np.floor(down).astype(int), np.floor(around).astype(int)
        right, below = (around - column)[:, None], (down - row)[:, None]
        upper, lower = (np.clip(row + i, 0, rows - 1) for i in (0, 1))
        here, there = column % columns, (column + 1) % columns
        top = (1 - right) * self.radiance[upper, here] + right * self.radiance[upper, there]
        bottom = (1 - right) * self.radiance[lower, here] + right * self.radiance[lower, there]
        return (1 - below) * top + below * bottom
