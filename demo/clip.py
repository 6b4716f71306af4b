"""One clip of a visitor to everything the Video tab shows: a film with the meshes over it, and an archive of motion files."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError

from demo.archive import write_archive
from demo.choices import Choices
from demo.estimation import Estimators, versions_of
from estimator.clip import ClipOptions, ClipProgress, ClipSummary, process_clip
from estimator.clip_outputs import ClipLabels, JsonLines, OverlayFilm
from estimator.clip_reader import ClipReader
from estimator.clip_source import ClipInfo, Section
from estimator.clip_tracks import TrackRecorder
from estimator.clip_writer import ClipWriter
from estimator.errors import InputError
from estimator.export_bvh import write_bvh_clip
from estimator.export_gltf_clip import write_glb_clip
from estimator.export_npz import write_npz_clip
from estimator.hand_track import HandTrack
from estimator.lens import Lens
from estimator.result import SourceImage, file_sha256

LONGEST_S = 20.0
LARGEST_SIDE_PX = 1920
_TOLERANCE_S = 0.5
_MOST_FRAMES = round(LONGEST_S * 61)

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,ogg,flv,asf,gif,mjpeg,h264,hevc"  # FFmpeg's names
"""What a clip may be. The rest of what FFmpeg reads are lists of other files, addresses, devices, and curiosities."""


@dataclass(frozen=True)
class ClipAnswer:
    """What the Video tab shows.

    Attributes:
        film: an MP4 with the meshes over the pictures.
        archive: zip of the frames' results and of motion files.
        summary: what was counted.
        notes: what the visitor should know, a sentence each.
    """

    film: Path
    archive: Path
    summary: ClipSummary
    notes: Sequence[str]


def process_upload(
    upload: Path,
    choices: Choices,
    estimators: Estimators,
    folder: Path,
    on_progress: Callable[[ClipProgress], None] = lambda _: None,
) -> ClipAnswer:
    """Estimate every hand of the clip and write what there is to see and to download into ``folder``.

    Args:
        upload: the file; messages name it by its last part.
        choices: what the visitor chose.
        estimators: where the models are.
        folder: an empty one; the work ends when it is gone.
        on_progress: hears of every frame.

    Raises:
        InputError: when the clip or an option cannot be used, or the visitor has left.
    """
    require_acceptable(upload)
    estimator = estimators.with_options(choices.options)
    parts, film = folder / "parts", folder / f"{upload.stem}_hands.mp4"
    parts.mkdir()

    def watch(progress: ClipProgress) -> None:
        if not folder.is_dir():
            raise InputError("the visitor has left")
        if progress.frames > _MOST_FRAMES:
            raise InputError(f"{upload.name}: has more than {_MOST_FRAMES} frames; {_CURE}")
        on_progress(progress)

    with ExitStack() as stack:
        source = stack.enter_context(ClipReader(upload, Section(0.0, LONGEST_S + _TOLERANCE_S)))
        camera = choices.camera(source.info.width, source.info.height)
        options = ClipOptions(lens=Lens(camera and camera.fx))
        labels = ClipLabels(_source_image(upload, source.info), "option" if camera else "default", versions_of(estimator))
        writer = stack.enter_context(ClipWriter(film, source.info))
        lines = stack.enter_context(JsonLines(parts / "frames.jsonl", labels))
        recorder = TrackRecorder()
        summary = process_clip(source, estimator, options, [OverlayFilm(writer), lines, recorder], watch)
        notes = [*source.notes, *writer.finish()]
    _write_motion(recorder.tracks(estimator, options.camera(source.info)[0]), parts)
    return ClipAnswer(film, write_archive(parts, folder / f"{upload.stem}_hands.zip"), summary, [f"The clip: {note}." for note in notes])


_CURE = f"clips of up to {LONGEST_S:.0f} s are taken: shorten it"


def require_acceptable(path: Path) -> None:
    """Look at what is in the file, not at its name, before anything is decoded.

    Raises:
        InputError: when it is no video, too long, or its pictures are too large.
    """
    if not path.stat().st_size:
        raise InputError(f"{path.name}: is empty (0 bytes); choose the file again")
    try:
        with av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}) as container:
            streams = [stream for stream in container.streams.video if stream.codec_context is not None]
            seconds = (container.duration or 0) / av.time_base
            longest = max((max(stream.codec_context.width, stream.codec_context.height) for stream in streams), default=0)
    except (FFmpegError, UnicodeError) as error:
        raise InputError(f"{path.name}: is not a video that can be read; choose an MP4, MOV, WebM, MKV or AVI file") from error
    if not streams:
        raise InputError(f"{path.name}: holds no moving picture; choose a video")
    if seconds > LONGEST_S + _TOLERANCE_S:
        raise InputError(f"{path.name}: is {seconds:.0f} s long; {_CURE}")
    if longest > LARGEST_SIDE_PX:
        raise InputError(f"{path.name}: its longer side has {longest} px; up to {LARGEST_SIDE_PX} are taken: make it smaller")


def _write_motion(tracks: Sequence[HandTrack], folder: Path) -> None:
    """The hands as other programs read them; nothing where there is none."""
    if tracks:
        write_glb_clip(tracks, folder / "hands.glb")
        write_bvh_clip(tracks, folder / "hands.bvh")
        write_npz_clip(tracks, folder / "hands.npz")


def _source_image(path: Path, clip: ClipInfo) -> SourceImage:
    return SourceImage(Path(path.name), clip.width, clip.height, file_sha256(path))
