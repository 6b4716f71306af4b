"""ClipOverlay: hands drawn over the frames of a film, in a third of the time that a photograph's overlay takes.

What makes a single picture costly is spread over time or left out where a film does not show it: light and shadow at the surface are
gathered over three frames, from other directions in each; a pixel is one sample, and outlines are softened afterwards.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from estimator.hand.occlusion import smoothed, sphere_directions, visibility
from estimator.hand.rasterizer import rasterize
from estimator.hand.shading import Rgb, Surface, decode_srgb, encode_srgb, join, shade, smooth_normals
from estimator.placed_hand import PlacedHand
from estimator.render import NAIL_TINT, SKIN, Look, key_light_directions, visible_box

FRAMES_GATHERED = 3
"""Light is gathered over so many frames."""

AROUND_COUNT, AROUND_RESOLUTION = 24, 64
_LEVELS = 4096
_TO_SRGB = encode_srgb(np.linspace(0, 1, _LEVELS))
"""sRGB of linear levels: for a picture's sake as exact as the formula, and ten times as fast."""


@dataclass
class _Light:
    """What was gathered for one hand: per frame the light from around and how much there could be, and the key light."""

    gathered: int = 0
    around: deque[tuple[np.ndarray, np.ndarray]] = field(default_factory=lambda: deque(maxlen=FRAMES_GATHERED))
    key: deque[np.ndarray] = field(default_factory=lambda: deque(maxlen=FRAMES_GATHERED))


class ClipOverlay:
    """Draws the hands of one frame after the other; each identity keeps its colour. Of a hand that is gone, that is all that is kept."""

    def __init__(self, look: Look = Look()) -> None:
        self._look = look
        self._lights: dict[int, _Light] = {}
        self._colours: dict[int, Rgb] = {}
        self._around = sphere_directions(AROUND_COUNT)
        self._key = key_light_directions(look.lighting)

    def __call__(
        self, image: UInt8[np.ndarray, "height width 3"], identities: Sequence[int], hands: Sequence[PlacedHand]
    ) -> UInt8[np.ndarray, "height width 3"]:
        """The frame with the hands' meshes over it; ``identities`` say which hand each is. No pixel changes where there is no hand."""
        picture = image.copy()
        self._lights = {identity: self._lights.get(identity, _Light()) for identity in identities}
        if hands:
            surfaces = [self._surface(hand, identity) for identity, hand in zip(identities, hands, strict=True)]
            _draw(picture, join(surfaces), hands[0], self._look)
        return picture

    def _colour_of(self, identity: int, hand: PlacedHand) -> Rgb:
        if identity not in self._colours:
            colours = SKIN[hand.side]
            known = sum(colour in colours for colour in self._colours.values())
            self._colours[identity] = colours[known % len(colours)]
        return self._colours[identity]

    def _surface(self, hand: PlacedHand, identity: int) -> Surface:
        light = self._lights[identity]
        faces = np.ascontiguousarray(hand.faces)
        normals = smooth_normals(hand.vertices, faces)
        while not self._gather(hand, faces, normals, light):
            pass
        reached = sum(reached for reached, _ in light.around)
        possible = np.maximum(sum(possible for _, possible in light.around), 1e-6)
        colours = np.tile(self._colour_of(identity, hand), (len(normals), 1))
        colours[np.unique(faces[hand.template.nail_faces])] *= NAIL_TINT
        return Surface(
            vertices=hand.vertices,
            faces=faces,
            normals=normals,
            colours=colours,
            openness=smoothed(reached / possible, faces),
            lit=smoothed(np.concatenate(light.key).mean(axis=0), faces, rounds=1),
        )

    def _gather(self, hand: PlacedHand, faces: np.ndarray, normals: np.ndarray, light: _Light) -> bool:
        """Add the light of this frame's directions; whether enough frames have been gathered (a new hand has to make up for them)."""
        part = light.gathered % FRAMES_GATHERED
        light.gathered += 1
        around, key = self._around[part::FRAMES_GATHERED], self._key[part::FRAMES_GATHERED]
        directions = np.concatenate([around, key])
        seen = visibility(hand.vertices, normals, faces, directions, AROUND_RESOLUTION)
        cosines = np.maximum(around @ normals.T, 0)
        light.around.append(((cosines * seen[: len(around)]).sum(axis=0), cosines.sum(axis=0)))
        light.key.append(seen[len(around) :])
        return len(light.key) == FRAMES_GATHERED


def _draw(picture: UInt8[np.ndarray, "height width 3"], surface: Surface, hand: PlacedHand, look: Look) -> None:
    box = visible_box(surface.vertices, hand.camera)
    if box is None:
        return
    left, top, right, bottom = box
    camera = replace(hand.camera, cx=hand.camera.cx - left, cy=hand.camera.cy - top, width=right - left, height=bottom - top)
    fragments = rasterize(surface.vertices, surface.faces, camera.K, camera.height, camera.width)
    colour, coverage = shade(surface, fragments, camera.K, 1, look.material, look.lighting)
    region = picture[top:bottom, left:right]
    _blend(region, colour, coverage)


def _blend(
    region: UInt8[np.ndarray, "rows columns 3"], colour: Float[np.ndarray, "rows columns 3"], coverage: Float[np.ndarray, "rows columns"]
) -> None:
    """Lay linear colour over a picture, softening the outline: an outermost pixel covers as much as its surroundings are covered."""
    drawn = _TO_SRGB[(colour * (_LEVELS - 1) + 0.5).astype(np.uint16)]
    inside = coverage > 0
    share = cv2.blur(coverage, (3, 3), borderType=cv2.BORDER_REPLICATE)
    edge = inside & (share < 1)
    part = share[edge][:, None]
    mixed = part * decode_srgb(drawn[edge]) + (1 - part) * decode_srgb(region[edge])
    cv2.copyTo(drawn, inside.view(np.uint8), region)
    region[edge] = encode_srgb(mixed)
