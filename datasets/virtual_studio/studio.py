"""VirtualStudio: a simulated person's hand in motion before 80 simulated cameras, recorded as the real studio's release is."""

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from datasets.studio_crop import PinholeCamera, crop_around
from datasets.studio_sample import PicturedSample, Scan, StudioSample, StudioViews
from datasets.virtual_studio.cache import Recording, RecordingSize, forget_others, load_recording
from datasets.virtual_studio.cache_moments import code_digest, load_moments
from datasets.virtual_studio.cameras import CAMERA_COUNT, studio_cameras
from datasets.virtual_studio.light import dome_lamps, light_body, placed
from datasets.virtual_studio.render import photograph
from datasets.virtual_studio.studio_moments import HAS_KEY_POINT, KEY_POINT_ERROR_MM, Moment, Split, key_point_errors, moments_of
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.subject import Subject, load_subject
from datasets.virtual_studio.subject_cache import user_cache
from estimator.hand.template import JOINT_COUNT, POSE_SIZE

_STANCES, _KEY_POINTS, _PICTURES = range(3)
"""What a seed decides, each by a generator of its own."""


class VirtualStudio:
    """Moments of one simulated subject, each recorded once by some of the 80 cameras and kept: samples are then cheap.

    Args:
        subject: its number.
        split: the 40 motions to train on, or the gestures to test on.
        size: of the pictures, pixels a side.
        target_views: depth maps in a sample.
        moments: how many, spread evenly over the split's motions.
        views_per_moment: cameras that record each moment.
        seed: decides stances, cameras, light and the key points' error.
        cache: folder for subjects and recordings; the user's own where there is none.

    Raises:
        ValueError: one line, when the numbers do not fit each other or the cache cannot be written.
    """

    def __init__(
        self,
        subject: int,
        split: Split,
        size: int,
        target_views: int,
        moments: int,
        views_per_moment: int,
        seed: int,
        cache: Path | None = None,
    ) -> None:
        if not (1 <= target_views <= views_per_moment <= CAMERA_COUNT and moments >= 1 and size >= 8):
            raise ValueError(
                f"expected 1 <= target views <= views a moment <= {CAMERA_COUNT}, at least one moment and pictures of at least 8 pixels; "
                f"found {target_views}, {views_per_moment}, {moments} and {size}"
            )
        self.size, self.target_views = size, target_views
        self._cameras, self._seed = studio_cameras(), [seed, subject, int(split == "test")]
        self._subject: Subject = load_subject(subject, cache)
        self._sleeve = Sleeve.on(self._subject.faces)
        folder, extent = cache or user_cache(), RecordingSize(moments, views_per_moment, size, JOINT_COUNT)
        self._moments = self._load_moments(folder / f"moments_{subject}_{split}_{moments}_{seed}_{self._digest}.npz", split, moments)
        errors = np.random.default_rng([*self._seed, _KEY_POINTS])
        self._errors = key_point_errors((moments, JOINT_COUNT), KEY_POINT_ERROR_MM, errors).astype(np.float32)
        title = f"recording_{subject}_{split}_{moments}x{views_per_moment}_{size}px_{seed}"
        self._recording = load_recording(folder / f"{title}_{self._digest}", extent, self._record, f"subject {subject}, {split}")
        forget_others(folder, title, self._digest)
        self._key_points = np.where(HAS_KEY_POINT[:, None], self._recording.joints + self._errors, np.float32(0))

    def __len__(self) -> int:
        return len(self._moments)

    def sample(self, index: int, generator: np.random.Generator) -> StudioSample:
        """A moment seen by a random one of the cameras that recorded it, with random target views."""
        return self._sample(index, *self._choose(generator))

    def sample_with_pictures(self, index: int, generator: np.random.Generator) -> PicturedSample:
        """What ``sample`` gives for a generator in the same state, and the target views' pictures."""
        input_view, views = self._choose(generator)
        return PicturedSample(**vars(self._sample(index, input_view, views)), pictures=np.array(self._recording.images[index, views]))

    def input_image(self, index: int, generator: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
        """The picture alone that ``sample`` would hold for a generator in the same state."""
        return np.array(self._recording.images[index, generator.integers(self._recording.images.shape[1])])

    def views(self, index: int) -> StudioViews:
        """All that was recorded of a moment: for texture and for looking at."""
        images, K, R, t = (np.array(getattr(self._recording, name)[index]) for name in ("images", "K", "R", "t"))
        return StudioViews(images, K, R, t, self._recording.depth(index, np.arange(len(images))))

    def motion(self, index: int) -> str:
        """The motion's name."""
        return self._moments[index].motion

    def moment(self, index: int) -> Moment:
        """The motion's name and the stance."""
        return self._moments[index]

    def true_joints(self, index: int) -> Float32[np.ndarray, "joints 3"]:
        """Centres of rotation without the key points' error, thumb0 too: world frame, mm. For evaluation."""
        return np.array(self._recording.joints[index])

    def scan(self, index: int) -> Scan:
        """The true surface, posed anew. For evaluation."""
        stance = self._moments[index].stance
        posed = self._subject.pose(stance.theta)
        return Scan(placed(posed, stance).astype(np.float64), posed.faces)

    def _choose(self, generator: np.random.Generator) -> tuple[int, Int[np.ndarray, " views"]]:
        """An input view and target views."""
        count = self._recording.images.shape[1]
        input_view = int(generator.integers(count))
        return input_view, generator.permutation(count)[: self.target_views]

    def _sample(self, index: int, input_view: int, views: Int[np.ndarray, " views"]) -> StudioSample:
        recording = self._recording
        return StudioSample(
            image=np.array(recording.images[index, input_view]),
            joints=np.array(self._key_points[index]),
            valid=HAS_KEY_POINT.copy(),
            K=np.array(recording.K[index, views]),
            R=np.array(recording.R[index, views]),
            t=np.array(recording.t[index, views]),
            depth=recording.depth(index, views),
        )

    def _record(self, recording: Recording, index: int) -> None:
        """Fill in a moment: the same whatever the others are and whichever thread does it."""
        generator, stance = np.random.default_rng([*self._seed, _PICTURES, index]), self._moments[index].stance
        posed = self._subject.pose(stance.theta)
        body = light_body(placed(posed, stance), posed, dome_lamps(generator), self._sleeve)
        joints = posed.joints @ stance.R_world_hand.T + stance.position
        recording.joints[index] = joints
        for view, camera in enumerate(generator.permutation(len(self._cameras))[: recording.images.shape[1]]):
            crop = self._crop(int(camera), (joints + self._errors[index])[HAS_KEY_POINT])
            recording.images[index, view], depth = photograph(body, crop, generator)
            recording.put_depth(index, view, depth)
            recording.K[index, view], recording.R[index, view], recording.t[index, view] = crop.K, crop.R, crop.t

    def _crop(self, camera: int, joints: Float[np.ndarray, "points 3"]) -> PinholeCamera:
        mounted = self._cameras[camera]
        return crop_around(joints, mounted.K, mounted.R, mounted.t, self.size)

    def _load_moments(self, path: Path, split: Split, count: int) -> tuple[Moment, ...]:
        generator = np.random.default_rng([*self._seed, _STANCES])
        try:
            return load_moments(path, lambda: moments_of(split, self._subject.skeleton, count, generator))
        except OSError as error:
            raise ValueError(f"{path}: cannot be written ({error.strerror or error}); name another folder for the cache") from error

    @cached_property
    def _digest(self) -> str:
        """Changes with the subject's surface, and with the code that moves, lights and draws it."""
        posed = self._subject.pose(np.zeros(POSE_SIZE))
        surface = np.ascontiguousarray(posed.vertices).tobytes() + np.ascontiguousarray(posed.reflectance).tobytes()
        return hashlib.sha256(code_digest().encode() + surface).hexdigest()[:16]
