"""Which samples of a drawn scene are worth shading, and what its surfaces have there."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from datasets.virtual_rhd.drawing import Drawn
from datasets.virtual_rhd.light import Arrived
from datasets.virtual_rhd.scene import Scene
from estimator.hand.compiled import compiled

JUMP_MM = 6.0
"""Neighbouring samples whose depths differ by more lie on different things."""

NORMAL, SOFT, OPENNESS, LIT, BEND, COLOUR, ATTRIBUTES = 0, 3, 6, 7, 9, 10, 13
"""Columns of the attributes: normal, soft light, openness, strong lamps' light, bend, colour; and how many there are."""

_ROWS, _COLUMNS = np.array([1, 0, 0, 0, 1, 1, 2, 2, 2]), np.array([1, 0, 1, 2, 0, 2, 0, 1, 2])
_TENT = np.array([4, 1, 2, 1, 2, 2, 1, 2, 1], dtype=np.float32) / np.float32(16)
"""A pixel's nine samples, its centre first, and what each of them weighs."""

_SPREAD_ROUNDS = np.array([5, 2, 1], dtype=np.int64)
"""Rounds of smoothing of red, green and blue soft light over the skin."""


@dataclass(frozen=True)
class Samples:
    """Of each surface that a pixel's nine samples see one, which counts as much as the tent over the surface's samples.

    Attributes:
        where: row and column of the sample, and the number of its pixel.
        weights: share of the pixel.
        kinds: of the surface's face.
        values: its attributes, interpolated.
        places: on the texture or the pattern.
    """

    where: Int32[np.ndarray, "samples 3"]
    weights: Float32[np.ndarray, " samples"]
    kinds: UInt8[np.ndarray, " samples"]
    values: Float32[np.ndarray, "samples attributes"]
    places: Float32[np.ndarray, "samples 2"]


def choose_samples(scene: Scene, drawn: Drawn, arrived: Arrived) -> Samples:
    """The samples of a drawn scene to shade."""
    side, seen = len(drawn.seen) // 2, drawn.seen
    # as many as there can be; only what is used is ever touched
    where, weights = np.empty((9 * side * side, 3), dtype=np.int32), np.empty(9 * side * side, dtype=np.float32)
    count = _choose(seen, drawn.closeness, scene.kinds, where, weights)
    where, weights = where[:count], weights[:count]
    values, places = np.empty((count, ATTRIBUTES), dtype=np.float32), np.empty((count, 2), dtype=np.float32)
    _interpolate(where, seen, drawn.screen, scene.faces, scene.places, _attributes(scene, drawn, arrived), values, places)
    return Samples(where, weights, scene.kinds[seen[where[:, 0], where[:, 1]]], values, places)


def _attributes(scene: Scene, drawn: Drawn, arrived: Arrived) -> Float32[np.ndarray, "vertices attributes"]:
    soft = arrived.soft.copy()
    _spread_light(scene.faces[: scene.hand_faces], drawn.wanted, _SPREAD_ROUNDS, soft)
    values = np.empty((len(scene.vertices), ATTRIBUTES), dtype=np.float32)
    _gather_attributes(drawn.wanted, scene.normals, soft, arrived.openness, arrived.lit, scene.bends, scene.colours, values)
    return values


@compiled
@no_type_check
def _choose(seen: np.ndarray, closeness: np.ndarray, kinds: np.ndarray, where: np.ndarray, weights: np.ndarray) -> int:
    """Row and column of each sample to shade, the number of its pixel, and its weight; how many there are."""
    done, count, one = np.empty(9, dtype=np.bool_), 0, np.float32(1)
    side = len(seen) // 2
    for y in range(side):
        for x in range(side):
            top, left = 2 * y, 2 * x
            covered = False
            for i in range(3):
                for j in range(3):
                    covered |= seen[top + i, left + j] >= 0
            if not covered:
                continue
            done[:] = False
            for first in range(9):  # the centre speaks first
                row, column = top + _ROWS[first], left + _COLUMNS[first]
                face = seen[row, column]
                if (face < 0) | done[first]:
                    continue
                depth, weight, kind = one / closeness[row, column], np.float32(0), kinds[face]
                for other in range(first, 9):
                    i, j = top + _ROWS[other], left + _COLUMNS[other]
                    face_there = seen[i, j]
                    if (face_there < 0) | done[other]:
                        continue
                    same = face_there == face
                    if same or ((kinds[face_there] == kind) & (abs(one / closeness[i, j] - depth) < JUMP_MM)):
                        done[other] = True
                        weight += _TENT[other]
                where[count, 0], where[count, 1], where[count, 2], weights[count] = row, column, side * y + x, weight
                count += 1
    return count


@compiled
@no_type_check
def _interpolate(
    where: np.ndarray,
    seen: np.ndarray,
    screen: np.ndarray,
    faces: np.ndarray,
    face_places: np.ndarray,
    attributes: np.ndarray,
    values: np.ndarray,
    places: np.ndarray,
) -> None:
    """The attributes and the place on texture or pattern of each chosen sample; perspective divides out."""
    for n in range(len(where)):
        row, column = np.float64(where[n, 0]), np.float64(where[n, 1])
        face = seen[where[n, 0], where[n, 1]]
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ua, va, ub, vb, uc, vc = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        wa = ((vc - vb) * (column - ub) - (uc - ub) * (row - vb)) * screen[a, 2]
        wb = ((va - vc) * (column - uc) - (ua - uc) * (row - vc)) * screen[b, 2]
        wc = ((vb - va) * (column - ua) - (ub - ua) * (row - va)) * screen[c, 2]
        scale = 1 / (wa + wb + wc)
        pa, pb, pc = np.float32(wa * scale), np.float32(wb * scale), np.float32(wc * scale)
        for i in range(ATTRIBUTES):
            values[n, i] = pa * attributes[a, i] + pb * attributes[b, i] + pc * attributes[c, i]
        for i in range(2):
            places[n, i] = pa * face_places[face, 0, i] + pb * face_places[face, 1, i] + pc * face_places[face, 2, i]


@compiled
@no_type_check
def _gather_attributes(
    wanted: np.ndarray,
    normals: np.ndarray,
    soft: np.ndarray,
    openness: np.ndarray,
    lit: np.ndarray,
    bends: np.ndarray,
    colours: np.ndarray,
    values: np.ndarray,
) -> None:
    for v in range(len(values)):
        if wanted[v]:
            for axis in range(3):
                values[v, NORMAL + axis] = normals[v, axis]
                values[v, SOFT + axis] = soft[v, axis]
                values[v, COLOUR + axis] = colours[v, axis]
            values[v, OPENNESS], values[v, LIT], values[v, LIT + 1] = openness[v], lit[v, 0], lit[v, 1]
            values[v, BEND] = bends[v]


@compiled
@no_type_check
def _spread_light(faces: np.ndarray, wanted: np.ndarray, rounds: np.ndarray, soft: np.ndarray) -> None:
    """Light that has crept under the skin: means over the triangles around that are lit, more rounds for red than for blue."""
    sums, counts = np.zeros_like(soft), np.zeros(len(soft), dtype=np.float32)
    third = np.float32(1 / 3)
    for face in range(len(faces)):
        if wanted[faces[face, 0]] & wanted[faces[face, 1]] & wanted[faces[face, 2]]:
            for corner in range(3):
                counts[faces[face, corner]] += np.float32(1)
    for step in range(rounds.max()):
        channels = 0
        while channels < 3 and rounds[channels] > step:
            channels += 1
        sums[:] = np.float32(0)
        for face in range(len(faces)):
            a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
            if wanted[a] & wanted[b] & wanted[c]:
                for channel in range(channels):
                    mean = (soft[a, channel] + soft[b, channel] + soft[c, channel]) * third
                    sums[a, channel] += mean
                    sums[b, channel] += mean
                    sums[c, channel] += mean
        for v in range(len(soft)):
            if counts[v] > 0:
                for channel in range(channels):
                    soft[v, channel] = sums[v, channel] / counts[v]
