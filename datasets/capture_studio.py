"""CaptureStudio: the DeepHandMesh release, photographs of hands by many calibrated cameras, with key points and depth maps."""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32
from PIL import Image

from datasets.capture_studio_files import CURE, FrameKeyPoints, read_cameras, read_depth_map, read_key_points
from datasets.capture_studio_index import StudioFrame, depth_map_name, image_name, key_points_name, load_index
from datasets.sample import HandSample
from estimator.hand.template import LANDMARK_JOINTS, Side


class CaptureStudio:
    """A release's ``data`` folder, indexed at the first use and whenever files were added or removed since.

    Args:
        root: the folder that holds ``images`` and ``annotations``.
        cache: where the index is kept; beside these two folders unless given.

    Raises:
        ValueError: one line naming file and cure, when there is no usable frame, the calibration is damaged or the cache cannot be written.
    """

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        self.root = root
        self.cameras = read_cameras(root / "annotations" / "KRT_512")
        self.index = load_index(root, frozenset(self.cameras), cache or root / "index_cache.json")
        if not self.index.frames:
            raise ValueError(
                f"{root}: no frame with images, key points and calibrated cameras; download the release's images and annotations"
            )

    @cached_property
    def training_frames(self) -> tuple[StudioFrame, ...]:
        """The frames to train on."""
        return tuple(frame for frame in self.index.frames if frame.is_for_training)

    @cached_property
    def test_frames(self) -> tuple[StudioFrame, ...]:
        """The frames that nobody trains on."""
        return tuple(frame for frame in self.index.frames if not frame.is_for_training)

    def image_path(self, frame: StudioFrame, camera: str) -> Path:
        """Where a camera's image lies."""
        return self.root / image_name(frame.subject, frame.sequence, camera, frame.number)

    def key_points(self, frame: StudioFrame) -> FrameKeyPoints:
        """Both hands' key points; errors as ``read_key_points``."""
        return read_key_points(self.root / key_points_name(frame.subject, frame.number))

    def depth_map(self, frame: StudioFrame, camera: str) -> Float32[np.ndarray, "height width"]:
        """What a camera of ``frame.depth_cameras`` measured; errors as ``read_depth_map``."""
        return read_depth_map(self.root / depth_map_name(frame.subject, camera, frame.number))

    def sample(self, frame: StudioFrame, camera: str, side: Side) -> HandSample:
        """One hand as one camera of the frame saw it: the image by its path, landmarks in its pixels and in the camera's frame.

        Raises:
            ValueError: as ``read_key_points``, and when the image cannot be read.
        """
        image, points, calibration = self.image_path(frame, camera), self.key_points(frame).of(side), self.cameras[camera]
        K, landmarks = calibration.K_for(*_image_size(image)), list(LANDMARK_JOINTS)
        world, valid = points.joints[landmarks], points.valid[landmarks]
        pixels = np.full((len(landmarks), 2), np.nan)
        if valid.any():
            pixels[valid] = cv2.projectPoints(world[valid], calibration.R, calibration.t, K, calibration.distortion)[0][:, 0]
        joints = calibration.to_camera(world)
        in_front = valid & (np.nan_to_num(joints[:, 2]) > 0)
        return HandSample(image, "capture_studio", side, False, pixels, in_front, joints, valid, K)


def _image_size(path: Path) -> tuple[int, int]:
    """Width and height."""
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as error:  # PIL's for what is no image, too
        reason = error.strerror or "it is no image"
        raise ValueError(f"{path}: cannot be read ({reason}); {CURE}") from error
