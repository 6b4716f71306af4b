"""The arguments of python -m estimator.video, and the task they make once they are checked."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from estimator.clip_source import Section
from estimator.clip_writer import require_writable_clip
from estimator.errors import InputError
from estimator.files import require_writable_file
from estimator.images import printable
from estimator.lens import Lens
from estimator.shared_arguments import EstimatorArguments

_WEBCAM = re.compile(r"webcam:(\d+)")


@dataclass(frozen=True)
class VideoArguments(EstimatorArguments):
    """3D meshes for the hands of a video: over its pictures, and as motion that other programs read.

    INPUT is any file that FFmpeg reads, or a camera: webcam:0, webcam:1, ... Each hand keeps its number and side through the clip;
    bone lengths and scale are one set a clip; the motion is steadied, and gaps of up to half a second are bridged. At the end a line says
    frames, frames with hands, frames a second and jitter. Ctrl-C stops early and leaves whole files of what was done; it is the way
    to end a recording.

    Exit status: 0 all done; 2 wrong usage, an input that cannot be used or an output that cannot be written; 3 done, but no frame shows a
    hand; 130 interrupted.
    """

    input: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT", help_behavior_hint="")] = ""
    """A video file, or webcam:N."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=("-o",), metavar="FILE", help_behavior_hint="(default: none)")] = None
    """The film to write: .mp4, .m4v, .mov or .mkv, in H.264 with the clip's sound."""
    save_json: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Write a result.json for each frame, one a line."""
    save_npz: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Write poses, joints and skeletons of the whole clip as NumPy arrays."""
    glb: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Write the skinned hands with the whole clip as an animation (glTF 2.0, metres)."""
    bvh: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Write the skeletons' motion, one file a hand (millimetres)."""
    overlay: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: drawn)")] = True
    """Draw the meshes into the film; --no-overlay writes the pictures as they are."""
    smooth: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: steadied)")] = True
    """Steady the motion and bridge short gaps; --no-smooth gives the raw answer of each frame."""
    start: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 0.0
    """Where to begin, seconds from the first frame."""
    end: Annotated[float | None, tyro.conf.arg(metavar="SECONDS", help_behavior_hint="(default: the clip's)")] = None
    """Where to stop, seconds from the first frame."""


@dataclass(frozen=True)
class VideoTask:
    """What to read, checked.

    Attributes:
        source: a file; None for a camera.
        webcam: number of the camera, where there is no file.
        section: the part to read.
        lens: what is said of the focal length.
    """

    source: Path | None
    webcam: int
    section: Section
    lens: Lens


def check(arguments: VideoArguments) -> VideoTask:
    """The task that the arguments describe, as far as that can be checked before anything is opened.

    Raises:
        InputError: naming the first argument that cannot be used.
    """
    if not arguments.input:
        raise InputError("no input given; name a video, for example: python -m estimator.video clip.mp4 -o hands.mp4")
    lens = arguments.lens()
    section = Section(arguments.start, math.inf if arguments.end is None else arguments.end)
    webcam = _WEBCAM.fullmatch(arguments.input)
    source = None if webcam else Path(arguments.input)
    if arguments.input.startswith("webcam:") and not webcam:
        raise InputError(f"{printable(arguments.input)}: a camera is named by its number, for example webcam:0")
    _check_outputs(arguments, source)
    return VideoTask(source, int(webcam[1]) if webcam else 0, section, lens)


def _check_outputs(arguments: VideoArguments, source: Path | None) -> None:
    outputs = [arguments.output, arguments.save_json, arguments.save_npz, arguments.glb, arguments.bvh]
    named = [path for path in outputs if path is not None]
    if not named:
        raise InputError("nothing to write: name a film with -o FILE.mp4, or --save-json, --save-npz, --glb or --bvh")
    for index, path in enumerate(named):
        if source is not None and _same_file(path, source):
            raise InputError(f"{printable(path)}: is the input; name another output")
        if any(_same_file(path, other) for other in named[:index]):
            raise InputError(f"{printable(path)}: is named for two outputs; give each a file of its own")
    if arguments.output is not None:
        require_writable_clip(arguments.output)
    for path in named:
        require_writable_file(path)


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except OSError:
        return False
