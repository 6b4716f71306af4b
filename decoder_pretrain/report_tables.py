"""The paper's tables from runs, and ours: the ablation and the subjects."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from decoder_pretrain.evaluation import DEEP_MM, Summary
from decoder_pretrain.report_content import Missing, Row, Table
from decoder_pretrain.report_evaluations import Examiner
from decoder_pretrain.report_runs import LINEAR, LOW_RESOLUTION, OURS, PART_WORDS, Data, Run, Runs, Variant

_SKELETON = "identity-skeleton"
_ERRORS = ("P_err mm", "M_err mm")
_TIPS = "fingertips mm"
_PENETRATION = ("penetration, mean mm", "worst mm", f"share > {DEEP_MM:g} mm")
_MEASURES = (
    "P_err: mean distance of joints; M_err: mean distance of vertices to the nearest point of the scan; fingertips: mean distance of the "
    "scan's fingertips to the surface; all after rigid alignment by the wrist and the fingers' roots."
)


def comparison_table(runs: Runs, examiner: Examiner) -> Table:
    """Table 1: the linear baseline against ours on unseen gestures."""
    rows, missing, summaries = [], [], []
    for data in runs.data:
        measured, lacking = _measured(runs, examiner, [Variant(data, model) for model in (LINEAR, LOW_RESOLUTION, OURS)])
        rows += _best_marked([(run, (summary.p_err_mm, summary.m_err_mm)) for run, summary in measured])
        missing += [lack for lack in lacking if lack.variant.model != LOW_RESOLUTION]
        summaries += [summary for _, summary in measured]
    return Table(
        number="Table 1",
        title="Unseen gestures: a linear hand model and ours",
        caption=f"{_whom(runs.data)} {examiner.moments_behind(summaries)} of gestures that no model was trained on, "
        f"theta from each model's own encoder. {_MEASURES} "
        "The paper, on its real subjects: MANO 13.81 and 8.93 mm, DeepHandMesh 9.86 and 6.55 mm; "
        "numbers from other data do not compare with these.",
        headings=("model", "subject", *_ERRORS),
        rows=tuple(rows),
        missing=tuple(missing),
    )


def skeleton_table(runs: Runs, examiner: Examiner) -> Table:
    """Table 2: what the skeleton corrective is worth, whatever the encoder sees."""
    rows, missing, summaries = [], [], []
    for data in _with_models(runs, OURS):
        found = [(variant, runs.best(variant)) for variant in (Variant(data, left_out=(_SKELETON,)), Variant(data))]
        measured = [(run, examiner.evaluation(run, "training", "fitted").summary) for _, run in found if run]
        rows += _best_marked([(run, (summary.p_err_mm,)) for run, summary in measured])
        missing += [Missing(variant) for variant, run in found if not run]
        summaries += [summary for _, summary in measured]
    return Table(
        number="Table 2",
        title="The skeleton corrective",
        caption=f"{_whom(runs.data)} {examiner.moments_behind(summaries)} of the training poses; theta is fitted to the true joints "
        "and the hand is rigidly placed, so that what is left is the skeleton's own error. "
        "The paper, on its real subjects: 4.82 mm without, 2.38 mm with it.",
        headings=("model", "subject", _ERRORS[0]),
        rows=tuple(rows),
        missing=tuple(missing),
    )


def ablation_table(runs: Runs, examiner: Examiner) -> Table:
    """The whole model, and each loss and each corrective left out of it."""
    rows, missing, summaries = [], [], []
    for data in _with_models(runs, OURS):
        usual = [Variant(data), *(Variant(data, left_out=(part,)) for part in PART_WORDS)]
        others = {run.variant for run in runs.usable if run.variant.data == data and run.variant.model == OURS} - set(usual)
        measured, lacking = _measured(runs, examiner, [*usual, *sorted(others, key=lambda variant: variant.words)])
        rows += [_measured_row(run, summary, best=run.variant == usual[0]) for run, summary in measured]
        missing += lacking
        summaries += [summary for _, summary in measured]
    return Table(
        number="",
        title="Ablation: what each loss and each corrective is worth",
        caption=f"{_whom(runs.data)} {examiner.moments_behind(summaries)} of unseen gestures, theta from each model's own encoder. "
        f"{_MEASURES} Penetration: how deep the deepest vertex of a moment is inside another part of the hand, "
        f"and the share of moments with more than {DEEP_MM:g} mm.",
        headings=("model", "subject", *_ERRORS, _TIPS, *_PENETRATION),
        rows=tuple(rows),
        missing=tuple(missing),
    )


def subject_table(runs: Runs, examiner: Examiner) -> Table:
    """The whole model of every subject."""
    data = sorted(_with_models(runs, OURS), key=lambda one: (one.source, one.subject))
    measured, _ = _measured(runs, examiner, [Variant(one) for one in data])
    return Table(
        number="",
        title="Subjects",
        caption=f"{_whom(data)} {examiner.moments_behind(summary for _, summary in measured)} of unseen gestures of each, "
        f"theta from each model's own encoder. {_MEASURES}",
        headings=("model", "subject", *_ERRORS, _TIPS, *_PENETRATION),
        rows=tuple(_measured_row(run, summary) for run, summary in measured),
    )


def motion_table(runs: Runs, examiner: Examiner) -> Table | None:
    """The first subject's whole model, gesture by gesture; None where there is none."""
    run = next((found for data in runs.data if (found := runs.best(Variant(data)))), None)
    if run is None:
        return None
    by_motion: dict[str, list[tuple[float, float, float]]] = {}
    for score in examiner.evaluation(run).scores:
        by_motion.setdefault(score.motion, []).append((score.joint_error_mm, score.surface_error_mm, score.penetration_mm))
    rows = []
    for motion, numbers in by_motion.items():
        means = [sum(column) / len(numbers) for column in zip(*numbers, strict=True)]
        rows.append(Row((motion.replace("_", " "), str(len(numbers)), *(f"{mean:.2f}" for mean in means))))
    return Table(
        number="",
        title="Gesture by gesture",
        caption=f"{run.variant.words}, {run.variant.data.words}: means over each unseen gesture's moments.",
        headings=("gesture", "moments", *_ERRORS, _PENETRATION[0]),
        rows=tuple(rows),
        text_columns=1,
    )


def settings_table(runs: Runs) -> Table:
    """All usable runs and how they were trained; where there are several of a variant, the one that is shown stands out."""
    variants = [run.variant for run in runs.usable]
    return Table(
        number="",
        title="Runs",
        caption="Where a variant was trained more than once, tables and figures show the one that saw most samples. "
        "Numbers of runs that were trained differently do not tell what a loss or corrective is worth.",
        headings=("folder", "model", "subject", "trained", "seed"),
        rows=tuple(
            Row(
                (run.name, run.variant.words, run.variant.data.words, run.settings, str(run.config.seed)),
                best=variants.count(run.variant) > 1 and run is runs.best(run.variant),
            )
            for run in runs.usable
        ),
        text_columns=5,
    )


def _measured(runs: Runs, examiner: Examiner, variants: Iterable[Variant]) -> tuple[list[tuple[Run, Summary]], list[Missing]]:
    """Of each variant's best run the numbers on unseen gestures; and the variants without a run."""
    found = [(variant, runs.best(variant)) for variant in variants]
    return [(run, examiner.evaluation(run).summary) for _, run in found if run], [Missing(variant) for variant, run in found if not run]


def _measured_row(run: Run, summary: Summary, best: bool = False) -> Row:
    lengths = (summary.p_err_mm, summary.m_err_mm, summary.tip_err_mm, summary.penetration_mean_mm, summary.penetration_worst_mm)
    cells = (run.variant.words, run.variant.data.words, *(f"{length:.2f}" for length in lengths), f"{summary.penetration_share:.0%}")
    return Row(cells, best)


def _best_marked(numbers: Sequence[tuple[Run, tuple[float, ...]]]) -> list[Row]:
    """Rows of one subject; the one with the least first number stands out where there is something to compare it with."""
    rows = [Row((run.variant.words, run.variant.data.words, *(f"{value:.2f}" for value in values))) for run, values in numbers]
    if len(rows) > 1:
        least = min(range(len(rows)), key=lambda row: numbers[row][1][0])
        rows[least] = replace(rows[least], best=True)
    return rows


def _with_models(runs: Runs, model: str) -> tuple[Data, ...]:
    """Subjects of whom there is a run of a model."""
    present = {run.variant.data for run in runs.usable if run.variant.model == model}
    return tuple(data for data in runs.data if data in present)


def _whom(data: Sequence[Data]) -> str:
    """Whose hands a table is about: simulated data is named as such."""
    if not data:
        return ""
    kinds = {one.simulated for one in data}
    if kinds == {True}:
        return "Simulated data: nobody real was recorded."
    return "Real data." if kinds == {False} else "Simulated and real data, named in each row."
