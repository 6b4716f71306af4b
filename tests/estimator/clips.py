"""Small clips for tests, written with PyAV and not with the writer under test."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def shade(index: int) -> int:
    """The grey of the middle of frame ``index``."""
    return 40 + 6 * index


def picture(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A frame that tells which it is and which way up it lies: its upper left quarter is white."""
    pixels = np.full((height, width, 3), shade(index), np.uint8)
    pixels[: height // 2, : width // 2] = 235
    return pixels


def write_clip(
    path: Path,
    times: Sequence[int] = tuple(range(10)),
    size: tuple[int, int] = (64, 48),
    time_base: Fraction = Fraction(1, 10),
    sound: str | None = None,
    rotation: int = 0,
    aspect: Fraction | None = None,
    pixels: Sequence[np.ndarray] | None = None,
) -> Path:
    """A clip of a frame at each of ``times``, with a tone where a codec for one is given."""
    width, height = size
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=10, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = width, height, "yuv444p"
        video.codec_context.time_base = video.time_base = time_base
        if rotation:
            video.set_display_rotation(rotation)
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        tone = film.add_stream(sound, rate=44100, layout="mono") if sound else None
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index, width, height) if pixels is None else pixels[index], format="rgb24")
            frame.pts, frame.time_base = time, time_base
            film.mux(video.encode(frame))
        if tone is not None:
            _write_tone(film, tone, float((times[-1] + 1) * time_base))
        film.mux(video.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as film:
        _write_tone(film, film.add_stream("aac", rate=44100, layout="mono"), 1.0)
    return path


def write_nothing(path: Path) -> Path:
    """A film without a frame."""
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        film.start_encoding()
    return path


def _write_tone(film: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    wave = (8000 * np.sin(2 * np.pi * 440 * np.arange(round(44100 * seconds)) / 44100)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(wave[None], format="s16p", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
    context = stream.codec_context
    for part in av.AudioResampler(context.format.name, "mono", 44100, context.frame_size or 1024).resample(frame):
        film.mux(stream.encode(part))
    film.mux(stream.encode(None))


def frame_times(path: Path) -> list[float]:
    """When each frame of a film is shown, seconds, read by PyAV alone."""
    with av.open(str(path)) as film:
        return [float(frame.time) for frame in film.decode(video=0)]
