"""python -m estimator.calibrate: pictures of one hand in; that person's bone lengths out, as a profile for every other command."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from estimator.command import BAD_INPUT, DONE, NO_HAND, progress_bar, report, run_command
from estimator.errors import InputError
from estimator.files import require_writable_file
from estimator.images import printable
from estimator.lens import Lens
from estimator.shared_arguments import PictureArguments
from estimator.system import explain_missing_library

if TYPE_CHECKING:
    from estimator.calibration_hand import SeenHand
    from estimator.calibration_pictures import Source
    from estimator.pipeline import HandEstimator
    from estimator.profile import HandProfile

FEW_PICTURES = 10


@dataclass(frozen=True)
class CalibrateArguments(PictureArguments):
    """A person's bone lengths from photographs or a video of one hand.

    Show one hand from several sides, now flat, now with bent fingers: 20 pictures, or a film of ten seconds. The profile is for both
    hands of the person; infer and video read it with --profile. Photographs do not tell how large a hand is, only its proportions: give
    --hand-length-mm.

    Exit status: 0 all done; 2 wrong usage, an input that cannot be used (the others are) or an output that cannot be written; 3 done,
    but some input shows no hand (without any hand no profile is written); 130 interrupted.
    """

    inputs: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="INPUT [INPUT ...]", help_behavior_hint="")] = ()
    """Photographs and videos: files, folders (the images in them, not in their subfolders) or patterns in quotes."""
    output: Annotated[Path, tyro.conf.arg(aliases=("-o",), metavar="FILE")] = Path("profile.json")
    """The profile to write."""
    hand_length_mm: Annotated[float | None, tyro.conf.arg(metavar="L", help_behavior_hint="(default: an average adult's)")] = None
    """Wrist to tip of the middle finger, measured on the straight hand, in millimetres, 50 to 400."""
    frames: Annotated[int, tyro.conf.arg(metavar="N")] = 90
    """How many frames of a video are looked at, spread over it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``CalibrateArguments``)."""
    return run_command(CalibrateArguments, _run, "estimator.calibrate", argv)


def _run(arguments: CalibrateArguments) -> int:
    lens = arguments.lens()
    if not arguments.inputs:
        raise InputError("no input given; name pictures of one hand, for example: python -m estimator.calibrate hand.mp4 -o profile.json")
    if arguments.frames < 1:
        raise InputError(f"--frames must be at least 1, not {arguments.frames}")
    try:
        # Imported here, because OpenCV and OpenVINO need libraries of the system whose absence has to be explained.
        from estimator.calibration_hand import choose_side, profile_of
        from estimator.calibration_pictures import sources_of
        from estimator.pipeline import EstimatorOptions, HandEstimator
        from estimator.warm_up import warm_up
    except ImportError as error:
        raise InputError(explain_missing_library(error)) from error
    sources, errors = sources_of(arguments.inputs)
    for error in errors:
        report(error, arguments.debug)
    if not sources:
        return BAD_INPUT
    options = EstimatorOptions(hand_length_mm=arguments.hand_length_mm, detector_model=arguments.detector_model, device=arguments.device)
    require_writable_file(arguments.output)
    with HandEstimator(options) as estimator:
        warm_up(estimator.skeleton, notify=_note)
        looked = _look(arguments, sources, lens, estimator)
        status = {BAD_INPUT} if errors or looked.failed else {NO_HAND} if looked.without_hand else {DONE}
        if not looked.hands:
            if looked.pictures:
                _note("no hand was found in any picture, so there is no profile; show one hand, large and in good light")
            return BAD_INPUT if BAD_INPUT in status else NO_HAND
        side = choose_side(looked.hands, arguments.hand)
        profile = profile_of(estimator, looked.hands, side, arguments.hand_length_mm)
    profile.save(arguments.output)
    _say(profile, looked, arguments.output)
    return status.pop()


@dataclass
class _Looked:
    """What was seen: hands, how many pictures there were, and whether a file failed or showed none."""

    hands: "list[SeenHand]"
    pictures: int = 0
    failed: bool = False
    without_hand: bool = False


def _look(arguments: CalibrateArguments, sources: "Sequence[Source]", lens: Lens, estimator: "HandEstimator") -> _Looked:
    from estimator.calibration_hand import SeenHand
    from estimator.calibration_pictures import pictures_of

    looked = _Looked([])
    with progress_bar() as progress:
        for source in progress.track(sources, description="inputs"):
            notes: list[str] = []
            before, of_source = len(looked.hands), 0
            bar = progress.add_task("frames", total=None, visible=source.is_video)
            try:
                for picture in pictures_of(source, lens, arguments.frames, notes):
                    of_source += 1
                    progress.advance(bar)
                    detections = estimator.detector(picture.pixels)
                    if detections:
                        looked.hands.append(SeenHand(tuple(detections), picture.camera))
            except InputError as error:
                report(error, arguments.debug)
                looked.failed = True
            progress.remove_task(bar)
            looked.pictures += of_source
            if of_source and len(looked.hands) == before:
                looked.without_hand = True
                notes.append("no hand was found")
            for note in notes:
                _note(f"{source.shown}: {note}")
    return looked


def _say(profile: "HandProfile", looked: _Looked, path: Path) -> None:
    """What was found, and what could not be."""
    from estimator.profile import BONE_NAMES

    print(f"{'bone that ends in':18} {'mm':>6}  spread")
    for bone in sorted(BONE_NAMES, key=lambda name: (name[:-1].removesuffix("_nul"), name)):
        guessed = "  (the average hand's: the pictures say little)" if bone in profile.not_known else ""
        print(f"{bone:18} {profile.bone_lengths_mm[bone]:6.1f} {profile.spread_mm[bone]:5.1f}{guessed}")
    left_out = looked.pictures - profile.frames
    print(f"{profile.side} hand in {profile.frames} of {looked.pictures} pictures ({left_out} left out) -> {printable(path)}")
    if profile.scale_source == "assumed":
        print(
            f"Absolute size cannot be known from photographs: the hand is taken to be {profile.hand_length_mm:.0f} mm long, as the average "
            "adult's. Measure from the wrist to the tip of the middle finger and give --hand-length-mm."
        )
    if profile.frames < FEW_PICTURES:
        few = "one picture tells" if profile.frames == 1 else f"{profile.frames} pictures tell"
        _note(f"{few} little; 20, from several sides and with fingers now straight, now bent, tell more")


def _note(line: str) -> None:
    print(f"note: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
