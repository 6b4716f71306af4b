"""The command that measures how long each stage takes on this machine."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import tyro
from jaxtyping import UInt8
from rich.console import Console
from rich.table import Table

from estimator.benchmark_video import VideoSpeed, video_speed
from estimator.command import DONE, NO_HAND, CommandOptions, progress_bar, report, run_command
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.images import read_photograph
from estimator.machine import cpu_name, limited_threads, milliseconds_since, peak_memory_mb, versions
from estimator.pipeline import EstimatorOptions, HandEstimator
from estimator.placed_hand import PlacedHand
from estimator.render import render_overlay

SAMPLE_IMAGE = Path(__file__).parent / "assets" / "sample.jpg"
IMAGE_SIZE = (640, 480)
FIRST_RESULT = "first result"


@dataclass(frozen=True)
class BenchmarkOptions(CommandOptions):
    """Times every stage of the estimator on one photograph of at most 640x480 pixels, after warm-up, and the start of a fresh process.

    Stages: detect, encode, decode, place, render (the overlay). The whole pipeline is the first four; rendering is told apart.
    Median and 90th percentile over the repeats, in milliseconds; peak memory of this process in MiB. Video: a 720p clip in
    which the photograph swings, from file to film, without overlay and with it. Run it alone: other work on the machine spoils the figures.

    Exit status: 0 done; 2 wrong usage or an input that cannot be used; 3 no hand in the photograph.
    """

    threads: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: all)")] = None
    """Processor cores to use, at most those there are."""
    repeats: Annotated[int, tyro.conf.arg(metavar="N")] = 50
    """Timed runs of each stage."""
    warm_up: Annotated[int, tyro.conf.arg(metavar="N")] = 5
    """Runs before the clock starts."""
    video_frames: Annotated[int, tyro.conf.arg(metavar="N")] = 90
    """Frames of the timed clip."""
    image: Annotated[Path, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: the sample image)")] = SAMPLE_IMAGE
    """The photograph, made smaller where it exceeds 640x480."""
    json_file: Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help_behavior_hint="(default: not written)")] = None
    """Write the figures to this file."""
    encoder: Annotated[str, tyro.conf.arg(metavar="{default,landmarks,image}|FILE")] = "default"
    """What reads the pose: default (landmarks, and features of the detector's network), landmarks (learned inverse kinematics), image (the
    image alone), or a file of weights."""
    detector_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: fetched once)")] = None
    """MediaPipe's hand_landmarker.task, for machines without network."""
    device: str = "cpu"
    """Where the networks run: cpu, cuda, cuda:1, mps."""

    @property
    def estimator_options(self) -> EstimatorOptions:
        """The estimator that is timed."""
        return EstimatorOptions(encoder=self.encoder, detector_model=self.detector_model, device=self.device)


@dataclass(frozen=True)
class Times:
    """Repeated timings of one thing, milliseconds."""

    milliseconds: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """Half of the runs were faster."""
        return float(np.median(self.milliseconds))

    @property
    def p90_ms(self) -> float:
        """Nine of ten runs were faster."""
        return float(np.percentile(self.milliseconds, 90))


@dataclass(frozen=True)
class Benchmark:
    """What was measured; a peer is another program doing the stage that its name begins with."""

    detect: Times
    encode: Times
    decode: Times
    place: Times
    render: Times
    image: Times
    image_overlay: Times
    video: VideoSpeed
    peers: tuple[tuple[str, Times], ...]
    cold_start_s: float
    peak_mb: float
    hands: int
    width: int
    height: int
    threads: int

    @property
    def stages(self) -> tuple[tuple[str, Times], ...]:
        """The stages by name, in order."""
        return tuple((name, getattr(self, name)) for name in ("detect", "encode", "decode", "place", "render"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``BenchmarkOptions``)."""
    return run_command(BenchmarkOptions, _run, "estimator.benchmark", argv)


def _run(options: BenchmarkOptions) -> int:
    if options.threads is not None and options.threads < 1:
        raise InputError(f"--threads {options.threads}: at least 1 core has to do the work")
    if options.video_frames < 1:
        raise InputError(f"--video-frames {options.video_frames}: at least 1 frame")
    if options.repeats < 1 or options.warm_up < 0:
        raise InputError(f"--repeats {options.repeats} --warm-up {options.warm_up}: at least 1 run and 0 runs")
    image = fitted(read_photograph(options.image).pixels)
    if options.json_file is not None:
        require_writable_file(options.json_file)
    with limited_threads(options.threads) as threads:
        benchmark = measure(image, options, threads)
    if benchmark is None:
        print(f"{options.image}: no hand found, so the stages after detection cannot be timed; choose another image", file=sys.stderr)
        return NO_HAND
    Console(width=None if sys.stdout.isatty() else 100).print(
        _table(benchmark), f"{cpu_name()}, {benchmark.threads} threads", highlight=False
    )
    if options.json_file is not None:
        write_file(options.json_file, json.dumps(benchmark_document(benchmark), indent=1).encode())
    return DONE


def measure(image: UInt8[np.ndarray, "height width 3"], options: BenchmarkOptions, threads: int) -> Benchmark | None:
    """All timings on one image; None when no hand is found in it."""
    estimator = HandEstimator(options.estimator_options)
    camera = Camera.from_fov(DEFAULT_FOV_DEG, image.shape[1], image.shape[0])
    hands = estimator.estimate(image, camera).hands
    if not hands:
        return None
    estimates, images, renders = [], [], []
    with progress_bar() as progress:
        for _ in progress.track(range(options.warm_up), description="warm-up"):
            render_overlay(image, estimator.estimate(image, camera).hands)
        for _ in progress.track(range(options.repeats), description="timing"):
            start = time.perf_counter()
            estimates.append(estimator.estimate(image, camera))
            images.append(milliseconds_since(start))
            renders.append(_milliseconds(lambda: render_overlay(image, hands)))
    peak_mb = peak_memory_mb()  # before the peers, which take memory of their own
    timings = [estimate.timing for estimate in estimates]
    return Benchmark(
        detect=Times(tuple(timing.detect for timing in timings)),
        encode=Times(tuple(timing.encode for timing in timings)),
        decode=Times(tuple(timing.decode for timing in timings)),
        place=Times(tuple(timing.place for timing in timings)),
        render=Times(tuple(renders)),
        image=Times(tuple(images)),
        image_overlay=Times(tuple(a + b for a, b in zip(images, renders, strict=True))),
        video=video_speed(image, options.video_frames, estimator),
        peers=tuple(_time_peers(image, hands, options)),
        peak_mb=peak_mb,
        cold_start_s=cold_start_s(options),
        hands=len(hands),
        width=image.shape[1],
        height=image.shape[0],
        threads=threads,
    )


def _time_peers(
    image: UInt8[np.ndarray, "height width 3"], hands: Sequence[PlacedHand], options: BenchmarkOptions
) -> Iterator[tuple[str, Times]]:
    """Programs that do the work of one of our stages, where they are installed."""
    if find_spec("pyrender") is None:
        return
    from estimator.render_pyrender import render_pyrender

    try:
        for _ in range(options.warm_up):
            render_pyrender(image, hands)
        yield "render: pyrender", Times(tuple(_milliseconds(lambda: render_pyrender(image, hands)) for _ in range(options.repeats)))
    except InputError as error:  # no OpenGL here: the figures of our own stages stand without it
        report(error, options.debug)


def cold_start_s(options: BenchmarkOptions) -> float:
    """Seconds from starting a fresh Python to the hands of its first photograph.

    Raises:
        InputError: when the fresh process fails, which this one did not.
    """
    model = None if options.detector_model is None else str(options.detector_model.resolve())
    arguments = ", ".join(map(repr, (str(options.image.resolve()), options.encoder, model, options.device)))
    code = f"from estimator.benchmark import print_first_result; print_first_result({arguments})"
    start = time.perf_counter()
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        answer = process.stdout.readline().strip()
        seconds = time.perf_counter() - start
    if answer != FIRST_RESULT:
        raise InputError(f"a fresh process did not finish (exit status {process.returncode}); run {command} to see why")
    return seconds


def print_first_result(image: str, encoder: str, detector_model: str | None, device: str) -> None:
    """What the fresh process of ``cold_start_s`` runs."""
    options = EstimatorOptions(encoder=encoder, detector_model=detector_model and Path(detector_model), device=device)
    HandEstimator(options)(fitted(read_photograph(Path(image)).pixels))
    print(FIRST_RESULT, flush=True)


def fitted(image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height2 width2 3"]:
    """The image made smaller, in proportion, until it fits into 640x480."""
    height, width = image.shape[:2]
    scale = min(IMAGE_SIZE[0] / width, IMAGE_SIZE[1] / height, 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def benchmark_document(benchmark: Benchmark) -> dict[str, Any]:
    """The figures as JSON values; null where there is none."""
    return {
        "stages": {name: _times_values(times) for name, times in benchmark.stages},
        "image_ms": benchmark.image.median_ms,
        "image_p90_ms": benchmark.image.p90_ms,
        "image_overlay_ms": benchmark.image_overlay.median_ms,
        "video_fps": benchmark.video.plain_fps,
        "video_overlay_fps": benchmark.video.overlay_fps,
        "cold_start_s": benchmark.cold_start_s,
        "peak_mb": benchmark.peak_mb if np.isfinite(benchmark.peak_mb) else None,
        "peers": {name: _times_values(times) for name, times in benchmark.peers},
        "hands": benchmark.hands,
        "image": [benchmark.width, benchmark.height],
        "threads": benchmark.threads,
        "cpu": cpu_name(),
        "versions": versions(),
    }


def _times_values(times: Times) -> dict[str, float]:
    return {"median_ms": times.median_ms, "p90_ms": times.p90_ms}


def _table(benchmark: Benchmark) -> Table:
    table = Table("stage", title=f"{benchmark.hands} hand(s) in {benchmark.width}x{benchmark.height} px")
    for heading in ("median ms", "90 % ms", "per second"):
        table.add_column(heading, justify="right")
    whole = (("image (all but render)", benchmark.image), ("image and overlay", benchmark.image_overlay))
    for rows in (benchmark.stages, whole, benchmark.peers):
        for name, times in rows:
            table.add_row(name, f"{times.median_ms:.2f}", f"{times.p90_ms:.2f}", f"{1000 / times.median_ms:.1f}")
        table.add_section()
    for name, fps in (("video", benchmark.video.plain_fps), ("video with overlay", benchmark.video.overlay_fps)):
        table.add_row(name, f"{1000 / fps:.2f}", "", f"{fps:.1f}")
    table.add_row("cold start", f"{1000 * benchmark.cold_start_s:.0f}", "", "")
    table.caption = f"peak memory {benchmark.peak_mb:.0f} MiB"
    return table


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return milliseconds_since(start)


if __name__ == "__main__":
    sys.exit(main())
