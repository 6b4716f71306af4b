"""The sound of a clip beside new pictures: copied, or encoded anew where a film cannot hold it as it is."""

import heapq
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
"""Codecs that MP4, MOV and Matroska hold alike; others become AAC."""

SOUND_RATE, SOUND_LAYOUT = 48_000, "stereo"

TimedPacket = tuple[float, Packet]
"""A packet and its time in seconds, by which pictures and sound are interleaved."""


def join_sound(pictures: Path, clip: Path | None, target: Path, container_format: str, origin_s: float, end_s: float) -> tuple[str, ...]:
    """Write ``target``: the pictures, and the clip's sound from ``origin_s`` on for ``end_s`` seconds; the index comes first.

    ``clip`` is None where there is no sound to be had. Gives notes on what became of the sound.

    Raises:
        FFmpegError: the target cannot be written.
        OSError: the same.
    """
    options = {} if container_format == "matroska" else {"movflags": "+faststart"}
    with ExitStack() as stack:
        source = stack.enter_context(av.open(str(pictures)))
        film = stack.enter_context(av.open(str(target), "w", format=container_format, options=options))
        video = film.add_stream_from_template(source.streams.video[0])
        sound = None if clip is None else _open_sound(clip, stack)
        track = None if sound is None else _SoundTrack(sound, film, origin_s, end_s)
        packets = _pictures(source, video)
        for _, packet in packets if track is None else heapq.merge(packets, track.packets(), key=lambda timed: timed[0]):
            film.mux(packet)
        return () if track is None else tuple(track.notes)


def _pictures(source: InputContainer, stream: VideoStream) -> Iterator[TimedPacket]:
    for packet in source.demux(video=0):
        if packet.dts is not None:
            packet.stream = stream
            yield float(packet.dts * packet.time_base), packet


def _open_sound(clip: Path, stack: ExitStack) -> InputContainer | None:
    """The clip, opened once more for its sound; None without any that is understood."""
    container = stack.enter_context(av.open(f"file:{clip}", options={"protocol_whitelist": "file"}, metadata_errors="replace"))
    stream = container.streams.best("audio")
    return None if stream is None or stream.codec_context is None else container


class _SoundTrack:
    """The sound's packets for a film, from the clip's clock to the film's."""

    def __init__(self, clip: InputContainer, film: OutputContainer, origin_s: float, end_s: float) -> None:
        source = clip.streams.best("audio")
        assert isinstance(source, AudioStream)
        self._clip, self._source, self._origin_s, self._end_s = clip, source, origin_s, end_s
        self._copied = source.codec_context.name in COPIED
        self.notes: list[str] = []
        if self._copied:
            self._stream = film.add_stream_from_template(source)
        else:
            self._stream = film.add_stream("aac", rate=SOUND_RATE, layout=SOUND_LAYOUT)
            self.notes.append(f"its sound ({source.codec_context.name}) was encoded anew, as AAC")

    def packets(self) -> Iterator[TimedPacket]:
        """The sound in order; a clip that is damaged has sound up to there."""
        for packet in self._read() if self._copied else self._encode():
            assert packet.pts is not None
            packet.stream = self._stream
            yield float(packet.pts * packet.time_base), packet

    def _read(self) -> Iterator[Packet]:
        """The clip's packets of the section, their times counted from its beginning."""
        base = self._source.time_base
        assert base is not None
        origin = round(self._origin_s / base)
        self._seek(origin)
        packets = self._clip.demux(self._source)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                self.notes.append("its sound is damaged; it was kept as far as it can be read")
                return
            if packet is None or (packet.pts is not None and (packet.pts - origin) * base >= self._end_s):
                return
            if packet.pts is None or packet.pts < origin:
                continue
            packet.pts -= origin
            packet.dts = packet.pts
            yield packet

    def _encode(self) -> Iterator[Packet]:
        resampler = AudioResampler(format="fltp", layout=SOUND_LAYOUT, rate=SOUND_RATE)
        for packet in self._read():
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            for frame in frames:
                for resampled in resampler.resample(frame):
                    yield from self._stream.encode(resampled)
        for resampled in resampler.resample(None):
            yield from self._stream.encode(resampled)
        yield from self._stream.encode(None)

    def _seek(self, origin: int) -> None:
        if self._origin_s > 0:
            try:
                self._clip.seek(origin, stream=self._source, backward=True)
            except FFmpegError:
                self._clip.seek(0)
