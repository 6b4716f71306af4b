"""The picture of a scene: linear colours, coverage, depth and mask, from one rasterization."""

import math
from dataclasses import dataclass
from functools import cache
from typing import no_type_check

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, UInt8

from datasets.virtual_rhd.light import Arrived, Illumination
from datasets.virtual_rhd.people import Skin
from datasets.virtual_rhd.scene import TEXTURED, Scene
from datasets.virtual_rhd.skin_texture import (
    BENT_FOLD,
    BENT_HEIGHT,
    BLOOD,
    CHANNELS,
    EDGE,
    FOLD,
    HEIGHT,
    HEIGHT_MM,
    MOON,
    MOTTLE,
    NAIL,
    PALM,
    RIM,
    VEIN,
)
from datasets.virtual_rhd.solids import CLOTH, SKIN
from estimator.hand.compiled import compiled

_NEAR_MM = 10.0
_PATTERN_PX = 512
_PATTERN_MM = 0.5
"""Side of the pattern that cloth and arms have, and of its texels."""

_JUMP_MM = 6.0
"""Neighbouring samples whose depths differ by more lie on different things."""

_ROWS, _COLUMNS = np.array([1, 0, 0, 0, 1, 1, 2, 2, 2]), np.array([1, 0, 1, 2, 0, 2, 0, 1, 2])
_TENT = np.array([4, 1, 2, 1, 2, 2, 1, 2, 1], dtype=np.float32) / np.float32(16)
"""A pixel's nine samples, its centre first, and what each of them weighs."""

_SPREAD_ROUNDS = np.array([5, 2, 1], dtype=np.int64)
_WRAP = np.array([0.28, 0.12, 0.07], dtype=np.float32)
"""Rounds of smoothing of red, green and blue soft light over the skin, and how far strong light creeps past the terminator."""


@dataclass(frozen=True)
class Rendered:
    """A scene as a camera's lens shows it.

    Attributes:
        colours: linear light times coverage.
        coverage: share of each pixel that the scene covers.
        depth_mm: at the pixels' centres; 0 where the scene is not.
        mask: labels at the pixels' centres.
    """

    colours: Float32[np.ndarray, "height width 3"]
    coverage: Float32[np.ndarray, "height width"]
    depth_mm: Float32[np.ndarray, "height width"]
    mask: UInt8[np.ndarray, "height width"]


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


def render(
    scene: Scene,
    drawn: Drawn,
    texture: UInt8[np.ndarray, "rows columns channels"],
    skin: Skin,
    knit: float,
    arrived: Arrived,
    illumination: Illumination,
) -> Rendered:
    """What was drawn, lit."""
    seen, closeness, screen = drawn.seen, drawn.closeness, drawn.screen
    fine, side = len(seen), len(seen) // 2
    soft = arrived.soft.copy()
    _spread_light(scene.faces[: scene.hand_faces], drawn.wanted, _SPREAD_ROUNDS, soft)
    values = np.column_stack([scene.normals, soft, arrived.openness, arrived.lit, scene.bends, scene.colours])
    heights = np.zeros((fine, fine), dtype=np.float32)
    pattern = _pattern()
    _raise(seen, screen, scene.faces, scene.kinds, scene.places, scene.bends, texture, pattern, skin.relief, knit, heights)
    colours, coverage = np.zeros((side, side, 3), dtype=np.float32), np.zeros((side, side), dtype=np.float32)
    _shade(
        seen,
        closeness,
        heights,
        screen,
        scene.faces,
        scene.kinds,
        scene.places,
        values.astype(np.float32, copy=False),
        texture,
        pattern,
        np.array([skin.back, skin.palm, skin.blood, skin.vein, skin.nail], dtype=np.float32),
        np.array([skin.mottle, skin.shine, skin.gloss, knit], dtype=np.float32),
        illumination.keys,
        illumination.key_powers,
        illumination.mirror(),
        _soft_gradient(illumination),
        np.linalg.inv(drawn.doubled).astype(np.float32),
        colours,
        coverage,
    )
    centre = seen[1::2, 1::2]
    depth = np.divide(1, closeness[1::2, 1::2], out=np.zeros((side, side), dtype=np.float32), where=centre >= 0)
    return Rendered(colours, coverage, depth, np.where(centre >= 0, scene.labels[centre], 0).astype(np.uint8))


def _soft_gradient(illumination: Illumination) -> Float32[np.ndarray, "4"]:
    """How the soft light changes with the direction a patch faces: its mean, and the direction from where most comes."""
    level = illumination.powers.mean(axis=2)
    towards = ((level[:, 0] - level[:, 1])[:, None] * illumination.axes).sum(axis=0)
    return np.array([level.sum() / 4, *(towards / 2)], dtype=np.float32)


@cache
def _pattern() -> UInt8[np.ndarray, "rows columns 2"]:
    """Noise that repeats: patches, and threads."""
    rng = np.random.default_rng(0)
    patches = sum(
        cv2.GaussianBlur(np.tile(rng.normal(size=(_PATTERN_PX, _PATTERN_PX)), (3, 3)), (0, 0), sigma)[
            _PATTERN_PX : 2 * _PATTERN_PX, _PATTERN_PX : 2 * _PATTERN_PX
        ]
        * sigma
        for sigma in (2.0, 6.0, 16.0)
    )
    v, u = np.mgrid[:_PATTERN_PX, :_PATTERN_PX] * (2 * np.pi / 8)
    threads = np.sin(u) * np.sin(v + 0.8 * np.sin(u)) + 0.5 * rng.normal(size=u.shape)
    layers = [patches / patches.std() / 3, cv2.GaussianBlur(threads, (0, 0), 0.8)]
    return np.stack([np.clip(128 + 127 * layer, 0, 255) for layer in layers], axis=-1).astype(np.uint8)


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


@compiled
@no_type_check
def _shares(screen: np.ndarray, faces: np.ndarray, face: int, column: int, row: int) -> tuple:
    """Corners of a face and their shares in a sample."""
    a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
    ua, va, ub, vb, uc, vc = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
    wa = ((vc - vb) * (column - ub) - (uc - ub) * (row - vb)) * screen[a, 2]
    wb = ((va - vc) * (column - uc) - (ua - uc) * (row - vc)) * screen[b, 2]
    wc = ((vb - va) * (column - ua) - (ub - ua) * (row - va)) * screen[c, 2]
    scale = 1 / (wa + wb + wc)
    return a, b, c, np.float32(wa * scale), np.float32(wb * scale), np.float32(wc * scale)


@compiled
@no_type_check
def _corner(texture: np.ndarray, u: float, v: float) -> tuple:
    """Row and column of the upper left texel around a place, and the shares of the four around: upper left and right, lower ones."""
    one, zero, half = np.float32(1), np.float32(0), np.float32(0.5)
    width, height = np.float32(texture.shape[1]), np.float32(texture.shape[0])
    x = min(max(u * width - half, zero), width - np.float32(1.01))
    y = min(max(v * height - half, zero), height - np.float32(1.01))
    column, row = np.int32(x), np.int32(y)
    right, below = x - np.float32(column), y - np.float32(row)
    scale = np.float32(1 / 255)
    upper, lower = (one - below) * scale, below * scale
    return np.uint64(row), np.uint64(column), upper * (one - right), upper * right, lower * (one - right), lower * right


@compiled
@no_type_check
def _texels(texture: np.ndarray, u: float, v: float, first: int, last: int, found: np.ndarray) -> None:
    """Some maps between four texels, 0 to 1; one loop, so that the processor does several at once."""
    row, column, a, b, c, d = _corner(texture, u, v)
    one = np.uint64(1)
    for k in range(np.uint64(first), np.uint64(last)):
        found[k] = (
            a * np.float32(texture[row, column, k])
            + b * np.float32(texture[row, column + one, k])
            + c * np.float32(texture[row + one, column, k])
            + d * np.float32(texture[row + one, column + one, k])
        )


@compiled
@no_type_check
def _raise(
    seen: np.ndarray,
    screen: np.ndarray,
    faces: np.ndarray,
    kinds: np.ndarray,
    places: np.ndarray,
    bends: np.ndarray,
    texture: np.ndarray,
    pattern: np.ndarray,
    relief: float,
    knit: float,
    heights: np.ndarray,
) -> None:
    """Height of the relief at the pixels' centres, mm."""
    found = np.empty(CHANNELS, dtype=np.float32)
    for row in range(1, seen.shape[0], 2):
        for column in range(1, seen.shape[1], 2):
            face = seen[row, column]
            if face < 0:
                continue
            a, b, c, pa, pb, pc = _shares(screen, faces, face, column, row)
            u = pa * places[face, 0, 0] + pb * places[face, 1, 0] + pc * places[face, 2, 0]
            v = pa * places[face, 0, 1] + pb * places[face, 1, 1] + pc * places[face, 2, 1]
            if kinds[face] == TEXTURED:
                _texels(texture, u, v, HEIGHT, BENT_HEIGHT + 1, found)
                bend = pa * bends[a] + pb * bends[b] + pc * bends[c]
                height = found[HEIGHT] + bend * (found[BENT_HEIGHT] - found[HEIGHT])
                heights[row, column] = np.float32(relief) * (height - np.float32(0.5)) * np.float32(2 * HEIGHT_MM)
            elif kinds[face] == CLOTH:
                x, y = int(u / _PATTERN_MM) % _PATTERN_PX, int(v / _PATTERN_MM) % _PATTERN_PX
                heights[row, column] = np.float32(knit) * (pattern[y, x, 1] - np.float32(128)) * np.float32(0.5 / 128)


@compiled
@no_type_check
def _shade(
    seen: np.ndarray,
    closeness: np.ndarray,
    heights: np.ndarray,
    screen: np.ndarray,
    faces: np.ndarray,
    kinds: np.ndarray,
    places: np.ndarray,
    values: np.ndarray,
    texture: np.ndarray,
    pattern: np.ndarray,
    skin: np.ndarray,
    settings: np.ndarray,
    keys: np.ndarray,
    key_powers: np.ndarray,
    mirror: np.ndarray,
    gradient: np.ndarray,
    rays: np.ndarray,
    colours: np.ndarray,
    coverage: np.ndarray,
) -> None:
    """Every pixel's colour: of each surface that its nine samples see one is shaded, and counts as much as the tent over its samples."""
    value, light = np.empty(13, dtype=np.float32), np.empty(3, dtype=np.float32)
    normal, albedo = np.empty(3, dtype=np.float32), np.empty(3, dtype=np.float32)
    done, one, zero = np.empty(9, dtype=np.bool_), np.float32(1), np.float32(0)
    found = np.empty(CHANNELS, dtype=np.float32)
    for y in range(colours.shape[0]):
        for x in range(colours.shape[1]):
            top, left = 2 * y, 2 * x
            done[:] = False
            for first in range(9):  # the centre speaks first
                row, column = top + _ROWS[first], left + _COLUMNS[first]
                face = seen[row, column]
                if (face < 0) | done[first]:
                    continue
                depth, weight, kind = one / closeness[row, column], zero, kinds[face]
                for other in range(first, 9):
                    i, j = top + _ROWS[other], left + _COLUMNS[other]
                    face_there = seen[i, j]
                    if (face_there < 0) | done[other]:
                        continue
                    if (kinds[face_there] == kind) & (abs(one / closeness[i, j] - depth) < _JUMP_MM):
                        done[other] = True
                        weight += _TENT[other]
                _colour(seen, closeness, heights, screen, faces, kinds, places, values, texture, pattern, skin, settings, keys,
                        key_powers, mirror, gradient, rays, row, column, value, found, normal, albedo, light)  # fmt: skip
                coverage[y, x] += weight
                for channel in range(3):
                    colours[y, x, channel] += weight * light[channel]


@compiled
@no_type_check
def _colour(
    seen: np.ndarray,
    closeness: np.ndarray,
    heights: np.ndarray,
    screen: np.ndarray,
    faces: np.ndarray,
    kinds: np.ndarray,
    places: np.ndarray,
    values: np.ndarray,
    texture: np.ndarray,
    pattern: np.ndarray,
    skin: np.ndarray,
    settings: np.ndarray,
    keys: np.ndarray,
    key_powers: np.ndarray,
    mirror: np.ndarray,
    gradient: np.ndarray,
    rays: np.ndarray,
    row: int,
    column: int,
    value: np.ndarray,
    found: np.ndarray,
    normal: np.ndarray,
    albedo: np.ndarray,
    light: np.ndarray,
) -> None:
    """The light that one sample sends to the camera."""
    one, zero, half = np.float32(1), np.float32(0), np.float32(0.5)
    face = seen[row, column]
    a, b, c, pa, pb, pc = _shares(screen, faces, face, column, row)
    for i in range(len(value)):
        value[i] = pa * values[a, i] + pb * values[b, i] + pc * values[c, i]
    vx, vy = -(rays[0, 0] * np.float32(column) + rays[0, 2]), -(rays[1, 1] * np.float32(row) + rays[1, 2])
    length = one / math.sqrt(vx * vx + vy * vy + one)
    vx, vy, vz = vx * length, vy * length, -length
    length = one / (math.sqrt(value[0] ** 2 + value[1] ** 2 + value[2] ** 2) + np.float32(1e-6))
    sx, sy, sz = value[0] * length, value[1] * length, value[2] * length
    kind = kinds[face]
    if (sx * vx + sy * vy + sz * vz < 0) & (kind != TEXTURED):  # the inner side of a sleeve
        sx, sy, sz = -sx, -sy, -sz
    normal[0], normal[1], normal[2] = sx, sy, sz
    _tilt(seen, closeness, heights, kinds, rays, row, column, normal)
    nx, ny, nz = normal[0], normal[1], normal[2]
    nail, shine, gloss = zero, settings[1], settings[2]
    u = pa * places[face, 0, 0] + pb * places[face, 1, 0] + pc * places[face, 2, 0]
    v = pa * places[face, 0, 1] + pb * places[face, 1, 1] + pc * places[face, 2, 1]
    if kind == TEXTURED:
        nail = _paint(texture, u, v, value[9], skin, settings[0], found, albedo)
        shine = shine + nail * (np.float32(0.055) - shine)
        gloss = gloss + nail * (np.float32(70) - gloss)
    else:
        x, y = int(u / _PATTERN_MM) % _PATTERN_PX, int(v / _PATTERN_MM) % _PATTERN_PX
        strength = settings[0] if kind == SKIN else settings[3] if kind == CLOTH else np.float32(0.08)
        factor = one + strength * (pattern[y, x, 0] - np.float32(128)) * np.float32(1 / 128)
        if kind == CLOTH:
            factor += np.float32(0.6) * strength * (pattern[y, x, 1] - np.float32(128)) * np.float32(1 / 128)
            shine, gloss = np.float32(0.004), np.float32(6)
        elif kind != SKIN:
            shine, gloss = np.float32(0.04), np.float32(60)
        for channel in range(3):
            albedo[channel] = value[10 + channel] * factor
    openness = value[6]
    before = gradient[0] + gradient[1] * sx + gradient[2] * sy + gradient[3] * sz
    after = gradient[0] + gradient[1] * nx + gradient[2] * ny + gradient[3] * nz
    ratio = min(max(after / max(before, np.float32(1e-4)), np.float32(0.6)), np.float32(1.6))
    facing = nx * vx + ny * vy + nz * vz
    glancing = one - min(max(facing, zero), one)
    square = glancing * glancing
    edge = square * square * glancing
    rx, ry, rz = 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz
    y, x = _octahedral_cell(rx, ry, rz, mirror.shape[0])
    is_skin = (kind == TEXTURED) | (kind == SKIN)
    for channel in range(3):
        light[channel] = value[3 + channel] * ratio
    highlight0, highlight1, highlight2 = zero, zero, zero
    for number in range(len(keys)):
        lit = value[7 + number]
        if key_powers[number, 0] + key_powers[number, 1] + key_powers[number, 2] <= 0:
            continue
        cosine = nx * keys[number, 0] + ny * keys[number, 1] + nz * keys[number, 2]
        for channel in range(3):
            wrap = np.float32(_WRAP[channel]) if is_skin else zero
            light[channel] += lit * key_powers[number, channel] * max(cosine + wrap, zero) / ((one + wrap) * (one + wrap))
        hx, hy, hz = vx + keys[number, 0], vy + keys[number, 1], vz + keys[number, 2]
        middle = (nx * hx + ny * hy + nz * hz) / (math.sqrt(hx * hx + hy * hy + hz * hz) + np.float32(1e-6))
        if (middle > half) & (cosine > 0):
            strength = lit * shine * (gloss + 8) * np.float32(0.125) * np.float32(np.exp(gloss * np.log(middle)))
            strength *= min(one, 4 * cosine) * (one + 6 * edge)
            highlight0 += strength * key_powers[number, 0]
            highlight1 += strength * key_powers[number, 1]
            highlight2 += strength * key_powers[number, 2]
    mirrored = (shine + (np.float32(0.30) if is_skin else np.float32(0.08)) * edge) * openness
    for channel in range(3):
        # what a crease does not get from outside it gets in part from its own other side, in the skin's colour
        diffuse = albedo[channel] * light[channel] / (one - albedo[channel] * (one - openness))
        highlight = highlight0 if channel == 0 else highlight1 if channel == 1 else highlight2
        light[channel] = diffuse + mirrored * mirror[y, x, channel] + highlight


@compiled
@no_type_check
def _paint(
    texture: np.ndarray, u: float, v: float, bend: float, skin: np.ndarray, mottle: float, found: np.ndarray, albedo: np.ndarray
) -> float:
    """The hand's reflectance at a place of its texture; how much of it is nail."""
    one = np.float32(1)
    _texels(texture, u, v, 0, CHANNELS, found)
    vein, rim = np.float32(0.8) * found[VEIN], np.float32(0.8) * found[RIM]
    moon, tip = np.float32(0.35) * found[MOON], np.float32(0.7) * found[EDGE]
    fold = found[FOLD] + bend * (found[BENT_FOLD] - found[FOLD])
    patch = one + mottle * (found[MOTTLE] + found[MOTTLE] - one)
    patch *= min(max(fold + fold, np.float32(0.6)), np.float32(1.25))
    nail = found[NAIL]
    for channel in range(3):
        colour = skin[0, channel] + found[PALM] * (skin[1, channel] - skin[0, channel])
        red = skin[2, channel] - one
        colour *= (one + found[BLOOD] * red) * (one + vein * (skin[3, channel] - one)) * patch * (one + rim * red)
        plate = skin[4, channel]
        plate += moon * (np.float32(0.62) - plate) + tip * (np.float32(0.62) - np.float32(0.09) * np.float32(channel) - plate)
        albedo[channel] = colour + nail * (plate - colour)
    return nail


@compiled
@no_type_check
def _tilt(
    seen: np.ndarray,
    closeness: np.ndarray,
    heights: np.ndarray,
    kinds: np.ndarray,
    rays: np.ndarray,
    row: int,
    column: int,
    normal: np.ndarray,
) -> None:
    """The normal of a pixel's centre tilted as its relief rises to the neighbouring pixels'."""
    if (row % 2 == 0) | (column % 2 == 0):
        return
    if (row < 3) | (column < 3) | (row + 2 >= seen.shape[0]) | (column + 2 >= seen.shape[1]):
        return
    kind, z = kinds[seen[row, column]], 1 / closeness[row, column]
    for i, j in ((0, 2), (2, 0)):
        first, last = seen[row - i, column - j], seen[row + i, column + j]
        if (first < 0) | (last < 0):
            return
        if (kinds[first] != kind) | (kinds[last] != kind):
            return
        if (abs(1 / closeness[row - i, column - j] - z) > _JUMP_MM) | (abs(1 / closeness[row + i, column + j] - z) > _JUMP_MM):
            return
    rise_x = heights[row, column + 2] - heights[row, column - 2]
    rise_y = heights[row + 2, column] - heights[row - 2, column]
    # steps in space across and down, between the neighbours
    zl, zr = 1 / closeness[row, column - 2], 1 / closeness[row, column + 2]
    zu, zd = 1 / closeness[row - 2, column], 1 / closeness[row + 2, column]
    ray_y, ray_x = rays[1, 1] * row + rays[1, 2], rays[0, 0] * column + rays[0, 2]
    xx = (rays[0, 0] * (column + 2) + rays[0, 2]) * zr - (rays[0, 0] * (column - 2) + rays[0, 2]) * zl
    xy, xz = ray_y * (zr - zl), zr - zl
    yx, yz = ray_x * (zd - zu), zd - zu
    yy = (rays[1, 1] * (row + 2) + rays[1, 2]) * zd - (rays[1, 1] * (row - 2) + rays[1, 2]) * zu
    nx, ny, nz = normal[0], normal[1], normal[2]
    ax, ay, az = yy * nz - yz * ny, yz * nx - yx * nz, yx * ny - yy * nx
    bx, by, bz = ny * xz - nz * xy, nz * xx - nx * xz, nx * xy - ny * xx
    area = xx * ax + xy * ay + xz * az
    sign = np.float32(1) if area > 0 else np.float32(-1)
    size = max(abs(area), np.float32(1e-9))
    tx = size * nx - sign * (rise_x * ax + rise_y * bx)
    ty = size * ny - sign * (rise_x * ay + rise_y * by)
    tz = size * nz - sign * (rise_x * az + rise_y * bz)
    length = np.float32(1) / (math.sqrt(tx * tx + ty * ty + tz * tz) + np.float32(1e-9))
    normal[0], normal[1], normal[2] = tx * length, ty * length, tz * length


@compiled
@no_type_check
def _octahedral_cell(x: float, y: float, z: float, side: int) -> tuple:
    """Row and column of a direction on an octahedral map."""
    scale = np.float32(1) / (abs(x) + abs(y) + abs(z) + np.float32(1e-9))
    u, v = x * scale, y * scale
    if z < 0:
        fold_u = np.float32(1) - abs(v)
        fold_v = np.float32(1) - abs(u)
        u, v = fold_u if x >= 0 else -fold_u, fold_v if y >= 0 else -fold_v
    column = int((u * np.float32(0.5) + np.float32(0.5)) * side)
    row = int((v * np.float32(0.5) + np.float32(0.5)) * side)
    return min(max(row, 0), side - 1), min(max(column, 0), side - 1)
