"""python -m decoder_pretrain.report: the paper's tables and figures from runs of decoder_pretrain.train, as one HTML file."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from decoder_pretrain.moments import moments_of
from decoder_pretrain.report_content import Curves, Figure, Table
from decoder_pretrain.report_curves import error_curves, loss_curves
from decoder_pretrain.report_evaluations import Examiner
from decoder_pretrain.report_figures import (
    comparison_figure,
    comparisons,
    error_figure,
    pose_corrective_figure,
    skinning_figure,
    subjects_figure,
)
from decoder_pretrain.report_page import Headline, Page, Section, html
from decoder_pretrain.report_runs import LINEAR, Refusal, Run, Runs, Variant, find_runs
from decoder_pretrain.report_tables import (
    ablation_table,
    comparison_table,
    motion_table,
    settings_table,
    skeleton_table,
    subject_table,
)
from decoder_pretrain.report_texture import texture_figure
from estimator.checkout import checkout_commit
from estimator.command import BAD_INPUT, DONE, CommandOptions, progress_bar, run_command
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file
from estimator.version import VERSION


@dataclass(frozen=True, kw_only=True)
class ReportOptions(CommandOptions):
    """Make one HTML file with the paper's tables and figures from runs of decoder_pretrain.train."""

    runs: Annotated[Path, tyro.conf.Positional]
    """Folder that holds the runs' folders."""

    out: Path = Path("report.html")
    """File for the report."""

    frames: int = 280
    """Moments to test each run on, spread evenly over the motions; what was looked at before is kept in the run's folder."""


def run(options: ReportOptions) -> int:
    """Evaluate what was not yet evaluated, and write; the exit status."""
    if options.frames < 1:
        raise InputError(f"--frames should be at least 1, not {options.frames}")
    require_writable_file(options.out)
    found = find_runs(options.runs)
    with progress_bar() as bar:
        examiner = Examiner(options.frames, moments_of, bar)
        runs = evaluated(found, examiner)
        write_file(options.out, html(report_page(runs, examiner)).encode())
    for refusal in runs.refused:
        kind = "unfinished" if refusal.unfinished else "not used"
        print(f"{refusal.path}: {kind}: {refusal.reason}", file=sys.stderr)
    print(options.out)
    return DONE if all(refusal.unfinished for refusal in runs.refused) else BAD_INPUT


def evaluated(runs: Runs, examiner: Examiner) -> Runs:
    """The runs whose numbers are known; the others are refused, with the reason."""
    usable: list[Run] = []
    refused = list(runs.refused)
    for one in runs.usable:
        try:
            examiner.evaluation(one)
            usable.append(one)
        except InputError as error:
            refused.append(Refusal(one.folder.path, " ".join(str(error).split())))
        finally:
            one.forget()
    return Runs(tuple(usable), tuple(refused))


def report_page(runs: Runs, examiner: Examiner) -> Page:
    """Everything that the runs have to show."""
    simulated = bool(runs.data) and all(data.simulated for data in runs.data)
    moments = examiner.moments_behind(examiner.evaluation(one).summary for one in runs.usable)
    summary = (
        f"{len(runs.usable)} runs of decoder_pretrain.train, each tested on {moments} of gestures "
        "that it was not trained on. All lengths are in millimetres."
    )
    if simulated:
        summary += " The data is simulated: pictures, depth maps and scans were rendered of made-up people, and nobody real was recorded."
    commit = checkout_commit()
    return Page(
        title="A personal hand model from a capture studio",
        summary=summary,
        simulated=simulated,
        headlines=_headlines(runs, examiner),
        sections=(
            Section("Against a linear model", _comparison(runs, examiner)),
            Section("What each part is worth", _ablation(runs, examiner)),
            Section("Correctives", _correctives(runs, examiner)),
            Section("Subjects and gestures", _subjects(runs, examiner)),
            Section("Training", _training(runs)),
        ),
        refused=runs.refused,
        made=f"Made by decoder_pretrain.report, deephandmesh {VERSION}{f', commit {commit}' if commit else ''}.",
    )


def _headlines(runs: Runs, examiner: Examiner) -> tuple[Headline, ...]:
    """Errors of the first subject's whole model, beside the linear one's."""
    for data in runs.data:
        ours, linear = (runs.best(variant) for variant in (Variant(data), Variant(data, LINEAR)))
        if ours:
            own = examiner.evaluation(ours).summary
            other = examiner.evaluation(linear).summary if linear else None
            beside = [f", linear {value:.2f}" for value in (other.p_err_mm, other.m_err_mm)] if other else ["", ""]
            return (
                Headline(f"{own.p_err_mm:.2f} mm", f"joint error{beside[0]} ({data.words})"),
                Headline(f"{own.m_err_mm:.2f} mm", f"surface error{beside[1]} ({data.words})"),
                Headline(f"{own.penetration_mean_mm:.2f} mm", f"penetration, mean ({data.words})"),
            )
    return ()


def _comparison(runs: Runs, examiner: Examiner) -> tuple[Table | Figure, ...]:
    if not runs.data:
        return ()
    of_models = [one for one in comparisons(runs.data[0]) if one.number in ("Figure 10", "Figure 19")]
    figures = [comparison_figure(one, runs, examiner) for one in of_models]
    return (comparison_table(runs, examiner), *figures, error_figure(runs.data[0], runs, examiner))


def _ablation(runs: Runs, examiner: Examiner) -> tuple[Table | Figure, ...]:
    if not runs.data:
        return ()
    of_losses = [one for one in comparisons(runs.data[0]) if one.number in ("Figure 6", "Figure 7")]
    return (ablation_table(runs, examiner), *(comparison_figure(one, runs, examiner) for one in of_losses))


def _correctives(runs: Runs, examiner: Examiner) -> tuple[Table | Figure, ...]:
    if not runs.data:
        return ()
    data = runs.data[0]
    figures = (pose_corrective_figure(data, runs, examiner), skinning_figure(data, runs, examiner))
    return (skeleton_table(runs, examiner), *figures, texture_figure(data, runs))


def _subjects(runs: Runs, examiner: Examiner) -> tuple[Table | Figure, ...]:
    if not runs.data:
        return ()
    motions = motion_table(runs, examiner)
    return (subject_table(runs, examiner), subjects_figure(runs), *([motions] if motions else []))


def _training(runs: Runs) -> tuple[Table | Curves, ...]:
    first = next((found for data in runs.data if (found := runs.best(Variant(data)))), None)
    curves = (error_curves(runs.usable), loss_curves(first) if first else None)
    return (*(found for found in curves if found), *([settings_table(runs)] if runs.usable else []))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(ReportOptions, run, "decoder_pretrain.report", argv)


if __name__ == "__main__":
    sys.exit(main())
