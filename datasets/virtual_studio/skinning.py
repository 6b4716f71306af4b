"""Direct delta mush: skin that every bone pulls at, relaxed as elastic flesh would, and turned as its surroundings turn.

Le and Lewis, "Direct Delta Mush Skinning and Variants", 2019, equations 8 to 15, with moments about each vertex's own place.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy import sparse
from scipy.sparse.linalg import splu

from estimator.hand.compiled import compiled

RELAXATION_MM = 3.6
"""How far along the skin a relaxation step reaches; there are two."""

SMALLEST_SHARE = 2e-4
"""Influences below this are left out."""

TURNING_STEPS = 12
"""At most: most vertices need two."""

TURNED = 1e-3
"""Radians that a step may leave; deltas are a few millimetres long."""


@dataclass(frozen=True)
class Skinning:
    """What each joint has to do with each vertex, vertex by vertex.

    Attributes:
        starts: first row of each vertex's influences, and the end of the last's.
        joints: of each influence.
        shares: relaxed weight of each influence; those of a vertex sum to one.
        firsts: first moment of the weighted skin around the relaxed vertex, mm; those of a vertex sum to zero.
        seconds: second moment, mm2: xx, xy, xz, yy, yz, zz.
        places: relaxed vertices at rest, mm.
        deltas: from these to the vertices themselves, mm.
    """

    starts: Int[np.ndarray, " bounds"]
    joints: Int[np.ndarray, " influences"]
    shares: Float32[np.ndarray, " influences"]
    firsts: Float32[np.ndarray, "influences 3"]
    seconds: Float32[np.ndarray, "influences 6"]
    places: Float32[np.ndarray, "vertices 3"]
    deltas: Float32[np.ndarray, "vertices 3"]


def bind(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], weights: Float[np.ndarray, "vertices joints"]
) -> Skinning:
    """The skin bound to joints by its weights (rows sum to one), which relaxation will spread."""
    relax = _relaxation(vertices, faces)
    places = relax(vertices)
    pairs = [(a, b) for a in range(3) for b in range(a, 3)]
    vertex, joint, values = [], [], []
    for j in np.flatnonzero(weights.any(axis=0)):
        w = weights[:, j : j + 1]
        products = np.stack([vertices[:, a] * vertices[:, b] for a, b in pairs], axis=1)
        moments = relax(np.concatenate([w, w * vertices, w * products], axis=1))
        rows = np.flatnonzero(moments[:, 0] > SMALLEST_SHARE)
        share, first, p = moments[rows, 0], moments[rows, 1:4], places[rows]
        second = np.stack(
            [
                moments[rows, 4 + k] - first[:, a] * p[:, b] - p[:, a] * first[:, b] + share * p[:, a] * p[:, b]
                for k, (a, b) in enumerate(pairs)
            ],
            axis=1,
        )
        vertex.append(rows)
        joint.append(np.full(len(rows), j))
        values.append(np.concatenate([share[:, None], first - share[:, None] * p, second], axis=1))
    return _sorted(np.concatenate(vertex), np.concatenate(joint), np.concatenate(values), places, vertices - places)


def _sorted(vertex: np.ndarray, joint: np.ndarray, values: np.ndarray, places: np.ndarray, deltas: np.ndarray) -> Skinning:
    """Influences by vertex, the strongest first; what was left out goes to the strongest."""
    order = np.lexsort((-values[:, 0], vertex))
    vertex, joint, values = vertex[order], joint[order].astype(np.int32), values[order]
    starts = np.searchsorted(vertex, np.arange(len(places) + 1)).astype(np.int32)
    total = np.add.reduceat(values[:, :4], starts[:-1], axis=0)
    values[starts[:-1], 0] += 1 - total[:, 0]
    values[starts[:-1], 1:4] -= total[:, 1:]
    shares, firsts, seconds = values[:, 0], values[:, 1:4], values[:, 4:]
    return Skinning(starts, joint, *(np.ascontiguousarray(x, dtype=np.float32) for x in (shares, firsts, seconds, places, deltas)))


def _relaxation(vertices: np.ndarray, faces: np.ndarray):  # noqa: ANN202
    """Two implicit steps of diffusion on the skin at rest."""
    import igl

    mass = sparse.diags(igl.massmatrix(vertices, faces, igl.MASSMATRIX_TYPE_VORONOI).diagonal())
    solver = splu((mass - RELAXATION_MM**2 / 2 * igl.cotmatrix(vertices, faces)).tocsc())

    def relax(values: np.ndarray) -> np.ndarray:
        return solver.solve(mass @ solver.solve(mass @ values))

    return relax


def skin(
    skinning: Skinning, rotations: Float[np.ndarray, "joints 3 3"], translations: Float[np.ndarray, "joints 3"]
) -> Float32[np.ndarray, "vertices 3"]:
    """Vertices where joints that move by ``x -> rotations[j] @ x + translations[j]`` take them; the identity leaves them at rest."""
    vertices = np.empty_like(skinning.places)
    _skin(
        skinning.starts,
        skinning.joints,
        skinning.shares,
        skinning.firsts,
        skinning.seconds,
        skinning.places,
        skinning.deltas,
        np.ascontiguousarray(rotations, dtype=np.float32),
        np.ascontiguousarray(translations, dtype=np.float32),
        vertices,
    )
    return vertices


@compiled
@no_type_check
def _skin(
    starts: np.ndarray,
    joints: np.ndarray,
    shares: np.ndarray,
    firsts: np.ndarray,
    seconds: np.ndarray,
    places: np.ndarray,
    deltas: np.ndarray,
    R: np.ndarray,
    t: np.ndarray,
    vertices: np.ndarray,
) -> None:
    Q = np.empty((3, 3), dtype=np.float32)
    turn = np.empty((3, 3), dtype=np.float32)
    moved = np.empty((32, 3), dtype=np.float32)
    for v in range(len(places)):
        first, last = starts[v], starts[v + 1]
        px, py, pz = places[v, 0], places[v, 1], places[v, 2]
        q0, q1, q2 = np.float32(0), np.float32(0), np.float32(0)
        for i in range(first, last):
            j, share = joints[i], shares[i]
            for a in range(3):
                moved[i - first, a] = R[j, a, 0] * px + R[j, a, 1] * py + R[j, a, 2] * pz + t[j, a]
            b0, b1, b2 = firsts[i, 0], firsts[i, 1], firsts[i, 2]
            q0 += R[j, 0, 0] * b0 + R[j, 0, 1] * b1 + R[j, 0, 2] * b2 + share * moved[i - first, 0]
            q1 += R[j, 1, 0] * b0 + R[j, 1, 1] * b1 + R[j, 1, 2] * b2 + share * moved[i - first, 1]
            q2 += R[j, 2, 0] * b0 + R[j, 2, 1] * b1 + R[j, 2, 2] * b2 + share * moved[i - first, 2]
        strongest = joints[first]
        for a in range(3):
            for b in range(3):
                turn[a, b] = R[strongest, a, b]
        if last - first > 1:
            Q[:] = 0
            for i in range(first, last):
                j = joints[i]
                xx, xy, xz, yy, yz, zz = seconds[i, 0], seconds[i, 1], seconds[i, 2], seconds[i, 3], seconds[i, 4], seconds[i, 5]
                b0, b1, b2 = firsts[i, 0], firsts[i, 1], firsts[i, 2]
                for a in range(3):
                    off = moved[i - first, a] - (q0 if a == 0 else q1 if a == 1 else q2)
                    Q[a, 0] += R[j, a, 0] * xx + R[j, a, 1] * xy + R[j, a, 2] * xz + off * b0
                    Q[a, 1] += R[j, a, 0] * xy + R[j, a, 1] * yy + R[j, a, 2] * yz + off * b1
                    Q[a, 2] += R[j, a, 0] * xz + R[j, a, 1] * yz + R[j, a, 2] * zz + off * b2
            _turn_towards(Q, turn)
        dx, dy, dz = deltas[v, 0], deltas[v, 1], deltas[v, 2]
        vertices[v, 0] = q0 + turn[0, 0] * dx + turn[0, 1] * dy + turn[0, 2] * dz
        vertices[v, 1] = q1 + turn[1, 0] * dx + turn[1, 1] * dy + turn[1, 2] * dz
        vertices[v, 2] = q2 + turn[2, 0] * dx + turn[2, 1] * dy + turn[2, 2] * dz


@compiled
@no_type_check
def _turn_towards(Q: np.ndarray, turn: np.ndarray) -> None:
    """``turn`` made the rotation nearest to Q, from a rotation nearby (Mueller and others 2016); flat Q are no trouble."""
    for _ in range(TURNING_STEPS):
        w0, w1, w2, scale = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for c in range(3):
            w0 += turn[1, c] * Q[2, c] - turn[2, c] * Q[1, c]
            w1 += turn[2, c] * Q[0, c] - turn[0, c] * Q[2, c]
            w2 += turn[0, c] * Q[1, c] - turn[1, c] * Q[0, c]
            scale += turn[0, c] * Q[0, c] + turn[1, c] * Q[1, c] + turn[2, c] * Q[2, c]
        scale = 1 / (abs(scale) + np.float32(1e-9))
        w0, w1, w2 = w0 * scale, w1 * scale, w2 * scale
        angle = np.sqrt(w0 * w0 + w1 * w1 + w2 * w2)
        if angle < TURNED:
            break
        x, y, z = w0 / angle, w1 / angle, w2 / angle
        sine, rest = np.float32(np.sin(angle)), np.float32(1 - np.cos(angle))
        for c in range(3):
            a, b, d = turn[0, c], turn[1, c], turn[2, c]
            along = (x * a + y * b + z * d) * rest
            keep = 1 - rest
            turn[0, c] = keep * a + sine * (y * d - z * b) + along * x
            turn[1, c] = keep * b + sine * (z * a - x * d) + along * y
            turn[2, c] = keep * d + sine * (x * b - y * a) + along * z
