"""The person behind the hand: trunk, neck and head, simple enough to be out of focus, in the same clothes and skin."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from datasets.virtual_rhd.people import VirtualPerson
from datasets.virtual_rhd.solids import CLOTH, SKIN, Solid, course, solid, tube_faces

Number = float | int

UPPER_ARM_MM = 285.0
"""From the elbow to the shoulder, of a person whose hand has the template's size."""

_SHOULDER_MM = (172.0, -38.0, -8.0)
"""Of the right shoulder from the base of the neck: to the person's right, up, to the front."""

_TRUNK_MM = ((-5, 58, 56, 0), (22, 95, 64, -4), (48, 150, 80, -8), (100, 176, 98, -2), (190, 172, 118, 8), (300, 152, 110, 6),
             (400, 142, 104, 4), (520, 166, 114, 2), (640, 178, 118, 0), (820, 172, 112, 0))  # fmt: skip
"""Below the base of the neck, half width, half depth, and how far to the front the middle lies."""

_SPHERES_MM = ((150.0, 10.0, 112.0), (20.0, 0.0, 75.0), (-130.0, 0.0, 150.0), (-300.0, 0.0, 150.0), (-480.0, 0.0, 160.0))
"""Above the base of the neck, to its front, and radius: head, neck, chest, belly and hips, roughly."""

_BENDS_DEG = (8.0, 140.0)
"""Of the elbow, least and largest."""

_CORNERS = 32


@dataclass(frozen=True)
class Trunk:
    """Where a body is, camera frame, mm.

    Attributes:
        neck: its base.
        right: a unit to the person's right.
        up: a unit.
        front: a unit.
        size: factor on all lengths.
    """

    neck: Float[np.ndarray, "3"]
    right: Float[np.ndarray, "3"]
    up: Float[np.ndarray, "3"]
    front: Float[np.ndarray, "3"]
    size: float

    def place(self, right_mm: Number, up_mm: Number, front_mm: Number) -> Float[np.ndarray, "3"]:
        """A point from the base of the neck."""
        return self.neck + self.size * (right_mm * self.right + up_mm * self.up + front_mm * self.front)

    @property
    def right_shoulder(self) -> Float[np.ndarray, "3"]:
        """Its joint."""
        return self.place(*_SHOULDER_MM)

    @property
    def left_shoulder(self) -> Float[np.ndarray, "3"]:
        """Its joint."""
        right, up, front = _SHOULDER_MM
        return self.place(-right, up, front)

    @property
    def spheres(self) -> tuple[Float[np.ndarray, "spheres 3"], Float[np.ndarray, " spheres"]]:
        """Middles and radii of balls that are about where the body is."""
        ups, fronts, radii = self.size * np.array(_SPHERES_MM).T
        return self.neck + ups[:, None] * self.up + fronts[:, None] * self.front, radii


def find_trunk(
    elbow: Float[np.ndarray, "3"],
    forearm: Float[np.ndarray, "3"],
    hands: Float[np.ndarray, "points 3"],
    size: float,
    generator: np.random.Generator,
    tries: int = 16,
) -> Trunk | None:
    """A body whose right arm ends in that elbow, upright or nearly, that hides none of the points of hands; None if none is found.

    ``forearm`` is a unit from the wrist to the elbow.
    """
    up = _units(generator.normal((0, -1, 0), (0.22, 0.1, 0.25), (tries, 3)))
    yaw = generator.uniform(0, 2 * np.pi, tries)
    front = np.stack([np.sin(yaw), 0 * yaw, np.cos(yaw)], axis=1)
    front = _units(front - np.einsum("tc,tc->t", front, up)[:, None] * up)
    right = np.cross(front, up)  # y points down: someone who faces the camera has the right at its left
    parts = generator.normal((0.30, -0.55, 0.45), 0.45, (tries, 3))
    down_arm = _units(np.einsum("ta,atc->tc", parts, np.stack([right, up, front])))
    bends = np.degrees(np.arccos(np.clip(-down_arm @ forearm, -1, 1)))
    for i in np.flatnonzero((bends > _BENDS_DEG[0]) & (bends < _BENDS_DEG[1])):
        shoulder = elbow - UPPER_ARM_MM * size * down_arm[i]
        away = size * np.array(_SHOULDER_MM) @ np.stack([right[i], up[i], front[i]])
        trunk = Trunk(shoulder - away, right[i], up[i], front[i], size)
        if not hidden(hands, trunk).any():
            return trunk
    return None


def _units(vectors: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, "rows 3"]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def hidden(points: Float[np.ndarray, "points 3"], trunk: Trunk) -> Bool[np.ndarray, " points"]:
    """Which points a body contains or hides from the camera; all of them when the camera is inside of it."""
    middles, radii = trunk.spheres
    if (np.linalg.norm(middles, axis=1) < radii + 60).any():
        return np.ones(len(points), dtype=bool)
    length = np.linalg.norm(points, axis=1)
    along = np.clip((points @ middles.T) / (length**2)[:, None], 0, 1)
    nearest = along[..., None] * points[:, None]
    return (np.linalg.norm(nearest - middles, axis=2) < radii + 12).any(axis=1)


def body_solids(trunk: Trunk, person: VirtualPerson) -> list[Solid]:
    """Trunk in the person's upper garment, neck and head."""
    return [_garment(trunk, person), _neck(trunk, person), _head(trunk, person)]


def _garment(trunk: Trunk, person: VirtualPerson) -> Solid:
    below, widths, depths, fronts = np.array(_TRUNK_MM, dtype=np.float64).T
    stout = 0.86 + 0.36 * person.stoutness
    fine = np.linspace(below[0], below[-1], 22)
    belly = 1 + 0.25 * max(person.stoutness - 0.4, 0) * np.exp(-(((fine - 360) / 150) ** 2))
    half_width = np.interp(fine, below, widths) * (stout * 0.6 + 0.4)
    half_depth = np.interp(fine, below, depths) * stout * belly
    line = course(np.array([trunk.place(0, -b, f) for b, f in zip(fine, np.interp(fine, below, fronts), strict=True)]), trunk.right)
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    rounded = (np.abs(c) ** 2.4 + np.abs(s) ** 2.4) ** (-1 / 2.4)
    shapes = np.stack([half_width[:, None] * c * rounded, half_depth[:, None] * s * rounded], axis=-1) * trunk.size
    rings = line.rings(shapes)
    second = (person.clothes.stripe_mm > 0) & (np.floor(fine / max(1.6 * person.clothes.stripe_mm, 1)) % 2 == 1)
    colours = np.where((second | (fine > 560))[:, None], person.clothes.second, person.clothes.colour)
    colours = np.repeat(colours[:, None], _CORNERS, axis=1)
    pattern = np.stack(np.broadcast_arrays(turn * 150.0, fine[:, None]), axis=-1)
    return solid(rings.reshape(-1, 3), tube_faces(*rings.shape[:2]), colours.reshape(-1, 3), pattern.reshape(-1, 2), CLOTH)


def _neck(trunk: Trunk, person: VirtualPerson) -> Solid:
    heights = np.linspace(-20, 90, 6)
    line = course(np.array([trunk.place(0, h, 4 + 0.1 * h) for h in heights]), trunk.right)
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    radius = trunk.size * (50 + 12 * person.stoutness)
    rings = line.rings(np.broadcast_to(radius * np.stack([np.cos(turn), np.sin(turn)], axis=1), (len(heights), 20, 2)))
    pattern = np.stack(np.broadcast_arrays(turn * radius, heights[:, None]), axis=-1)
    return solid(rings.reshape(-1, 3), tube_faces(*rings.shape[:2]), person.skin.back, pattern.reshape(-1, 2), SKIN)


def _head(trunk: Trunk, person: VirtualPerson) -> Solid:
    """An egg with hair, and a face of spots and a nose."""
    rows, columns = 24, 36
    down, around = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(-np.pi, np.pi, columns, endpoint=False), indexing="ij")
    x, y, z = np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)
    jaw = 1 - 0.22 * np.clip(-y, 0, 1) ** 1.5

    def spot(at_x: float, at_y: float, wide: float, high: float) -> np.ndarray:
        return np.exp(-(((np.abs(x) - at_x) / wide) ** 2) - ((y - at_y) / high) ** 2) * (z > 0)

    nose = spot(0.0, -0.12, 0.10, 0.20)
    hollow = spot(0.36, 0.08, 0.16, 0.10)
    hair = np.clip(8 * (y - 0.52 + 0.55 * (z < 0.15) + 0.2 * np.abs(x)), 0, 1)
    places = np.stack([76 * x * jaw, 112 * y + 8 * hair * (y > 0), 96 * z * jaw + 20 * nose - 7 * hollow + 6 * hair * (z < 0)], axis=-1)
    vertices = trunk.place(0, 158, 14) + trunk.size * (places @ np.stack([trunk.right, trunk.up, trunk.front]))
    skin = person.skin.back * (1 + 0.1 * spot(0.55, -0.25, 0.25, 0.25)[..., None] * (0.6, -0.6, -0.6))
    eyes, brows, lips = spot(0.36, 0.06, 0.10, 0.035), spot(0.36, 0.22, 0.16, 0.035), spot(0.0, -0.50, 0.22, 0.05)
    skin = skin + lips[..., None] * (0.75 * person.skin.palm * (1, 0.6, 0.62) - skin)
    skin = skin + np.clip(1.3 * eyes, 0, 1)[..., None] * (0.05 - skin) + 0.8 * brows[..., None] * (person.hair - skin)
    colours = np.clip(skin + hair[..., None] * (person.hair - skin), 0.004, 0.9)
    pattern = np.stack([around * 80, down * 110], axis=-1)
    faces = tube_faces(rows, columns)
    return solid(vertices.reshape(-1, 3), faces, colours.reshape(-1, 3), pattern.reshape(-1, 2), SKIN)
