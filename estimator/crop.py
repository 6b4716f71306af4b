"""From an image to the right-hand crop that encoders look at, and back. Left hands are mirrored here and nowhere else on the way in.

The crop is a virtual camera: turned so that its axis meets the hand's middle and the fingers point up, with unit focal length. What an
encoder says in the crop's frame is therefore free of where in the image the hand is and of how it lies there.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from estimator.hand.camera import Camera
from estimator.hand.template import ALIGNMENT_LANDMARKS
from estimator.placed_hand import Side

MIRROR = np.diag([-1.0, 1.0, 1.0])
"""Takes camera coordinates to those of the mirrored image's camera, and back."""


@dataclass(frozen=True)
class HandCrop:
    """A hand as a right hand, seen by the camera that looks straight at it.

    Attributes:
        side: the hand in the image; a left one is mirrored here.
        camera: camera of the image, mirrored with it.
        R_camera_crop: takes directions of the crop's frame to those of ``camera``.
        landmarks_px: landmarks in the (mirrored) image.
        landmarks_normal: landmarks in the crop: centred, the longer side of their box from -1 to 1, y down.
        landmarks_mm: relative 3D landmarks with the crop's axes, centred on their mean.
    """

    side: Side
    camera: Camera
    R_camera_crop: Float[np.ndarray, "3 3"]
    landmarks_px: Float[np.ndarray, "21 2"]
    landmarks_normal: Float[np.ndarray, "21 2"]
    landmarks_mm: Float[np.ndarray, "21 3"]


def crop_hand(side: Side, landmarks_px: Float[np.ndarray, "21 2"], landmarks_mm: Float[np.ndarray, "21 3"], camera: Camera) -> HandCrop:
    """The crop of a detected hand.

    ``landmarks_mm`` may have any origin; the detector gives them as seen by a camera that looks at the hand, so only the roll between
    image and crop is undone. Landmarks that all fall on one pixel give a crop without extent: all zeros.
    """
    if side == "left":
        camera = camera.mirrored()
        landmarks_px = np.stack([camera.width - 1 - landmarks_px[:, 0], landmarks_px[:, 1]], axis=1)
        landmarks_mm = landmarks_mm @ MIRROR
    rays = camera.unproject(landmarks_px, np.ones(len(landmarks_px)))
    middle = (rays.min(axis=0) + rays.max(axis=0)) / 2
    R_camera_straight = rotation_to_ray(middle)
    straight = _perspective(rays @ R_camera_straight)
    wrist, *roots = straight[list(ALIGNMENT_LANDMARKS)]
    R_straight_crop = _roll_upright(np.mean(roots, axis=0) - wrist)
    flat = _perspective(rays @ R_camera_straight @ R_straight_crop)
    low, high = flat.min(axis=0), flat.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-9)
    relative = landmarks_mm @ R_straight_crop
    return HandCrop(
        side=side,
        camera=camera,
        R_camera_crop=R_camera_straight @ R_straight_crop,
        landmarks_px=landmarks_px,
        landmarks_normal=(flat - (low + high) / 2) / half,
        landmarks_mm=relative - relative.mean(axis=0),
    )


def rotation_to_ray(ray: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation that takes the z axis to ``ray`` (z > 0, any length)."""
    x, y, z = ray / np.linalg.norm(ray)
    shared = 1 / (1 + z)
    return np.array([[1 - x * x * shared, -x * y * shared, x], [-x * y * shared, 1 - y * y * shared, y], [-x, -y, z]])


def _roll_upright(direction: Float[np.ndarray, "2"]) -> Float[np.ndarray, "3 3"]:
    """The rotation about z that takes the crop's upward direction (0, -1) to ``direction``; identity for a zero direction."""
    length = np.linalg.norm(direction)
    if length < 1e-12:
        return np.eye(3)
    s, c = direction[0] / length, -direction[1] / length
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _perspective(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
    return points[..., :2] / points[..., 2:]
