"""Simulated hands as the detector's landmark network sees them, beside the truth: what the encoders on its features learn from.

All hands are right ones: pictures of left hands are mirrored. The square that the network sees lies as the detector's squares lie: around
the hand, fingers up, give or take. Pictures are kept in shards, so that an interrupted run goes on where it was.
"""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float16, Int

from datasets.virtual_rhd.types import VirtualHand, VirtualRhdSample
from estimator.crop import MIRROR, crop_hand
from estimator.errors import InputError
from estimator.feature_encoder import turn_between
from estimator.files import write_file
from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_NAMES, LANDMARK_JOINTS, WRIST, HandTemplate
from estimator.landmark_network import LandmarkNetwork, hand_square
from estimator.landmark_offsets import LandmarkOffsets
from estimator.square import Square

SHARD = 100
"""Pictures in a file."""

_MEAN, _DEVIATION = (0.0, -0.03, 0.0, -0.03), (0.15, 0.08, 0.05, 0.04)
"""How the detector's squares, found from palms or from the frame before, differ from ``hand_square`` of the true landmarks: turn (radians),
logarithm of the side, and shift to the right and down over the side. Measured on photographs; a little wider."""


@dataclass(frozen=True)
class FeatureSamples:
    """Right hands: what the network sees of them, and the truth.

    Attributes:
        index: of the picture.
        presence: that the network sees a hand, 0 to 1.
        error: mean distance of the network's landmarks to the true ones, over half the square's side.
        pooled: see ``LandmarkFeatures``.
        sampled: see ``LandmarkFeatures``.
        landmarks: the network's, as shares of the square.
        landmarks_mm: the network's relative ones, in the square's axes.
        true_landmarks: as shares of the square.
        true_mm: relative to their mean, in the square's axes as seen by a camera that looks straight at the hand; of the template's size.
        landmarks_normal: the network's, see ``HandCrop``.
        crop_mm: the network's relative ones, see ``HandCrop``.
        theta: true pose, radians.
        R_crop_hand: true rotation, from the hand frame to that of the ``HandCrop``.
    """

    index: Int[np.ndarray, " hands"]
    presence: Float[np.ndarray, " hands"]
    error: Float[np.ndarray, " hands"]
    pooled: Float16[np.ndarray, "hands pooled"]
    sampled: Float16[np.ndarray, "hands sampled"]
    landmarks: Float[np.ndarray, "hands 21 3"]
    landmarks_mm: Float[np.ndarray, "hands 21 3"]
    true_landmarks: Float[np.ndarray, "hands 21 2"]
    true_mm: Float[np.ndarray, "hands 21 3"]
    landmarks_normal: Float[np.ndarray, "hands 21 2"]
    crop_mm: Float[np.ndarray, "hands 21 3"]
    theta: Float[np.ndarray, "hands pose"]
    R_crop_hand: Float[np.ndarray, "hands 3 3"]

    @property
    def R_square_hand(self) -> Float[np.ndarray, "hands 3 3"]:
        """The true rotation, from the hand frame to the square's."""
        turns = [turn_between(crop, square) for crop, square in zip(self.crop_mm, self.landmarks_mm, strict=True)]
        return np.stack(turns) @ self.R_crop_hand

    def __len__(self) -> int:
        return len(self.index)

    def select(self, rows: np.ndarray) -> "FeatureSamples":
        """Some of the hands, by number or mask."""
        return FeatureSamples(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def join(cls, parts: Sequence["FeatureSamples"]) -> "FeatureSamples":
        """The hands of all parts, one part after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


class SampleMaker:
    """Looks at pictures of the virtual RHD with the landmark network."""

    def __init__(self, template: HandTemplate, network: LandmarkNetwork, seed: int) -> None:
        self._network, self._seed = network, seed
        self._decoder = HandDecoder(template)
        self._offsets = LandmarkOffsets.load(template.skeleton_id).mm
        self._palm_mm = float(np.linalg.norm(template.joint_offsets[JOINT_NAMES.index("middle1")]))

    def look(self, index: int, sample: VirtualRhdSample) -> FeatureSamples:
        """The picture's hand as a right one."""
        height, width = sample.image.shape[:2]
        camera = Camera(sample.K[0, 0], sample.K[1, 1], sample.K[0, 2], sample.K[1, 2], width, height)
        image, hand = sample.image, sample.hand
        marks = self._marks(hand)
        if hand.side == "left":
            image, camera, marks = np.ascontiguousarray(image[:, ::-1]), camera.mirrored(), marks @ MIRROR
        generator = np.random.default_rng([self._seed, index])
        square = _jittered(hand_square(camera.project(marks)), generator)
        return self._sample(index, image, square, camera, marks, hand)

    def _marks(self, hand: VirtualHand) -> Float[np.ndarray, "21 3"]:
        """Where the detector puts its landmarks on the true hand (see ``LandmarkOffsets``), in the camera frame."""
        turned = hand.rotation @ self._rotations(hand.theta)
        marks = (turned @ (self._size(hand) * self._offsets)[..., None])[..., 0]
        return hand.landmarks_mm + (marks @ MIRROR if hand.side == "left" else marks)

    def _rotations(self, theta: np.ndarray) -> Float[np.ndarray, "21 3 3"]:
        frames = self._decoder.frames(torch.tensor(theta, dtype=torch.float32), self._decoder.joint_offsets)
        return frames.rotations[list(LANDMARK_JOINTS)].double().numpy()

    def _size(self, hand: VirtualHand) -> float:
        """Of the hand's palm over that of the template's."""
        return float(np.linalg.norm(hand.joints_mm[JOINT_NAMES.index("middle1")] - hand.joints_mm[WRIST])) / self._palm_mm

    def _sample(
        self,
        index: int,
        image: np.ndarray,
        square: Square,
        camera: Camera,
        marks: Float[np.ndarray, "21 3"],
        hand: VirtualHand,
    ) -> FeatureSamples:
        """``image``, ``square``, ``camera`` and ``marks`` are of a right hand."""
        seen = self._network(image, square)
        landmarks, landmarks_mm = seen.features.landmarks, seen.features.landmarks_mm
        crop = crop_hand("right", seen.landmarks_px, seen.landmarks_mm, camera)
        true_px = camera.project(marks)
        shares = (true_px - (square.x, square.y)) @ square.R_image_square / square.side + 0.5
        in_crop = (marks - marks.mean(axis=0)) @ crop.R_camera_crop / self._size(hand)
        values = (
            index,
            seen.presence,
            2 * np.linalg.norm(landmarks[:, :2] - shares, axis=1).mean(),
            seen.features.pooled.astype(np.float16),
            seen.features.sampled.astype(np.float16),
            landmarks,
            landmarks_mm,
            shares,
            in_crop @ turn_between(crop.landmarks_mm, landmarks_mm).T,
            crop.landmarks_normal,
            crop.landmarks_mm,
            hand.theta,
            crop.R_camera_crop.T @ hand.rotation,
        )
        return FeatureSamples(*(np.asarray(value)[None] for value in values))


def _jittered(square: Square, generator: np.random.Generator) -> Square:
    turn, size, right, down = generator.normal(_MEAN, _DEVIATION)
    x, y = square.to_image(np.array([0.5 + right, 0.5 + down]))
    return Square(float(x), float(y), square.side * float(np.exp(size)), square.turn + turn)


def make_shard(pictures: Sequence[VirtualRhdSample], first: int, maker: SampleMaker, path: Path) -> None:
    """Look at ``SHARD`` pictures from number ``first`` on, and write what is seen of them."""
    seen = FeatureSamples.join([maker.look(index, pictures[index]) for index in range(first, first + SHARD)])
    content = io.BytesIO()
    np.savez(content, **{field.name: getattr(seen, field.name) for field in fields(FeatureSamples)})  # pyright: ignore[reportArgumentType]
    write_file(path, content.getvalue())


def read_shards(paths: Iterable[Path]) -> FeatureSamples:
    """The hands in shards that ``make_shard`` wrote.

    Raises:
        InputError: when a file is damaged.
    """
    parts = []
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as archive:
                parts.append(FeatureSamples(*(archive[field.name] for field in fields(FeatureSamples))))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: cannot be read ({error}); delete it, and run again") from error
    return FeatureSamples.join(parts)
