"""CaptureStudioFrames: the hands of one subject of the DeepHandMesh release, as training eats them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import igl
import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from datasets.capture_studio import CaptureStudio
from datasets.capture_studio_files import CURE
from datasets.capture_studio_index import StudioFrame, scans_name
from datasets.studio_crop import MIRROR, PinholeCamera, crop_around, crop_depth, crop_image
from datasets.studio_sample import PicturedSample, Scan, StudioSample, StudioViews
from estimator.hand.template import Side

FEWEST_KEY_POINTS = 11
"""A hand with fewer is left out: half of them do not tell where the hand ends."""


_SCAN_SUFFIXES = (".ply", ".obj")


@dataclass(frozen=True)
class StudioHand:
    """One hand of a frame.

    Attributes:
        joints: key points in the template's order, world frame, mm, as a right hand's (a left one's world is mirrored); 0 where not valid.
        valid: which joints have a key point.
    """

    frame: StudioFrame
    side: Side
    joints: Float[np.ndarray, "joints 3"]
    valid: Bool[np.ndarray, " joints"]


@dataclass(frozen=True)
class LeftOut:
    """What a subject's frames hold and cannot be used."""

    frames_without_colour: int = 0
    frames_without_depth: int = 0
    hands_without_key_points: int = 0

    def __str__(self) -> str:
        return (
            f"left out {self.frames_without_colour} frames without a colour image, {self.frames_without_depth} without a depth map, "
            f"{self.hands_without_key_points} hands with fewer than {FEWEST_KEY_POINTS} key points"
        )


class CaptureStudioFrames:
    """Every hand of a subject's frames: two of a double-hand sequence, left ones mirrored.

    Pictures come from colour cameras; depth maps from any camera that has one. Photographs are straightened where the calibration
    tells of a lens with errors; depth maps, which were made with the same calibration, are taken to be distorted like them.

    Args:
        studio: the release.
        subject: its number.
        size: of the crops, pixels a side.
        target_views: depth maps in a sample; where a frame has fewer, some come twice.
        among: the studio's frames to choose from; those to train on where nothing is given.

    Attributes:
        hands: those that can be used.
        left_out: what cannot be.

    Raises:
        ValueError: one line naming file and cure, when no hand can be used or a file of key points is damaged.
    """

    def __init__(
        self, studio: CaptureStudio, subject: int, size: int, target_views: int, among: Sequence[StudioFrame] | None = None
    ) -> None:
        if size < 1 or target_views < 1:
            raise ValueError(f"expected at least one pixel and one target view, found {size} and {target_views}")
        self.studio, self.size, self.target_views = studio, size, target_views
        among = studio.training_frames if among is None else among
        frames = [frame for frame in among if frame.subject == subject]
        coloured = [frame for frame in frames if frame.colour_cameras]
        usable = [frame for frame in coloured if frame.depth_cameras]
        hands = [hand for frame in usable for hand in _hands(studio, frame)]
        self.hands = tuple(hand for hand in hands if hand.valid.sum() >= FEWEST_KEY_POINTS)
        self.left_out = LeftOut(len(frames) - len(coloured), len(coloured) - len(usable), len(hands) - len(self.hands))
        if not self.hands:
            there = sorted({frame.subject for frame in among})
            raise ValueError(
                f"{studio.root}: no hand of subject {subject} that can be used ({self.left_out}); "
                f"there are such frames of subjects {', '.join(map(str, there)) or 'none'}"
            )

    def __len__(self) -> int:
        return len(self.hands)

    def sample(self, index: int, generator: np.random.Generator) -> StudioSample:
        """A hand seen by a random colour camera, with random target views; the same for a generator in the same state.

        Raises:
            ValueError: one line naming file and cure, when an image or depth map is missing or damaged.
        """
        image = self.input_image(index, generator)
        return self._sample(index, image, self._choose(self.hands[index].frame.depth_cameras, generator))

    def sample_with_pictures(self, index: int, generator: np.random.Generator) -> PicturedSample:
        """As ``sample``, with target views of colour cameras that have a depth map.

        Raises:
            ValueError: as there, and when the frame has no such camera.
        """
        image = self.input_image(index, generator)
        cameras = self._choose(self._pictured_cameras(index), generator)
        pictures = np.stack([self._picture(self.hands[index], camera) for camera in cameras])
        return PicturedSample(**vars(self._sample(index, image, cameras)), pictures=pictures)

    def views(self, index: int) -> StudioViews:
        """What all colour cameras with a depth map have of a hand; errors as ``sample_with_pictures``."""
        hand, cameras = self.hands[index], self._pictured_cameras(index)
        K, R, t, depth = self._targets(hand, cameras)
        return StudioViews(np.stack([self._picture(hand, camera) for camera in cameras]), K, R, t, depth)

    def motion(self, index: int) -> str:
        """The sequence's name."""
        return self.hands[index].frame.sequence

    def input_image(self, index: int, generator: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
        """The picture alone that ``sample`` would hold for a generator in the same state; errors as there."""
        cameras = self.hands[index].frame.colour_cameras
        return self._picture(self.hands[index], cameras[generator.integers(len(cameras))])

    def scan(self, index: int) -> Scan:
        """The 3D scan of a hand's frame, as a right hand's; of a double-hand sequence it holds both hands. For evaluation.

        Raises:
            ValueError: one line naming folder and cure, when there is none or it cannot be read.
        """
        hand = self.hands[index]
        path = _scan_path(self.studio.root / scans_name(hand.frame.subject), int(hand.frame.number))
        try:
            vertices, faces = igl.read_triangle_mesh(str(path))
        except RuntimeError as error:
            raise ValueError(f"{path}: no readable mesh; {CURE}") from error
        faces = faces.astype(np.int64)
        return Scan(vertices @ MIRROR, faces[:, ::-1]) if hand.side == "left" else Scan(vertices, faces)

    def _choose(self, cameras: Sequence[str], generator: np.random.Generator) -> list[str]:
        """As many as there are target views; where there are fewer, some come twice."""
        chosen = generator.permutation(len(cameras))[: self.target_views].tolist()
        chosen += generator.integers(len(cameras), size=self.target_views - len(chosen)).tolist()
        return [cameras[camera] for camera in chosen]

    def _pictured_cameras(self, index: int) -> list[str]:
        frame = self.hands[index].frame
        cameras = [camera for camera in frame.depth_cameras if camera in frame.colour_cameras]
        if not cameras:
            raise ValueError(f"{self.studio.root}: frame {frame.number} of {frame.sequence} has no colour camera with a depth map; {CURE}")
        return cameras

    def _sample(self, index: int, image: UInt8[np.ndarray, "size size 3"], cameras: Sequence[str]) -> StudioSample:
        hand = self.hands[index]
        return StudioSample(image, hand.joints.astype(np.float32), hand.valid.copy(), *self._targets(hand, cameras))

    def _picture(self, hand: StudioHand, camera: str) -> UInt8[np.ndarray, "size size 3"]:
        """A camera's picture of a hand, as a right one's."""
        image = _read_image(self.studio.image_path(hand.frame, camera))
        K = self.studio.cameras[camera].K_for(image.shape[1], image.shape[0])
        picture = crop_image(image, K, self.studio.cameras[camera].distortion, self._crop(hand, camera, K))
        return np.ascontiguousarray(picture[:, ::-1]) if hand.side == "left" else picture

    def _targets(self, hand: StudioHand, cameras: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """K, R, t and depth of target views."""
        views, depths = zip(*(self._target(hand, camera) for camera in cameras), strict=True)
        K, R, t = (np.stack([getattr(view, name) for view in views]).astype(np.float32) for name in ("K", "R", "t"))
        return K, R, t, np.stack(depths)

    def _target(self, hand: StudioHand, camera: str) -> tuple[PinholeCamera, np.ndarray]:
        """A target view's camera and depth map, both of a right hand."""
        depth = self.studio.depth_map(hand.frame, camera)
        K = self.studio.cameras[camera].K_for(depth.shape[1], depth.shape[0])
        crop = self._crop(hand, camera, K)
        cropped = crop_depth(depth, K, self.studio.cameras[camera].distortion, crop)
        return (crop.mirrored(), cropped[:, ::-1]) if hand.side == "left" else (crop, cropped)

    def _crop(self, hand: StudioHand, camera: str, K: Float[np.ndarray, "3 3"]) -> PinholeCamera:
        """Around the hand where it really is."""
        calibration = self.studio.cameras[camera]
        joints = hand.joints[hand.valid] @ (MIRROR if hand.side == "left" else np.eye(3))
        try:
            return crop_around(joints, K, calibration.R, calibration.t, self.size)
        except ValueError as error:
            raise ValueError(f"{self.studio.image_path(hand.frame, camera)}: {error}; {CURE}, or remove this file") from error


def _hands(studio: CaptureStudio, frame: StudioFrame) -> list[StudioHand]:
    """The hands that a frame's sequence shows."""
    points = studio.key_points(frame)
    hands = []
    for side in frame.sides:
        joints = np.where(points.of(side).valid[:, None], points.of(side).joints, 0)
        hands.append(StudioHand(frame, side, joints @ MIRROR if side == "left" else joints, points.of(side).valid))
    return hands


def _scan_path(folder: Path, number: int) -> Path:
    """The mesh whose name ends in a frame's number."""
    meshes = sorted(folder.glob("*")) if folder.is_dir() else []
    for path in meshes:
        found = re.search(r"([0-9]+)$", path.stem)
        if found and int(found[1]) == number and path.suffix.lower() in _SCAN_SUFFIXES:
            return path
    raise ValueError(f"{folder}: no 3D scan of frame {number} among {len(meshes)} files; {CURE}")


def _read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:  # PIL's for what is no image or ends early, too
        raise ValueError(f"{path}: cannot be read ({error.strerror or 'it is no whole image'}); {CURE}") from error
