"""What every command promises: one line for an error, an exit status for every end."""

from dataclasses import dataclass

import pytest

from estimator.command import CommandOptions, run_command
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


def test_our_own_bugs_are_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(ToyOptions, end_with(ZeroDivisionError()), "toy", [])
