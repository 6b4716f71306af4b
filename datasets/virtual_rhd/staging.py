"""Staging: where hands, arms and the camera are."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from datasets.virtual_rhd.scene import normalised
from datasets.virtual_rhd.types import SIDE_PX

_END_ON = 0.75
"""Cosine of the angle between hand and line of sight from which on views are drawn less often."""

_EDGE_ON = 0.4
"""Cosine of the angle between the palm's normal and the line of sight up to which views are drawn less often."""

_MARGIN_PX = 14.0
"""Around the joints of a hand that is whole in the picture."""


@dataclass(frozen=True)
class View:
    """How a right hand is held before the camera.

    Attributes:
        rotation: from the hand frame to the camera's.
        wrist: its place, camera frame, mm.
        turn: of the forearm against the hand, a rotation vector in the hand frame, radians.
    """

    rotation: Float[np.ndarray, "3 3"]
    wrist: Float[np.ndarray, "3"]
    turn: Float[np.ndarray, "3"]

    @property
    def forearm(self) -> Float[np.ndarray, "3"]:
        """A unit from the wrist to the elbow, camera frame."""
        return self.rotation @ (cv2.Rodrigues(self.turn)[0] @ np.array([-1.0, 0.0, 0.0]))


def random_camera(generator: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """Intrinsics of a phone's, laptop's or film camera, cut to a square."""
    focal = SIDE_PX * float(np.exp(generator.uniform(np.log(0.8), np.log(1.7))))
    centre = (SIDE_PX - 1) / 2 + generator.normal(0, 6, 2)
    return np.array([[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]])


def random_view(
    K: Float[np.ndarray, "3 3"],
    joints: Float[np.ndarray, "joints 3"],
    size: float,
    generator: np.random.Generator,
) -> View:
    """A right hand turned any way, 85 to 330 pixels long were it flat, its forearm not straight at the camera.

    Three times of four the arm comes from below, as people are; four times of five the whole hand is in the picture where it fits.

    Args:
        K: intrinsic matrix.
        joints: of the hand, in the hand frame, mm.
        size: of the hand over the template's.
        generator: of all chance.
    """
    turn = random_wrist(generator)
    while True:
        R = _upright(random_rotation(generator), turn, generator)
        if abs(R[2, 0]) > _END_ON and generator.random() < 0.6:
            continue  # fingers straight at the camera or away from it show little
        if abs(R[2, 1]) < _EDGE_ON and generator.random() < 0.4:
            continue  # nor is a hand often seen from its edge
        length_px = np.exp(generator.uniform(np.log(85), np.log(330)))
        depth = max(size * 186 * K[0, 0] / length_px, 170.0 * size)
        turned = joints @ R.T
        middle = (turned.min(axis=0) + turned.max(axis=0)) / 2
        half_px = np.ptp(turned[:, :2], axis=0) / 2 * K[0, 0] / depth + _MARGIN_PX
        low, high = half_px, SIDE_PX - half_px
        if generator.random() < 0.2 or (low > high).any():
            low, high = np.full(2, 0.02 * SIDE_PX), np.full(2, 0.98 * SIDE_PX)
        place = np.array([*generator.uniform(low, high), 1.0])
        wrist = np.linalg.solve(K, place) * depth - middle
        view = View(R, wrist, turn)
        elbow = wrist + 240 * size * view.forearm
        inside = elbow[2] > 90 or elbow[2] < -40 or abs(elbow[0]) + abs(elbow[1]) > 2.2 * abs(elbow[2])
        if wrist[2] > 110 and inside and view.forearm[2] > -0.93:
            return view


def view_near(
    K: Float[np.ndarray, "3 3"],
    joints: Float[np.ndarray, "joints 3"],
    obstacles: Float[np.ndarray, "points 3"],
    size: float,
    generator: np.random.Generator,
    tries: int = 20,
) -> View | None:
    """A right hand beside another that it does not touch, at least half of it in the picture; None where no place was found.

    Args:
        K: intrinsic matrix.
        joints: of the hand, in the hand frame, mm.
        obstacles: the other hand's joints, camera frame, mm.
        size: of the hands over the template's.
        generator: of all chance.
        tries: until it gives up.
    """
    middle = obstacles.mean(axis=0)
    for _ in range(tries):
        turn = random_wrist(generator)
        R = _upright(random_rotation(generator), turn, generator)
        wanted = middle + size * generator.normal(0, (120, 75, 60))
        wrist = wanted - R @ joints.mean(axis=0)
        view, placed = View(R, wrist, turn), joints @ R.T + wrist
        arm = wrist + np.linspace(20, 240, 8)[:, None] * size * view.forearm
        if placed[:, 2].min() < 150 * size or arm[:, 2].min() < 60 or view.forearm[2] < -0.9:
            continue
        pixels = placed @ K.T
        pixels = pixels[:, :2] / pixels[:, 2:]
        if ((pixels > 0) & (pixels < SIDE_PX)).all(axis=1).mean() < 0.5:
            continue
        apart = np.linalg.norm(np.concatenate([placed, arm])[:, None] - obstacles, axis=2).min()
        # arms that lead straight through the other hand would cross it, too
        if apart > 30 * size:
            return view
    return None


def random_wrist(generator: np.random.Generator) -> Float[np.ndarray, "3"]:
    """How the forearm is turned against the hand: bent up to 60 degrees, less to the sides."""
    bend, aside = np.clip(generator.normal(0, (24, 9)), (-60, -25), (60, 25))
    return np.radians([0.0, aside, bend])


def random_rotation(generator: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """Any rotation, all alike probable."""
    w, x, y, z = normalised(generator.normal(size=4))
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _upright(R: np.ndarray, turn: np.ndarray, generator: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """The rotation turned about the camera's axis: the forearm mostly comes from below."""
    if generator.random() > 0.75:
        return R
    forearm = R @ (cv2.Rodrigues(turn)[0] @ np.array([-1.0, 0.0, 0.0]))
    wanted = np.pi / 2 + generator.normal(0, np.radians(42))
    angle = wanted - np.arctan2(forearm[1], forearm[0])
    return cv2.Rodrigues(np.array([0.0, 0.0, angle]))[0] @ R
