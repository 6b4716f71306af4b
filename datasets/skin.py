"""Procedural skin: colour and relief at any point of a hand at rest. No photograph of anybody went into it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from estimator.hand.template import FINGERS, FINGERTIPS, JOINT_NAMES

Points = Float[np.ndarray, "points 3"]
Values = Float[np.ndarray, " points"]
Rgb = tuple[float, float, float]

_BENDING = tuple(JOINT_NAMES.index(name) for name in ("thumb2", "thumb3", *(f"{finger}{i}" for finger in FINGERS[1:] for i in (2, 3))))
_NAIL_HALF_WIDTH_MM = dict(zip(FINGERS, (6.4, 5.1, 5.2, 4.9, 4.0), strict=True))
_NAIL_LENGTH = 2.3
"""In half widths."""

_NAIL_END_MM = 2.4
"""Of the free edge beyond the fingertip's joint."""

_ROOTS = tuple(JOINT_NAMES.index(f"{finger}1") for finger in FINGERS[1:])


@dataclass(frozen=True)
class Complexion:
    """Linear reflectances, and what multiplies them.

    Attributes:
        back: of the back of the hand.
        palm: of the palm.
        blood: factor where blood is near the surface: knuckles and fingertips.
        vein: factor over a vein.
        mottle: strength of irregular patches.
        nail: of the nail plate over its bed.
        lunula: of the pale moon at the nail's root.
        nail_edge: of the free edge.
    """

    back: Rgb = (0.53, 0.325, 0.225)
    palm: Rgb = (0.62, 0.39, 0.30)
    blood: Rgb = (0.97, 0.74, 0.70)
    vein: Rgb = (0.86, 0.95, 1.0)
    mottle: float = 0.07
    nail: Rgb = (0.60, 0.355, 0.285)
    lunula: Rgb = (0.64, 0.44, 0.37)
    nail_edge: Rgb = (0.68, 0.56, 0.46)


@dataclass(frozen=True)
class SkinPoints:
    """Where on a hand at rest to look.

    Attributes:
        positions: in the hand frame, mm.
        normals: units.
        joint_rotations: frames at rest, joint to hand; x along the bone, y out of the palm, z the flexion axis.
        joint_positions: centres at rest, mm.
    """

    positions: Points
    normals: Points
    joint_rotations: Float[np.ndarray, "joints 3 3"]
    joint_positions: Float[np.ndarray, "joints 3"]

    def beside(self, joint: int) -> Points:
        """Positions in a joint's frame."""
        return (self.positions - self.joint_positions[joint]) @ self.joint_rotations[joint]

    def palmar(self) -> Values:
        """1 on the palm's side, 0 on the back, soft between."""
        return _rise(self.normals[:, 1], -0.1, 0.6)


@dataclass(frozen=True)
class Nails:
    """The nails at each point.

    Attributes:
        plate: 1 on a nail, 0 beside it.
        rim: 1 in the groove around a nail.
        moon: 1 on the lunula.
        edge: 1 on the free edge.
    """

    plate: Values
    rim: Values
    moon: Values
    edge: Values


def nails(points: SkinPoints) -> Nails:
    """Plates on the backs of the fingertips: rounded at the root, broader than long."""
    plate, rim, moon, edge = np.zeros((4, len(points.positions)))
    for finger, tip in zip(FINGERS, FINGERTIPS, strict=True):
        half = _NAIL_HALF_WIDTH_MM[finger]
        length = _NAIL_LENGTH * half
        x, _, z = points.beside(tip).T
        on_back = _rise(-points.normals @ points.joint_rotations[tip][:, 1], 0.05, 0.25) * (np.abs(x) < 2 * length) * (np.abs(z) < 2 * half)
        along = (x - _NAIL_END_MM + length / 2) / (length / 2)
        away = (np.abs(along) ** 2.6 + np.abs(z / half) ** 2.6) ** (1 / 2.6)
        inside = on_back * (1 - _rise(away, 0.95, 1.01))
        plate = np.maximum(plate, inside)
        rim = np.maximum(rim, on_back * np.exp(-(((away - 1.02) / 0.06) ** 2)) * _rise(-along, -0.9, -0.4))
        moon = np.maximum(moon, inside * (1 - _rise(np.hypot(along + 0.98, 0.75 * z / half), 0.30, 0.42)))
        edge = np.maximum(edge, inside * _rise(along - 0.10 * (1 - (z / half) ** 2), 0.80, 0.87))
    return Nails(plate, rim, moon, edge)


def skin_colour(points: SkinPoints, complexion: Complexion = Complexion()) -> Points:
    """Linear reflectance."""
    palm = points.palmar()
    patches = 0.6 * noise(points.positions, 9.0, 1) + 0.4 * noise(points.positions, 3.5, 2)
    blood = np.clip(blood_share(points) + 0.18 * patches + 0.25 * palm * (noise(points.positions, 6.0, 3) > 0.2), 0, 1)
    colour = _mixed(np.tile(complexion.back, (len(palm), 1)), complexion.palm, palm)
    colour *= _mixed(np.ones_like(colour), complexion.blood, blood)
    colour *= _mixed(np.ones_like(colour), complexion.vein, 0.8 * _veins(points))
    colour *= (1 + complexion.mottle * (patches + 0.5 * noise(points.positions, 1.2, 4)))[:, None]
    nail = nails(points)
    colour *= _mixed(np.ones_like(colour), complexion.blood, 0.8 * nail.rim)
    colour = _mixed(colour, complexion.nail, nail.plate)
    return _mixed(_mixed(colour, complexion.lunula, 0.7 * nail.moon), complexion.nail_edge, nail.edge)


def skin_relief(points: SkinPoints) -> Values:
    """Height over the smooth surface, mm: pores and fine lines, folds at the joints, veins, the rims of the nails."""
    along = points.positions * (0.8, 1.0, 1.25)
    fine = 0.030 * noise(along, 0.9, 5) + 0.022 * noise(along, 0.5, 6) + 0.040 * noise(along, 2.2, 7)
    nail = nails(points)
    return (1 - nail.plate) * (fine + _folds(points) + 0.22 * _veins(points)) - 0.22 * nail.rim


def noise(points: Points, scale_mm: float, seed: int) -> Values:
    """Smooth random numbers in [-1, 1] that vary over about ``scale_mm``; always the same at a point."""
    lattice = np.floor(points / scale_mm)
    share = points / scale_mm - lattice
    share = share**3 * (share * (6 * share - 15) + 10)
    corner = lattice.astype(np.int64)
    total = np.zeros(len(points))
    for offset in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(offset, dtype=bool), share, 1 - share), axis=1)
        total += weight * _hash(corner + offset, seed)
    return total


def _hash(cells: np.ndarray, seed: int) -> np.ndarray:
    """A number in [-1, 1] for each lattice cell: products with large odd numbers, then shifts that mix their bits."""
    factors = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
    mixed = (cells.astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64) + np.uint64(seed * 0xD6E8FEB86659FD93 % 2**64)
    for shift in (31, 27, 33):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2**52 - 1


def blood_share(points: SkinPoints) -> Values:
    """Redness of knuckles and fingertips."""
    total = np.zeros(len(points.positions))
    for joints, radius_mm, strength in ((_BENDING, 7.0, 0.5), (_ROOTS, 11.0, 0.4), (FINGERTIPS, 13.0, 0.75)):
        for joint in joints:
            total = np.maximum(total, strength * np.exp(-((np.linalg.norm(points.beside(joint), axis=1) / (1.6 * radius_mm)) ** 4)))
    return total


def _folds(points: SkinPoints) -> Values:
    """Wrinkles across the back of bending joints, single creases on their palm side."""
    height = np.zeros(len(points.positions))
    palm = points.palmar()
    for joint in _BENDING:
        x, y, z = points.beside(joint).T
        close = np.exp(-((np.hypot(y, z) / 15.0) ** 8))
        # folds bow around the knuckle, and no two are alike
        bent = np.abs(x) - 0.035 * z**2 + 1.5 * noise(points.positions, 3.4, 8 + joint)
        back = (
            0.10 * np.sin(2 * np.pi * bent / 2.2) * np.exp(-((x / 5.0) ** 2)) * (1 - palm) * (0.6 + 0.4 * noise(points.positions, 4.0, 60))
        )
        crease = sum(np.exp(-(((x + shift + 0.8 * noise(points.positions, 5.0, 40 + joint)) / 0.55) ** 2)) for shift in (-1.2, 1.4))
        height += close * (back - 0.28 * crease * palm)
    return height


def _veins(points: SkinPoints) -> Values:
    """Thin branching ridges on the back of the hand, 0 to 1."""
    x = points.positions[:, 0]
    course = noise(points.positions * (0.5, 1.0, 1.0) + 3.0 * noise(points.positions, 16.0, 9)[:, None], 24.0, 12)
    ridge = np.exp(-((course / 0.13) ** 2)) * _rise(noise(points.positions, 22.0, 13), -0.5, 0.4)
    return ridge * (1 - points.palmar()) * _rise(x, -30.0, 10.0) * (1 - _rise(x, 60.0, 85.0))


def _mixed(colours: Points, other: Rgb, share: Values) -> Points:
    """``colours`` with a share of another colour."""
    return colours + share[:, None] * (np.array(other) - colours)


def _rise(values: Values, low: float, high: float) -> Values:
    """0 below ``low``, 1 above ``high``, smooth between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)
