"""Solid: a piece of a scene that is not a hand: arm, sleeve, body, thing; and tubes to make them of."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int, Int32

from estimator.hand.compiled import compiled

SKIN, CLOTH, HARD = 1, 2, 3
"""How a surface answers light: as skin, as cloth, as wood or plastic."""


@dataclass(frozen=True)
class Solid:
    """A coloured surface.

    Attributes:
        vertices: camera frame, mm.
        faces: counter-clockwise seen from outside.
        colours: linear reflectance of each vertex.
        pattern: place of each vertex on the pattern of the cloth or skin, mm.
        kind: SKIN, CLOTH or HARD.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int32[np.ndarray, "faces 3"]
    colours: Float32[np.ndarray, "vertices 3"]
    pattern: Float32[np.ndarray, "vertices 2"]
    kind: int


def solid(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, pattern: np.ndarray, kind: int) -> Solid:
    """A solid of arrays of any precision; one colour counts for all vertices."""
    colours = np.broadcast_to(colours, (len(vertices), 3))
    return Solid(
        np.ascontiguousarray(vertices, dtype=np.float32),
        np.ascontiguousarray(faces, dtype=np.int32),
        np.ascontiguousarray(colours, dtype=np.float32),
        np.ascontiguousarray(pattern, dtype=np.float32),
        kind,
    )


def tube_faces(ring_count: int, corner_count: int) -> Int[np.ndarray, "faces 3"]:
    """Triangles of a tube of rings, one after the other; looked at from the first ring, corners go round clockwise."""
    rows = np.arange(ring_count * corner_count).reshape(ring_count, corner_count)
    a, c = rows[:-1], rows[1:]
    b, d = np.roll(a, -1, axis=1), np.roll(c, -1, axis=1)
    return np.concatenate([np.stack([b, a, c], axis=-1).reshape(-1, 3), np.stack([b, c, d], axis=-1).reshape(-1, 3)])


@dataclass(frozen=True)
class Course:
    """A line through space with a frame at each of its points.

    Attributes:
        places: mm.
        along: units, the way it goes.
        across: units at right angles to it, turning no more than the line does.
        passed: length from its start, mm.
    """

    places: Float[np.ndarray, "points 3"]
    along: Float[np.ndarray, "points 3"]
    across: Float[np.ndarray, "points 3"]
    passed: Float[np.ndarray, " points"]

    @property
    def third(self) -> Float[np.ndarray, "points 3"]:
        """Units at right angles to the others."""
        return np.cross(self.along, self.across)

    def rings(self, shapes: Float[np.ndarray, "points corners 2"]) -> Float[np.ndarray, "points corners 3"]:
        """Rings around the line: coordinates in each point's frame, mm."""
        return self.places[:, None] + shapes[..., :1] * self.across[:, None] + shapes[..., 1:] * self.third[:, None]


def course(places: Float[np.ndarray, "points 3"], across: Float[np.ndarray, "3"]) -> Course:
    """The line through places; ``across`` is about at right angles to its start."""
    along = np.gradient(places, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    frames = np.empty_like(along)
    _carry(along, np.array(across, dtype=np.float64), frames)
    passed = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    return Course(places, along, frames, passed)


@compiled
@no_type_check
def _carry(along: np.ndarray, across: np.ndarray, frames: np.ndarray) -> None:
    """A direction carried along a line, at right angles to it everywhere."""
    for i in range(len(along)):
        part = across[0] * along[i, 0] + across[1] * along[i, 1] + across[2] * along[i, 2]
        square = 0.0
        for axis in range(3):
            across[axis] -= part * along[i, axis]
            square += across[axis] ** 2
        for axis in range(3):
            across[axis] /= np.sqrt(square)
            frames[i, axis] = across[axis]


def bent_line(corners: Float[np.ndarray, "corners 3"], count: int, softness: float) -> Float[np.ndarray, "count 3"]:
    """Points along a broken line with its corners rounded; ``softness`` is the share of its length that a corner takes."""
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    passed = np.concatenate([[0.0], np.cumsum(lengths)])
    fine = np.linspace(0, passed[-1], 8 * count)
    line = np.stack([np.interp(fine, passed, corners[:, axis]) for axis in range(3)], axis=1)
    reach = max(1, round(softness * len(fine)))
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    start, end = 2 * line[0] - line[reach:0:-1], 2 * line[-1] - line[-2 : -reach - 2 : -1]
    padded = np.concatenate([start, line, end])
    line = np.stack([np.convolve(padded[:, axis], kernel, mode="valid") for axis in range(3)], axis=1)
    return line[np.linspace(0, len(line) - 1, count).round().astype(int)]
