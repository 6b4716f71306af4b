"""The cameras of the virtual studio: 80 of them about a metre from the hand, before, beside and above it."""

import numpy as np
from jaxtyping import Float

from datasets.capture_studio_files import CALIBRATED_HEIGHT, CALIBRATED_WIDTH, StudioCamera
from datasets.capture_studio_index import COLOUR_PREFIX

CAMERA_COUNT = 80
"""The paper's (section 8.1)."""

_DISTANCE_MM = 1000.0
_FOCAL_PX = 1000.0
"""So that 33 cm fit into the width of a picture a metre away: a hand in any pose, also where a motion takes it aside."""

_POLE = np.array([0.0, np.sqrt(0.5), np.sqrt(0.5)])
"""Middle of the cameras' half of the sphere, between straight ahead (+z) and straight above (+y)."""

_SEED = 40


def studio_cameras(count: int = CAMERA_COUNT) -> tuple[StudioCamera, ...]:
    """Cameras spread evenly over half a sphere around the world's origin, always the same ones; all see colour.

    They look at the origin, as nearly as people mount cameras, through lenses without distortion.
    """
    generator = np.random.default_rng(_SEED)
    return tuple(_mounted(f"{COLOUR_PREFIX}{i:04d}", direction, generator) for i, direction in enumerate(_half_sphere(count), start=1))


def look_at(position: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], roll: float = 0.0) -> Float[np.ndarray, "3 3"]:
    """Rotation from the world to a camera that looks at ``target``: the world's y points up in the picture, but for ``roll`` (radians)."""
    forward = (target - position) / np.linalg.norm(target - position)
    up = np.array([0.0, 1.0, 0.0]) if abs(forward[1]) < 1 - 1e-6 else np.array([0.0, 0.0, -1.0])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    upright = np.stack([right, np.cross(forward, right), forward])
    c, s = np.cos(roll), np.sin(roll)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ upright


def _half_sphere(count: int) -> Float[np.ndarray, "count 3"]:
    """Unit vectors along a Fibonacci spiral, each for the same share of the half sphere around the pole."""
    index = np.arange(count) + 0.5
    height, turn = 1 - index / count, np.pi * (3 - np.sqrt(5)) * index
    ring = np.sqrt(1 - height**2)
    right = np.array([1.0, 0.0, 0.0])
    return (ring * np.cos(turn))[:, None] * right + (ring * np.sin(turn))[:, None] * np.cross(_POLE, right) + height[:, None] * _POLE


def _mounted(name: str, direction: Float[np.ndarray, "3"], generator: np.random.Generator) -> StudioCamera:
    position = _DISTANCE_MM * generator.uniform(0.96, 1.04) * direction
    R = look_at(position, generator.normal(0, 4.0, 3), generator.normal(0, np.radians(3)))
    focal = _FOCAL_PX * generator.uniform(0.98, 1.02)
    centre = np.array([CALIBRATED_WIDTH - 1, CALIBRATED_HEIGHT - 1]) / 2 + generator.normal(0, 3.0, 2)
    K = np.array([[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]])
    return StudioCamera(name, K, np.zeros(5), R, -R @ position)
