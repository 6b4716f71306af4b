"""Pictures of hands: their meshes over the photograph, and a sheet of views from all around."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from estimator.hand.camera import Camera
from estimator.hand.occlusion import openness, smoothed, visibility
from estimator.hand.rasterizer import rasterize
from estimator.hand.shading import Lighting, Material, Rgb, Surface, decode_srgb, encode_srgb, join, shade, smooth_normals
from estimator.placed_hand import PlacedHand, Side

Picture = UInt8[np.ndarray, "height width 3"]

SKIN: dict[Side, tuple[Rgb, ...]] = {
    "right": ((0.74, 0.54, 0.43), (0.70, 0.59, 0.42), (0.68, 0.48, 0.46)),
    "left": ((0.50, 0.57, 0.67), (0.45, 0.60, 0.61), (0.56, 0.54, 0.69)),
}
"""Linear reflectance: right hands warm, left hands cool, the second and third of a side a little different."""

NAIL_TINT = (1.12, 1.06, 1.06)
"""Reflectance of a nail over that of the skin."""

SAMPLES = 2
"""Samples along each side of a pixel; their mean smooths the edges."""

_SAMPLES_AT_ONCE = 1_500_000
"""Bounds the memory that a large photograph takes."""

_FIRST_SAMPLE = (SAMPLES - 1) / 2
"""From the centre of a pixel's first sample to the pixel's own, in samples."""

_KEY_RADIUS = 0.12
"""Half the angle that the key light fills, radians: softens its shadows."""


@dataclass(frozen=True)
class Look:
    """How hands are drawn.

    Attributes:
        material: what the skin does with light.
        lighting: where the light comes from; it stays with the camera.
    """

    material: Material = Material()
    lighting: Lighting = Lighting()


@dataclass(frozen=True)
class Sheet:
    """Measures of a sheet of views.

    Attributes:
        columns: views side by side.
        cell_width: pixels of one view.
        cell_height: pixels of one view with its label.
        fill: share of a cell that the hand may take, either way.
        distance: of the camera from the hand's middle, in hand lengths.
        paper: sRGB at the top and at the bottom of a cell.
        ink: sRGB of labels.
        font_px: height of labels.
    """

    columns: int = 5
    cell_width: int = 300
    cell_height: int = 360
    fill: float = 0.82
    distance: float = 4.0
    paper: tuple[int, int] = (250, 226)
    ink: int = 96
    font_px: int = 15


def render_overlay(image: Picture, hands: Sequence[PlacedHand], look: Look = Look()) -> Picture:
    """The hands' meshes over their photograph, nearer ones before farther ones. No pixel changes where there is no hand."""
    picture = image.copy()
    if hands:
        surfaces = [_surface(hand, skin, look.lighting) for hand, skin in zip(hands, skin_colours(hands), strict=True)]
        _draw(picture, join(surfaces), hands[0].camera, look)
    return picture


def render_views(hands: Sequence[PlacedHand], look: Look = Look(), sheet: Sheet = Sheet()) -> Picture:
    """Each hand upright from eight sides, from its fingertips and from the wrist, two rows a hand.

    Raises:
        ValueError: when there is no hand.
    """
    if not hands:
        raise ValueError("there is no hand to view")
    rows = []
    for hand, skin in zip(hands, skin_colours(hands), strict=True):
        cells = [_view(hand, skin, R, label, look, sheet) for label, R in _turntable()]
        rows += [np.hstack(cells[start : start + sheet.columns]) for start in range(0, len(cells), sheet.columns)]
    return np.vstack(rows)


def skin_colours(hands: Sequence[PlacedHand]) -> list[Rgb]:
    """Linear reflectance of each hand, by its side and by how many of that side came before."""
    sides = [hand.side for hand in hands]
    return [SKIN[side][sides[:index].count(side) % len(SKIN[side])] for index, side in enumerate(sides)]


def _surface(hand: PlacedHand, skin: Rgb, lighting: Lighting) -> Surface:
    faces = np.ascontiguousarray(hand.faces)
    normals = smooth_normals(hand.vertices, faces)
    colours = np.tile(skin, (len(hand.vertices), 1))
    colours[np.unique(faces[hand.template.nail_faces])] *= NAIL_TINT
    surface = Surface(
        vertices=hand.vertices,
        faces=faces,
        normals=normals,
        colours=colours,
        openness=smoothed(openness(hand.vertices, normals, faces), faces),
        lit=np.ones(len(normals)),
    )
    return _with_shadows(surface, lighting)


def _with_shadows(surface: Surface, lighting: Lighting) -> Surface:
    """The surface in the shadows that it casts on itself in the key light."""
    seen = visibility(surface.vertices, surface.normals, surface.faces, key_light_directions(lighting))
    return replace(surface, lit=smoothed(seen.mean(axis=0), surface.faces, rounds=1))


def key_light_directions(lighting: Lighting) -> Float[np.ndarray, "directions 3"]:
    """Units to points of the key light, its middle first: together they cast its soft shadows."""
    key = lighting.key.unit
    spread = np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
    directions = key + _KEY_RADIUS * (spread - np.outer(spread @ key, key))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _draw(picture: Picture, surface: Surface, camera: Camera, look: Look) -> None:
    """Draw a surface into a picture."""
    for band in bands(surface.vertices, camera):
        fragments = rasterize(surface.vertices, surface.faces, band.K, *band.sample_shape)
        blend(picture, band, *shade(surface, fragments, band.K, SAMPLES, look.material, look.lighting))


@dataclass(frozen=True)
class Band:
    """A rectangle of an image, to be drawn at ``SAMPLES`` times its size.

    Attributes:
        left: first column.
        top: first row.
        right: the column after the last.
        bottom: the row after the last.
        K: intrinsics of the samples.
    """

    left: int
    top: int
    right: int
    bottom: int
    K: Float[np.ndarray, "3 3"]

    @property
    def sample_shape(self) -> tuple[int, int]:
        """Height and width in samples."""
        return SAMPLES * (self.bottom - self.top), SAMPLES * (self.right - self.left)


def bands(vertices: Float[np.ndarray, "vertices 3"], camera: Camera) -> Iterator[Band]:
    """Bands that together hold all that can be seen of vertices in the camera frame; none where nothing can."""
    box = visible_box(vertices, camera)
    if box is None:
        return
    left, top, right, bottom = box
    rows = max(1, _SAMPLES_AT_ONCE // (SAMPLES**2 * (right - left)))
    for start in range(top, bottom, rows):
        K = np.diag([SAMPLES * camera.fx, SAMPLES * camera.fy, 1.0])
        K[:2, 2] = SAMPLES * (camera.cx - left) + _FIRST_SAMPLE, SAMPLES * (camera.cy - start) + _FIRST_SAMPLE
        yield Band(left, start, right, min(start + rows, bottom), K)


def visible_box(vertices: Float[np.ndarray, "vertices 3"], camera: Camera) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom (the last two beyond it) of what can be seen of vertices in the camera frame; None where nothing can."""
    vertices = vertices[vertices[:, 2] > 0]
    if not len(vertices):
        return None
    pixels, size = camera.project(vertices), (camera.width, camera.height)
    left, top = np.clip(np.floor(pixels.min(axis=0)), 0, size).astype(int).tolist()
    right, bottom = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, size).astype(int).tolist()
    return (left, top, right, bottom) if left < right and top < bottom else None


def blend(picture: Picture, band: Band, colour: Float[np.ndarray, "rows columns 3"], coverage: Float[np.ndarray, "rows columns"]) -> None:
    """Lay linear colour, already weighted by coverage, over a band of a picture."""
    region, touched = picture[band.top : band.bottom, band.left : band.right], coverage > 0
    uncovered = (1 - coverage[touched])[:, None]
    region[touched] = encode_srgb(colour[touched] + uncovered * decode_srgb(region[touched]))


def _turntable() -> list[tuple[str, Float[np.ndarray, "3 3"]]]:
    """Label of each view, and the rotation from the hand's own frame to the camera's."""
    upright = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # fingers up, palm to the camera

    def about_vertical(angle: float) -> Float[np.ndarray, "3 3"]:
        c, s = math.cos(angle), math.sin(angle)
        return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])

    def about_horizontal(angle: float) -> Float[np.ndarray, "3 3"]:
        c, s = math.cos(angle), math.sin(angle)
        return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])

    around = [(f"{degrees}°", about_vertical(math.radians(degrees)) @ upright) for degrees in range(0, 360, 45)]
    names = {"0°": "palm", "180°": "back"}
    ends = [("fingertips", about_horizontal(math.pi / 2) @ upright), ("wrist", about_horizontal(-math.pi / 2) @ upright)]
    return [(names.get(label, label), R) for label, R in around[:4] + ends[:1] + around[4:] + ends[1:]]


def _view(hand: PlacedHand, skin: Rgb, R: Float[np.ndarray, "3 3"], label: str, look: Look, sheet: Sheet) -> Picture:
    """One cell of the sheet."""
    upright = (hand.vertices - hand.root_translation) @ hand.root_rotation
    upright -= (upright.min(axis=0) + upright.max(axis=0)) / 2
    length, girth = np.ptp(upright[:, 0]), 2 * np.linalg.norm(upright[:, 1:], axis=1).max()
    distance = sheet.distance * max(length, girth)
    focal_px = sheet.fill * distance * min(sheet.cell_width / girth, sheet.cell_height / length)
    camera = Camera.from_focal(focal_px, sheet.cell_width, sheet.cell_height)
    turned = replace(hand, vertices=upright @ R.T + (0, 0, distance), camera=camera)

    levels = np.linspace(*sheet.paper, sheet.cell_height).astype(np.uint8)
    cell = np.broadcast_to(levels[:, None, None], (sheet.cell_height, sheet.cell_width, 3)).copy()
    _draw(cell, _surface(turned, skin, look.lighting), camera, look)
    page = Image.fromarray(cell)
    ImageDraw.Draw(page).text(
        (sheet.cell_width / 2, sheet.cell_height - sheet.font_px),
        f"{hand.side} hand, {label}" if label == "palm" else label,
        fill=(sheet.ink,) * 3,
        font=ImageFont.load_default(sheet.font_px),
        anchor="mm",
    )
    return np.asarray(page)
