"""``python -m datasets.virtual_studio.studio_benchmark``: how many views a second the virtual studio records."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from datasets.capture_studio_files import StudioCamera
from datasets.command import run_command
from datasets.studio_crop import PinholeCamera, crop_around
from datasets.virtual_studio.cameras import CAMERA_COUNT, studio_cameras
from datasets.virtual_studio.light import LitBody, dome_lamps, light_body, placed
from datasets.virtual_studio.render import depth_map, photograph
from datasets.virtual_studio.studio_moments import Moment, moments_of
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.subject import Subject, load_subject
from estimator.hand.compiled import THREAD_COUNT, in_threads

Draw = Callable[[LitBody, PinholeCamera, np.random.Generator], object]


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """Time posing, lighting and rendering.

    Attributes:
        subject: which simulated person.
        size: of the pictures, pixels a side.
        moments: how many are timed.
        views: of each moment.
        cache: folder for built subjects.
    """

    subject: int = 1
    size: int = 256
    moments: int = 20
    views: int = 8
    cache: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: the user's own)")] = None


@dataclass(frozen=True)
class Show:
    """What is timed: some moments of a subject before some cameras.

    Attributes:
        subject: who moves.
        sleeve: what the subject wears.
        moments: what is recorded.
        cameras: that record each of them.
        size: of the pictures, pixels a side.
    """

    subject: Subject
    sleeve: Sleeve
    moments: tuple[Moment, ...]
    cameras: tuple[StudioCamera, ...]
    size: int

    def views(self, index: int, draw: Draw, cameras: Sequence[StudioCamera]) -> None:
        """Pose and light a moment, and draw it for each camera."""
        generator, stance = np.random.default_rng(index), self.moments[index].stance
        posed = self.subject.pose(stance.theta)
        body = light_body(placed(posed, stance), posed, dome_lamps(generator), self.sleeve)
        joints = posed.joints @ stance.R_world_hand.T + stance.position
        for camera in cameras:
            draw(body, crop_around(joints, camera.K, camera.R, camera.t, self.size), generator)

    def seconds(self, draw: Draw, cameras: Sequence[StudioCamera]) -> float:
        """Of all moments together, on all threads."""
        start = time.perf_counter()
        in_threads(lambda index: self.views(index, draw, cameras), range(len(self.moments)))
        return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 2 wrong usage or a cache that cannot be written."""
    return run_command(BenchmarkOptions, measure, "datasets.virtual_studio.studio_benchmark", argv)


def measure(options: BenchmarkOptions) -> None:
    """Print views a second: with their share of posing and lighting, and of the depth maps of a body that is posed already.

    Raises:
        ValueError: one line, when an option makes no sense.
    """
    if not (1 <= options.views <= CAMERA_COUNT and options.moments >= 1 and options.size >= 8):
        raise ValueError(f"expected 1 to {CAMERA_COUNT} --views, at least one of --moments, and a --size of at least 8 pixels")
    subject = load_subject(options.subject, options.cache)
    moments = moments_of("training", subject.skeleton, options.moments, np.random.default_rng(0))
    cameras = studio_cameras()[:: CAMERA_COUNT // options.views][: options.views]
    show = Show(subject, Sleeve.on(subject.faces), moments, cameras, options.size)
    for draw in (photograph, _depth_alone):  # compiles
        show.views(0, draw, show.cameras[:1])
    posing = show.seconds(photograph, ())
    processor = time.process_time()
    pictures = show.seconds(photograph, show.cameras)
    processor = time.process_time() - processor
    depths = show.seconds(_depth_alone, show.cameras)
    count = len(moments) * options.views
    print(f"subject {options.subject}: {len(subject.faces)} faces, {options.size} x {options.size} pixels, {THREAD_COUNT} threads")
    print(f"posing and lighting a moment: {1e3 * posing / len(moments):.1f} ms")
    print(f"photograph and depth map, {options.views} views a moment, posing included: {count / pictures:.0f} views/s")
    print(f"the same if nothing else ran: {THREAD_COUNT * count / processor:.0f} views/s ({1e3 * processor / count:.1f} ms of a core each)")
    print(f"depth map alone, posing left out: {count / max(depths - posing, 1e-9):.0f} views/s")


def _depth_alone(body: LitBody, crop: PinholeCamera, _: np.random.Generator) -> None:
    depth_map(body, crop)


if __name__ == "__main__":
    sys.exit(main())
