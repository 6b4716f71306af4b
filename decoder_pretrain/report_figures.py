"""The paper's figures from runs: hands beside each other and beside the scan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from decoder_pretrain.evaluation import KnownMoment
from decoder_pretrain.report_content import Figure, Missing, Panel
from decoder_pretrain.report_evaluations import Evaluation, Examiner, Score
from decoder_pretrain.report_pictures import (
    BACK,
    LARGEST_ERROR_MM,
    PALM,
    SCAN_GREY,
    Hand,
    blended,
    draw_row,
    error_colours,
    in_hand_frame,
    weight_colours,
)
from decoder_pretrain.report_runs import LINEAR, LOW_RESOLUTION, MODEL_WORDS, Data, Run, Runs, Variant
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import POSE_SIZE

MOMENTS_SHOWN = 3
LARGEST_CHANGE = 0.25
"""Of skinning weights, in Figure 13's difference."""

_CHANGE_STOPS = np.array([[0.62, 0.63, 0.64], [0.10, 0.35, 0.75], [0.03, 0.02, 0.25]])
_SIDES = ((PALM, "palm"), (BACK, "back"))


@dataclass(frozen=True)
class Comparison:
    """A figure that shows models beside the scan.

    Attributes:
        number: the paper's.
        title: what it is about.
        meaning: what is to be seen.
        variants: the models, from left to right; moments are chosen by the first.
        choose: from the first one's evaluation to the moments that are shown.
        choice: the same in words.
    """

    number: str
    title: str
    meaning: str
    variants: tuple[Variant, ...]
    choose: Callable[[Evaluation], list[int]]
    choice: str


def comparisons(data: Data) -> tuple[Comparison, ...]:
    """Figures 6, 7, 10 and 19 of a subject."""
    ours, low, linear = Variant(data), Variant(data, LOW_RESOLUTION), Variant(data, LINEAR)
    worst_joints, deepest = _worst(lambda score: score.joint_error_mm), _worst(lambda score: score.penetration_mm)
    return (
        Comparison(
            "Figure 6",
            "Without and with the pose loss",
            "Depth maps say nothing of what they do not see: without the pose loss joints end up in wrong places.",
            (Variant(data, left_out=("pose",)), ours),
            worst_joints,
            "the gestures' moments in which the model without the pose loss has the largest joint error",
        ),
        Comparison(
            "Figure 7",
            "Without and with the penetration loss",
            "The penetration loss keeps fingers out of one another and lets the palm yield to fingertips.",
            (Variant(data, left_out=("penetration",)), ours),
            deepest,
            "the gestures' moments in which the model without the penetration loss is penetrated deepest",
        ),
        Comparison(
            "Figure 10",
            "A linear hand model and ours",
            "A linear model moves skin by linear blending and sums of linear corrections; ours learns the person's own.",
            (linear, ours),
            typical,
            "of gestures spread over all the moment with the linear model's median surface error",
        ),
        Comparison(
            "Figure 19",
            "At the same resolution: a linear hand model and ours",
            "Both have 790 vertices (the paper compares 792 with MANO's 778).",
            (linear, low),
            typical,
            "of gestures spread over all the moment with the linear model's median surface error",
        ),
    )


def comparison_figure(comparison: Comparison, runs: Runs, examiner: Examiner) -> Figure:
    """Each model beside the scan, for some moments."""
    found = [runs.best(variant) for variant in comparison.variants]
    present = [run for run in found if run]
    missing = tuple(Missing(variant) for variant, run in zip(comparison.variants, found, strict=True) if not run)
    data = comparison.variants[0].data
    caption = (
        f"{comparison.meaning} Shown are {comparison.choice}, with the joint error (P), the surface error (M) and the penetration in mm."
    )
    rows = [] if missing else [_beside_scan(present, examiner, index) for index in comparison.choose(examiner.evaluation(present[0]))]
    return Figure(
        comparison.number,
        comparison.title,
        f"{caption} {whose(data)}",
        (*(variant.words for variant in comparison.variants), "scan"),
        tuple(rows),
        missing,
    )


def subjects_figure(runs: Runs) -> Figure:
    """Figure 8: what the identity's correctives make of the template, at rest."""
    data = sorted({run.variant.data for run in runs.usable}, key=lambda one: (one.source, one.subject))
    found = [run for one in data if (run := runs.best(Variant(one)))]
    headings = ("template", *(run.variant.data.words for run in found))
    missing = () if found else tuple(Missing(Variant(one)) for one in data[:1])
    people = [run.person for run in found]
    hands = [] if not found else [_template_hand(found[0]), *(Hand(_at_rest(one.decoder), one.template.faces) for one in people)]
    for run in found:
        run.forget()
    return Figure(
        "Figure 8",
        "The subjects' hands at rest",
        "The refined models at theta = 0, all at one scale: the identity's correctives have found each subject's bones and skin. "
        + " ".join(dict.fromkeys(whose(one) for one in data)),
        headings,
        tuple(tuple(Panel(picture, words) for picture in draw_row(hands, side)) for side, words in _SIDES) if found else (),
        missing,
    )


def pose_corrective_figure(data: Data, runs: Runs, examiner: Examiner) -> Figure:
    """Figure 9: the refined model at rest, posed, and the scan."""
    run = runs.best(Variant(data))
    rows = []
    for index in typical(examiner.evaluation(run), 4) if run else []:
        assert run
        moment, decoder = examiner.moment(run, index), run.person.decoder
        theta = examiner.theta(run, moment)
        posed = examiner.answer(run, moment)
        with torch.no_grad():
            rest = decoder.rest_hand(theta).vertices.double().numpy()
        faces = run.person.template.faces
        hands = [Hand(rest, faces), Hand(in_hand_frame(posed.vertices, moment.joints), faces), _scan_hand(moment)]
        pictures = draw_row(hands, PALM)
        notes = (_gesture(moment), f"M {posed.vertex_errors_mm.mean():.1f} mm", "")
        rows.append(tuple(Panel(picture, note) for picture, note in zip(pictures, notes, strict=True)))
    return Figure(
        "Figure 9",
        "The pose's corrective",
        "(a) the model at rest, refined for the pose; (b) the same, posed by linear blend skinning; (c) the scan. What differs between the "
        f"hands in (a) is what the pose's corrective adds before skinning. {whose(data)}",
        ("(a) refined, at rest", "(b) posed", "(c) scan"),
        tuple(rows),
        () if run else (Missing(Variant(data)),),
    )


def skinning_figure(data: Data, runs: Runs, examiner: Examiner) -> Figure:
    """Figure 13: skinning weights without and with their corrective, and what they make of a pose."""
    variants = (Variant(data), Variant(data, added=("skinning",)))
    found = [runs.best(variant) for variant in variants]
    before, after = found
    rows = []
    if before and after:
        weights = [run.person.template.skinning_weights for run in (before, after)]
        change = np.abs(weights[1] - weights[0]).sum(axis=1) / 2
        colours = [*(weight_colours(one) for one in weights), blended(change / LARGEST_CHANGE, _CHANGE_STOPS)]
        own, faces = _at_rest(after.person.decoder), after.person.template.faces
        for side, words in _SIDES:
            pictures = draw_row([Hand(own, faces, colour) for colour in colours], side)
            notes = (words, words, f"at most {change.max():.2f} moved")
            rows.append(tuple(Panel(picture, note) for picture, note in zip(pictures, notes, strict=True)))
        index = typical(examiner.evaluation(before), 1)[0]
        rows.append(_beside_scan([before, after], examiner, index))
    return Figure(
        "Figure 13",
        "Skinning weights without and with their corrective",
        "Each joint has a colour, each vertex mixes those of the joints that move it; on the right the share of a vertex's weight "
        f"that moved to other joints (dark blue: {LARGEST_CHANGE:.0%} and more). "
        f"Below, both models in one pose, and the scan. {whose(data)}",
        ("without", "with", "difference, scan"),
        tuple(rows),
        tuple(Missing(variant) for variant, run in zip(variants, found, strict=True) if not run),
    )


def error_figure(data: Data, runs: Runs, examiner: Examiner) -> Figure:
    """Where on the hand each model errs."""
    present = [run for model in MODEL_WORDS if (run := runs.best(Variant(data, model)))]
    hands, notes, summaries = [], [], []
    for run in present:
        evaluation, person = examiner.evaluation(run), run.person
        summaries.append(evaluation.summary)
        hands.append(Hand(_at_rest(person.decoder), person.template.faces, error_colours(evaluation.vertex_errors_mm)))
        notes.append(f"M {evaluation.summary.m_err_mm:.1f} mm")
        run.forget()
    rows = [
        tuple(Panel(picture, f"{words}, {note}") for picture, note in zip(draw_row(hands, side), notes, strict=True))
        for side, words in (_SIDES if present else ())
    ]
    return Figure(
        "",
        "Where the surface errs",
        f"Of each vertex the mean distance to the scan over {examiner.moments_behind(summaries)} of unseen gestures, "
        f"shown on the hand at rest. {whose(data)}",
        tuple(run.variant.words for run in present),
        tuple(rows),
        () if present else (Missing(Variant(data)),),
        LARGEST_ERROR_MM,
    )


def typical(evaluation: Evaluation, count: int = MOMENTS_SHOWN) -> list[int]:
    """Of ``count`` gestures, spread evenly over all, the moment with the median surface error."""
    by_motion = _by_motion(evaluation.scores)
    chosen = [list(by_motion)[len(by_motion) * row // count] for row in range(min(count, len(by_motion)))]
    return [
        sorted(by_motion[motion], key=lambda index: evaluation.scores[index].surface_error_mm)[len(by_motion[motion]) // 2]
        for motion in chosen
    ]


def whose(data: Data) -> str:
    """The last words of a caption: simulated data is named as such."""
    return f"Simulated data ({data.words})." if data.simulated else f"Real data ({data.words})."


def _worst(number: Callable[[Score], float]) -> Callable[[Evaluation], list[int]]:
    def choose(evaluation: Evaluation) -> list[int]:
        of_each = [max(rows, key=lambda index: number(evaluation.scores[index])) for rows in _by_motion(evaluation.scores).values()]
        return sorted(of_each, key=lambda index: -number(evaluation.scores[index]))[:MOMENTS_SHOWN]

    return choose


def _by_motion(scores: Sequence[Score]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for index, score in enumerate(scores):
        rows.setdefault(score.motion, []).append(index)
    return rows


def _beside_scan(runs: Sequence[Run], examiner: Examiner, index: int) -> tuple[Panel, ...]:
    """One moment: each run's hand, and the scan."""
    moment = examiner.moment(runs[0], index)
    hands, notes = [], []
    for run in runs:
        answer = examiner.answer(run, examiner.moment(run, index))
        hands.append(Hand(in_hand_frame(answer.vertices, moment.joints), run.person.template.faces))
        surface = answer.vertex_errors_mm.mean()
        notes.append(f"P {answer.joint_error_mm:.1f}, M {surface:.1f}, penetration {answer.penetration_mm:.1f} mm")
    pictures = draw_row([*hands, _scan_hand(moment)], PALM)
    return tuple(Panel(picture, note) for picture, note in zip(pictures, [*notes, _gesture(moment)], strict=True))


def _scan_hand(moment: KnownMoment) -> Hand:
    scan = moment.scan
    return Hand(in_hand_frame(np.asarray(scan.vertices, dtype=np.float64), moment.joints), scan.faces, SCAN_GREY)


def _template_hand(run: Run) -> Hand:
    template = run.person.template
    return Hand(np.asarray(template.vertices, dtype=np.float64), template.faces, SCAN_GREY)


def _gesture(moment: KnownMoment) -> str:
    return moment.motion.replace("_", " ")


@torch.no_grad()
def _at_rest(decoder: HandDecoder) -> Float[np.ndarray, "vertices 3"]:
    """The refined hand at theta = 0, hand frame, mm."""
    return decoder(torch.zeros(POSE_SIZE)).vertices.double().numpy()
