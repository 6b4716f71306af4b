"""Which faces of a scene a camera sees."""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32

from datasets.virtual_rhd.scene import Scene
from estimator.hand.compiled import compiled

_NEAR_MM = 10.0


@dataclass(frozen=True)
class Drawn:
    """Which faces a camera sees, sampled at the pixels' centres and half-way between them.

    Attributes:
        doubled: intrinsic matrix of the samples.
        screen: of each vertex its place among the samples, and its inverse depth.
        closeness: inverse depth of each sample; 0 where there is nothing.
        seen: face of each sample; -1 where there is none.
        wanted: which vertices belong to faces that are seen.
    """

    doubled: Float[np.ndarray, "3 3"]
    screen: Float[np.ndarray, "vertices 3"]
    closeness: Float32[np.ndarray, "fine fine"]
    seen: Int32[np.ndarray, "fine fine"]
    wanted: Bool[np.ndarray, " vertices"]


def draw(scene: Scene, K: Float[np.ndarray, "3 3"], side: int) -> Drawn:
    """What a camera sees of a scene."""
    fine = 2 * side + 1
    doubled = np.array([[2.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]]) @ K
    screen = np.empty((len(scene.vertices), 3))
    _project(scene.vertices, doubled, screen)
    closeness, seen = np.zeros((fine, fine), dtype=np.float32), np.full((fine, fine), -1, dtype=np.int32)
    _draw(screen, scene.faces, scene.hand_faces, closeness, seen)
    wanted = np.zeros(len(scene.vertices), dtype=np.bool_)
    _mark(seen, scene.faces, wanted)
    return Drawn(doubled, screen, closeness, seen, wanted)


@compiled
@no_type_check
def _project(vertices: np.ndarray, K: np.ndarray, screen: np.ndarray) -> None:
    for i in range(len(vertices)):
        z = vertices[i, 2]
        inverse = 1 / z if z > _NEAR_MM else 0.0
        screen[i, 0] = K[0, 0] * vertices[i, 0] * inverse + K[0, 2]
        screen[i, 1] = K[1, 1] * vertices[i, 1] * inverse + K[1, 2]
        screen[i, 2] = inverse


@compiled
@no_type_check
def _draw(screen: np.ndarray, faces: np.ndarray, closed: int, closeness: np.ndarray, seen: np.ndarray) -> None:
    """The nearest face at each sample; the first ``closed`` faces are seen from outside only, the others from both sides."""
    height, width = closeness.shape
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ua, va, ub, vb, uc, vc = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (vb - va) * (uc - ua) - (ub - ua) * (vc - va)
        if (area == 0) | ((face < closed) & (area < 0)):
            continue
        first, last = max(0, math.ceil(min(ua, ub, uc))), min(width - 1, math.floor(max(ua, ub, uc)))
        first_row, last_row = max(0, math.ceil(min(va, vb, vc))), min(height - 1, math.floor(max(va, vb, vc)))
        ia, ib, ic = screen[a, 2], screen[b, 2], screen[c, 2]
        if (first > last) | (first_row > last_row) | (ia == 0) | (ib == 0) | (ic == 0):
            continue
        scale = 1 / area
        across_a, down_a, across_b, down_b = (vc - vb) * scale, (ub - uc) * scale, (va - vc) * scale, (uc - ua) * scale
        for row in range(first_row, last_row + 1):
            wa = across_a * (first - ub) + down_a * (row - vb)
            wb = across_b * (first - uc) + down_b * (row - vc)
            for column in range(first, last + 1):
                wc = 1 - wa - wb
                if (wa >= 0) & (wb >= 0) & (wc >= 0):
                    near = np.float32(wa * ia + wb * ib + wc * ic)
                    if near > closeness[row, column]:
                        closeness[row, column] = near
                        seen[row, column] = face
                wa += across_a
                wb += across_b


@compiled
@no_type_check
def _mark(seen: np.ndarray, faces: np.ndarray, wanted: np.ndarray) -> None:
    """The corners of all seen faces."""
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            face = seen[row, column]
            if face >= 0:
                for corner in range(3):
                    wanted[faces[face, corner]] = True
