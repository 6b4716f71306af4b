"""Things before a hand or in it: boxes, bottles, balls, pens, phones, cards, mugs; and bands about the wrist."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datasets.virtual_rhd.solids import HARD, Solid, course, solid, tube_faces

_CORNERS = 28


@dataclass(frozen=True)
class Pose:
    """Where a thing is, camera frame, mm.

    Attributes:
        middle: its place.
        axis: a unit along it.
        across: a unit about at right angles to it.
    """

    middle: Float[np.ndarray, "3"]
    axis: Float[np.ndarray, "3"]
    across: Float[np.ndarray, "3"]


def random_colour(generator: np.random.Generator) -> Float[np.ndarray, "3"]:
    """Linear reflectance of wood, plastic, metal or paper: grey or of any hue."""
    hue = generator.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2])
    vivid = generator.beta(1.2, 2.0)
    level = np.exp(generator.uniform(np.log(0.03), np.log(0.75)))
    return np.clip(level * (1 + vivid * np.cos(hue)), 0.01, 0.9)


def held_thing(pose: Pose, radius_mm: float, generator: np.random.Generator) -> Solid:
    """Something round and long, to be held in a fist: a bottle, a handle, a stick."""
    half = float(generator.uniform(55, 120))
    share = np.linspace(-1, 1, 20)
    profile = np.where(generator.random() < 0.5, 1.0, 1 - 0.45 * np.clip((share - 0.4) / 0.3, 0, 1))
    return _turned(pose, half * share, radius_mm * profile * np.ones(20), generator)


def thing_before(pose: Pose, generator: np.random.Generator) -> Solid:
    """Something that stands before a hand: a ball, a can, a rod, or a box of any proportions."""
    kind = generator.choice(["ball", "can", "rod", "box", "card"], p=[0.15, 0.2, 0.25, 0.2, 0.2])
    if kind == "ball":
        angle, radius = np.linspace(0, np.pi, 18), generator.uniform(14, 45)
        return _turned(pose, -radius * np.cos(angle), radius * np.sin(angle), generator)
    if kind in ("can", "rod"):
        half, radius = (
            (generator.uniform(35, 90), generator.uniform(15, 38))
            if kind == "can"
            else (generator.uniform(80, 260), generator.uniform(3, 10))
        )
        return _turned(pose, np.linspace(-half, half, 10), np.full(10, radius), generator)
    thick = generator.uniform(0.4, 4) if kind == "card" else generator.uniform(10, 40)
    return _box(pose, np.array([generator.uniform(30, 90), generator.uniform(18, 60), thick]), generator)


def _turned(pose: Pose, along: np.ndarray, radii: np.ndarray, generator: np.random.Generator) -> Solid:
    """A thing turned on a lathe, with closed ends and a few bands of another colour."""
    along = np.concatenate([along[:1], along, along[-1:]])
    radii = np.concatenate([[0.0], radii, [0.0]])
    line = course(pose.middle + np.linspace(along[0], along[-1], len(along))[:, None] * pose.axis, pose.across)
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    rings = (
        pose.middle
        + along[:, None, None] * pose.axis
        + radii[:, None, None] * (ring[None, :, :1] * line.across[:, None] + ring[None, :, 1:] * line.third[:, None])
    )
    first, second = random_colour(generator), random_colour(generator)
    banded = np.sin(along / generator.uniform(8, 40) + generator.uniform(0, 6)) > generator.uniform(0.2, 1.4)
    colours = np.repeat(np.where(banded[:, None], second, first)[:, None], _CORNERS, axis=1)
    pattern = np.stack(np.broadcast_arrays(turn * radii.max(), along[:, None]), axis=-1)
    return solid(rings.reshape(-1, 3), tube_faces(*rings.shape[:2]), colours.reshape(-1, 3), pattern.reshape(-1, 2), HARD)


def _box(pose: Pose, halves: np.ndarray, generator: np.random.Generator) -> Solid:
    """A box; its sides share no corners, so that its edges are sharp."""
    across = pose.across - (pose.across @ pose.axis) * pose.axis
    across /= np.linalg.norm(across)
    frame = np.stack([pose.axis, across, np.cross(pose.axis, across)])
    first, second = random_colour(generator), random_colour(generator)
    vertices, faces, colours, pattern = [], [], [], []
    grid = np.linspace(-1, 1, 5)
    for axis in range(3):
        for sign in (-1.0, 1.0):
            u, v = np.meshgrid(grid, grid, indexing="ij")
            local = np.zeros((25, 3))
            local[:, axis], local[:, (axis + 1) % 3], local[:, (axis + 2) % 3] = sign, u.ravel(), v.ravel()
            start = 25 * len(vertices)
            rows = np.arange(25).reshape(5, 5)
            a, b, c, d = rows[:-1, :-1].ravel(), rows[1:, :-1].ravel(), rows[1:, 1:].ravel(), rows[:-1, 1:].ravel()
            corners = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
            faces.append(start + (corners if sign > 0 else corners[:, ::-1]))
            vertices.append(pose.middle + (local * halves) @ frame)
            inner = (np.abs(u.ravel()) < 0.6) & (np.abs(v.ravel()) < 0.6)
            colours.append(np.where(inner[:, None], second, first))
            pattern.append(np.stack([60 * u.ravel(), 60 * v.ravel()], axis=1))
    return solid(np.concatenate(vertices), np.concatenate(faces), np.concatenate(colours), np.concatenate(pattern), HARD)


def wrist_band(rings: Float[np.ndarray, "rings corners 3"], generator: np.random.Generator) -> Solid:
    """A watch's strap or a bracelet around an arm, given some neighbouring rings of its skin."""
    middles = rings.mean(axis=1, keepdims=True)
    out = rings - middles
    thick = generator.uniform(1.2, 3.5)
    lifted = middles + out * (1 + thick / np.linalg.norm(out, axis=-1, keepdims=True))
    closed = np.concatenate([rings[:1], lifted, rings[-1:]])
    colour = random_colour(generator)
    pattern = np.zeros((*closed.shape[:2], 2))
    pattern[..., 0] = np.arange(closed.shape[0])[:, None] * 3
    return solid(closed.reshape(-1, 3), tube_faces(*closed.shape[:2]), colour, pattern.reshape(-1, 2), HARD)
