"""From the hand frame to the camera's: where a hand of known size and pose stands, refined to the landmarks, left hands mirrored back."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from estimator.crop import HandCrop
from estimator.hand.camera import Camera
from estimator.refinement import PROPORTIONS, HandState, RefinementSettings, Skeleton, landmarks_of, refine

MINIMAL_DEPTH_MM = 50.0


@dataclass(frozen=True)
class EncoderPrediction:
    """An encoder's answer for one crop, as arrays.

    Attributes:
        theta: see ``estimator.encoder.EncodedHand``.
        R_crop_hand: see there.
        landmarks: see there.
        error_mm: how far the encoder expects its landmarks to be off, mm; None where it does not say.
    """

    theta: Float[np.ndarray, " pose"]
    R_crop_hand: Float[np.ndarray, "3 3"]
    landmarks: Float[np.ndarray, "21 3"]
    error_mm: float | None = None


def place(skeleton: Skeleton, prediction: EncoderPrediction, crop: HandCrop) -> HandState:
    """The encoder's pose and rotation, moved to where the landmarks are seen; the state in the crop's (mirrored) camera."""
    state = HandState(
        theta=prediction.theta,
        rotation=crop.R_camera_crop @ prediction.R_crop_hand,
        translation=np.zeros(3),
        proportions=np.ones(len(PROPORTIONS)),
    )
    relative = landmarks_of(skeleton, state)
    return HandState(state.theta, state.rotation, translation_to_pixels(relative, crop.landmarks_px, crop.camera), state.proportions)


@dataclass(frozen=True)
class Sight:
    """What one picture says of a hand: what ``refine`` takes.

    Attributes:
        start: the encoder's pose where the landmarks are seen.
        landmarks_px: in the (mirrored) image.
        relative_mm: landmarks in space, axes of ``camera``, any origin.
        camera: of the (mirrored) image.
    """

    start: HandState
    landmarks_px: Float[np.ndarray, "21 2"]
    relative_mm: Float[np.ndarray, "21 3"]
    camera: Camera


def sight_of(skeleton: Skeleton, prediction: EncoderPrediction, crop: HandCrop, encoder_share: float) -> Sight:
    """An encoder's answer and the landmarks of a crop.

    The detector's relative landmarks have a size of their own: they are scaled to the encoder's before both are mixed.
    """
    detected, encoded = crop.landmarks_mm, prediction.landmarks
    size = float((detected * encoded).sum() / max((detected * detected).sum(), 1e-9))
    target = (encoder_share * encoded + (1 - encoder_share) * max(size, 0.0) * detected) @ crop.R_camera_crop.T
    return Sight(place(skeleton, prediction, crop), crop.landmarks_px, target, crop.camera)


def place_refined(skeleton: Skeleton, prediction: EncoderPrediction, crop: HandCrop, settings: RefinementSettings) -> HandState:
    """As ``place``, then refined to landmarks in the image and in space."""
    sight = sight_of(skeleton, prediction, crop, settings.encoder_share)
    return refine(skeleton, sight.start, sight.landmarks_px, sight.relative_mm, sight.camera, settings)


def translation_to_pixels(
    points: Float[np.ndarray, "points 3"], pixels: Float[np.ndarray, "points 2"], camera: Camera
) -> Float[np.ndarray, "3"]:
    """The translation that brings points nearest to their pixels, in linear least squares, and keeps all of them before the camera.

    Points with no extent, or pixels that no translation explains, give a hand at a depth where it has the pixels' extent.
    """
    rays = camera.unproject(pixels, np.ones(len(pixels)))
    rows = np.zeros((2 * len(points), 3))
    rows[0::2, 0], rows[0::2, 2] = 1, -rays[:, 0]
    rows[1::2, 1], rows[1::2, 2] = 1, -rays[:, 1]
    right = (rays[:, :2] * points[:, 2:] - points[:, :2]).ravel()
    translation = np.linalg.lstsq(rows, right, rcond=None)[0]
    if translation[2] + points[:, 2].min() < MINIMAL_DEPTH_MM:
        size = np.linalg.norm(points - points.mean(axis=0), axis=1).mean()
        extent = np.linalg.norm(rays[:, :2] - rays[:, :2].mean(axis=0), axis=1).mean()
        depth = max(size / max(extent, 1e-6), MINIMAL_DEPTH_MM - points[:, 2].min())
        translation = rays.mean(axis=0) * depth - points.mean(axis=0) * (1, 1, 0)
    return translation
