"""How the samples' surfaces face, relief included, and what light they send to the camera."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float32

from datasets.virtual_rhd.drawing import Drawn
from datasets.virtual_rhd.illumination import KEY_COUNT, Illumination
from datasets.virtual_rhd.paint import GLOSS, SHINE
from datasets.virtual_rhd.samples import JUMP_MM, LIT, NORMAL, OPENNESS, SOFT, Samples
from datasets.virtual_rhd.scene import TEXTURED, Scene
from datasets.virtual_rhd.solids import SKIN
from estimator.hand.compiled import compiled

_WRAP = np.array([0.28, 0.12, 0.07], dtype=np.float32)
"""How far red, green and blue strong light creeps past the terminator of skin."""


def tilted_normals(
    scene: Scene, drawn: Drawn, samples: Samples, heights: Float32[np.ndarray, "side side"]
) -> Float32[np.ndarray, "samples 3"]:
    """Units towards the camera's side; those of pixels' centres tilted by the relief, whose heights are in mm."""
    normals = np.empty((len(samples.where), 3), dtype=np.float32)
    _tilt(samples.where, samples.kinds, samples.values, drawn.seen, drawn.closeness, scene.kinds, heights, _rays(drawn), normals)
    return normals


def reflected(
    drawn: Drawn,
    samples: Samples,
    normals: Float32[np.ndarray, "samples 3"],
    surface: Float32[np.ndarray, "samples 5"],
    illumination: Illumination,
) -> tuple[Float32[np.ndarray, "side side 3"], Float32[np.ndarray, "side side"]]:
    """Linear light times coverage, and coverage, of each pixel."""
    side = len(drawn.seen) // 2
    light, coverage = np.zeros((side, side, 3), dtype=np.float32), np.zeros((side, side), dtype=np.float32)
    lamps = illumination.keys, illumination.key_powers, illumination.mirror(), _soft_gradient(illumination)
    _reflect(samples.where, samples.weights, samples.kinds, samples.values, normals, surface, *lamps, _rays(drawn), light, coverage)
    return light, coverage


def _rays(drawn: Drawn) -> Float32[np.ndarray, "3 3"]:
    """From a sample (column, row, 1) to its line of sight."""
    return np.linalg.inv(drawn.doubled).astype(np.float32)


def _soft_gradient(illumination: Illumination) -> Float32[np.ndarray, "4"]:
    """How the soft light changes with the direction a patch faces: its mean, and the direction from where most comes."""
    level = illumination.powers.mean(axis=2)
    towards = ((level[:, 0] - level[:, 1])[:, None] * illumination.axes).sum(axis=0)
    return np.array([level.sum() / 4, *(towards / 2)], dtype=np.float32)


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
        nx, ny, nz = values[n, NORMAL], values[n, NORMAL + 1], values[n, NORMAL + 2]
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
        if max(abs(zl - z), abs(zr - z), abs(zu - z), abs(zd - z)) > JUMP_MM:
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
    one, zero, side = np.float32(1), np.float32(0), coverage.shape[0]
    light, highlight = np.empty(3, dtype=np.float32), np.empty(3, dtype=np.float32)
    view = np.empty(3, dtype=np.float32)
    for n in range(len(where)):
        nx, ny, nz, shine = normals[n, 0], normals[n, 1], normals[n, 2], surface[n, SHINE]
        vx, vy = -(rays[0, 0] * np.float32(where[n, 1]) + rays[0, 2]), -(rays[1, 1] * np.float32(where[n, 0]) + rays[1, 2])
        length = one / np.sqrt(vx * vx + vy * vy + one)
        view[0], view[1], view[2] = vx * length, vy * length, -length
        is_skin = (kinds[n] == TEXTURED) | (kinds[n] == SKIN)
        ratio = _soft_ratio(values[n], normals[n], gradient)
        facing = nx * view[0] + ny * view[1] + nz * view[2]
        glancing = one - min(max(facing, zero), one)
        square = glancing * glancing
        edge = square * square * glancing
        for channel in range(3):
            light[channel], highlight[channel] = values[n, SOFT + channel] * ratio, zero
        _add_strong_light(values[n], normals[n], view, surface[n], edge, is_skin, keys, key_powers, light, highlight)
        double = facing + facing
        row, column = _mirror_cell(double * nx - view[0], double * ny - view[1], double * nz - view[2], mirror.shape[0])
        openness = values[n, OPENNESS]
        mirrored = (shine + (np.float32(0.30) if is_skin else np.float32(0.08)) * edge) * openness
        y, x = where[n, 2] // side, where[n, 2] % side
        coverage[y, x] += weights[n]
        for channel in range(3):
            albedo = surface[n, channel]
            # what a crease does not get from outside it gets in part from its own other side, in the skin's colour
            diffuse = albedo * light[channel] / (one - albedo * (one - openness))
            colours[y, x, channel] += weights[n] * (diffuse + mirrored * mirror[row, column, channel] + highlight[channel])


@compiled
@no_type_check
def _soft_ratio(values: np.ndarray, normal: np.ndarray, gradient: np.ndarray) -> float:
    """Soft light was gathered for the smooth surface; relief turns it to and from where most comes from."""
    sx, sy, sz = values[NORMAL], values[NORMAL + 1], values[NORMAL + 2]
    length = np.float32(1) / (np.sqrt(sx * sx + sy * sy + sz * sz) + np.float32(1e-6))
    if sx * normal[0] + sy * normal[1] + sz * normal[2] < 0:
        length = -length
    before = gradient[0] + (gradient[1] * sx + gradient[2] * sy + gradient[3] * sz) * length
    after = gradient[0] + gradient[1] * normal[0] + gradient[2] * normal[1] + gradient[3] * normal[2]
    return min(max(after / max(before, np.float32(1e-4)), np.float32(0.6)), np.float32(1.6))


@compiled
@no_type_check
def _add_strong_light(
    values: np.ndarray,
    normal: np.ndarray,
    view: np.ndarray,
    surface: np.ndarray,
    edge: float,
    is_skin: bool,
    keys: np.ndarray,
    key_powers: np.ndarray,
    light: np.ndarray,
    highlight: np.ndarray,
) -> None:
    """Add what the strong lamps shed on a sample to ``light``, and what they are mirrored as to ``highlight``."""
    one, zero, shine, gloss = np.float32(1), np.float32(0), surface[SHINE], surface[GLOSS]
    nx, ny, nz = normal[0], normal[1], normal[2]
    for number in range(KEY_COUNT):
        lit = values[LIT + number]
        kx, ky, kz = keys[number, 0], keys[number, 1], keys[number, 2]
        cosine = nx * kx + ny * ky + nz * kz
        if (lit <= 0) | (cosine < np.float32(-0.3)) | (key_powers[number, 1] <= 0):
            continue
        for channel in range(3):
            wrap = _WRAP[channel] if is_skin else zero
            light[channel] += lit * key_powers[number, channel] * max(cosine + wrap, zero) / ((one + wrap) * (one + wrap))
        hx, hy, hz = view[0] + kx, view[1] + ky, view[2] + kz
        middle = (nx * hx + ny * hy + nz * hz) / (np.sqrt(hx * hx + hy * hy + hz * hz) + np.float32(1e-6))
        if (middle > np.float32(0.7)) & (cosine > 0):
            strength = lit * shine * (gloss + np.float32(8)) * np.float32(0.125) * np.exp(gloss * np.log(middle))
            strength *= min(one, np.float32(4) * cosine) * (one + np.float32(6) * edge)
            for channel in range(3):
                highlight[channel] += strength * key_powers[number, channel]


@compiled
@no_type_check
def _mirror_cell(rx: float, ry: float, rz: float, side: int) -> tuple:
    """Row and column of a direction on the octahedral map of what is mirrored."""
    one, half = np.float32(1), np.float32(0.5)
    scale = one / (abs(rx) + abs(ry) + abs(rz) + np.float32(1e-9))
    u, v = rx * scale, ry * scale
    if rz < 0:
        u, v = math.copysign(one - abs(v), u), math.copysign(one - abs(u), v)
    column = min(max(np.int32((u * half + half) * np.float32(side)), 0), side - 1)
    row = min(max(np.int32((v * half + half) * np.float32(side)), 0), side - 1)
    return row, column
