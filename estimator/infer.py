"""python -m estimator.infer: photographs in; hand meshes, overlays and result.json out."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from estimator.command import BAD_INPUT, DONE, NO_HAND, progress_bar, report, run_command
from estimator.errors import InputError
from estimator.files import require_writable_folder
from estimator.images import find_images, printable
from estimator.infer_arguments import Arguments, check
from estimator.result_folder import folder_names
from estimator.system import explain_missing_library


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status (see ``Arguments``)."""
    return run_command(Arguments, _run, "estimator.infer", argv)


def _run(arguments: Arguments) -> int:
    task = check(arguments)
    paths, all_found = _paths(arguments)
    if not paths:
        return BAD_INPUT
    try:
        # Imported here, because MediaPipe and OpenCV need libraries of the system whose absence has to be explained.
        from estimator.infer_photo import infer_photo
        from estimator.pipeline import HandEstimator
        from estimator.warm_up import warm_up
    except ImportError as error:
        raise InputError(explain_missing_library(error)) from error
    options = arguments.estimator_options()
    require_writable_folder(task.out, "choose another folder with --out")
    estimator = HandEstimator(options)
    warm_up(estimator.skeleton, notify=lambda line: print(line, file=sys.stderr))

    status = {DONE if all_found else BAD_INPUT}
    with progress_bar(wanted=len(paths) > 1) as progress:
        for path, name in progress.track(list(zip(paths, folder_names(paths), strict=True)), description="images"):
            folder = task.out / name
            try:
                outcome = infer_photo(path, folder, estimator, task)
            except InputError as error:
                report(error, arguments.debug)
                status.add(BAD_INPUT)
                continue
            found = ", ".join(f"{hand.side} hand" for hand in outcome.hands) or "no hand"
            _say(f"{printable(path)}: {found} ({outcome.seconds:.2f} s) -> {printable(folder)}")
            status.add(DONE if outcome.hands else NO_HAND)
    return next(value for value in (BAD_INPUT, NO_HAND, DONE) if value in status)


def _paths(arguments: Arguments) -> tuple[list[Path], bool]:
    """Every file that is named, each once, and whether every argument named one."""
    paths: dict[Path, Path] = {}
    complete = True
    for argument in arguments.images:
        try:
            for path in find_images(argument):
                paths.setdefault(_place(path), path)
        except InputError as error:
            report(error, arguments.debug)
            complete = False
    return list(paths.values()), complete


def _place(path: Path) -> Path:
    """What tells that two names are one file's: its folder without detours and links, and its own name there."""
    return path.parent.resolve() / path.name


def _say(line: str) -> None:
    """To stdout, as long as somebody reads it: the results are in files, so a closed pipe (``| head``) stops nothing."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
