"""PlacedHand: one hand of an image as every writer, renderer and evaluation sees it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from estimator.hand.camera import Camera
from estimator.hand.template import JOINT_NAMES, WRIST, HandTemplate, Side

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels, where pixel (0, 0) is the centre of the top-left pixel."""

ScaleSource = Literal["profile", "hand-length", "subject default"]


@dataclass(frozen=True)
class PlacedHand:
    """A hand in the camera frame (mm; x right, y down, z forward), on the side it was seen: left hands are mirrored back.

    A left hand's own frame and those of its joints have z towards the little finger (x to the fingers, y out of the palm), so that
    all its rotations are proper and positive z still flexes. Skinning holds on either side:
    ``vertices = sum_j w_j G_j G_rest_j^-1 rest_vertices``.

    Attributes:
        side: which hand it is.
        score: confidence of the detector in the side, 0.5 to 1.
        box: x, y, width, height of the detector's landmarks, pixels.
        camera: what the hand was placed before.
        landmarks_px: the detector's landmarks.
        theta: 28 joint angles of the right hand that this hand is or mirrors, radians.
        template: topology, texture coordinates and skinning weights.
        rest_vertices: the personal surface at theta = 0, in the hand's own frame.
        rest_rotations: joint frames at theta = 0, in the hand's own frame.
        rest_positions: joint centres at theta = 0, in the hand's own frame.
        vertices: the posed surface in the camera frame.
        joint_rotations: posed joint frames in the camera frame.
        joint_positions: posed joint centres in the camera frame.
        joints_mm: the points of the posed skeleton that the 21 landmarks mark (wrist, thumb1..4, ..., pinky1..4), camera frame. They are
            fixed to joints but not their centres: annotators and detectors put a knuckle nearer to the finger than where it turns.
        scale_source: where the absolute size comes from.
    """

    side: Side
    score: float
    box: Box
    camera: Camera
    landmarks_px: Float[np.ndarray, "21 2"]
    theta: Float[np.ndarray, " pose"]
    template: HandTemplate
    rest_vertices: Float[np.ndarray, "vertices 3"]
    rest_rotations: Float[np.ndarray, "joints 3 3"]
    rest_positions: Float[np.ndarray, "joints 3"]
    vertices: Float[np.ndarray, "vertices 3"]
    joint_rotations: Float[np.ndarray, "joints 3 3"]
    joint_positions: Float[np.ndarray, "joints 3"]
    joints_mm: Float[np.ndarray, "21 3"]
    scale_source: ScaleSource

    @cached_property
    def faces(self) -> Int[np.ndarray, "faces 3"]:
        """Counter-clockwise seen from outside: turned over for a left hand."""
        return self.template.faces if self.side == "right" else self.template.faces[:, ::-1]

    @cached_property
    def uv_faces(self) -> Int[np.ndarray, "faces 3"]:
        """Texture coordinates of the corners of ``faces``."""
        return self.template.uv_faces if self.side == "right" else self.template.uv_faces[:, ::-1]

    @property
    def joints_px(self) -> Float[np.ndarray, "21 2"]:
        """``joints_mm`` in the image."""
        return self.camera.project(self.joints_mm)

    @property
    def reprojection_px(self) -> float:
        """Median distance of ``joints_px`` to ``landmarks_px``."""
        return float(np.median(np.linalg.norm(self.joints_px - self.landmarks_px, axis=1)))

    @property
    def root_rotation(self) -> Float[np.ndarray, "3 3"]:
        """Takes directions of the hand's own frame to the camera's."""
        return self.joint_rotations[WRIST]

    @property
    def root_translation(self) -> Float[np.ndarray, "3"]:
        """The wrist in the camera frame."""
        return self.joint_positions[WRIST]

    @property
    def bone_lengths_mm(self) -> dict[str, float]:
        """For each joint but the wrist the length of the bone that ends in it."""
        parents = self.template.parents
        return {
            name: float(np.linalg.norm(self.rest_positions[joint] - self.rest_positions[parents[joint]]))
            for joint, name in enumerate(JOINT_NAMES)
            if joint != WRIST
        }
