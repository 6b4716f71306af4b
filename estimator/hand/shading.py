"""Materials, lights, and the linear colours of the pixels that see a surface."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from estimator.hand.compiled import THREAD_COUNT, compiled, in_threads
from estimator.hand.rasterizer import Fragments

Rgb = tuple[float, float, float]
"""Linear red, green, blue."""


@dataclass(frozen=True)
class Light:
    """A distant light.

    Attributes:
        direction: from the surface towards the light, camera frame; any length.
        colour: what a white surface facing it sends back.
    """

    direction: tuple[float, float, float]
    colour: Rgb

    @property
    def unit(self) -> Float[np.ndarray, "3"]:
        """``direction`` with length one."""
        return np.array(self.direction) / np.linalg.norm(self.direction)


@dataclass(frozen=True)
class Lighting:
    """A photographer's set: only the key light casts shadows.

    Attributes:
        key: models the form.
        fill: opens the shadows from the other side.
        rim: from behind, draws the outline.
        sky: ambient light from above.
        ground: ambient light from below.
    """

    key: Light = Light((-0.6, -0.8, -0.7), (0.92, 0.88, 0.82))
    fill: Light = Light((0.9, 0.1, -0.55), (0.12, 0.14, 0.18))
    rim: Light = Light((0.5, -0.6, 0.75), (0.22, 0.24, 0.28))
    sky: Rgb = (0.24, 0.26, 0.29)
    ground: Rgb = (0.12, 0.10, 0.09)


@dataclass(frozen=True)
class Material:
    """What a surface does with light, beside the colour that each vertex has.

    Attributes:
        scatter: how far red, green, blue creep past the terminator, 0 (chalk) to 1; skin lets red through.
        specular: strength of the highlight straight on.
        gloss: Blinn-Phong exponent; the larger, the smaller and sharper the highlight.
        inside: share of the light that the inner side, seen through the open wrist, sends back.
    """

    scatter: Rgb = (0.30, 0.16, 0.12)
    specular: float = 0.05
    gloss: int = 28
    inside: float = 0.25


@dataclass(frozen=True)
class Surface:
    """A triangle mesh in the camera frame with what shading needs at its vertices.

    Attributes:
        vertices: mm.
        faces: counter-clockwise seen from outside.
        normals: units, outwards.
        colours: linear reflectance.
        openness: share of the ambient light that arrives.
        lit: share of the key light that arrives.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    normals: Float[np.ndarray, "vertices 3"]
    colours: Float[np.ndarray, "vertices 3"]
    openness: Float[np.ndarray, " vertices"]
    lit: Float[np.ndarray, " vertices"]


def join(surfaces: list[Surface]) -> Surface:
    """One surface of several."""
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces[:-1])])
    return Surface(
        vertices=np.concatenate([surface.vertices for surface in surfaces]),
        faces=np.concatenate([surface.faces + start for surface, start in zip(surfaces, starts, strict=True)]),
        normals=np.concatenate([surface.normals for surface in surfaces]),
        colours=np.concatenate([surface.colours for surface in surfaces]),
        openness=np.concatenate([surface.openness for surface in surfaces]),
        lit=np.concatenate([surface.lit for surface in surfaces]),
    )


def shade(
    surface: Surface,
    fragments: Fragments,
    K: Float[np.ndarray, "3 3"],
    samples: int = 1,
    material: Material = Material(),
    lighting: Lighting = Lighting(),
) -> tuple[Float[np.ndarray, "height width 3"], Float[np.ndarray, "height width"]]:
    """Linear colour times coverage, and coverage, of the pixels of one view.

    ``fragments`` were drawn with K at ``samples`` times the wanted height and width; a pixel is the mean of its samples.
    """
    height, width = (side // samples for side in fragments.faces.shape)
    attributes = np.column_stack([surface.normals, surface.colours, surface.openness, surface.lit]).astype(np.float32)
    faces, intrinsics = surface.faces.astype(np.int32, order="C"), np.array(K, dtype=np.float64, order="C")
    away = turned_away(surface)
    lights = np.array([[light.unit, light.colour] for light in (lighting.key, lighting.fill, lighting.rim)], dtype=np.float32)
    ambient = np.array([lighting.ground, lighting.sky], dtype=np.float32)
    skin = np.array([*material.scatter, material.specular, material.gloss, material.inside], dtype=np.float32)
    colour, coverage = np.zeros((height, width, 3), dtype=np.float32), np.zeros((height, width), dtype=np.float32)

    def work(rows: tuple[int, int]) -> None:
        _shade(
            attributes,
            faces,
            away,
            fragments.faces,
            fragments.barycentrics,
            intrinsics,
            samples,
            lights,
            ambient,
            skin,
            *rows,
            colour,
            coverage,
        )

    bounds = np.linspace(0, height, min(2 * THREAD_COUNT, max(height, 1)) + 1).astype(int).tolist()
    in_threads(work, list(pairwise(bounds)))
    return colour, coverage


def turned_away(surface: Surface) -> Bool[np.ndarray, " faces"]:
    """Which faces show the camera their inner side."""
    a, b, c = np.moveaxis(surface.vertices[surface.faces], 1, 0)
    return np.einsum("fc,fc->f", np.cross(b - a, c - a), a) > 0


def smooth_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals, faces weighted by their area: ``surface.vertex_normals`` for drawing, several times faster and without gradients."""
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    of_faces = np.cross(b - a, c - a)
    corners = faces.ravel()
    sums = [np.bincount(corners, np.repeat(of_faces[:, axis], 3), minlength=len(vertices)) for axis in range(3)]
    normals = np.stack(sums, axis=1)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def interpolate(
    attributes: Float[np.ndarray, "vertices channels"], faces: Int[np.ndarray, "faces 3"], fragments: Fragments
) -> Float[np.ndarray, "pixels channels"]:
    """Attributes of the vertices at the covered pixels of one view, row by row."""
    covered = fragments.faces >= 0
    values = np.empty((int(covered.sum()), attributes.shape[1]), dtype=np.float32)
    _interpolate(
        attributes.astype(np.float32, order="C"),
        faces.astype(np.int32, order="C"),
        fragments.faces[covered],
        fragments.barycentrics[covered],
        values,
    )
    return values


def encode_srgb(linear: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Linear intensities to 8-bit sRGB; what is brighter than white is white."""
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)


def decode_srgb(encoded: UInt8[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """8-bit sRGB to linear intensities, 0 to 1."""
    level = np.arange(256) / 255
    table = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return table[encoded]


@compiled
@no_type_check
def _shade(
    attributes: np.ndarray,
    faces: np.ndarray,
    away: np.ndarray,
    seen: np.ndarray,
    barycentrics: np.ndarray,
    K: np.ndarray,
    samples: int,
    lights: np.ndarray,
    ambient: np.ndarray,
    skin: np.ndarray,
    top: int,
    bottom: int,
    colour: np.ndarray,
    coverage: np.ndarray,
) -> None:
    """Rows top to bottom of ``shade``: each pixel's mean over its samples."""
    value, light = np.empty(attributes.shape[1], dtype=np.float32), np.empty(3, dtype=np.float32)
    weight = np.float32(1 / samples**2)
    for y in range(top, bottom):
        for x in range(colour.shape[1]):
            for sample in range(samples * samples):
                row, column = samples * y + sample // samples, samples * x + sample % samples
                face = seen[row, column]
                if face < 0:
                    continue
                a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
                wa, wb, wc = barycentrics[row, column, 0], barycentrics[row, column, 1], barycentrics[row, column, 2]
                for i in range(len(value)):
                    value[i] = wa * attributes[a, i] + wb * attributes[b, i] + wc * attributes[c, i]
                coverage[y, x] += weight
                if away[face]:
                    for channel in range(3):
                        light[channel] = skin[5] * value[3 + channel] * ambient[0, channel]
                else:
                    _reflect(value, (K[0, 2] - column) / K[0, 0], (K[1, 2] - row) / K[1, 1], lights, ambient, skin, light)
                for channel in range(3):
                    colour[y, x, channel] += weight * min(light[channel], 1)


@compiled
@no_type_check
def _reflect(
    value: np.ndarray, view_x: float, view_y: float, lights: np.ndarray, ambient: np.ndarray, skin: np.ndarray, light: np.ndarray
) -> None:
    """``light`` sent by a point with the given attributes towards (view_x, view_y, -1)."""
    specular, gloss = skin[3], int(skin[4])  # powers of integers are fast
    openness, lit = value[6], value[7]
    key, fill, rim = lights[0], lights[1], lights[2]
    length = math.sqrt(value[0] ** 2 + value[1] ** 2 + value[2] ** 2) + 1e-6
    nx, ny, nz = value[0] / length, value[1] / length, value[2] / length
    length = math.sqrt(view_x**2 + view_y**2 + 1)
    vx, vy, vz = view_x / length, view_y / length, -1 / length

    towards_key = nx * key[0, 0] + ny * key[0, 1] + nz * key[0, 2]
    towards_fill = nx * fill[0, 0] + ny * fill[0, 1] + nz * fill[0, 2]
    towards_rim = max(nx * rim[0, 0] + ny * rim[0, 1] + nz * rim[0, 2], 0)
    hx, hy, hz = vx + key[0, 0], vy + key[0, 1], vz + key[0, 2]
    half = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx**2 + hy**2 + hz**2)
    highlight = lit * specular * (gloss + 8) / 8 * half**gloss if half > 0.5 else 0.0  # elsewhere invisible
    glancing = 1 - min(max(nx * vx + ny * vy + nz * vz, 0), 1)
    fresnel = specular + (0.5 - specular) * glancing**5  # skin is rough: half of a mirror's
    upward = 0.5 - 0.5 * ny
    for channel in range(3):
        reflectance, wrap = value[3 + channel], skin[channel]
        spread = 1 / (1 + wrap) ** 2  # wrapping keeps the energy
        # light that other parts of the hand send into a crease has taken on their colour: it is warm, not black
        reached = openness / (1 - reflectance * (1 - openness))
        around = reached * (ambient[0, channel] + upward * (ambient[1, channel] - ambient[0, channel]))
        direct = lit * spread * max(towards_key + wrap, 0) * key[1, channel]
        direct += openness * (spread * max(towards_fill + wrap, 0) * fill[1, channel] + towards_rim * rim[1, channel])
        light[channel] = reflectance * (around + direct) + highlight * key[1, channel] + fresnel * around


@compiled
@no_type_check
def _interpolate(attributes: np.ndarray, faces: np.ndarray, seen: np.ndarray, barycentrics: np.ndarray, values: np.ndarray) -> None:
    for pixel in range(len(seen)):
        a, b, c = faces[seen[pixel], 0], faces[seen[pixel], 1], faces[seen[pixel], 2]
        for channel in range(attributes.shape[1]):
            values[pixel, channel] = (
                barycentrics[pixel, 0] * attributes[a, channel]
                + barycentrics[pixel, 1] * attributes[b, channel]
                + barycentrics[pixel, 2] * attributes[c, channel]
            )
