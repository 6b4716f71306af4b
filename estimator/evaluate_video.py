"""python -m estimator.evaluate_video: how steady and how quick clips are followed, on simulated ones whose truth is known."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tyro
from jaxtyping import Float, UInt8
from rich.console import Console
from rich.table import Table

from datasets.sample_image import ASSETS, fill
from estimator.clip import ClipOptions, FrameResult, process_clip
from estimator.clip_jitter import JitterMeter
from estimator.command import DONE, CommandOptions, progress_bar, run_command
from estimator.errors import InputError
from estimator.evaluation_motion import MOTIONS, SimulatedClip, Studio
from estimator.files import require_writable_file, write_file
from estimator.pipeline import EstimatorOptions, HandEstimator

VERTEX_STEP = 25
"""One vertex in so many is measured."""

LEAST_EXTENT_MM = 2.0
LONGEST_LAG = 4
LAG_STEP = 0.25
_BLUR_PX = 5.0


@dataclass(frozen=True)
class EvaluateVideoOptions(CommandOptions):
    """Follows simulated hands (our own, drawn over a picture, with noise) whose truth is known, and tells jitter, lag and identities.

    Jitter: what trembles in the vertices beside their true motion, RMS in millimetres (see estimator/clip_jitter.py). Lag: by how many
    frames the truth has to be delayed to fit best. Extent: of the steadied motion over that of single frames' answers.

    Exit status: 0 done; 2 wrong usage.
    """

    motions: Annotated[str, tyro.conf.arg(metavar="LIST")] = ",".join(MOTIONS)
    """Which motions, separated by commas: still, wave (twice a second), fingers, crossing (two hands), four (two people's)."""
    seconds: float = 2.0
    """Length of each clip."""
    json_file: Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help_behavior_hint="(default: not written)")] = None
    """Write the figures to this file."""


@dataclass(frozen=True)
class MotionScore:
    """How one clip was followed; jitter and the rest before and after steadying, nan where a clip has several hands.

    Lag and extent stay nan for a hand that hardly moves.

    Attributes:
        motion: its name.
        frames: of the clip.
        hands: how many are to be seen.
        found: share of the hands' frames in which they were seen or bridged.
        identities: how many different hands were reported.
        wrong_sides: share of the reported hands that have the wrong side.
        raw_jitter_mm: of single frames' answers.
        jitter_mm: of steadied ones.
        raw_lag_frames: of single frames' answers.
        lag_frames: of steadied ones.
        extent: of the steadied motion over that of single frames' answers; below one, fast motion fades.
    """

    motion: str
    frames: int
    hands: int
    found: float
    identities: int
    wrong_sides: float
    raw_jitter_mm: float
    jitter_mm: float
    raw_lag_frames: float
    lag_frames: float
    extent: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(EvaluateVideoOptions, _run, "estimator.evaluate_video", argv)


def _run(options: EvaluateVideoOptions) -> int:
    names = [name.strip() for name in options.motions.split(",")]
    if unknown := [name for name in names if name not in MOTIONS]:
        raise InputError(f"--motions: unknown {', '.join(map(repr, unknown))}; choose from {', '.join(MOTIONS)}")
    if not options.seconds >= 1:
        raise InputError(f"--seconds {options.seconds:g}: a clip needs a second at least")
    if options.json_file is not None:
        require_writable_file(options.json_file)
    estimator, studio = HandEstimator(EstimatorOptions()), Studio(seconds=options.seconds)
    with progress_bar() as progress:
        scores = [score_motion(name, studio, estimator) for name in progress.track(names, description="motions")]
    Console().print(_table(scores))
    if options.json_file is not None:
        document = {
            "schema": "deephandmesh-video-eval/1",
            "simulated": True,
            "studio": asdict(studio),
            "motions": [asdict(s) for s in scores],
        }
        write_file(options.json_file, (json.dumps(document, indent=2).replace("NaN", "null") + "\n").encode())
    return DONE


def score_motion(name: str, studio: Studio, estimator: HandEstimator) -> MotionScore:
    """Follow one simulated clip and compare it with its truth."""
    clip = SimulatedClip(name, MOTIONS[name], _backdrop(studio), studio, estimator)
    record = _Record(clip)
    summary = process_clip(clip, estimator, ClipOptions(), [record])
    hands = len(clip.truth(0))
    alone = hands == 1 and len(record.true) > 2 * LONGEST_LAG + 3
    raw, steadied, true = (np.array(series) for series in (record.raw, record.steadied, record.true))
    moves = alone and true.std(axis=0).mean() > LEAST_EXTENT_MM
    return MotionScore(
        motion=name,
        frames=summary.frames,
        hands=hands,
        found=record.reported / (hands * summary.frames),
        identities=summary.hands,
        wrong_sides=record.wrong / max(record.reported, 1),
        raw_jitter_mm=_jitter_mm(raw - true) if alone else np.nan,
        jitter_mm=_jitter_mm(steadied - true) if alone else np.nan,
        raw_lag_frames=lag_frames(raw, true) if moves else np.nan,
        lag_frames=lag_frames(steadied, true) if moves else np.nan,
        extent=float(steadied.std(axis=0).mean() / raw.std(axis=0).mean()) if moves else np.nan,
    )


class _Record:
    """What was reported of each frame, beside the truth. Sides are told by place: a reported hand is the true one nearest to it."""

    def __init__(self, clip: SimulatedClip) -> None:
        self._clip = clip
        self.raw: list[np.ndarray] = []
        self.steadied: list[np.ndarray] = []
        self.true: list[np.ndarray] = []
        self.reported = self.wrong = 0

    def write(self, result: FrameResult) -> None:
        """Compare one frame."""
        truth = self._clip.truth(result.frame.index)
        for hand, placed in zip(result.hands, result.placed, strict=True):
            nearest = min(truth, key=lambda true: float(np.linalg.norm(true.joints_px.mean(axis=0) - placed.joints_px.mean(axis=0))))
            self.reported += 1
            self.wrong += nearest.side != placed.side
            raw = result.estimator.mesh(hand.detection, result.camera, hand.raw)
            for series, one in ((self.raw, raw), (self.steadied, placed), (self.true, nearest)):
                series.append(one.vertices[::VERTEX_STEP])


def lag_frames(found: Float[np.ndarray, "frames points 3"], true: Float[np.ndarray, "frames points 3"]) -> float:
    """By how many frames (in quarters) the truth has to be delayed so that it fits what was found best; means are left aside."""
    found, true = found - found.mean(axis=0), true - true.mean(axis=0)
    inner = np.arange(LONGEST_LAG, len(true) - LONGEST_LAG)
    lags = np.arange(-LONGEST_LAG, LONGEST_LAG + LAG_STEP / 2, LAG_STEP)

    def misfit(lag: float) -> float:
        before = np.clip(np.floor(inner - lag).astype(int), 0, len(true) - 2)
        share = (inner - lag - before)[:, None, None]
        return float(np.square(found[inner] - (1 - share) * true[before] - share * true[before + 1]).mean())

    return float(min(lags, key=misfit))


def _jitter_mm(points: Float[np.ndarray, "frames points 3"]) -> float:
    meter = JitterMeter()
    for index, at in enumerate(points):
        meter.add(0, index, float(index), at)
    return meter.rms_mm


def _backdrop(studio: Studio) -> UInt8[np.ndarray, "height width 3"]:
    picture = cv2.cvtColor(cv2.imread(str(ASSETS / "forest_slope_view.jpg")), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.GaussianBlur(fill(picture, studio.width, studio.height), (0, 0), _BLUR_PX))


def _table(scores: Sequence[MotionScore]) -> Table:
    table = Table("motion", title="simulated clips, each frame alone > steadied")
    for heading in ("found", "hands", "wrong side", "jitter mm", "lag", "extent"):
        table.add_column(heading, justify="right")
    for s in scores:
        jitter = "" if np.isnan(s.jitter_mm) else f"{s.raw_jitter_mm:.2f} > {s.jitter_mm:.2f}"
        lag = "" if np.isnan(s.lag_frames) else f"{s.raw_lag_frames:.2f} > {s.lag_frames:.2f}"
        extent = "" if np.isnan(s.extent) else f"{s.extent:.2f}"
        table.add_row(s.motion, f"{s.found:.2f}", f"{s.identities} of {s.hands}", f"{s.wrong_sides:.2f}", jitter, lag, extent)
    return table


if __name__ == "__main__":
    sys.exit(main())
