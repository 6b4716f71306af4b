"""``python -m datasets.virtual_studio``: a simulated subject's captures, written in the layout of the DeepHandMesh release."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.progress import Progress

from datasets.capture_studio_files import CALIBRATED_HEIGHT, CALIBRATED_WIDTH
from datasets.command import run_command
from datasets.virtual_studio.cameras import CAMERA_COUNT, studio_cameras
from datasets.virtual_studio.studio_moments import KEY_POINT_ERROR_MM, Split, moments_of
from datasets.virtual_studio.subject import load_subject
from datasets.virtual_studio.writer import ReleaseSettings, write_release
from datasets.whole_folder import require_empty, require_room

_BYTES_A_PIXEL = 4.3
"""Of depth map and image together, about."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Write simulated captures in the layout of the DeepHandMesh release, readable by the same reader as the real ones.

    Attributes:
        subject: which simulated person, 1 to 4.
        out: folder to write; missing or empty.
        split: the 40 motions to train on, or the gestures to test on.
        moments: how many, spread evenly over the split's motions.
        cameras: how many of the 80, spread evenly.
        width: of images and depth maps, pixels.
        height: of images and depth maps, pixels.
        key_point_error_mm: mean distance of the key points from the true joints, mm.
        seed: of motions, light and noise.
        cache: folder for built subjects.
    """

    subject: int
    out: Path
    split: Split = "training"
    moments: int = 40
    cameras: int = CAMERA_COUNT
    width: int = CALIBRATED_WIDTH
    height: int = CALIBRATED_HEIGHT
    key_point_error_mm: float = KEY_POINT_ERROR_MM
    seed: int = 0
    cache: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: the user's own)")] = None


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 2 wrong usage or a folder that cannot be written, 130 interrupted."""
    return run_command(Options, write, "datasets.virtual_studio", argv)


def write(options: Options) -> None:
    """Write what the options describe.

    Raises:
        ValueError: one line, when it cannot be written or there is no such subject.
        OSError: when the cache cannot be written.
    """
    _require_sense(options)
    require_empty(options.out)  # seen early, before a subject is built
    needed = _BYTES_A_PIXEL * options.width * options.height * options.cameras * options.moments
    require_room(options.out, needed, "ask for fewer moments or cameras")
    subject = load_subject(options.subject, options.cache)
    moments = moments_of(options.split, subject.skeleton, options.moments, np.random.default_rng([options.seed, options.subject]))
    chosen = np.arange(options.cameras) * CAMERA_COUNT // options.cameras
    cameras = studio_cameras()
    settings = ReleaseSettings(tuple(cameras[i] for i in chosen), options.width, options.height, options.key_point_error_mm, options.seed)
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("moments", total=len(moments))
        write_release(options.out, subject, moments, settings, lambda: progress.advance(task))
    print(f"{options.out}: {len(moments)} simulated moments by {len(settings.cameras)} cameras, subject {options.subject}")


def _require_sense(options: Options) -> None:
    if not 1 <= options.cameras <= CAMERA_COUNT:
        raise ValueError(f"--cameras {options.cameras}: there are 1 to {CAMERA_COUNT}")
    if not 1 <= options.moments <= 10**6:
        raise ValueError(f"--moments {options.moments}: expected 1 to {10**6}")
    if not (16 <= options.width <= 4096 and 16 <= options.height <= 4096):
        raise ValueError(f"--width {options.width} --height {options.height}: expected 16 to 4096 pixels")
    if not 0 <= options.key_point_error_mm <= 100:
        raise ValueError(f"--key-point-error-mm {options.key_point_error_mm}: expected 0 to 100 mm")
    if options.seed < 0:
        raise ValueError(f"--seed {options.seed}: expected 0 or more")


if __name__ == "__main__":
    sys.exit(main())
