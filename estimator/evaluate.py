"""The command that measures the detector, the encoders and the full pipeline on annotated hands."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from estimator.command import CommandOptions, needs_checkout, run_command
from estimator.errors import InputError
from estimator.files import require_writable_file, require_writable_folder, write_file

if TYPE_CHECKING:
    from estimator.evaluation import EvaluationSettings

DatasetName = Literal["photos", "rhd"]
SplitName = Literal["training", "evaluation"]
SideChoice = Literal["auto", "left", "right", "annotated"]
BoxChoice = Literal["detected", "annotated"]

TABLE_WIDTH = 140
"""Characters of the table where no terminal says how wide it is."""


@dataclass(frozen=True)
class EvaluateOptions(CommandOptions):
    """Measures how near the estimated hands come to annotated ones; prints a table and, if asked, writes JSON and plots.

    A hand is found when the median 2D distance of a detection to the annotated joints is under half the hand's size (the longer
    side of the joints' box). Numbers are means over found hands, joints marked invalid left out: 2D end-point error in pixels and
    over the hand's size, share of joints within 5 % of that size (PCK), joint errors in mm with both wrists on one point (rr) and
    after the best similarity (pa), area under the PCK curve of the root-relative errors from 20 to 50 mm (AUC).
    Methods: "detector" is the landmark detector as it comes; "landmarks" (learned inverse kinematics), "image" (the image alone), "default"
    (landmarks, and features of the detector's network) and, where --encoder names a file, its stem are encoders alone, placed rigidly;
    "full" is the pipeline with --encoder.

    Exit status: 0 done; 2 wrong usage or an input that cannot be used (the others are still measured); 3 done, but in at least one
    photograph the annotated hand was not found.
    """

    path: tyro.conf.Positional[Path]
    """An index.json of annotated photographs, or the folder that holds one; of RHD the folder that holds training/ and evaluation/."""
    dataset: DatasetName
    """What PATH is: annotated photographs, or RHD (RHD_published_v2, or what datasets.virtual_rhd writes)."""
    split: Annotated[SplitName | None, tyro.conf.arg(help_behavior_hint="(only with rhd; default: evaluation)")] = None
    """Which part of the data set to measure; photos has no parts."""
    encoder: Annotated[str, tyro.conf.arg(metavar="{default,landmarks,image}|FILE")] = "default"
    """What reads the pose in the full pipeline: default, landmarks or image (see above), or a file of weights, which is measured alone
    too."""
    decoder: Annotated[str, tyro.conf.arg(metavar="{default,template}|FILE")] = "default"
    """Whose skin is posed: default (a simulated man's, on average bones), template (nobody's), or a file that stage 1 has trained
    (decoder_pretrain.train)."""
    refine: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: refined)")] = True
    """Whether the full pipeline fits the hand to the landmarks after the encoder."""
    hand: Annotated[SideChoice | None, tyro.conf.arg(help_behavior_hint="(default: auto; of rhd annotated)")] = None
    """Which hand the photographs show: the detector's own answer, one side for all, or what the annotation says."""
    box: Annotated[BoxChoice | None, tyro.conf.arg(help_behavior_hint="(default: detected; of rhd annotated)")] = None
    """Where the hand is looked for: in the whole photograph, or in the box around the annotated joints."""
    limit: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: all)")] = None
    """Use only so many photographs, spread evenly over the index."""
    json_file: Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help_behavior_hint="(default: not written)")] = None
    """Write every number, per source and per photograph, to this file."""
    plots: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: not written)")] = None
    """Write PCK curves, errors by source and joint, and the worst photographs to this folder, as PNG."""
    detector_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: fetched once)")] = None
    """MediaPipe's hand_landmarker.task, for machines without network."""
    device: str = "cpu"
    """Where the networks run: cpu, cuda, cuda:1, mps."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``EvaluateOptions``)."""
    return run_command(EvaluateOptions, _run, "estimator.evaluate", argv)


def _run(options: EvaluateOptions) -> int:
    _check(options)
    with needs_checkout("python -m estimator.evaluate"):
        from estimator.evaluation import evaluate, read_samples
        from estimator.evaluation_report import evaluation_document, evaluation_table
        from estimator.evaluation_rhd import protocol_document, protocol_rows, protocol_table, read_rhd_samples
    rhd = read_rhd_samples(options.path, options.split or "evaluation", options.limit) if options.dataset == "rhd" else None
    samples = read_samples(options.path, options.limit) if rhd is None else rhd.samples
    _require_places(options)

    settings = _settings(options)
    evaluation = evaluate(samples, settings, options.debug)
    if not evaluation.rows:
        raise InputError(f"{options.path}: none of its {len(samples)} photographs could be used; see the messages above")
    document = evaluation_document(evaluation.rows, settings, options.dataset, options.path)
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    console.print(evaluation_table(evaluation.rows))
    if rhd is not None:
        protocol = protocol_rows(evaluation.rows)
        console.print(protocol_table(protocol))
        document |= protocol_document(protocol, rhd)
    if options.json_file is not None:
        write_file(options.json_file, json.dumps(document, indent=1, allow_nan=False).encode())
    if options.plots is not None:
        # Matplotlib takes a second to import and not everyone wants plots.
        from estimator.evaluation_plots import write_plots

        write_plots(evaluation.rows, options.plots)
    return evaluation.status


def _settings(options: EvaluateOptions) -> "EvaluationSettings":
    from estimator.evaluation import EvaluationSettings

    of_rhd = options.dataset == "rhd"
    return EvaluationSettings(
        encoder=options.encoder,
        decoder=options.decoder,
        refine=options.refine,
        hand=options.hand or ("annotated" if of_rhd else "auto"),
        box=options.box or ("annotated" if of_rhd else "detected"),
        detector_model=options.detector_model,
        device=options.device,
    )


def _require_places(options: EvaluateOptions) -> None:
    """That what is written can be, before work is spent on it."""
    if options.json_file is not None:
        require_writable_file(options.json_file)
    if options.plots is not None:
        require_writable_folder(options.plots)


def _check(options: EvaluateOptions) -> None:
    if options.dataset == "photos" and options.split is not None:
        raise InputError(f"--split {options.split}: photos has no splits; leave the option out")
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit {options.limit}: at least 1 photograph has to be measured")


if __name__ == "__main__":
    sys.exit(main())
