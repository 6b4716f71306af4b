"""A dark sleeve over the end of the arm: nobody's arm ends before the camera."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int32

_LENGTH_MM = 140.0
_OVERLAP_MM = 8.0

_CUFF, _SHOULDER = 1.13, 1.45
"""Girth at the cuff and at the far end over the arm's."""

_INSIDE = 0.9
"""Where the cuff's edge ends within the arm, so that nobody looks into the sleeve."""


@dataclass(frozen=True)
class Sleeve:
    """How a sleeve hangs on a body of a given topology; none where the body is closed.

    Attributes:
        loop: vertices around the body's open end, as its faces go round it.
    """

    loop: Int[np.ndarray, " loop"]

    @classmethod
    def on(cls, faces: Int[np.ndarray, "faces 3"]) -> "Sleeve":
        """On the longest open edge of a body."""
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
        count = int(edges.max(initial=0)) + 1
        alone = ~np.isin(edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0])
        following = dict(edges[alone].tolist())
        longest: list[int] = []
        while following:
            loop = [next(iter(following))]
            while (after := following.pop(loop[-1], None)) is not None:
                loop.append(after)
            longest = max(longest, loop[:-1], key=len)
        return cls(np.array(longest, dtype=np.int64))

    def vertices(self, body: Float32[np.ndarray, "vertices 3"]) -> Float32[np.ndarray, "added 3"]:
        """Three rings and the middle of the far end, mm."""
        if not len(self.loop):
            return np.zeros((0, 3), dtype=np.float32)
        ring = body[self.loop]
        middle = ring.mean(axis=0)
        along = -np.cross(ring - middle, np.roll(ring, -1, axis=0) - middle).sum(axis=0)
        along /= np.linalg.norm(along)
        places = ((_INSIDE, -_OVERLAP_MM), (_CUFF, -_OVERLAP_MM), (_SHOULDER, _LENGTH_MM))
        rings = [middle + girth * (ring - middle) + away * along for girth, away in places]
        return np.concatenate([*rings, [middle + _LENGTH_MM * along]]).astype(np.float32)

    def faces(self, first: int) -> Int32[np.ndarray, "faces 3"]:
        """Of its vertices, the first of which is ``first``; counter-clockwise seen from outside."""
        count = len(self.loop)
        here = np.arange(count)
        after = np.roll(here, -1)
        quads = [(near + here, near + after, near + count + here, near + count + after) for near in (0, count)]
        triangles = [np.stack(corners, axis=1) for a, b, c, d in quads for corners in ((b, a, c), (b, c, d))]
        end = np.stack([2 * count + after, 2 * count + here, np.full(count, 3 * count)], axis=1)
        return (first + np.concatenate([*triangles, end])).astype(np.int32)
