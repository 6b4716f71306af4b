"""Files of a pose: the hand as every format of the exporters, and its angles."""

import json
from pathlib import Path

import numpy as np

from demo.archive import write_archive
from demo.posing import PosedHand, Poser
from estimator.export import FORMATS, write_hand
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.hand.template import LANDMARK_JOINTS
from estimator.placed_hand import PlacedHand

_DISTANCE_MM = 500.0
_PIXELS = 640
_HAND_TO_CAMERA = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Fingers up, the palm to the camera."""


def write_pose(poser: Poser, posed: PosedHand, folder: Path) -> Path:
    """A zip in ``folder`` with the hand half a metre before a camera, as GLB, OBJ, PLY and BVH, and pose.json.

    Raises:
        InputError: when it cannot be written.
    """
    parts = folder / "parts"
    parts.mkdir()
    hand = placed(poser, posed)
    for kind in FORMATS:
        write_hand(hand, parts / f"posed_hand.{kind}", kind)
    angles = dict(zip((angle.name for angle in poser.angles), np.degrees(posed.theta).round(3).tolist(), strict=True))
    document = {"angles_deg": angles, "hand": poser.name, "deepest_penetration_mm": round(float(posed.depth_mm.max()), 2)}
    (parts / "pose.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return write_archive(parts, folder / "posed_hand.zip")


def placed(poser: Poser, posed: PosedHand) -> PlacedHand:
    """The hand as if a camera had seen it from the palm's side; its landmarks are its joints."""
    rest = poser.rest_frames(posed)
    camera, R, t = Camera.from_fov(DEFAULT_FOV_DEG, _PIXELS, _PIXELS), _HAND_TO_CAMERA, np.array([0.0, 80.0, _DISTANCE_MM])
    positions = posed.joint_positions @ R.T + t
    joints_mm = positions[list(LANDMARK_JOINTS)]
    landmarks_px = camera.project(joints_mm)
    (left, top), (right, bottom) = landmarks_px.min(axis=0).tolist(), landmarks_px.max(axis=0).tolist()
    return PlacedHand(
        side="right",
        score=1.0,
        box=(left, top, right - left, bottom - top),
        camera=camera,
        landmarks_px=landmarks_px,
        theta=posed.theta,
        template=poser.template,
        rest_vertices=posed.rest_vertices,
        rest_rotations=rest.rotations.double().numpy(),
        rest_positions=rest.positions.double().numpy(),
        vertices=posed.vertices @ R.T + t,
        joint_rotations=R @ posed.joint_rotations,
        joint_positions=positions,
        joints_mm=joints_mm,
        scale_source="subject default",
    )
