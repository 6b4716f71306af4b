"""HandTrack: one hand through a clip, as every writer of motion sees it. Compact: a few hundred bytes a frame."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from estimator.hand.camera import Camera
from estimator.hand.kinematics import joint_frames, pose_to_rotations
from estimator.hand.template import WRIST, HandTemplate, Side
from estimator.placed_hand import ScaleSource

OWN_MIRROR = np.diag([1.0, 1.0, -1.0])
"""Takes the hand frame to that of the mirrored hand, so that fingers stay along x and the palm along y."""


@dataclass(frozen=True)
class HandTrack:
    """One identity through a clip: one side, one surface and skeleton, and a pose in each frame where it was seen or bridged.

    Frames and units are those of ``PlacedHand``: camera (x right, y down, z forward), millimetres, radians; a left hand's own frame has z
    towards the little finger. The pose corrects no surface here: what skinning deforms is the same in all frames.

    Attributes:
        identity: number of the hand in its clip, from 0, in the order of first sight.
        side: which hand it is.
        template: topology, texture coordinates and skinning weights.
        camera: the one before which all frames were placed.
        scale_source: where the absolute size comes from.
        rest_vertices: the surface at theta = 0, in the hand's own frame.
        rest_rotations: joint frames at theta = 0, in the hand's own frame.
        rest_positions: joint centres at theta = 0, in the hand's own frame.
        frames: number of each frame in the clip, from 0, increasing; numbers are missing where the hand was.
        seconds: time of each frame in the clip, from its beginning, increasing.
        theta: 28 joint angles of the right hand that this hand is or mirrors, a row for each frame.
        root_rotations: takes directions of the wrist joint to the camera's, for each frame.
        root_translations: the wrist in the camera frame, for each frame.
        bridged: frames where the hand was not seen and its pose was put between the ones before and after.
    """

    identity: int
    side: Side
    template: HandTemplate
    camera: Camera
    scale_source: ScaleSource
    rest_vertices: Float[np.ndarray, "vertices 3"]
    rest_rotations: Float[np.ndarray, "joints 3 3"]
    rest_positions: Float[np.ndarray, "joints 3"]
    frames: Int[np.ndarray, " frames"]
    seconds: Float[np.ndarray, " frames"]
    theta: Float[np.ndarray, "frames pose"]
    root_rotations: Float[np.ndarray, "frames 3 3"]
    root_translations: Float[np.ndarray, "frames 3"]
    bridged: Bool[np.ndarray, " frames"]

    @property
    def frame_step_s(self) -> float:
        """Mean seconds from a frame of the clip to the next; a thirtieth where there is one frame only."""
        if len(self.frames) < 2:
            return 1 / 30
        return float((self.seconds[-1] - self.seconds[0]) / (self.frames[-1] - self.frames[0]))

    @cached_property
    def joints(self) -> "TrackJoints":
        """Every joint in every frame, in the camera frame."""
        own = OWN_MIRROR if self.side == "left" else np.eye(3)
        parents = self.template.parents
        rotations, positions = own @ self.rest_rotations @ own, self.rest_positions @ own
        above = rotations[list(parents)].swapaxes(-1, -2)
        above[WRIST] = np.eye(3)
        offsets = (above @ (positions - positions[list(parents)])[..., None])[..., 0]
        offsets[WRIST] = positions[WRIST]
        turns = pose_to_rotations(torch.tensor(self.theta, dtype=torch.float64))
        posed = joint_frames(turns, torch.tensor(offsets).expand(len(turns), -1, -1), torch.tensor(above @ rotations), parents)
        R, t = own @ posed.rotations.numpy() @ own, posed.positions.numpy() @ own
        to_camera = self.root_rotations @ R[:, WRIST].swapaxes(-1, -2)
        moved = (t - t[:, WRIST, None]) @ to_camera.swapaxes(-1, -2) + self.root_translations[:, None]
        return TrackJoints(to_camera[:, None] @ R, moved)


@dataclass(frozen=True)
class TrackJoints:
    """Joint frames of a track in the camera frame.

    Attributes:
        rotations: proper rotations, one a joint in each frame.
        positions: joint centres, mm.
    """

    rotations: Float[np.ndarray, "frames joints 3 3"]
    positions: Float[np.ndarray, "frames joints 3"]
