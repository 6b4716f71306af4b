"""Writing clips: pictures with times become an H.264 file that browsers play, with the sound of the clip that they come from.

Pictures are encoded into a hidden file beside the target that can be played up to its last second at any moment (fragments), and are
then joined with the sound in the target, its index first. So whatever stops the work leaves a whole film of what was done.
"""

import contextlib
import secrets
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from jaxtyping import UInt8

from estimator.clip_sound import join_sound
from estimator.clip_source import ClipInfo
from estimator.errors import InputError
from estimator.files import require_writable_file
from estimator.images import printable

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""What each suffix makes of a file, in FFmpeg's words."""

QUALITY = {"preset": "veryfast", "crf": "20", "bf": "0"}
"""x264's. Without B frames, packets leave in the order and at the times of their pictures, in every container."""

KEY_FRAME_S = 2.0
DEFAULT_RATE = Fraction(25)


def require_writable_clip(path: Path) -> None:
    """See that a film can be written to ``path``, before work is spent on it.

    Raises:
        InputError: unknown suffix, or a place that cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{printable(path)}: films are written as {', '.join(FORMATS)}; name the output so")
    require_writable_file(path)


class ClipWriter:
    """A film that grows picture by picture; a context manager, which throws away what ``finish`` has not finished.

    Args:
        path: the film to write; its suffix says which container.
        clip: the clip whose size, times and sound it has. An odd width or height is filled up by repeating the last column or row.

    Raises:
        InputError: the film cannot be written.
    """

    def __init__(self, path: Path, clip: ClipInfo) -> None:
        require_writable_clip(path)
        self._path, self._clip = path, clip
        self._format = FORMATS[path.suffix.lower()]
        self._pictures = path.with_name(f".{secrets.token_hex(8)}.partial")
        self._waiting: Packet | None = None
        self._end_pts = 0
        try:
            self._container = av.open(str(self._pictures), "w", format=self._format, options=_options(self._format))
            self._stream = self._container.add_stream("libx264", rate=_rate(clip), options=QUALITY)
            self._set_up()
        except (FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def write(self, pixels: UInt8[np.ndarray, "height width 3"], pts: int) -> None:
        """Append an RGB picture; ``pts`` is its time in the clip's units, above that of the one before.

        Raises:
            InputError: there is no room left. What was written is kept as a film.
        """
        frame = VideoFrame.from_numpy_buffer(_even(pixels), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        frame.pts, frame.time_base = pts, self._clip.time_base
        try:
            self._mux(self._stream.encode(frame))
        except (FFmpegError, OSError) as error:
            raise self._kept(error) from error

    def finish(self) -> tuple[str, ...]:
        """Complete the film with its sound; notes on what became of the sound.

        Raises:
            InputError: there is no room left. What was written is kept as a film.
        """
        whole = self._path.with_name(f".{secrets.token_hex(8)}.partial")
        try:
            self._flush()
            if not self._end_pts:
                return (f"no frame was done, so {printable(self._path)} was not written",)
            end_s = float(self._end_pts * self._clip.time_base)
            notes = join_sound(self._pictures, self._clip.path, whole, self._format, self._clip.origin_s, end_s)
            whole.replace(self._path)
        except (FFmpegError, OSError) as error:
            raise self._kept(error) from error
        finally:
            whole.unlink(missing_ok=True)
        return notes

    def __enter__(self) -> "ClipWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()
        self._pictures.unlink(missing_ok=True)

    def _set_up(self) -> None:
        width, height = self._clip.width, self._clip.height
        encoder = self._stream.codec_context
        encoder.width, encoder.height, encoder.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        encoder.time_base = self._stream.time_base = self._clip.time_base
        encoder.gop_size = max(round(KEY_FRAME_S * _rate(self._clip)), 1)
        encoder.colorspace, encoder.color_range = Colorspace.ITU709, ColorRange.MPEG
        encoder.color_primaries, encoder.color_trc = ColorPrimaries.BT709, ColorTrc.BT709

    def _mux(self, packets: list[Packet]) -> None:
        """Write the packets but the last, which waits for its length: that is known when the next one comes."""
        for packet in packets:
            if self._waiting is not None:
                assert packet.pts is not None
                assert self._waiting.pts is not None
                self._waiting.duration = packet.pts - self._waiting.pts
                self._container.mux(self._waiting)
            self._waiting = packet

    def _flush(self) -> None:
        self._mux(self._stream.encode(None))
        if self._waiting is not None:
            assert self._waiting.pts is not None
            step = max(round(1 / (_rate(self._clip) * self._clip.time_base)), 1)
            self._waiting.duration, self._end_pts = step, self._waiting.pts + step
            self._container.mux(self._waiting)
        self._container.close()

    def _kept(self, error: Exception) -> InputError:
        """What to raise where the film cannot go on; what there is of it becomes the film."""
        self._close()
        failure = self._failure(error)
        try:
            self._pictures.replace(self._path)
        except OSError:
            return failure
        return InputError(f"{failure}; what was done until then can be played, without sound")

    def _close(self) -> None:
        with contextlib.suppress(FFmpegError, OSError):  # the reason is being reported already; fragments need no end
            self._container.close()

    def _failure(self, error: Exception) -> InputError:
        reason = getattr(error, "strerror", None) or error
        return InputError(f"{printable(self._path)}: cannot be written ({reason}); choose another place or make room there")


def _options(container_format: str) -> dict[str, str]:
    """Matroska can be played unfinished as it is."""
    return {} if container_format == "matroska" else {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def _rate(clip: ClipInfo) -> Fraction:
    """Frames a second as a plain fraction, which only steers the encoder's decisions."""
    rate = clip.rate or DEFAULT_RATE
    return rate.limit_denominator(1001) if 1 <= rate <= 1000 else DEFAULT_RATE


def _even(pixels: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "even_height even_width 3"]:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(pixels)
