"""Canvas: where to draw relief, and with which strokes: on MakeHuman's default hand at theta = 0, whoever's hand it is drawn for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from datasets.makehuman.skeleton import finger_joints
from datasets.skin import SkinPoints, noise
from estimator.hand.template import FINGERS, JOINT_NAMES

Values = Float[np.ndarray, " points"]
Number = float | int
Stroke = Sequence[tuple[Number, Number]]
"""Corners of a line in the palm's plane: x towards the fingers, z towards the thumb, mm."""


@dataclass(frozen=True)
class Canvas:
    """The skin to draw on.

    Attributes:
        points: skin of MakeHuman's default hand.
        seed: of what differs between people.
    """

    points: SkinPoints
    seed: int

    @property
    def blank(self) -> Values:
        """Nothing drawn."""
        return np.zeros(len(self.points.positions))

    def beside(self, joint: str) -> tuple[Values, Values, Values]:
        """Coordinates in a joint's frame, mm: along the bone, out of the palm, to the thumb's side."""
        x, y, z = self.points.beside(JOINT_NAMES.index(joint)).T
        return x, y, z

    def facing(self, joint: str) -> Values:
        """1 where the skin looks to the palm of the joint's bone, -1 on its back, the cosine between."""
        return self.points.normals @ self.points.joint_rotations[JOINT_NAMES.index(joint)][:, 1]

    def palm(self, joint: str) -> Values:
        """1 on the palm's side of a joint's bone, 0 on the back, soft between."""
        return rise(self.facing(joint), -0.1, 0.55)

    def back(self, joint: str) -> Values:
        """1 on the back of a joint's bone, 0 on the palm's side, soft between."""
        return rise(-self.facing(joint), -0.1, 0.55)

    def only(self, finger: str) -> Values:
        """1 on the skin nearest to the finger's bones beyond its first joint, 0 on other fingers."""
        distances = [self._distance(other) for other in FINGERS]
        own = distances[FINGERS.index(finger)]
        others = np.min([d for other, d in zip(FINGERS, distances, strict=True) if other != finger], axis=0)
        return rise(others - own, -0.5, 2.0)

    def _distance(self, finger: str) -> Values:
        chain = finger_joints(finger)[-4:]
        places = self.points.joint_positions[chain]
        return np.min([to_segment(self.points.positions, a, b) for a, b in pairwise(places)], axis=0)

    def noise(self, scale_mm: Number, layer: int) -> Values:
        """Smooth random numbers, of this person's own."""
        return noise(self.points.positions, scale_mm, self.seed + layer)

    def spot(self, x: Number, z: Number, along: Number, across: Number) -> Values:
        """A round hill in the palm's plane, one in its middle; on both sides of the hand."""
        px, _, pz = self.points.positions.T
        return np.exp(-(((px - x) / along) ** 2) - ((pz - z) / across) ** 2)

    def line(self, stroke: Stroke, width_mm: Number, wobble_mm: Number = 0.0, taper_mm: Number = 6.0, layer: int = 70) -> Values:
        """A ridge of height one along a stroke in the palm's plane, on both sides of the hand, thinner towards its ends."""
        px, _, pz = self.points.positions.T
        shift = wobble_mm * np.stack([self.noise(13.0, layer), self.noise(13.0, layer + 1)], axis=1) if wobble_mm else 0.0
        flat = np.stack([px, pz], axis=1) + shift
        corners = np.array(stroke)
        lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        nearest, place, passed = np.full(len(flat), np.inf), np.zeros(len(flat)), 0.0
        for start, end, length in zip(corners[:-1], corners[1:], lengths, strict=True):
            share = np.clip((flat - start) @ (end - start) / length**2, 0, 1)
            distance = np.linalg.norm(flat - start - share[:, None] * (end - start), axis=1)
            place = np.where(distance < nearest, passed + share * length, place)
            nearest = np.minimum(nearest, distance)
            passed += length
        faded = rise(place, 0, taper_mm) * (1 - rise(place, passed - taper_mm, passed)) if taper_mm else 1.0
        return np.exp(-((nearest / width_mm) ** 2)) * faded


def smooth_stroke(corners: Stroke, rounds: int = 3) -> Stroke:
    """A stroke with its corners cut (Chaikin), ends kept."""
    points = np.array(corners, dtype=float)
    for _ in range(rounds):
        a, b = points[:-1], points[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut, points[-1:]])
    return [(float(x), float(z)) for x, z in points]


def to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> Values:
    """Distance from every point to a segment."""
    share = np.clip((points - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)
    return np.linalg.norm(points - start - share[:, None] * (end - start), axis=1)


def bump(values: Values, centre: float | int, width: float | int) -> Values:
    """A hill of height one."""
    return np.exp(-(((values - centre) / width) ** 2))


def rise(values: Values, low: float | int, high: float | int) -> Values:
    """0 below ``low``, 1 above ``high``, smooth between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)
