"""``python -m datasets.virtual_studio.studio_benchmark``: how many views a second the virtual studio records."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from datasets.studio_crop import crop_around
from datasets.virtual_studio.cameras import studio_cameras
from datasets.virtual_studio.light import dome_lamps, light_body, placed
from datasets.virtual_studio.render import depth_map, photograph
from datasets.virtual_studio.studio_moments import moments_of
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.subject import load_subject
from estimator.hand.compiled import THREAD_COUNT, in_threads


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Time posing, lighting and rendering.

    Attributes:
        subject: which simulated person.
        size: of the pictures, pixels a side.
        moments: how many are timed.
        views: of each moment.
        cache: folder for built subjects; the user's own unless given.
    """

    subject: int = 1
    size: int = 256
    moments: int = 20
    views: int = 8
    cache: Path | None = None


def main(options: Benchmark) -> None:
    """Print views a second: with their share of posing and lighting, and of the depth maps of a body that is posed already."""
    subject = load_subject(options.subject, options.cache)
    moments = moments_of("training", subject.skeleton, options.moments, np.random.default_rng(0))
    sleeve = Sleeve.on(subject.faces)
    cameras = studio_cameras()[:: 80 // options.views][: options.views]

    def record(index: int, view_count: int, draw_depth_alone: bool) -> None:
        generator, stance = np.random.default_rng(index), moments[index].stance
        posed = subject.pose(stance.theta)
        body = light_body(placed(posed, stance), posed, dome_lamps(generator), sleeve)
        joints = posed.joints @ stance.R_world_hand.T + stance.position
        for camera in cameras[:view_count]:
            crop = crop_around(joints, camera.K, camera.R, camera.t, options.size)
            depth_map(body, crop) if draw_depth_alone else photograph(body, crop, generator)

    def seconds(view_count: int, draw_depth_alone: bool) -> float:
        start = time.perf_counter()
        in_threads(lambda index: record(index, view_count, draw_depth_alone), range(len(moments)))
        return time.perf_counter() - start

    for draw_depth_alone in (False, True):  # compiles
        record(0, 1, draw_depth_alone)
    posing = seconds(0, False)
    processor = time.process_time()
    pictures = seconds(options.views, False)
    processor = time.process_time() - processor
    depths = seconds(options.views, True)
    count = len(moments) * options.views
    faces = len(subject.faces)
    print(f"subject {options.subject}: {faces} faces, {options.size} x {options.size} pixels, {THREAD_COUNT} threads")
    print(f"posing and lighting a moment: {1e3 * posing / len(moments):.1f} ms")
    print(f"photograph and depth map, {options.views} views a moment, posing included: {count / pictures:.0f} views/s")
    print(f"the same if nothing else ran: {THREAD_COUNT * count / processor:.0f} views/s ({1e3 * processor / count:.1f} ms of a core each)")
    print(f"depth map alone, posing left out: {count / max(depths - posing, 1e-9):.0f} views/s")


if __name__ == "__main__":
    main(tyro.cli(Benchmark))
