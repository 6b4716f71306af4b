"""The command that times depth maps of the hand, forward and with gradients, beside others who draw them."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from decoder_pretrain.rasterizer_peers import PEERS, Contender, DepthScene
from estimator.hand.compiled import THREAD_COUNT
from estimator.hand.decoder import HandDecoder
from estimator.hand.occlusion import sphere_directions
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import HandTemplate

_DISTANCE_MM = 1000.0
_FILL = 0.9
"""Share of the picture that the hand may fill from side to side."""

_AGREEMENT_MM = 0.5

TASKS = ("forward", "forward and backward")


@dataclass(frozen=True)
class BenchmarkOptions:
    """What is timed.

    Attributes:
        json: file that gets all figures.
        rounds: how often each is timed; one round times everyone in turn, so that what else the machine does meets all alike.
        size: height and width of a view, pixels.
        views: numbers of views drawn at once.
        poses: named poses of the shipped hand.
    """

    json: Path | None = None
    rounds: int = 20
    size: int = 256
    views: tuple[int, ...] = (1, 2, 6, 12)
    poses: tuple[str, ...] = ("flat", "fist")

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.size < 1 or not self.views or min(self.views) < 1:
            raise ValueError("rounds, size and views must be positive")
        if unknown := set(self.poses) - set(NAMED_POSES):
            raise ValueError(f"no pose is named {', '.join(sorted(unknown))}; there are {', '.join(NAMED_POSES)}")


@dataclass(frozen=True)
class Timing:
    """Milliseconds a view of one contender at one task.

    Attributes:
        pose: of the hand.
        views: drawn at once.
        task: one of ``TASKS``.
        contender: its name.
        median_ms: of all rounds, a view.
        least_ms: of all rounds, a view: what a machine with nothing else to do gives.
        core_ms: least time of all cores together, a view; what else the machine does hardly changes it.
        times_ours: median of the rounds' ratios to ours.
        agreement: share of the pixels that either covers in which both depths agree within half a millimetre.
    """

    pose: str
    views: int
    task: str
    contender: str
    median_ms: float
    least_ms: float
    core_ms: float
    times_ours: float
    agreement: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Time everyone who is installed, print a table and the absent, and write the JSON file."""
    options = tyro.cli(BenchmarkOptions, args=arguments, description=__doc__)
    template, timings, absent = HandTemplate.load(), [], {}
    for pose in options.poses:
        for view_count in options.views:
            scene = depth_scene(template, pose, view_count, options.size)
            contenders, missing = present(scene)
            absent |= missing
            timings += timed(contenders, pose, view_count, options.rounds)
    for task in TASKS:
        Console().print(_table([timing for timing in timings if timing.task == task], f"{task}, {options.size} x {options.size}"))
    for name, reason in absent.items():
        print(f"{name}: not measured, {reason}")
    if options.json:
        report = {"threads": THREAD_COUNT, "size": options.size, "timings": [asdict(timing) for timing in timings], "absent": absent}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def depth_scene(template: HandTemplate, pose: str, view_count: int, size: int) -> DepthScene:
    """The template in a named pose, seen from directions spread evenly over the sphere."""
    theta = torch.tensor(NAMED_POSES[pose])
    with torch.no_grad():
        vertices = HandDecoder(template)(theta).vertices.double().numpy()
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    focal = _FILL * size / 2 * _DISTANCE_MM / np.linalg.norm(vertices - centre, axis=1).max()
    K = np.array([[focal, 0.0, (size - 1) / 2], [0.0, focal, (size - 1) / 2], [0.0, 0.0, 1.0]])
    z = sphere_directions(view_count)
    x = np.cross(np.eye(3)[np.abs(z).argmin(axis=1)], z)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    R = np.stack([x, np.cross(z, x), z], axis=1)
    t = np.array([0.0, 0.0, _DISTANCE_MM]) - R @ centre
    return DepthScene(vertices, template.faces, np.tile(K, (view_count, 1, 1)), R, t, size)


def present(scene: DepthScene) -> tuple[list[Contender], dict[str, str]]:
    """Who can draw the scene here, and why the others cannot."""
    contenders, absent = [], {}
    for peer in PEERS:
        try:
            contenders.append(peer(scene))
        except ImportError as error:
            absent[peer.__name__] = " ".join(str(error).split())
    return contenders, absent


def timed(contenders: Sequence[Contender], pose: str, view_count: int, rounds: int) -> list[Timing]:
    """Both tasks of all contenders."""
    reference = contenders[0].forward()
    agreements = [_agreement(contender.forward(), reference) for contender in contenders]  # also warms everyone up
    timings = []
    for task, works in (
        (TASKS[0], [contender.forward for contender in contenders]),
        (TASKS[1], [contender.forward_backward for contender in contenders]),
    ):
        able = [(contender, work, same) for contender, work, same in zip(contenders, works, agreements, strict=True) if work]
        wall, cores = _milliseconds([work for _, work, _ in able], rounds) / view_count
        ratios = wall / wall[:, :1]
        timings += [
            Timing(pose, view_count, task, contender.name, float(np.median(own)), own.min().item(), core.min().item(), ratio, same)
            for (contender, _, same), own, core, ratio in zip(able, wall.T, cores.T, np.median(ratios, axis=0).tolist(), strict=True)
        ]
    return timings


def _milliseconds(works: Sequence[Callable[[], object]], rounds: int) -> Float[np.ndarray, "2 rounds works"]:
    """On the wall and of all cores, after one round that does not count."""
    times = np.zeros((2, rounds + 1, len(works)))
    for turn in range(rounds + 1):
        for index, work in enumerate(works):
            start, cores = time.perf_counter(), time.process_time()
            work()
            times[:, turn, index] = 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cores)
    return times[:, 1:]


def _agreement(depth: np.ndarray, reference: np.ndarray) -> float:
    covered = (depth > 0) | (reference > 0)
    return float((np.abs(depth - reference) < _AGREEMENT_MM)[covered].mean())


def _table(timings: Sequence[Timing], title: str) -> Table:
    """A row for each contender and pose, a column for each number of views."""
    view_counts = sorted({timing.views for timing in timings})
    table = Table(title=f"Depth maps, {title}: median ms a view (times ours)", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("pose", "who", "same"):
        table.add_column(heading)
    for view_count in view_counts:
        table.add_column(f"{view_count} view{'s' * (view_count > 1)}", justify="right")
    for pose, who in dict.fromkeys((timing.pose, timing.contender) for timing in timings):
        row = sorted((timing for timing in timings if (timing.pose, timing.contender) == (pose, who)), key=lambda timing: timing.views)
        same = np.mean([timing.agreement for timing in row])
        table.add_row(pose, who, f"{same:.0%}", *(f"{timing.median_ms:.2f} ({timing.times_ours:.1f})" for timing in row))
    return table


if __name__ == "__main__":
    sys.exit(main())
