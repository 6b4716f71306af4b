"""The encoders that read a hand's pose, by name or file, each as one call: a detected hand in, an ``EncoderPrediction`` out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from estimator.checkpoint import checkpoint_kind
from estimator.crop import HandCrop
from estimator.encoder import LANDMARK_ENCODER, EncodedHand, LandmarkEncoder
from estimator.errors import InputError
from estimator.feature_encoder import (
    DEFAULT_ENCODER,
    FEATURE_ENCODER,
    IMAGE_ENCODER,
    FeatureEncoder,
    features_for,
    turn_between,
)
from estimator.hand.alignment import align_rigid
from estimator.hand.template import ALIGNMENT_LANDMARKS
from estimator.image_encoder import INPUT_SIZES, ImageEncoder
from estimator.image_encoder import KIND as IMAGE_ENCODER_KIND
from estimator.landmark_features import LandmarkFeatures
from estimator.placement import EncoderPrediction
from estimator.refinement import PROPORTIONS, HandState, Skeleton, landmarks_of

ENCODERS: dict[str, Path] = {"default": DEFAULT_ENCODER, "landmarks": LANDMARK_ENCODER, "image": IMAGE_ENCODER}
"""The encoders that ship, by name."""

CROP_FACTOR = 1.5
"""Side of an ``ImageEncoder``'s crop over that of the joints' box: that of its training."""


@dataclass(frozen=True)
class HandLook:
    """What an encoder may look at.

    Attributes:
        crop: the hand as a right hand, and its landmarks.
        features: the landmark network's run that saw it, taken for a hand of the crop's side; None where it comes from elsewhere.

    Raises:
        ValueError: when the features are those of a hand of the other side.
    """

    crop: HandCrop
    features: LandmarkFeatures | None

    def __post_init__(self) -> None:
        if self.features and self.features.mirrored != (self.crop.side == "left"):
            raise ValueError(f"the features are not those of a {self.crop.side} hand")


@runtime_checkable
class PoseReader(Protocol):
    """What the pipeline asks for a pose."""

    def __call__(self, look: HandLook) -> EncoderPrediction:
        """Theta, global rotation and landmarks in space.

        Raises:
            ValueError: when the look lacks what this reader looks at.
        """
        ...


def open_encoder(name: str, skeleton: Skeleton, skeleton_id: str, device: torch.device) -> PoseReader:
    """The encoder of a name (see ``ENCODERS``) or a file of weights.

    Raises:
        InputError: when there is none, or it is damaged or made for another skeleton.
    """
    if not name:
        raise InputError(f"--encoder is empty; give {', '.join(ENCODERS)} or a file of weights")
    path = ENCODERS.get(name) or Path(name)
    kind = checkpoint_kind(path)
    if kind == FEATURE_ENCODER:
        fallback = LandmarkReader(LandmarkEncoder.load(LANDMARK_ENCODER, skeleton_id), device)
        return FeatureReader(FeatureEncoder.load(path, skeleton_id), fallback, device)
    if kind == IMAGE_ENCODER_KIND:
        return ImageReader(ImageEncoder.load(path, skeleton_id), skeleton, device)
    return LandmarkReader(LandmarkEncoder.load(path, skeleton_id), device)


class LandmarkReader:
    """Learned inverse kinematics: looks at the landmarks alone."""

    def __init__(self, encoder: LandmarkEncoder, device: torch.device) -> None:
        self._encoder, self._device = encoder.to(device), device

    @torch.inference_mode()
    def __call__(self, look: HandLook) -> EncoderPrediction:
        """See ``PoseReader``."""
        return _prediction(self._encoder(*_tensors(self._device, look.crop.landmarks_normal, look.crop.landmarks_mm)))


class FeatureReader:
    """Looks at the features inside the landmark network; where a detection has none, its landmarks are read instead."""

    def __init__(self, encoder: FeatureEncoder, fallback: LandmarkReader, device: torch.device) -> None:
        self._encoder, self._fallback, self._device = encoder.to(device), fallback, device

    @torch.inference_mode()
    def __call__(self, look: HandLook) -> EncoderPrediction:
        """See ``PoseReader``; where the image alone is looked at, detections need features."""
        seen, inputs = look.features, self._encoder.config.inputs
        if seen is None and inputs == "pooled":
            raise ValueError("an encoder of the image alone needs a detection with the landmark network's features")
        if seen is None:
            return self._fallback(look)
        features = features_for(inputs, seen.sampled, seen.pooled)
        found, pose = self._encoder(*_tensors(self._device, seen.landmarks, seen.landmarks_mm, features))
        R_crop_square = turn_between(seen.landmarks_mm, look.crop.landmarks_mm)
        return EncoderPrediction(
            theta=_array(pose.theta),
            R_crop_hand=R_crop_square @ _array(pose.R_crop_hand),
            landmarks=_array(found.mm) @ R_crop_square.T,
            error_mm=float(found.error_mm),
        )


class ImageReader:
    """The paper's encoder, which reads theta from pixels: wrist and finger roots are aligned to the detector's for the rotation (5.2)."""

    def __init__(self, encoder: ImageEncoder, skeleton: Skeleton, device: torch.device) -> None:
        self._encoder, self._skeleton, self._device = encoder.to(device), skeleton, device

    @torch.inference_mode()
    def __call__(self, look: HandLook) -> EncoderPrediction:
        """See ``PoseReader``; detections need features, because the picture is theirs."""
        if look.features is None:
            raise ValueError("an image encoder needs a detection with the picture that the landmark network saw")
        size = INPUT_SIZES[self._encoder.config.backbone]
        around = _around(look.features.picture, look.features.landmarks[:, :2], size)
        pixels = torch.tensor(around, device=self._device).movedim(-1, -3)[None]
        theta = _array(self._encoder(pixels.float() / 255)[0])
        own = landmarks_of(self._skeleton, HandState(theta, np.eye(3), np.zeros(3), np.ones(len(PROPORTIONS))))
        palm = list(ALIGNMENT_LANDMARKS)
        place = align_rigid(torch.tensor(own[palm]), torch.tensor(look.crop.landmarks_mm[palm]))
        R_crop_hand = place.rotation.numpy()
        posed = own @ R_crop_hand.T
        return EncoderPrediction(theta, R_crop_hand, posed - posed.mean(axis=0))


def _around(picture: UInt8[np.ndarray, "side side 3"], shares: Float[np.ndarray, "21 2"], size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The square of a picture around landmarks (shares of its side), black beyond its border."""
    low, high = shares.min(axis=0) * len(picture) - 0.5, shares.max(axis=0) * len(picture) - 0.5
    side = max(CROP_FACTOR * float((high - low).max()), 2.0)
    scale = side / size
    x, y = (low + high) / 2 - side / 2 + scale / 2
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(picture),
            np.array([[scale, 0.0, x], [0.0, scale, y]]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
    )


def _prediction(encoded: EncodedHand) -> EncoderPrediction:
    return EncoderPrediction(_array(encoded.theta), _array(encoded.R_crop_hand), _array(encoded.landmarks))


def _tensors(device: torch.device, *arrays: Float[np.ndarray, "..."]) -> list[torch.Tensor]:
    return [torch.tensor(array, dtype=torch.float32, device=device) for array in arrays]


def _array(tensor: torch.Tensor) -> Float[np.ndarray, "..."]:
    return tensor.cpu().double().numpy()  # in this order: not every device has float64
