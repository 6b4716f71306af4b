"""What every command promises: one line for an error, an exit status for every end."""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from estimator.command import CommandOptions, _one_line, needs_checkout, progress_bar, run_command, run_in_checkout
from estimator.errors import InputError


@dataclass(frozen=True)
class ToyOptions(CommandOptions):
    """Does nothing."""

    count: int = 1
    """How often."""


def end_with(error: BaseException):
    def work(options: ToyOptions) -> int:
        raise error

    return work


def test_the_work_sees_the_options_and_decides_the_status() -> None:
    assert run_command(ToyOptions, lambda options: 10 * options.count, "toy", ["--count", "3"]) == 30


def test_an_input_that_cannot_be_used_is_one_line_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(ToyOptions, end_with(InputError("a.jpg: is text; give an image")), "toy", []) == 2
    assert capsys.readouterr().err == "error: a.jpg: is text; give an image\n"


def test_a_librarys_message_of_several_lines_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(ToyOptions, end_with(InputError("e.bin: does not fit (Error:\n\tfirst\n\tsecond); train again")), "toy", []) == 2
    assert capsys.readouterr().err == "error: e.bin: does not fit (Error: first second); train again\n"


def test_debug_shows_where_the_error_arose(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(ToyOptions, end_with(InputError("a.jpg: is text")), "toy", ["--debug"]) == 2
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.endswith("error: a.jpg: is text\n")


def test_an_interruption_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(ToyOptions, end_with(KeyboardInterrupt()), "toy", []) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("argv", "status"), [(["--help"], 0), (["--count", "many"], 2), (["--unknown"], 2), (["extra"], 2)])
def test_help_is_0_and_wrong_usage_2(argv: list[str], status: int) -> None:
    assert run_command(ToyOptions, lambda options: 7, "toy", argv) == status


@pytest.mark.parametrize("module", ["datasets.photos", "decoder_pretrain.train"])
def test_a_command_of_the_checkout_says_so_where_it_was_installed(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(options: ToyOptions) -> int:
        with needs_checkout("python -m toy"):
            importlib.import_module(module)
        return 0

    monkeypatch.setitem(sys.modules, module.split(".")[0], None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    assert run_command(ToyOptions, work, "toy", []) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: python -m toy runs from a checkout")


def test_another_missing_package_is_not_taken_for_the_checkouts() -> None:
    with pytest.raises(ModuleNotFoundError), needs_checkout("python -m toy"):
        importlib.import_module("no_such_package_anywhere")


@pytest.mark.parametrize(("watched", "wanted", "shown"), [(True, True, True), (True, False, False), (False, True, False)])
def test_a_progress_bar_is_for_those_who_watch(watched: bool, wanted: bool, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: watched)
    assert progress_bar(wanted).disable is not shown


def test_our_own_bugs_are_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(ToyOptions, end_with(ZeroDivisionError()), "toy", [])


def test_a_command_of_the_checkout_alone_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> tuple[type[CommandOptions], Callable[[CommandOptions], int]]:
        raise ModuleNotFoundError("No module named 'datasets'", name="datasets")

    assert run_in_checkout(load, "toy", []) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: python -m toy runs from a checkout of the repository: start it in the folder that holds estimator/"
    ]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--bogus"], "Unrecognized options: --bogus"),
        (["--debug", "--other", "7"], "Unrecognized options: --other, 7"),
    ],
)
def test_wrong_usage_is_one_line_and_names_the_help(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(CommandOptions, lambda _: 0, "toy", argv) == 2
    assert capsys.readouterr().err == f"error: {words}; see python -m toy --help\n"


@pytest.mark.parametrize(
    "complaint",
    [
        "╭─ Error ─────╮\n│ no such     │\n│ thing as 'x'. │\n│           │\n│ Got errors: │\n│ ─────────── │\n│ Help: y │\n╰╯\n",
        " Value error \n ----------- \n no such thing \n as 'x'. \n  \n Got errors: \n ---------- \n For help, run y \n",
        "no such thing as 'x'.",
    ],
    ids=["box", "ascii", "plain"],
)
def test_usage_errors_lose_their_box(complaint: str) -> None:
    assert _one_line(complaint) == "no such thing as 'x'"
