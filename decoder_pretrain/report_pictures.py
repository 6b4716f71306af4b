"""Pictures of hands for a report: all of one row from one side and at one scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from decoder_pretrain.pictures import SKIN, Picture, shaded
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES, WRIST

SIZE = 360
SCAN_GREY = (0.42, 0.43, 0.45)
LARGEST_ERROR_MM = 10.0
_DISTANCE_MM = 2500.0
_MARGIN = 1.06

ERROR_STOPS = np.array([[0.62, 0.63, 0.64], [0.85, 0.62, 0.25], [0.70, 0.10, 0.06], [0.22, 0.01, 0.05]])
"""Linear reflectance from no error to ``LARGEST_ERROR_MM``, evenly spaced: grey, amber, red, nearly black."""

_FINGER_COLOURS = {
    "thumb": (0.80, 0.18, 0.10),
    "index": (0.85, 0.50, 0.06),
    "middle": (0.18, 0.52, 0.14),
    "ring": (0.05, 0.38, 0.60),
    "pinky": (0.36, 0.14, 0.58),
}
_WRIST_COLOUR = (0.50, 0.50, 0.50)


@dataclass(frozen=True)
class Hand:
    """A surface to be drawn.

    Attributes:
        vertices: hand frame, mm.
        faces: counter-clockwise seen from outside.
        colours: linear reflectances, one for all or one a vertex.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    colours: Float[np.ndarray, "*vertices 3"] | tuple[float, float, float] = SKIN


@dataclass(frozen=True)
class Side:
    """From where a hand is looked at, fingers up.

    Attributes:
        turn_deg: about the hand's length: 0 the palm, 180 the back, 90 the thumb's side.
        tilt_deg: towards the fingertips.
    """

    turn_deg: float
    tilt_deg: float = 0.0


PALM, BACK, OBLIQUE = Side(12.0, 8.0), Side(192.0, 8.0), Side(48.0, 14.0)


def in_hand_frame(points: Float[np.ndarray, "points 3"], joints: Float[np.ndarray, "joints 3"]) -> Float[np.ndarray, "points 3"]:
    """Points in the frame of a hand whose joints are known in theirs: by the wrist and the fingers' roots."""
    roots = {finger: joints[JOINT_NAMES.index(f"{finger}1")] for finger in FINGERS[1:]}
    x = _unit(np.mean(list(roots.values()), axis=0) - joints[WRIST])
    across = roots["index"] - roots["pinky"]
    z = _unit(across - (across @ x) * x)
    return (points - joints[WRIST]) @ np.stack([x, np.cross(z, x), z]).T


def draw_row(hands: Sequence[Hand], side: Side, size: int = SIZE) -> list[Picture]:
    """Each hand from the same side, at the same place and scale; ``size`` pixels high and as wide as they need."""
    R = _camera(side)
    turned = [hand.vertices @ R.T for hand in hands]
    low = np.min([points.min(axis=0) for points in turned], axis=0)
    high = np.max([points.max(axis=0) for points in turned], axis=0)
    width, height = (high - low)[:2]
    extent = _MARGIN * max(width, height)
    focal = size * _DISTANCE_MM / extent
    K = np.array([[focal, 0, (size - 1) / 2], [0, focal, (size - 1) / 2], [0, 0, 1.0]])
    border = int(size * (1 - _MARGIN * width / extent) / 2)
    pictures = []
    for hand, points in zip(hands, turned, strict=True):
        placed = points - (low + high) / 2 + (0, 0, _DISTANCE_MM)
        colours = np.broadcast_to(np.asarray(hand.colours, dtype=np.float64), placed.shape).copy()
        pictures.append(shaded(placed, hand.faces.astype(np.int64), K, size, colours)[:, border : size - border])
    return pictures


def error_colours(errors_mm: Float[np.ndarray, " vertices"]) -> Float[np.ndarray, "vertices 3"]:
    """Linear reflectances of distances between 0 and ``LARGEST_ERROR_MM``."""
    return blended(errors_mm / LARGEST_ERROR_MM, ERROR_STOPS)


def blended(shares: Float[np.ndarray, " points"], stops: Float[np.ndarray, "stops 3"]) -> Float[np.ndarray, "points 3"]:
    """Colours between evenly spaced stops: the first at 0, the last at 1 and beyond."""
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(shares, places, stops[:, channel]) for channel in range(3)], axis=1)


def weight_colours(weights: Float[np.ndarray, "vertices joints"]) -> Float[np.ndarray, "vertices 3"]:
    """Every joint has a colour, a finger's all of one hue, neighbours light and dark; a vertex mixes those of the joints that move it."""
    return weights @ _joint_colours()


def _joint_colours() -> Float[np.ndarray, "joints 3"]:
    colours = np.tile(np.array(_WRIST_COLOUR), (JOINT_COUNT, 1))
    for joint, name in enumerate(JOINT_NAMES):
        for finger, hue in _FINGER_COLOURS.items():
            if name.startswith(finger):
                pale = {"0": 0.75, "1": 0.0, "2": 0.6}.get(name[-1], 0.15)
                colours[joint] = (1 - pale) * np.array(hue) + pale * 0.9
    return colours


def _camera(side: Side) -> Float[np.ndarray, "3 3"]:
    """From the hand frame to a camera that sees the fingers up."""
    turn, tilt = np.radians(side.turn_deg), np.radians(side.tilt_deg)
    forward = -np.array([0.0, np.cos(turn), np.sin(turn)])
    forward = np.cos(tilt) * forward - np.sin(tilt) * np.array([1.0, 0, 0])
    down = np.array([-1.0, 0, 0])
    down = _unit(down - (down @ forward) * forward)
    return np.stack([np.cross(down, forward), down, forward])


def _unit(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    return vector / np.linalg.norm(vector)
