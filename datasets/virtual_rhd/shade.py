"""The colours of a drawn scene, in passes over the samples that are worth shading: where, what is there, its relief, its light."""

import math
from functools import cache
from typing import no_type_check

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from datasets.virtual_rhd.drawing import Drawn
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

_NORMAL, _SOFT, _OPENNESS, _LIT, _BEND, _COLOUR, _ATTRIBUTES = 0, 3, 6, 7, 9, 10, 13
"""Columns of the vertices' attributes: normal, soft light, openness, strong lamps' light, bend, colour; and how many there are."""

_NAIL_SHINE, _NAIL_GLOSS = 0.055, 70.0


def shade(
    scene: Scene,
    drawn: Drawn,
    texture: UInt8[np.ndarray, "rows columns channels"],
    skin: Skin,
    knit: float,
    arrived: Arrived,
    illumination: Illumination,
) -> tuple[Float32[np.ndarray, "height width 3"], Float32[np.ndarray, "height width"]]:
    """Linear light times coverage, and coverage, of each pixel.

    Of each surface that a pixel's nine samples see one is shaded, and counts as much as the tent over its samples.
    """
    side = len(drawn.seen) // 2
    seen, closeness = drawn.seen, drawn.closeness
    # as many as there can be; only what is used is ever touched
    where, weights = np.empty((9 * side * side, 3), dtype=np.int32), np.empty(9 * side * side, dtype=np.float32)
    count = _choose(seen, closeness, scene.kinds, where, weights)
    where, weights = where[:count], weights[:count]
    values, places = np.empty((count, _ATTRIBUTES), dtype=np.float32), np.empty((count, 2), dtype=np.float32)
    _interpolate(where, seen, drawn.screen, scene.faces, scene.places, _attributes(scene, drawn, arrived), values, places)
    kinds = scene.kinds[seen[where[:, 0], where[:, 1]]]
    # of each sample reflectance, shine and gloss; of each pixel's centre the height of its relief, mm
    surface, heights = np.empty((count, 5), dtype=np.float32), np.zeros((side, side), dtype=np.float32)
    colours = np.array([skin.back, skin.palm, skin.blood, skin.vein, skin.nail], dtype=np.float32)
    settings = np.array([skin.mottle, skin.shine, skin.gloss, skin.relief, knit], dtype=np.float32)
    _paint(where, kinds, values, places, texture, _pattern(), colours, settings, surface, heights)
    rays = np.linalg.inv(drawn.doubled).astype(np.float32)
    normals = np.empty((count, 3), dtype=np.float32)
    _tilt(where, kinds, values, seen, closeness, scene.kinds, heights, rays, normals)
    light, coverage = np.zeros((side, side, 3), dtype=np.float32), np.zeros((side, side), dtype=np.float32)
    lamps = illumination.keys, illumination.key_powers, illumination.mirror(), _soft_gradient(illumination)
    _reflect(where, weights, kinds, values, normals, surface, *lamps, rays, light, coverage)
    return light, coverage


def _attributes(scene: Scene, drawn: Drawn, arrived: Arrived) -> Float32[np.ndarray, "vertices attributes"]:
    soft = arrived.soft.copy()
    _spread_light(scene.faces[: scene.hand_faces], drawn.wanted, _SPREAD_ROUNDS, soft)
    values = np.empty((len(scene.vertices), _ATTRIBUTES), dtype=np.float32)
    _gather_attributes(drawn.wanted, scene.normals, soft, arrived.openness, arrived.lit, scene.bends, scene.colours, values)
    return values


def _soft_gradient(illumination: Illumination) -> Float32[np.ndarray, "4"]:
    """How the soft light changes with the direction a patch faces: its mean, and the direction from where most comes."""
    level = illumination.powers.mean(axis=2)
    towards = ((level[:, 0] - level[:, 1])[:, None] * illumination.axes).sum(axis=0)
    return np.array([level.sum() / 4, *(towards / 2)], dtype=np.float32)


@cache
def _pattern() -> UInt8[np.ndarray, "rows columns 2"]:
    """Noise that repeats: patches, and threads."""
    rng = np.random.default_rng(0)
    middle = slice(_PATTERN_PX, 2 * _PATTERN_PX)
    layers = []
    for sigma in (2.0, 6.0, 16.0):
        tiled = np.tile(rng.normal(size=(_PATTERN_PX, _PATTERN_PX)), (3, 3))
        layers.append(sigma * cv2.GaussianBlur(tiled, (0, 0), sigma)[middle, middle])
    patches = np.sum(layers, axis=0)
    v, u = np.mgrid[:_PATTERN_PX, :_PATTERN_PX] * (2 * np.pi / 8)
    threads = np.sin(u) * np.sin(v + 0.8 * np.sin(u)) + 0.5 * rng.normal(size=u.shape)
    both = (patches / patches.std() / 3, cv2.GaussianBlur(threads, (0, 0), 0.8))
    return np.stack([np.clip(128 + 127 * layer, 0, 255) for layer in both], axis=-1).astype(np.uint8)


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
                values[v, _NORMAL + axis] = normals[v, axis]
                values[v, _SOFT + axis] = soft[v, axis]
                values[v, _COLOUR + axis] = colours[v, axis]
            values[v, _OPENNESS], values[v, _LIT], values[v, _LIT + 1] = openness[v], lit[v, 0], lit[v, 1]
            values[v, _BEND] = bends[v]


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
                    if same or ((kinds[face_there] == kind) & (abs(one / closeness[i, j] - depth) < _JUMP_MM)):
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
        for i in range(_ATTRIBUTES):
            values[n, i] = pa * attributes[a, i] + pb * attributes[b, i] + pc * attributes[c, i]
        for i in range(2):
            places[n, i] = pa * face_places[face, 0, i] + pb * face_places[face, 1, i] + pc * face_places[face, 2, i]


@compiled
@no_type_check
def _paint(
    where: np.ndarray,
    kinds: np.ndarray,
    values: np.ndarray,
    places: np.ndarray,
    texture: np.ndarray,
    pattern: np.ndarray,
    skin: np.ndarray,
    settings: np.ndarray,
    surface: np.ndarray,
    heights: np.ndarray,
) -> None:
    """Reflectance, shine and gloss of each sample, and the relief's height at pixels' centres; ``skin`` holds the person's colours."""
    one, half, zero = np.float32(1), np.float32(0.5), np.float32(0)
    mottle, shine, gloss, relief, knit = settings[0], settings[1], settings[2], settings[3], settings[4]
    width, height = np.float32(texture.shape[1]), np.float32(texture.shape[0])
    found, side = np.empty(CHANNELS, dtype=np.float32), heights.shape[0]
    for n in range(len(where)):
        kind, u, v, rise = kinds[n], places[n, 0], places[n, 1], zero
        if kind == TEXTURED:
            x = min(max(u * width - half, zero), width - np.float32(1.01))
            y = min(max(v * height - half, zero), height - np.float32(1.01))
            column, row = np.int32(x), np.int32(y)
            right, below = x - np.float32(column), y - np.float32(row)
            upper, lower = (one - below) * np.float32(1 / 255), below * np.float32(1 / 255)
            w00, w01, w10, w11 = upper * (one - right), upper * right, lower * (one - right), lower * right
            for k in range(CHANNELS):
                found[k] = (
                    w00 * np.float32(texture[row, column, k])
                    + w01 * np.float32(texture[row, column + 1, k])
                    + w10 * np.float32(texture[row + 1, column, k])
                    + w11 * np.float32(texture[row + 1, column + 1, k])
                )
            bend = values[n, _BEND]
            rise = relief * (found[HEIGHT] + bend * (found[BENT_HEIGHT] - found[HEIGHT]) - half) * np.float32(2 * HEIGHT_MM)
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
                surface[n, channel] = colour + nail * (plate - colour)
            surface[n, 3] = shine + nail * (np.float32(_NAIL_SHINE) - shine)
            surface[n, 4] = gloss + nail * (np.float32(_NAIL_GLOSS) - gloss)
        else:
            x, y = int(u / _PATTERN_MM) % _PATTERN_PX, int(v / _PATTERN_MM) % _PATTERN_PX
            patches = (np.float32(pattern[y, x, 0]) - np.float32(128)) * np.float32(1 / 128)
            threads = (np.float32(pattern[y, x, 1]) - np.float32(128)) * np.float32(1 / 128)
            if kind == CLOTH:
                factor, rise = one + knit * (patches + np.float32(0.6) * threads), np.float32(0.5) * knit * threads
                surface[n, 3], surface[n, 4] = np.float32(0.004), np.float32(6)
            elif kind == SKIN:
                factor, surface[n, 3], surface[n, 4] = one + mottle * patches, shine, gloss
            else:
                factor, surface[n, 3], surface[n, 4] = one + np.float32(0.08) * patches, np.float32(0.04), np.float32(60)
            for channel in range(3):
                surface[n, channel] = values[n, _COLOUR + channel] * factor
        if (where[n, 0] & 1) & (where[n, 1] & 1):
            heights[where[n, 2] // side, where[n, 2] % side] = rise


@compiled
@no_type_check
def _tilt(
    where: np.ndarray,
    kinds: np.ndarray,
    values: np.ndarray,
    seen: np.ndarray,
    closeness: np.ndarray,
    face_kinds: np.ndarray,
    heights: np.ndarray,
    rays: np.ndarray,
    normals: np.ndarray,
) -> None:
    """Unit normals towards the camera's side; those of pixels' centres tilted as the relief rises from pixel to pixel."""
    one, last = np.float32(1), len(seen) - 3
    for n in range(len(where)):
        row, column, kind = where[n, 0], where[n, 1], kinds[n]
        nx, ny, nz = values[n, _NORMAL], values[n, _NORMAL + 1], values[n, _NORMAL + 2]
        ray_x, ray_y = rays[0, 0] * np.float32(column) + rays[0, 2], rays[1, 1] * np.float32(row) + rays[1, 2]
        length = one / (np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-6))
        if (kind != TEXTURED) & (nx * ray_x + ny * ray_y + nz > 0):  # the inner side of a sleeve
            length = -length
        nx, ny, nz = nx * length, ny * length, nz * length
        normals[n, 0], normals[n, 1], normals[n, 2] = nx, ny, nz
        if (row & 1 == 0) | (column & 1 == 0) | (row < 3) | (column < 3) | (row > last) | (column > last):
            continue
        left, right, up, down = seen[row, column - 2], seen[row, column + 2], seen[row - 2, column], seen[row + 2, column]
        if (left < 0) | (right < 0) | (up < 0) | (down < 0):
            continue
        if (face_kinds[left] != kind) | (face_kinds[right] != kind) | (face_kinds[up] != kind) | (face_kinds[down] != kind):
            continue
        y, x, z = row // 2, column // 2, one / closeness[row, column]
        rise_x, rise_y = heights[y, x + 1] - heights[y, x - 1], heights[y + 1, x] - heights[y - 1, x]
        zl, zr = one / closeness[row, column - 2], one / closeness[row, column + 2]
        zu, zd = one / closeness[row - 2, column], one / closeness[row + 2, column]
        if max(abs(zl - z), abs(zr - z), abs(zu - z), abs(zd - z)) > _JUMP_MM:
            continue
        # steps in space across and down, between the neighbours
        step = rays[0, 0] + rays[0, 0]
        xx, xy, xz = ray_x * (zr - zl) + step * (zr + zl), ray_y * (zr - zl), zr - zl
        step = rays[1, 1] + rays[1, 1]
        yx, yy, yz = ray_x * (zd - zu), ray_y * (zd - zu) + step * (zd + zu), zd - zu
        ax, ay, az = yy * nz - yz * ny, yz * nx - yx * nz, yx * ny - yy * nx
        bx, by, bz = ny * xz - nz * xy, nz * xx - nx * xz, nx * xy - ny * xx
        area = xx * ax + xy * ay + xz * az
        if area < 0:
            rise_x, rise_y = -rise_x, -rise_y
        size = max(abs(area), np.float32(1e-9))
        tx = size * nx - rise_x * ax - rise_y * bx
        ty = size * ny - rise_x * ay - rise_y * by
        tz = size * nz - rise_x * az - rise_y * bz
        length = one / (np.sqrt(tx * tx + ty * ty + tz * tz) + np.float32(1e-9))
        normals[n, 0], normals[n, 1], normals[n, 2] = tx * length, ty * length, tz * length


@compiled
@no_type_check
def _reflect(
    where: np.ndarray,
    weights: np.ndarray,
    kinds: np.ndarray,
    values: np.ndarray,
    normals: np.ndarray,
    surface: np.ndarray,
    keys: np.ndarray,
    key_powers: np.ndarray,
    mirror: np.ndarray,
    gradient: np.ndarray,
    rays: np.ndarray,
    colours: np.ndarray,
    coverage: np.ndarray,
) -> None:
    """Add the light that the samples send to the camera to their pixels."""
    one, zero, half, side = np.float32(1), np.float32(0), np.float32(0.5), coverage.shape[0]
    mirror_side = np.float32(mirror.shape[0])
    light, highlight = np.empty(3, dtype=np.float32), np.empty(3, dtype=np.float32)
    for n in range(len(where)):
        nx, ny, nz, shine, gloss = normals[n, 0], normals[n, 1], normals[n, 2], surface[n, 3], surface[n, 4]
        vx, vy = -(rays[0, 0] * np.float32(where[n, 1]) + rays[0, 2]), -(rays[1, 1] * np.float32(where[n, 0]) + rays[1, 2])
        length = one / np.sqrt(vx * vx + vy * vy + one)
        vx, vy, vz = vx * length, vy * length, -length
        is_skin = (kinds[n] == TEXTURED) | (kinds[n] == SKIN)
        # the soft light was gathered for the smooth surface; relief turns it to and from where most comes from
        sx, sy, sz = values[n, _NORMAL], values[n, _NORMAL + 1], values[n, _NORMAL + 2]
        length = one / (np.sqrt(sx * sx + sy * sy + sz * sz) + np.float32(1e-6))
        if sx * nx + sy * ny + sz * nz < 0:
            length = -length
        before = gradient[0] + (gradient[1] * sx + gradient[2] * sy + gradient[3] * sz) * length
        after = gradient[0] + gradient[1] * nx + gradient[2] * ny + gradient[3] * nz
        ratio = min(max(after / max(before, np.float32(1e-4)), np.float32(0.6)), np.float32(1.6))
        facing = nx * vx + ny * vy + nz * vz
        glancing = one - min(max(facing, zero), one)
        square = glancing * glancing
        edge = square * square * glancing
        for channel in range(3):
            light[channel], highlight[channel] = values[n, _SOFT + channel] * ratio, zero
        for number in range(2):
            lit = values[n, _LIT + number]
            kx, ky, kz = keys[number, 0], keys[number, 1], keys[number, 2]
            cosine = nx * kx + ny * ky + nz * kz
            if (lit <= 0) | (cosine < np.float32(-0.3)) | (key_powers[number, 1] <= 0):
                continue
            for channel in range(3):
                wrap = _WRAP[channel] if is_skin else zero
                light[channel] += lit * key_powers[number, channel] * max(cosine + wrap, zero) / ((one + wrap) * (one + wrap))
            hx, hy, hz = vx + kx, vy + ky, vz + kz
            middle = (nx * hx + ny * hy + nz * hz) / (np.sqrt(hx * hx + hy * hy + hz * hz) + np.float32(1e-6))
            if (middle > np.float32(0.7)) & (cosine > 0):
                strength = lit * shine * (gloss + np.float32(8)) * np.float32(0.125) * np.exp(gloss * np.log(middle))
                strength *= min(one, np.float32(4) * cosine) * (one + np.float32(6) * edge)
                for channel in range(3):
                    highlight[channel] += strength * key_powers[number, channel]
        # the direction that is mirrored, on the octahedral map
        rx, ry, rz = (facing + facing) * nx - vx, (facing + facing) * ny - vy, (facing + facing) * nz - vz
        scale = one / (abs(rx) + abs(ry) + abs(rz) + np.float32(1e-9))
        u, v = rx * scale, ry * scale
        if rz < 0:
            u, v = math.copysign(one - abs(v), u), math.copysign(one - abs(u), v)
        column = min(max(np.int32((u * half + half) * mirror_side), 0), mirror.shape[0] - 1)
        row = min(max(np.int32((v * half + half) * mirror_side), 0), mirror.shape[0] - 1)
        openness = values[n, _OPENNESS]
        mirrored = (shine + (np.float32(0.30) if is_skin else np.float32(0.08)) * edge) * openness
        y, x = where[n, 2] // side, where[n, 2] % side
        coverage[y, x] += weights[n]
        for channel in range(3):
            albedo = surface[n, channel]
            # what a crease does not get from outside it gets in part from its own other side, in the skin's colour
            diffuse = albedo * light[channel] / (one - albedo * (one - openness))
            colours[y, x, channel] += weights[n] * (diffuse + mirrored * mirror[row, column, channel] + highlight[channel])
