"""python -m estimator.train_detector_response: how bones come out of the detector's landmarks, measured on simulated people."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from estimator.command import DONE, CommandOptions, progress_bar, run_in_checkout
from estimator.detector_response import DETECTOR_RESPONSE, DetectorResponse
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file

FEWEST_PEOPLE = 20


@dataclass(frozen=True)
class ResponseOptions(CommandOptions):
    """Calibrate simulated people (of the virtual RHD) whose bones are known, and find the linear map from what is seen to what is true.

    Attributes:
        out: where the response goes.
        people: how many, drawn at random.
        pictures: of each.
        ridge: how many people's worth of evidence there is for each bone being seen as it is.
        seed: of people, poses, views and light; not that of the evaluation.
    """

    out: Path = DETECTOR_RESPONSE
    people: int = 100
    pictures: int = 20
    ridge: float = 50.0
    seed: int = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.train_detector_response", argv)


def _load() -> tuple[type[ResponseOptions], Callable[[ResponseOptions], int]]:
    from estimator import evaluation_sitters  # noqa: F401 (to say at once when it cannot be imported)

    return ResponseOptions, _run


def _run(options: ResponseOptions) -> int:
    from datasets.virtual_rhd.stream import VirtualRhd
    from estimator.evaluation_calibration import bones_by_landmarks, seen_hands, true_bones
    from estimator.evaluation_sitters import RandomSitter, shown_poses, take_shots
    from estimator.pipeline import HandEstimator

    if options.people < FEWEST_PEOPLE or options.pictures < 1 or not options.ridge >= 0:
        raise InputError(f"--people must be at least {FEWEST_PEOPLE}, --pictures at least 1, and --ridge 0 or more")
    require_writable_file(options.out)
    torch.set_num_threads(1)
    poses, album = torch.Generator().manual_seed(options.seed), VirtualRhd(options.seed)
    seen, true = [], []
    with HandEstimator() as estimator, progress_bar() as progress:
        for number in progress.track(range(options.people), description="people"):
            generator = np.random.default_rng([options.seed, number])
            sitter = RandomSitter(number, album, generator)
            hands = seen_hands(take_shots(sitter, shown_poses(estimator.template, options.pictures, poses), generator), estimator)
            if hands:
                seen.append(bones_by_landmarks(estimator, hands))
                true.append(true_bones(estimator.skeleton, sitter))
    response = DetectorResponse.fitted(np.array(seen), np.array(true), options.ridge)
    write_file(options.out, (json.dumps(response.document(estimator.template.skeleton_id)) + "\n").encode())
    print(f"{len(seen)} people; deviation of a bone of others: {100 * np.median(response.spread):.1f} percent (median) -> {options.out}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
