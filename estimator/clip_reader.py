"""Reading clips: any video file that FFmpeg reads becomes upright RGB frames with their times, one after the other.

What is done with the unusual: rotation and mirroring flags are applied; pixels that are not square are stretched; a frame whose size
differs from the first one's is scaled to it; sound and cover pictures are passed over; damaged packets are left out, and the end of an
incomplete file is where it can be read no further: a note says so. What cannot be used raises ``InputError``.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from estimator.clip_picture import PictureShape
from estimator.clip_source import ClipFrame, ClipInfo, Section
from estimator.errors import InputError
from estimator.images import printable

NO_VIDEOS = frozenset({"tty", "concat", "lavfi"})
"""What FFmpeg would take for a video and is none: plain text, lists of files, filters."""

TICKS_A_SECOND = 90_000
"""Time base where the file's own is too fine for other containers."""

MOST_TICKS_A_SECOND = 1_000_000
INCOMPLETE_SHARE, INCOMPLETE_S = 0.03, 0.5
"""What may be missing of the length that a file states before it counts as incomplete: the larger of the two."""


class ClipReader:
    """A video file, opened; a context manager.

    Args:
        path: any file that FFmpeg reads.
        section: the part to read.

    Raises:
        InputError: the file is missing, no video, has no picture, or none of its frames can be decoded.
    """

    def __init__(self, path: Path, section: Section = Section()) -> None:
        self._shown, self._section, self._notes, self._damaged = printable(path), section, [], 0
        _require_file(path, self._shown)
        self._container = _open(path, self._shown)
        try:
            self._stream = _video_stream(self._container, self._shown)
            self._clock = _Clock(self._stream)
            self._frames = self._decode()
            self._first = self._first_frame()
            self._shape = PictureShape.of(self._first, self._stream)
            self._shape.require_usable(self._shown)
            self.info = self._information(path)
        except BaseException:
            self._container.close()
            raise

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how the file was read; complete after the last frame."""
        return tuple(self._notes)

    def frames(self) -> Iterator[ClipFrame]:
        """The frames of the section in order, once."""
        frame: VideoFrame | None = self._first
        index, ticks, origin = 0, 0, self._clock.ticks_of(self._first)
        while frame is not None:
            ticks = max(self._clock.ticks_of(frame) - origin, ticks + 1 if index else 0)
            yield ClipFrame(index, ticks, float(ticks * self._clock.unit), self._shape.upright(frame))
            index += 1
            frame = next(self._frames, None)
        self._note_damage(index)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> "ClipReader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _information(self, path: Path) -> ClipInfo:
        rate = self._stream.average_rate or self._stream.guessed_rate
        length_s = min(self._clock.length_s(self._container), self._section.end_s) - self._section.start_s
        whole = self._section == Section()
        count = self._stream.frames if whole and self._stream.frames else round(length_s * rate) if rate and length_s < float("inf") else 0
        origin_s = float(self._clock.ticks_of(self._first) * self._clock.unit)
        width, height = self._shape.size
        return ClipInfo(self._shown, path, width, height, self._clock.unit, rate or None, count or None, origin_s)

    def _first_frame(self) -> VideoFrame:
        first = next(self._frames, None)
        if first is not None:
            return first
        if self._section.start_s > 0 and self._clock.seen:
            raise InputError(f"{self._shown}: --start {self._section.start_s:g}: the video ends at {self._clock.last_s:.1f} s")
        raise InputError(f"{self._shown}: no frame can be decoded; it is empty or damaged: get the file again")

    def _decode(self) -> Iterator[VideoFrame]:
        """The section's frames as FFmpeg gives them; damaged packets are left out."""
        if self._section.start_s > 0:
            self._seek()
        for packet in self._packets():
            try:
                decoded = packet.decode()
            except FFmpegError:
                self._damaged += 1
                continue
            for frame in decoded:
                since_start_s = self._clock.seconds_of(frame)
                if since_start_s >= self._section.end_s:
                    return
                if since_start_s >= self._section.start_s - 1e-6:
                    yield frame

    def _packets(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self._notes.append(f"can be read no further than {self._clock.last_s:.1f} s ({_reason(error)}): what comes before was used")
                return
            if packet is None:
                return
            yield packet

    def _seek(self) -> None:
        """To the last key frame before the section; files that cannot be searched are read from the beginning."""
        target = self._clock.start + round(self._section.start_s / self._stream.time_base)
        try:
            self._container.seek(target, stream=self._stream, backward=True)
        except FFmpegError:
            self._container.seek(0)

    def _note_damage(self, count: int) -> None:
        if self._damaged:
            self._notes.append(f"{self._damaged} damaged pieces were left out")
        expected_s = min(self._clock.length_s(self._container), self._section.end_s)
        missing_s = expected_s - self._clock.end_s
        if expected_s < float("inf") and missing_s > max(INCOMPLETE_SHARE * expected_s, INCOMPLETE_S):
            self._notes.append(
                f"is incomplete: it ends after {self._clock.end_s:.1f} of {expected_s:.1f} s ({count} frames), which were used"
            )


class _Clock:
    """Times of a stream's frames, whatever the file forgets to say about them."""

    def __init__(self, stream: VideoStream) -> None:
        base, rate = stream.time_base, stream.average_rate
        assert base is not None
        self.base = base
        self.unit = base if 1 / base <= MOST_TICKS_A_SECOND else Fraction(1, TICKS_A_SECOND)
        self.step_s = float(1 / rate) if rate else 1 / 25
        self.start = stream.start_time or 0
        self._stated = None if stream.duration is None else float(stream.duration * base)
        self.last_s = 0.0
        self.seen = False

    def length_s(self, container: InputContainer) -> float:
        """Stated length in seconds, infinite where the file states none."""
        if self._stated:
            return self._stated
        return container.duration / av.time_base if container.duration else float("inf")

    @property
    def end_s(self) -> float:
        """Where the last frame seen ends, seconds from the first."""
        return self.last_s + self.step_s if self.seen else 0.0

    def seconds_of(self, frame: VideoFrame) -> float:
        """Seconds from the stream's start; a frame without a time comes one step after the last."""
        if frame.pts is None:
            self.last_s = self.last_s + self.step_s if self.seen else 0.0
            frame.pts = self.start + round(self.last_s / self.base)
        self.last_s, self.seen = float((frame.pts - self.start) * self.base), True
        return self.last_s

    def ticks_of(self, frame: VideoFrame) -> int:
        """The frame's time on the file's own clock, in units of ``unit``."""
        assert frame.pts is not None
        return round(frame.pts * self.base / self.unit)


def _require_file(path: Path, shown: str) -> None:
    try:
        folder, empty = path.is_dir(), path.is_file() and not path.stat().st_size
        if not folder:
            with path.open("rb"):
                pass
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shown}: cannot be read ({reason}); check the path and its permissions") from error
    if folder or empty:
        raise InputError(f"{shown}: is a folder; name a video file" if folder else f"{shown}: is empty (0 bytes); get the file again")


def _open(path: Path, shown: str) -> InputContainer:
    """Only local files are opened, also where one names others."""
    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (FFmpegError, UnicodeError) as error:
        raise InputError(f"{shown}: is not a video that can be read ({_reason(error)}); it may be damaged or incomplete") from error
    if container.format.name in NO_VIDEOS:
        container.close()
        raise InputError(f"{shown}: is not a video but text; name a video file")
    return container


def _video_stream(container: InputContainer, shown: str) -> VideoStream:
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        kind = "holds sound but no moving picture" if container.streams.audio else "holds no moving picture"
        raise InputError(f"{shown}: {kind}; name a video file")
    stream = streams[0]
    if stream.codec_context is None:
        raise InputError(f"{shown}: its pictures are in a format that FFmpeg cannot decode here; convert it to H.264 first")
    stream.thread_type = "AUTO"
    return stream


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(text.splitlines()[0])
