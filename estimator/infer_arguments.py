"""The arguments of python -m estimator.infer, and the task they make once they are checked."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from estimator.errors import InputError
from estimator.export import FORMATS, MeshFormat
from estimator.images import printable
from estimator.lens import Lens
from estimator.placed_hand import Box
from estimator.shared_arguments import EstimatorArguments

RendererName = Literal["software", "pyrender"]


@dataclass(frozen=True)
class Arguments(EstimatorArguments):
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
    box: Annotated[str | None, tyro.conf.arg(metavar="X,Y,W,H", help_behavior_hint="(default: hands are detected)")] = None
    """Skip detection: one hand lies in this box of the upright image, pixels. The box may reach over the border."""
    formats: Annotated[str, tyro.conf.arg(metavar="LIST")] = "obj,glb"
    """Mesh files for each hand, separated by commas: obj, ply (surface, millimetres), glb (skinned, metres), bvh (skeleton)."""
    renderer: RendererName = "software"
    """What draws the overlay: our own, or pyrender (OpenGL; needs pip install ".[pyrender]")."""
    views: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: not written)")] = False
    """Write views.png too: the hands from all sides."""
    overlay: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: written)")] = True
    """Write overlay.png."""


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
    lens = arguments.lens()
    if not arguments.encoder:
        raise InputError("--encoder: the name is empty; give default, landmarks or a file of weights")
    if not arguments.decoder:
        raise InputError("--decoder: the name is empty; give default, template or a file that stage 1 has trained")
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
