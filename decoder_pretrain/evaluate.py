"""python -m decoder_pretrain.evaluate: what a hand model is worth on gestures it was not trained on (section 8.3)."""

import dataclasses
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.table import Table

from decoder_pretrain.build import virtual_subject
from decoder_pretrain.evaluation import EncodedPose, FittedPose, MomentResult, Summary, evaluate, summarise
from decoder_pretrain.linear_hand_file import OWN_TEMPLATE, own_template
from decoder_pretrain.moments import Split, moments_of
from decoder_pretrain.penetration import PenetrationMeter
from estimator.checkpoint import WrongHandError
from estimator.command import DONE, CommandOptions, progress_bar, run_command
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file
from estimator.hand.template import DEFAULT_TEMPLATE, LOW_RESOLUTION_TEMPLATE, HandTemplate
from estimator.image_encoder import ImageEncoder
from estimator.personal_decoder import DEFAULT_DECODER, STUDIO_ENCODER, PersonalDecoder, load_personal_decoder

TEST_SIZE = 128
"""Pixels a side of the pictures that the shipped encoder was trained on."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(CommandOptions):
    """Measure joint error (P_err), surface error (M_err) and penetration of a trained hand model."""

    decoder: Annotated[Path, tyro.conf.arg(help_behavior_hint="(default: the one that ships)")] = DEFAULT_DECODER
    """Decoder of a run."""

    encoder: Annotated[Path | None, tyro.conf.arg(help_behavior_hint="(default: the one that was trained with the decoder)")] = None
    """Its encoder: encoder.safetensors beside the decoder, or the one that ships."""

    data: str = "virtual:1"
    """virtual:1 to virtual:4 for a simulated subject, or a release's data folder."""

    subject: int = 4
    """Number of the person in a release; the only one with annotations unless given."""

    split: Split = "test"
    """Gestures never trained on, or the training poses."""

    frames: int = 280
    """Moments to look at, spread evenly over the motions."""

    pose: Literal["encoder", "fitted"] = "encoder"
    """Theta from the stage's encoder, or fitted to the true joints: what the decoder alone is worth."""

    size: int = TEST_SIZE
    """Pixels a side of the pictures; what the encoder was trained on."""

    json: Path | None = None
    """File for the numbers."""


def run(options: EvaluateOptions) -> int:
    """Measure, print and write; the exit status."""
    if options.frames < 1:
        raise InputError(f"--frames should be at least 1, not {options.frames}")
    if options.json:
        require_writable_file(options.json)
    person = load_any_resolution(options.decoder)
    pose = FittedPose(person.decoder) if options.pose == "fitted" else EncodedPose(_encoder(options, person))
    moments = moments_of(options.data, options.subject, options.split, options.size, options.frames)
    with progress_bar() as bar:
        meter = PenetrationMeter(person.template)
        results = list(bar.track(evaluate(person.decoder, pose, meter, moments), total=len(moments), description="evaluating"))
    summary = summarise(results)
    _print(options, summary, results)
    if options.json:
        write_file(options.json, json.dumps(_record(options, summary), indent=1).encode())
    return DONE


def load_any_resolution(path: Path) -> PersonalDecoder:
    """A decoder of the high or of the low template, whichever it was made for, or of a template of its own beside it."""
    if path.with_name(OWN_TEMPLATE).exists():
        return load_personal_decoder(path, own_template(path.parent))
    try:
        return load_personal_decoder(path, HandTemplate.load(DEFAULT_TEMPLATE))
    except WrongHandError:
        return load_personal_decoder(path, HandTemplate.load(LOW_RESOLUTION_TEMPLATE))


def _encoder(options: EvaluateOptions, person: PersonalDecoder) -> ImageEncoder:
    beside = STUDIO_ENCODER if options.decoder == DEFAULT_DECODER else options.decoder.with_name("encoder.safetensors")
    return ImageEncoder.load(options.encoder or beside, person.template.skeleton_id)


def _record(options: EvaluateOptions, summary: Summary) -> dict[str, object]:
    simulated = virtual_subject(options.data)
    return {
        **dataclasses.asdict(summary),
        "subject": simulated or options.subject,
        "data": options.data,
        "simulated": simulated is not None,
        "split": options.split,
        "pose": options.pose,
    }


def _print(options: EvaluateOptions, summary: Summary, results: Sequence[MomentResult]) -> None:
    kind = "simulated" if virtual_subject(options.data) else "real"
    table = Table(title=f"{options.data} ({kind}), {options.split}, pose {options.pose}")
    for heading in ("motion", "moments", "P_err mm", "M_err mm", "fingertips mm", "penetration mm", "worst mm", "share > 1 mm"):
        table.add_column(heading, justify="left" if heading == "motion" else "right")
    by_motion: dict[str, list[MomentResult]] = defaultdict(list)
    for result in results:
        by_motion[result.motion].append(result)
    rows = [(motion, summarise(found)) for motion, found in by_motion.items()]
    for name, row in [*rows, ("all", summary)]:
        lengths = (row.p_err_mm, row.m_err_mm, row.tip_err_mm, row.penetration_mean_mm, row.penetration_worst_mm)
        table.add_row(name, str(row.frames), *(f"{length:.2f}" for length in lengths), f"{row.penetration_share:.2f}")
    Console().print(table)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(EvaluateOptions, run, "decoder_pretrain.evaluate", argv)


if __name__ == "__main__":
    sys.exit(main())
