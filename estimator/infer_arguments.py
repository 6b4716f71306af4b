"""The arguments of python -m estimator.infer, and the task they make once they are checked."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from estimator.command import CommandOptions
from estimator.errors import InputError
from estimator.export import FORMATS, MeshFormat
from estimator.images import printable
from estimator.lens import Lens
from estimator.placed_hand import Box

RendererName = Literal["software", "pyrender"]


@dataclass(frozen=True)
class Arguments(CommandOptions):
    """A 3D mesh for every hand of a photograph.

    For each image, DIR/<name of the image>/ receives overlay.png (the meshes over the photograph), result.json (pose, skeleton,
    camera) and hand_<number>_<side>.<format>. Images of one name get folders of their own (photo, photo_2, ...). Running again
    overwrites what the earlier run wrote.

    Exit status: 0 all done; 2 wrong usage or an input that cannot be used (the others are still done); 3 all done, but some image
    shows no hand; 130 interrupted.
    """

    images: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="IMAGE [IMAGE ...]", help_behavior_hint="")] = ()
    """Photographs: files, folders (the images in them, not in their subfolders) or patterns in quotes."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("output")
    """Folder for the results; made where it is missing."""
    max_hands: Annotated[int, tyro.conf.arg(metavar="N")] = 4
    """Most hands looked for in one image."""
    hand: Literal["auto", "left", "right"] = "auto"
    """Side of every hand; auto leaves it to the detector."""
    box: Annotated[str | None, tyro.conf.arg(metavar="X,Y,W,H", help_behavior_hint="(default: hands are detected)")] = None
    """Skip detection: one hand lies in this box of the upright image, pixels. The box may reach over the border."""
    focal_px: Annotated[float | None, tyro.conf.arg(metavar="F", help_behavior_hint="(default: from EXIF)")] = None
    """Focal length in pixels of the image."""
    fov_deg: Annotated[float | None, tyro.conf.arg(metavar="A", help_behavior_hint="(default: from EXIF, else 60)")] = None
    """Field of view along the image's diagonal in degrees, instead of --focal-px."""
    profile: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """A person's bone lengths, as python -m estimator.calibrate writes them: proportions and scale of every hand."""
    hand_length_mm: Annotated[float | None, tyro.conf.arg(metavar="L", help_behavior_hint="(default: the profile's or average)")] = None
    """Wrist to tip of the middle finger, in millimetres, 50 to 400: the scale of the result, before that of a profile."""
    encoder: Annotated[str, tyro.conf.arg(metavar="{default,landmarks,image}|FILE")] = "default"
    """What reads the pose: default (landmarks, and features of the detector's network), landmarks (learned inverse kinematics), image (the
    image alone), or a file of weights."""
    decoder: Annotated[str, tyro.conf.arg(metavar="{template}|FILE")] = "template"
    """Whose hand is posed: template (nobody's), or a file that stage 1 has trained (decoder_pretrain.train)."""
    refine: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: refined)")] = True
    """Fit pose and place to the landmarks after the encoder; --no-refine is for comparison."""
    formats: Annotated[str, tyro.conf.arg(metavar="LIST")] = "obj,glb"
    """Mesh files for each hand, separated by commas: obj, ply (surface, millimetres), glb (skinned, metres), bvh (skeleton)."""
    renderer: RendererName = "software"
    """What draws the overlay: our own, or pyrender (OpenGL; needs pip install ".[pyrender]")."""
    views: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: not written)")] = False
    """Write views.png too: the hands from all sides."""
    overlay: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: written)")] = True
    """Write overlay.png."""
    device: str = "cpu"
    """Where the networks run: cpu, cuda, cuda:1, mps."""
    detector_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: fetched once)")] = None
    """MediaPipe's hand_landmarker.task, for machines without network."""


@dataclass(frozen=True)
class Task:
    """What to do with each image: the arguments, checked."""

    out: Path
    box: Box | None
    lens: Lens
    formats: tuple[MeshFormat, ...]
    renderer: RendererName | None
    views: bool


def check(arguments: Arguments) -> Task:
    """The task that the arguments describe, checked as far as that needs no image; ``EstimatorOptions`` checks what is for the estimator.

    Raises:
        InputError: naming the first argument that cannot be used.
    """
    if not arguments.images:
        raise InputError("no image given; name files or folders, for example: python -m estimator.infer photo.jpg")
    lens = Lens(arguments.focal_px, arguments.fov_deg)
    if not arguments.encoder:
        raise InputError("--encoder: the name is empty; give default, landmarks or a file of weights")
    if not arguments.decoder:
        raise InputError("--decoder: the name is empty; give template or a file that stage 1 has trained")
    return Task(
        arguments.out,
        None if arguments.box is None else _box(arguments.box),
        lens,
        _formats(arguments.formats),
        arguments.renderer if arguments.overlay else None,
        arguments.views,
    )


def _box(text: str) -> Box:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--box {printable(text)}: expected four numbers x,y,w,h in pixels, for example 120,80,300,300") from None
    if not (all(map(math.isfinite, (x, y, width, height))) and width > 0 and height > 0):
        raise InputError(f"--box {printable(text)}: expected finite numbers with width and height above 0")
    return x, y, width, height


def _formats(text: str) -> tuple[MeshFormat, ...]:
    names = [name.strip().lower() for name in text.split(",")]
    chosen = tuple(name for name in FORMATS if name in names)
    if unknown := sorted(set(names) - set(chosen)):
        raise InputError(f"--formats: unknown format {', '.join(map(repr, unknown))}; choose from {', '.join(FORMATS)}")
    return chosen
