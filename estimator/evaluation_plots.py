"""Pictures of an evaluation: PCK curves, errors by source and by joint, and the photographs that came out worst."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from estimator import metrics
from estimator.evaluation_scores import ALL, HandScore, Row
from estimator.files import write_file
from estimator.hand.template import FINGERS, LANDMARK_NAMES
from estimator.images import read_photograph

WORST_COUNT = 12
METHOD_COLORS = {"detector": "#8a8f98", "landmarks": "#3b7dd8", "image": "#c2a000", "default": "#2a9d6f", "full": "#d9622b"}
OTHER_COLOR = "#8250c4"
"""Of an encoder that somebody named: there is one at most."""

ANNOTATED_COLOR, ESTIMATED_COLOR = "#39d353", "#ff2d95"
CROP_MARGIN = 0.25
"""Of the hand's size, on each side of the hand."""

CHAINS = np.array([[LANDMARK_NAMES.index(name) for name in ("wrist", *(f"{finger}{i}" for i in (1, 2, 3, 4)))] for finger in FINGERS])
"""Each finger's landmarks, from the wrist to the tip."""

Distances = Callable[[HandScore], Float[np.ndarray, " 21"]]
Number = Callable[[HandScore], float]


def write_plots(rows: Sequence[Row], folder: Path) -> None:
    """Write ``pck.png``, ``sources.png``, ``joints.png`` and ``worst_2d.png``, and ``worst_3d.png`` where 3D joints were annotated."""
    overall = [row for row in rows if row.source == ALL]
    _save(_pck_figure(overall), folder / "pck.png")
    _save(_source_figure(rows), folder / "sources.png")
    _save(_joint_figure(overall), folder / "joints.png")
    last = overall[-1]
    title = f"{last.method}: worst {{}} (annotated green, estimated pink)"
    _save(
        _worst_figure(last.scores, lambda score: score.epe2d_rel, "{:.3f} of hand size", title.format("in the image")),
        folder / "worst_2d.png",
    )
    with_3d = [score for score in last.scores if score.sample.joints_mm is not None]
    if with_3d:
        _save(_worst_figure(with_3d, lambda score: score.pa_mm, "{:.1f} mm aligned", title.format("in 3D")), folder / "worst_3d.png")


def _save(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_file(path, buffer.getvalue())


def _pck_figure(rows: Sequence[Row]) -> Figure:
    """Share of correct joints over the threshold: in the image, and in 3D under both alignments."""
    figure = Figure(figsize=(14, 4.4), layout="constrained")
    in_image, root_relative, aligned = figure.subplots(1, 3, sharey=True)
    _pck_curves(in_image, rows, lambda score: score.distances_rel, np.linspace(0, 0.2, 201), "2D error / hand size")
    _pck_curves(root_relative, rows, lambda score: score.root_relative_mm, np.linspace(0, 80, 161), "root-relative error, mm")
    _pck_curves(aligned, rows, lambda score: score.similarity_aligned_mm, np.linspace(0, 50, 101), "similarity-aligned error, mm")
    in_image.set_ylabel("share of joints within")
    root_relative.axvspan(20, 50, color="black", alpha=0.06, linewidth=0)
    aligned.legend(loc="lower right", frameon=False)
    figure.suptitle(f"PCK over found hands ({rows[0].images} pictures; shaded: the range of the AUC)")
    return figure


def _color(row: Row) -> str:
    return METHOD_COLORS.get(row.method, OTHER_COLOR)


def _line(row: Row) -> str:
    return "--" if row.method == "default" else "-"  # lets the encoder show that it is


def _pck_curves(axes: Axes, rows: Sequence[Row], distances: Distances, thresholds: Float[np.ndarray, " thresholds"], label: str) -> None:
    for row in rows:
        errors = np.concatenate([distances(score) for score in row.scores])
        axes.plot(thresholds, metrics.pck(errors, thresholds), color=_color(row), label=row.method, linewidth=2, linestyle=_line(row))
    axes.set(xlabel=label, xlim=(thresholds[0], thresholds[-1]), ylim=(0, 1))
    axes.grid(alpha=0.25)


def _source_figure(rows: Sequence[Row]) -> Figure:
    """Mean errors of every method on every source."""
    figure = Figure(figsize=(14, 1.5 + 0.2 * len(rows)), layout="constrained")
    left, middle, right = figure.subplots(1, 3, sharey=True)
    _source_bars(left, rows, "epe2d_rel", "2D error / hand size")
    _source_bars(middle, rows, "rr_mm", "root-relative error, mm")
    _source_bars(right, rows, "pa_mm", "similarity-aligned error, mm")
    names = {row.source: f"{row.source} ({row.images}{', rendered' if row.rendered else ''})" for row in rows}
    left.set_yticks(range(len(names)), names.values())
    left.invert_yaxis()
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper right", ncols=len({row.method for row in rows}), frameon=False)
    return figure


def _source_bars(axes: Axes, rows: Sequence[Row], number: Literal["epe2d_rel", "rr_mm", "pa_mm"], label: str) -> None:
    sources, methods = (list(dict.fromkeys(values)) for values in zip(*((row.source, row.method) for row in rows), strict=True))
    thickness = 0.8 / len(methods)
    for row in rows:
        y = sources.index(row.source) + (methods.index(row.method) - (len(methods) - 1) / 2) * thickness
        name = row.method if row.source == sources[0] else None
        axes.barh(y, row.mean(number), 0.92 * thickness, color=_color(row), label=name)
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)


def _joint_figure(rows: Sequence[Row]) -> Figure:
    """Mean error of each joint, in the image and in 3D."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    _joint_lines(top, rows, lambda score: score.distances_rel, "2D error / hand size")
    _joint_lines(bottom, rows, lambda score: score.similarity_aligned_mm, "similarity-aligned error, mm")
    bottom.set_xticks(range(len(LANDMARK_NAMES)), LANDMARK_NAMES, rotation=45, ha="right")
    top.legend(frameon=False)
    return figure


def _joint_lines(axes: Axes, rows: Sequence[Row], distances: Distances, label: str) -> None:
    for row in rows:
        by_joint = np.stack([distances(score) for score in row.scores]).T
        axes.plot([metrics.mean(errors) for errors in by_joint], "o", color=_color(row), label=row.method, linestyle=_line(row))
    axes.set(ylabel=label, ylim=(0, None))
    axes.grid(alpha=0.25)


def _worst_figure(scores: Sequence[HandScore], number: Number, text: str, title: str) -> Figure:
    """Contact sheet of the photographs with the largest number, those without a found hand before all."""
    ranked = sorted(scores, key=lambda score: number(score) if score.found else np.inf, reverse=True)[:WORST_COUNT]
    figure = Figure(figsize=(14, 11), layout="constrained")
    tiles = figure.subplots(3, 4).ravel()
    for axes in tiles:
        axes.set_axis_off()
    for axes, score in zip(tiles, ranked, strict=False):
        _draw_photograph(axes, score)
        side = "" if score.side_right in (None, True) else ", wrong side"
        caption = text.format(number(score)) + side if score.found else "not found"
        axes.set_title(f"{score.sample.image.name}\n{caption}", fontsize=9)
    figure.suptitle(title)
    return figure


def _draw_photograph(axes: Axes, score: HandScore) -> None:
    axes.imshow(read_photograph(score.sample.image).pixels)
    truth = np.where(score.truth.visible[:, None], score.truth.joints_px, np.nan)
    _draw_skeleton(axes, truth, ANNOTATED_COLOR)
    shown = truth
    if score.prediction is not None:
        _draw_skeleton(axes, score.prediction.joints_px, ESTIMATED_COLOR)
        shown = np.concatenate([truth, score.prediction.joints_px])
    low, high = np.nanmin(shown, axis=0), np.nanmax(shown, axis=0)
    x, y = (low + high) / 2
    half = (high - low).max() / 2 + CROP_MARGIN * score.truth.size_px
    axes.set(xlim=(x - half, x + half), ylim=(y + half, y - half))


def _draw_skeleton(axes: Axes, joints_px: Float[np.ndarray, "21 2"], color: str) -> None:
    x, y = joints_px[CHAINS].transpose(2, 1, 0)
    axes.plot(x, y, ".-", color=color, linewidth=1.4, markersize=5)
