"""The skeleton: joint frames of the artist's pose, of theta = 0, and the anatomical limits."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from datasets.makehuman.geometry import orthogonal_part, unit
from estimator.hand.template import DEGREES_OF_FREEDOM, FINGERS, JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, WRIST

SPREAD_DEG = {"thumb": 43.0, "index": 5.0, "middle": 0.0, "ring": -5.0, "pinky": -11.0}
"""Direction of each straight finger at theta = 0, from the hand's x towards the thumb's side, in the palm's plane."""

RISE_DEG = {"thumb": 7.0, "index": 0.0, "middle": 0.0, "ring": 0.0, "pinky": 0.0}
"""How far each finger points out of the palm's plane."""

ROLL_DEG = {"thumb": 58.0, "index": 4.0, "middle": 0.0, "ring": -4.0, "pinky": -9.0}
"""Turn of each flexion axis about the finger: the knuckles' arch, and the thumb that faces the fingers."""

LIMITS_DEG = {
    "thumb0": ((-25, 25), (-30, 20), (-20, 30)),
    "thumb1": ((-40, 40), (-40, 35), (-30, 45)),
    "thumb2": ((0, 0), (0, 0), (-20, 75)),
    "thumb3": ((0, 0), (0, 0), (-40, 90)),
    "root": ((-10, 10), (-20, 20), (-20, 90)),
    "middle": ((0, 0), (0, 0), (0, 110)),
    "last": ((0, 0), (0, 0), (-5, 80)),
}
"""Smallest and largest x (twist), y (abduction, positive to the pinky's side) and z (flexion)."""


@dataclass(frozen=True)
class JointPose:
    """Every joint's place and turn in the hand frame.

    Attributes:
        rotations: columns are the joint's x (along the bone), y (palmar) and z (flexion axis).
        positions: mm.
    """

    rotations: Float[np.ndarray, "joints 3 3"]
    positions: Float[np.ndarray, "joints 3"]


def finger_joints(finger: str) -> list[int]:
    """The finger's joints from its first to its tip; the thumb's begin with thumb0."""
    first = ("0",) if finger == "thumb" else ()
    return [JOINT_NAMES.index(finger + part) for part in (*first, "1", "2", "3", "_null")]


def artist_pose(joints: Float[np.ndarray, "joints 3"], skin: Float[np.ndarray, "points 3"]) -> JointPose:
    """Frames of the artist's hand; flexion axes stand on the mirror plane of each fingertip, which nail and pad share."""
    rotations = np.tile(np.eye(3), (JOINT_COUNT, 1, 1))
    for finger in FINGERS:
        chain = finger_joints(finger)
        axis = _flexion_axis(skin, joints[chain[-2]], joints[chain[-1]], thumb=finger == "thumb")
        directions = unit(np.diff(joints[chain], axis=0))
        for joint, x in zip(chain, [*directions, directions[-1]], strict=True):
            rotations[joint] = _frame(x, axis)
    return JointPose(rotations, joints)


def flat_pose(artist: JointPose) -> JointPose:
    """Frames of theta = 0: the same bones, straight fingers in the palm's plane, the thumb beside them."""
    rotations, positions = np.tile(np.eye(3), (JOINT_COUNT, 1, 1)), artist.positions.copy()
    for finger in FINGERS:
        chain = finger_joints(finger)
        spread, rise, roll = np.radians([SPREAD_DEG[finger], RISE_DEG[finger], ROLL_DEG[finger]])
        x = np.array([np.cos(spread) * np.cos(rise), np.sin(rise), np.sin(spread) * np.cos(rise)])
        level = orthogonal_part(np.array([-np.sin(spread), 0.0, np.cos(spread)]), x)
        axis = np.cos(roll) * level + np.sin(roll) * np.cross(level, x)
        for joint in chain:
            rotations[joint] = _frame(x, axis)
        straight = chain[1:] if finger == "thumb" else chain
        for parent, child in pairwise(straight):
            positions[child] = positions[parent] + x * np.linalg.norm(artist.positions[child] - artist.positions[parent])
    thumb0, thumb1 = (JOINT_NAMES.index(name) for name in ("thumb0", "thumb1"))
    rotations[thumb0] = _frame(unit(positions[thumb1] - positions[thumb0]), rotations[thumb1][:, 2])
    return JointPose(rotations, positions)


def local_frames(pose: JointPose) -> tuple[Float[np.ndarray, "joints 3 3"], Float[np.ndarray, "joints 3"]]:
    """Rotation of each joint in its parent's frame and its offset there, mm: the template's rest rotations and joint offsets."""
    rotations, offsets = pose.rotations.copy(), pose.positions.copy()
    for joint, name in enumerate(JOINT_NAMES):
        if joint != WRIST:
            parent = JOINT_NAMES.index(PARENT_NAMES[name])
            rotations[joint] = pose.rotations[parent].T @ pose.rotations[joint]
            offsets[joint] = pose.rotations[parent].T @ (pose.positions[joint] - pose.positions[parent])
    return rotations, offsets


def pose_limits() -> tuple[Float[np.ndarray, " pose"], Float[np.ndarray, " pose"]]:
    """Smallest and largest anatomical value of each degree of freedom, radians."""
    kinds = {"1": "root", "2": "middle", "3": "last"}
    names = [JOINT_NAMES[joint] for joint, _ in DEGREES_OF_FREEDOM]
    keys = [name if name.startswith("thumb") else kinds[name[-1]] for name in names]
    limits = np.radians([LIMITS_DEG[key][axis] for key, (_, axis) in zip(keys, DEGREES_OF_FREEDOM, strict=True)])
    return limits[:, 0], limits[:, 1]


def _frame(x: np.ndarray, flexion_axis: np.ndarray) -> np.ndarray:
    z = orthogonal_part(flexion_axis, x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _flexion_axis(skin: np.ndarray, last: np.ndarray, tip: np.ndarray, thumb: bool) -> np.ndarray:
    """Normal of the plane that mirrors the fingertip's skin onto itself best, turned so that flexion is positive."""
    x = unit(tip - last)
    toward_thumb = np.array([0.3, 0.6, -0.7]) if thumb else np.array([0.0, 0.0, 1.0])
    z = orthogonal_part(toward_thumb, x)
    y = np.cross(z, x)
    local = (skin - last) @ np.stack([x, y, z], axis=1)
    length = np.linalg.norm(tip - last)
    local = local[(local[:, 0] > 8) & (local[:, 0] < length) & (np.hypot(local[:, 1], local[:, 2]) < 13)]
    tree = cKDTree(local)

    def asymmetry(angle: float) -> float:
        normal = np.array([0.0, -np.sin(angle), np.cos(angle)])
        return float(np.mean(tree.query(local - 2 * np.outer(local @ normal, normal))[0] ** 2))

    angles = np.radians(np.arange(-60, 61))
    best = angles[int(np.argmin([asymmetry(angle) for angle in angles]))]
    return np.cos(best) * z - np.sin(best) * y
