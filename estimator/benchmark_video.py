"""How many frames a second a clip is worked through, from file to film: for the benchmark."""

import math
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from estimator.clip import ClipOptions, process_clip
from estimator.clip_outputs import OverlayFilm, PlainFilm
from estimator.clip_reader import ClipReader
from estimator.clip_source import ClipInfo
from estimator.clip_writer import ClipWriter
from estimator.pipeline import HandEstimator

WIDTH, HEIGHT, RATE = 1280, 720, 30
SWING_PX, SWINGS_A_SECOND = 80.0, 0.5


@dataclass(frozen=True)
class VideoSpeed:
    """Frames a second, reading and writing included: of pictures as they are, and with the hands drawn."""

    plain_fps: float
    overlay_fps: float


def video_speed(photograph: UInt8[np.ndarray, "height width 3"], frame_count: int, estimator: HandEstimator) -> VideoSpeed:
    """Times a 720p clip of ``frame_count`` frames in which the photograph swings from side to side."""
    with tempfile.TemporaryDirectory(prefix="deephandmesh-") as folder:
        clip = Path(folder) / "clip.mp4"
        write_swinging_clip(photograph, clip, frame_count)
        return VideoSpeed(*(_fps(clip, Path(folder) / "film.mp4", film_of, estimator) for film_of in (PlainFilm, OverlayFilm)))


def write_swinging_clip(photograph: UInt8[np.ndarray, "height width 3"], path: Path, frame_count: int) -> None:
    """A film of the photograph, as large as the frame lets it be, in slow motion from side to side."""
    height, width = photograph.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    info = ClipInfo(str(path), None, WIDTH, HEIGHT, Fraction(1, RATE), Fraction(RATE), frame_count, 0.0)
    with ClipWriter(path, info) as film:
        for index in range(frame_count):
            aside = SWING_PX * math.sin(2 * math.pi * SWINGS_A_SECOND * index / RATE)
            move = np.array([[scale, 0, (WIDTH - scale * width) / 2 + aside], [0, scale, (HEIGHT - scale * height) / 2]])
            film.write(np.asarray(cv2.warpAffine(photograph, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)), index)
        film.finish()


def _fps(source: Path, target: Path, film_of: type[PlainFilm] | type[OverlayFilm], estimator: HandEstimator) -> float:
    with ClipReader(source) as clip, ClipWriter(target, clip.info) as film:
        summary = process_clip(clip, estimator, ClipOptions(), [film_of(film)])
        film.finish()
    return summary.fps
