"""An evaluation for people (a table) and for programs (JSON values)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from estimator.evaluation import EvaluationSettings
from estimator.evaluation_scores import ALL, PCK_2D_THRESHOLD, HandScore, Row

SCHEMA = "deephandmesh-eval/1"


def evaluation_document(rows: Sequence[Row], settings: EvaluationSettings, dataset: str, path: Path) -> dict[str, Any]:
    """The table as JSON values; null where a number is not defined."""
    return {
        "schema": SCHEMA,
        "dataset": dataset,
        "path": str(path),
        "hand": settings.hand,
        "box": settings.box,
        "encoder": settings.encoder,
        "decoder": settings.decoder,
        "encoders": settings.encoders,
        "refine": settings.refine,
        "pck2d_threshold": PCK_2D_THRESHOLD,
        "rows": [_row_values(row) for row in rows],
    }


def _row_values(row: Row) -> dict[str, Any]:
    return {
        "source": row.source,
        "method": row.method,
        "rendered": row.rendered,
        "images": row.images,
        "found": row.found,
        "side_right": _finite(row.side_right),
        "epe2d_px": _finite(row.mean("epe2d_px")),
        "epe2d_rel": _finite(row.mean("epe2d_rel")),
        "pck2d": _finite(row.mean("pck2d")),
        "rr_mm": _finite(row.mean("rr_mm")),
        "pa_mm": _finite(row.mean("pa_mm")),
        "auc_20_50": _finite(row.mean("auc_20_50")),
        "per_image": [_score_values(score) for score in row.scores],
    }


def _score_values(score: HandScore) -> dict[str, Any]:
    return {
        "image": str(score.sample.image),
        "found": score.found,
        "side_right": score.side_right,
        "epe2d_px": _finite(score.epe2d_px),
        "epe2d_rel": _finite(score.epe2d_rel),
        "pck2d": _finite(score.pck2d),
        "rr_mm": _finite(score.rr_mm),
        "pa_mm": _finite(score.pa_mm),
        "auc_20_50": _finite(score.auc_20_50),
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def evaluation_table(rows: Sequence[Row]) -> Table:
    """A row a source and method; the last ones, in bold, are over all sources."""
    table = Table("source", "pictures", "method")
    for heading in ("images", "found", "side right", "2D px", "2D / size", "PCK 2D", "rr mm", "pa mm", "AUC 20-50"):
        table.add_column(heading, justify="right")
    for number, row in enumerate(rows):
        last_of_source = number + 1 == len(rows) or rows[number + 1].source != row.source
        table.add_row(
            row.source,
            {True: "rendered", False: "real", None: "mixed"}[row.rendered],
            row.method,
            str(row.images),
            f"{row.found:.3f}",
            _number(row.side_right, 3),
            _number(row.mean("epe2d_px"), 2),
            _number(row.mean("epe2d_rel"), 4),
            _number(row.mean("pck2d"), 3),
            _number(row.mean("rr_mm"), 2),
            _number(row.mean("pa_mm"), 2),
            _number(row.mean("auc_20_50"), 3),
            style="bold" if row.source == ALL else None,
            end_section=last_of_source,
        )
    return table


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"
