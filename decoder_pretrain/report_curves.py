"""Learning curves as drawings that follow a page's colours."""

import io
import re
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from decoder_pretrain.report_content import Curves
from decoder_pretrain.report_runs import Run

_INK = "#010203"
"""Stands for the page's text colour."""

_COLOURS = ("#d9622b", "#3b7dd8", "#2a9d6f", "#8250c4", "#c2a000", "#d1447f", "#2fa6b8", "#8a6d4b", "#7d8590", "#a33b20")
_ERROR = "joint_error_mm"
_NOT_LOSSES = {"step", "epoch", _ERROR, "total"}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.2,
    "grid.color": _INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def error_curves(runs: Sequence[Run]) -> Curves | None:
    """Joint error over epochs of all runs together; None where nothing is logged."""
    lines = [(run, values) for run in runs if (values := run.folder.metrics())]
    if not lines:
        return None
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 4.0 + 0.22 * len(lines)), layout="constrained")
        axes = figure.subplots()
        for number, (run, values) in enumerate(lines):
            style = ("-", "--", ":")[number // len(_COLOURS) % 3]
            _plot(axes, values, _ERROR, _COLOURS[number % len(_COLOURS)], f"{run.variant.words} ({run.name})", style)
        axes.set(xlabel="epoch", ylabel="joint error on training data, mm")
        figure.legend(loc="outside lower left", fontsize=9)
        svg = drawing(figure)
    return Curves("Joint error while training", f"{_whom([run for run, _ in lines])} Mean over a batch, on training poses.", svg)


def loss_curves(run: Run) -> Curves | None:
    """Each loss of one run over epochs; None where nothing is logged."""
    values = run.folder.metrics()
    names = list(dict.fromkeys(name for line in values for name in line if name not in _NOT_LOSSES))
    if not names:
        return None
    with rc_context(_STYLE):
        rows = -(-len(names) // 2)
        figure = Figure(figsize=(7.2, 2.1 * rows), layout="constrained")
        panels = list(figure.subplots(rows, 2, squeeze=False).flat)
        for panel, name, colour in zip(panels, names, _COLOURS * len(names), strict=False):
            _plot(panel, values, name, colour, name)
            panel.set_title(name.replace("_", " "), fontsize=10)
        for panel in panels[len(names) :]:
            panel.set_axis_off()
        svg = drawing(figure)
    caption = f"{_whom([run])} Each loss over epochs, unweighted, of {run.variant.words} ({run.name})."
    return Curves("Losses while training", caption, svg)


def drawing(figure: Figure) -> str:
    """A figure as SVG to be put into a page: its ink is the page's, and it asks for nothing from elsewhere."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    opening, content = svg[svg.index("<svg") :].split(">", 1)
    opening = re.sub(r' (width|height|xmlns|xmlns:xlink)="[^"]*"', "", opening)
    content = re.sub(r"<metadata>.*?</metadata>", "", content, flags=re.DOTALL)
    content = re.sub(r"font: (?:\S+ )?([0-9.]+px) [^;\"]*", r"font-size: \1", content)
    return f"{opening}>{content}".replace(_INK, "currentColor")


def _plot(axes: Axes, values: Sequence[dict[str, float | int]], name: str, colour: str, label: str, style: str = "-") -> None:
    points = [(line["epoch"], line[name]) for line in values if name in line]
    marker = "o" if len(points) == 1 else None
    axes.plot(*zip(*points, strict=True), color=colour, label=label, linestyle=style, linewidth=1.6, marker=marker)


def _whom(runs: Sequence[Run]) -> str:
    kinds = {run.variant.data.simulated for run in runs}
    return "Simulated data." if kinds == {True} else "Real data." if kinds == {False} else "Simulated and real data."
