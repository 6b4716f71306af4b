"""python -m estimator.video: a video in; hand meshes over it, and motion files, out."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from estimator.command import DONE, INTERRUPTED, NO_HAND, progress_bar, run_command
from estimator.errors import InputError
from estimator.images import printable
from estimator.result import SourceImage, file_sha256
from estimator.system import explain_missing_library
from estimator.video_arguments import VideoArguments, VideoTask, check

if TYPE_CHECKING:
    from estimator.clip import ClipOutput, ClipProgress, ClipSummary
    from estimator.clip_outputs import ClipLabels
    from estimator.clip_source import ClipInfo, ClipSource
    from estimator.hand.camera import Camera
    from estimator.hand_track import HandTrack
    from estimator.pipeline import HandEstimator


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``VideoArguments``)."""
    return run_command(VideoArguments, _run, "estimator.video", argv)


def _run(arguments: VideoArguments) -> int:
    task = check(arguments)
    try:
        # Imported here, because OpenCV and OpenVINO need libraries of the system whose absence has to be explained.
        from estimator.clip import ClipOptions, process_clip
        from estimator.clip_outputs import ClipLabels
        from estimator.pipeline import HandEstimator
        from estimator.smoothing import Smoothing
        from estimator.warm_up import warm_up
    except ImportError as error:
        raise InputError(explain_missing_library(error)) from error
    options = ClipOptions(Smoothing() if arguments.smooth else None, task.lens)
    with ExitStack() as stack:
        source = _open(task)
        stack.callback(source.close)
        camera, camera_source = options.camera(source.info)
        estimator = stack.enter_context(HandEstimator(arguments.estimator_options()))
        warm_up(estimator.skeleton, notify=lambda line: print(line, file=sys.stderr))
        labels = ClipLabels(_source_image(source.info), camera_source, estimator.versions)
        outputs = _Outputs(arguments, source.info, labels, stack)
        with _progress(source.info) as on_progress:
            summary = process_clip(source, estimator, options, outputs.all, on_progress)
        notes = [*source.notes, *outputs.finish(estimator, camera)]
    for note in notes:
        _note(f"{source.info.name}: {note}")
    return _conclude(summary, source.info, outputs.files)


def _conclude(summary: "ClipSummary", info: "ClipInfo", files: Sequence[Path]) -> int:
    """Say what came of it; the exit status."""
    hands = f"{summary.hands} hand{'' if summary.hands == 1 else 's'}"
    jitter = f", jitter {summary.jitter_mm:.2f} mm (raw {summary.raw_jitter_mm:.2f} mm)" if summary.frames_with_hands > 2 else ""
    print(
        f"{info.name}: {summary.frames} frames, {summary.frames_with_hands} with hands ({hands}), {summary.fps:.1f} frames/s end to end"
        f"{jitter} -> {', '.join(printable(path) for path in files)}"
    )
    if summary.interrupted and info.path is not None:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    if not summary.frames_with_hands:
        _note(f"{info.name}: no hand was found in any frame; is one to be seen, at least 32 pixels large?")
        return NO_HAND
    return DONE


def _open(task: VideoTask) -> "ClipSource":
    from estimator.clip_reader import ClipReader
    from estimator.clip_webcam import Webcam

    return Webcam(task.webcam, task.section) if task.source is None else ClipReader(task.source, task.section)


class _Outputs:
    """All that the arguments ask for, opened; what is closed at the end is on the stack."""

    def __init__(self, arguments: VideoArguments, clip: "ClipInfo", labels: "ClipLabels", stack: ExitStack) -> None:
        from estimator.clip_outputs import JsonLines, OverlayFilm, PlainFilm
        from estimator.clip_tracks import TrackRecorder
        from estimator.clip_writer import ClipWriter

        self._arguments = arguments
        named = (arguments.output, arguments.save_json, arguments.save_npz, arguments.glb)
        self.files = [path for path in named if path is not None]
        self.all: list[ClipOutput] = []
        if arguments.save_json is not None:
            self.all.append(stack.enter_context(JsonLines(arguments.save_json, labels)))
        self._tracks = TrackRecorder() if any((arguments.save_npz, arguments.glb, arguments.bvh)) else None
        if self._tracks is not None:
            self.all.append(self._tracks)
        self._film = None if arguments.output is None else stack.enter_context(ClipWriter(arguments.output, clip))
        if self._film is not None:
            self.all.append(OverlayFilm(self._film) if arguments.overlay else PlainFilm(self._film))

    def finish(self, estimator: "HandEstimator", camera: "Camera") -> tuple[str, ...]:
        """Complete what is complete only at the end; notes on it."""
        notes = () if self._film is None else self._film.finish()
        if self._tracks is not None:
            self._write_motion(self._tracks.tracks(estimator, camera))
        return notes

    def _write_motion(self, tracks: "Sequence[HandTrack]") -> None:
        """What is made of whole tracks."""
        from estimator.export_bvh import write_bvh_clip
        from estimator.export_gltf_clip import write_glb_clip
        from estimator.export_npz import write_npz_clip

        arguments = self._arguments
        if arguments.save_npz is not None:
            write_npz_clip(tracks, arguments.save_npz)
        if arguments.glb is not None:
            write_glb_clip(tracks, arguments.glb)
        if arguments.bvh is not None:
            self.files += write_bvh_clip(tracks, arguments.bvh)


def _source_image(clip: "ClipInfo") -> SourceImage:
    """What the lines of JSON say of the clip; a camera has no file and so no sum."""
    sha256 = "" if clip.path is None else file_sha256(clip.path)
    return SourceImage(clip.path or Path(clip.name), clip.width, clip.height, sha256)


@contextmanager
def _progress(clip: "ClipInfo") -> Iterator[Callable[["ClipProgress"], None]]:
    """A bar with frames, frames a second and time left, where a person watches."""
    speed = TextColumn("frames, {task.fields[fps]:.1f} a second,")
    columns = (BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn(), TextColumn("left"))
    with progress_bar(columns=columns) as bar:
        task = bar.add_task("frames", total=clip.frame_count, fps=0.0)

        def show(progress: "ClipProgress") -> None:
            bar.update(task, completed=progress.frames, fps=progress.fps)

        yield show


def _note(line: str) -> None:
    print(f"note: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
