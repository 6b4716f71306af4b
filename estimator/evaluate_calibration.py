"""python -m estimator.evaluate_calibration: how well simulated people's bones are found, and what their profiles are worth."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from estimator.command import DONE, CommandOptions, progress_bar, run_in_checkout
from estimator.errors import InputError
from estimator.files import write_file

SCHEMA = "deephandmesh-eval-calibration/1"


@dataclass(frozen=True)
class EvaluateCalibrationArguments(CommandOptions):
    """Photograph simulated people with known bones, calibrate each, and compare; hand lengths are given.

    Attributes:
        people: how many templates with random bones.
        subjects: people of the virtual studio, by number, with commas; empty for none. They look unlike the template.
        pictures: of each person to calibrate with.
        judged: other pictures of each, on which poses are compared with and without the profile.
        seed: of bones, poses, views and light.
        out: where the numbers go as JSON, besides the table.
    """

    people: int = 6
    subjects: str = "1,2,3,4"
    pictures: int = 24
    judged: int = 12
    seed: int = 0
    out: Path | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.evaluate_calibration", argv)


def _load() -> tuple[type[EvaluateCalibrationArguments], Callable[[EvaluateCalibrationArguments], int]]:
    from estimator import evaluation_calibration  # noqa: F401 (to say at once when it cannot be imported)

    return EvaluateCalibrationArguments, _run


def _run(arguments: EvaluateCalibrationArguments) -> int:
    from estimator.evaluation_calibration import SitterScores, StudioSitter, TemplateSitter, pose_sets, score, take_shots
    from estimator.pipeline import HandEstimator

    numbers = _numbers(arguments.subjects)
    if arguments.people + len(numbers) < 1 or arguments.pictures < 1 or arguments.judged < 0:
        raise InputError("give at least one person with --people or --subjects, and at least one picture with --pictures")
    generator = np.random.default_rng(arguments.seed)
    scores: list[SitterScores] = []
    with HandEstimator() as estimator, progress_bar() as progress:
        makers = [lambda i=i: TemplateSitter(i, estimator.template, generator) for i in range(arguments.people)]
        makers += [lambda i=i: StudioSitter(i) for i in numbers]
        poses = pose_sets(estimator.template, len(makers), arguments.pictures + arguments.judged, arguments.seed)
        for make, own_poses in progress.track(list(zip(makers, poses, strict=True)), description="people"):
            sitter = make()
            shots = take_shots(sitter, own_poses, generator)
            scores.append(score(sitter, estimator, shots[: arguments.pictures], shots[arguments.pictures :]))
    _say(scores)
    if arguments.out is not None:
        write_file(arguments.out, json.dumps(_document(scores), indent=1).encode())
    return DONE


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise InputError(f"--subjects {text}: expected numbers with commas, for example 1,2") from error
    if set(numbers) - {1, 2, 3, 4}:
        raise InputError(f"--subjects {text}: there are simulated subjects 1, 2, 3 and 4")
    return numbers


def _say(scores: "Sequence[SitterScores]") -> None:
    from estimator.profile import BONE_NAMES

    print("Simulated people; errors of bone lengths in percent, hand length given.")
    print(f"{'person':12} {'seen':>4} {'median':>7} {'90th':>6} {'average hand':>13}   joints mm: without, with the profile (pictures)")
    for one in scores:
        errors, average = 100 * np.abs(one.errors), 100 * np.abs(one.average_errors)
        print(
            f"{one.name:12} {one.seen:4} {np.median(errors):7.1f} {np.percentile(errors, 90):6.1f} {np.median(average):13.1f}   "
            f"{one.joints_mm[0]:.1f}, {one.joints_mm[1]:.1f} ({one.judged})"
        )
    print("Median over people for each bone: profile (average hand).")
    for bone, own, average in zip(BONE_NAMES, _by_bone(scores, "errors"), _by_bone(scores, "average_errors"), strict=True):
        print(f"  {bone:12} {own:5.1f} ({average:.1f})")


def _by_bone(scores: "Sequence[SitterScores]", name: str) -> list[float]:
    return np.median([100 * np.abs(getattr(one, name)) for one in scores], axis=0).tolist()


def _document(scores: "Sequence[SitterScores]") -> dict[str, object]:
    from estimator.profile import BONE_NAMES

    return {
        "schema": SCHEMA,
        "simulated": True,
        "bones": list(BONE_NAMES),
        "median_error_percent": _by_bone(scores, "errors"),
        "average_hand_error_percent": _by_bone(scores, "average_errors"),
        "people": [
            {
                "name": one.name,
                "seen": one.seen,
                "errors": one.errors.tolist(),
                "joints_without_mm": one.joints_mm[0],
                "joints_with_mm": one.joints_mm[1],
                "judged": one.judged,
            }
            for one in scores
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
