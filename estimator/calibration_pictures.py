"""The pictures that a calibration looks at: photographs, those of folders and patterns, and frames spread over videos."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from estimator.errors import InputError
from estimator.hand.camera import Camera
from estimator.images import SUFFIXES, find_images, printable, read_photograph
from estimator.lens import Lens

UNCOUNTED_STRIDE = 5
"""Every so many frames are looked at of a video that does not say how many it has."""


@dataclass(frozen=True)
class Picture:
    """One picture, upright, with the camera that took it.

    Attributes:
        name: for messages: the file, or the file and the second.
        pixels: RGB.
        camera: of the picture.
    """

    name: str
    pixels: UInt8[np.ndarray, "height width 3"]
    camera: Camera


@dataclass(frozen=True)
class Source:
    """A file with pictures of a hand.

    Attributes:
        path: a photograph or a video.
        is_video: which of them.
    """

    path: Path
    is_video: bool

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return printable(self.path)


def find_sources(argument: str) -> list[Source]:
    """The files that an argument names: a file, the images of a folder, or what a pattern matches.

    A file whose suffix is no image's is taken for a video; one without a suffix for an image.

    Raises:
        InputError: when there is none.
    """
    return [Source(path, bool(path.suffix) and path.suffix.lower() not in SUFFIXES) for path in find_images(argument)]


def pictures_of(source: Source, lens: Lens, most_frames: int, notes: list[str]) -> Iterator[Picture]:
    """The photograph, or about ``most_frames`` frames spread over the video; what the user should know is appended to ``notes``.

    Raises:
        InputError: when the file cannot be used.
    """
    if not source.is_video:
        photograph = read_photograph(source.path)
        notes += photograph.notes
        height, width = photograph.pixels.shape[:2]
        yield Picture(source.shown, photograph.pixels, lens.camera(width, height, source.shown, photograph.focal_px)[0])
        return

    from estimator.clip_reader import ClipReader  # FFmpeg, which photographs do not need

    with ClipReader(source.path) as clip:
        camera = lens.camera(clip.info.width, clip.info.height, source.shown)[0]
        count = clip.info.frame_count
        stride = UNCOUNTED_STRIDE if count is None else max(math.ceil(count / most_frames), 1)
        for frame in clip.frames():
            if frame.index % stride == 0:
                yield Picture(f"{source.shown} at {frame.seconds:.2f} s", frame.pixels, camera)
        notes += clip.notes


def sources_of(arguments: tuple[str, ...]) -> tuple[list[Source], list[InputError]]:
    """Every file that is named, each once, and what could not be found."""
    sources: dict[Path, Source] = {}
    errors: list[InputError] = []
    for argument in arguments:
        try:
            for source in find_sources(argument):
                sources.setdefault(source.path.parent.resolve() / source.path.name, source)
        except InputError as error:
            errors.append(error)
    return list(sources.values()), errors
