"""python -m estimator.evaluate_calibration: how well simulated people's bones are found, and what their profiles are worth."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from estimator.command import DONE, CommandOptions, progress_bar, run_in_checkout
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file

if TYPE_CHECKING:
    from estimator.evaluation_calibration import JointErrors, SitterScores
    from estimator.evaluation_sitters import Sitter

SCHEMA = "deephandmesh-eval-calibration/2"


@dataclass(frozen=True)
class EvaluateCalibrationArguments(CommandOptions):
    """Photograph simulated people with known bones, calibrate each, and compare; hand lengths are given.

    Calibrated with are pictures as calibrate asks for them: an open or half bent hand, fingers up, palm and back in turn. On other
    pictures of each person, in any pose, joints are compared with the profile, with the hand length alone and with nothing.

    Attributes:
        people: how many people of the virtual RHD, drawn at random.
        subjects: people of the virtual studio, by number, with commas, for example 1,2,3,4. Their flesh is not the template's, and their
            pictures take two seconds each.
        pictures: of each person to calibrate with.
        judged: other pictures of each person.
        seed: of people, poses, views and light; not that of the detector's response.
        out: where the numbers go as JSON, besides the table.
    """

    people: int = 24
    subjects: str = ""
    pictures: int = 20
    judged: int = 6
    seed: int = 1
    out: Path | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.evaluate_calibration", argv)


def _load() -> tuple[type[EvaluateCalibrationArguments], Callable[[EvaluateCalibrationArguments], int]]:
    from estimator import evaluation_calibration  # noqa: F401 (to say at once when it cannot be imported)

    return EvaluateCalibrationArguments, _run


def _run(arguments: EvaluateCalibrationArguments) -> int:
    from datasets.pose_sampler import PoseSampler
    from estimator.evaluation_calibration import score
    from estimator.evaluation_sitters import shown_poses, take_shots
    from estimator.pipeline import HandEstimator

    numbers = _numbers(arguments.subjects)
    if arguments.people + len(numbers) < 1 or arguments.pictures < 1 or arguments.judged < 1:
        raise InputError("give at least one person with --people or --subjects, and at least one of --pictures and of --judged")
    if arguments.out is not None:
        require_writable_file(arguments.out)
    torch.set_num_threads(1)
    scores: list[SitterScores] = []
    with HandEstimator() as estimator, progress_bar() as progress:
        poses, generator = torch.Generator().manual_seed(arguments.seed), np.random.default_rng(arguments.seed)
        sampler = PoseSampler(estimator.template)
        people = progress.track(_sitters(arguments, numbers), total=arguments.people + len(numbers), description="people")
        for sitter in people:
            shots = take_shots(sitter, shown_poses(estimator.template, arguments.pictures, poses), generator)
            others = take_shots(sitter, sampler.sample(arguments.judged, poses), generator)
            found = score(sitter, estimator, shots, others)
            if found is None:
                print(f"note: {sitter.name}: the detector sees no right hand", file=sys.stderr)
            else:
                scores.append(found)
    groups = _groups(scores)
    for title, group in groups.items():
        _say(title, group)
    if arguments.out is not None:
        document = {"schema": SCHEMA, "simulated": True, "groups": {title: _document(group) for title, group in groups.items()}}
        write_file(arguments.out, (json.dumps(document, indent=1) + "\n").encode())
    return DONE


def _sitters(arguments: EvaluateCalibrationArguments, subjects: Sequence[int]) -> "Iterator[Sitter]":
    """One after the other: a person of the studio is hundreds of megabytes."""
    from datasets.virtual_rhd.stream import VirtualRhd
    from estimator.evaluation_sitters import RandomSitter, StudioSitter

    album = VirtualRhd(arguments.seed)
    for number in range(arguments.people):
        yield RandomSitter(number, album, np.random.default_rng([arguments.seed, number]))
    for number in subjects:
        yield StudioSitter(number)


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise InputError(f"--subjects {text}: expected numbers with commas, for example 1,2") from error
    if set(numbers) - {1, 2, 3, 4}:
        raise InputError(f"--subjects {text}: there are simulated subjects 1, 2, 3 and 4")
    return numbers


def _groups(scores: "Sequence[SitterScores]") -> "dict[str, list[SitterScores]]":
    groups: dict[str, list[SitterScores]] = {}
    for one in scores:
        title = "people of the virtual studio" if one.name.startswith("subject") else "people of the virtual RHD"
        groups.setdefault(title, []).append(one)
    return groups


def _say(title: str, scores: "Sequence[SitterScores]") -> None:
    from estimator.profile import BONE_NAMES

    own, average = _by_bone(scores, "errors"), _by_bone(scores, "average_errors")
    seen = sum(one.seen for one in scores)
    print(f"{len(scores)} simulated {title}, hand seen in {seen} pictures; errors of bone lengths in percent, hand length given")
    for one in scores if len(scores) < 10 else ():
        print(f"  {one.name}: median {_middle(one.errors):.1f} (average hand {_middle(one.average_errors):.1f})")
    print(f"  all bones: median {_middle(_all(scores, 'errors')):.1f} (average hand {_middle(_all(scores, 'average_errors')):.1f})")
    print("  median over people of each bone, average hand's behind it:")
    for bone, mine, others in zip(BONE_NAMES, own, average, strict=True):
        print(f"    {bone:12} {mine:5.1f} {others:5.1f}")
    print(f"    worst bone   {max(own):5.1f} {max(average):5.1f}")
    print("  joints of other pictures, mm: wrists put together, and after the best similarity")
    for way, name in (("nothing", "nothing known"), ("length", "hand length"), ("with_profile", "profile")):
        errors = _joints(scores, way)
        print(f"    {name:14} {errors.root_relative_mm:5.2f} {errors.aligned_mm:5.2f}")
    better = np.mean([one.with_profile.aligned_mm < one.length.aligned_mm for one in scores])
    print(f"    after the best similarity, the profile is better than the hand length for {100 * better:.0f} percent of them")


def _all(scores: "Sequence[SitterScores]", name: str) -> np.ndarray:
    return np.stack([getattr(one, name) for one in scores])


def _middle(errors: np.ndarray) -> float:
    return 100 * float(np.median(np.abs(errors)))


def _by_bone(scores: "Sequence[SitterScores]", name: str) -> list[float]:
    return (100 * np.median(np.abs(_all(scores, name)), axis=0)).tolist()


def _joints(scores: "Sequence[SitterScores]", way: str) -> "JointErrors":
    from estimator.evaluation_calibration import JointErrors

    return JointErrors.mean([getattr(one, way) for one in scores if one.judged])


def _document(scores: "Sequence[SitterScores]") -> dict[str, object]:
    from estimator.profile import BONE_NAMES

    ways = ("nothing", "length", "with_profile")
    return {
        "bones": list(BONE_NAMES),
        "median_error_percent": _by_bone(scores, "errors"),
        "average_hand_error_percent": _by_bone(scores, "average_errors"),
        "joints": {way: asdict(_joints(scores, way)) for way in ways},
        "people": [
            {"name": one.name, "seen": one.seen, "errors": one.errors.tolist(), "judged": one.judged}
            | {way: asdict(getattr(one, way)) for way in ways if one.judged}
            for one in scores
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
