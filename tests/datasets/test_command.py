"""What every command that makes data promises: one line for an error, an exit status for every end."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from datasets.command import BAD_INPUT, DONE, INTERRUPTED, run_command


@dataclass(frozen=True)
class Options:
    """Do nothing.

    Attributes:
        count: how often.
    """

    count: int = 1


@pytest.mark.parametrize(("argv", "status"), [([], DONE), (["--help"], DONE), (["--count", "many"], BAD_INPUT), (["--other"], BAD_INPUT)])
def test_help_is_0_and_wrong_usage_2_in_one_line_that_names_the_help(argv, status, capsys) -> None:
    asked = []
    assert run_command(Options, asked.append, "toy", argv) == status
    assert asked == ([Options()] if not argv else [])
    error = capsys.readouterr().err
    assert error.count("\n") == (status == BAD_INPUT)
    assert not error or (error.startswith("error: ") and error.endswith("see python -m toy --help\n"))


def test_what_cannot_be_used_is_one_line(capsys) -> None:
    def refuse(_: Options) -> None:
        raise ValueError("light.npz: holds\n  no panorama; name another file")

    assert run_command(Options, refuse, "toy", []) == BAD_INPUT
    assert capsys.readouterr().err == "error: light.npz: holds no panorama; name another file\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys) -> None:
    (tmp_path / "file").touch()
    assert run_command(Options, lambda _: (tmp_path / "file" / "below").mkdir(), "toy", []) == BAD_INPUT
    error = capsys.readouterr().err
    assert f"{tmp_path}/file/below: cannot be used (Not a directory)" in error
    assert error.count("\n") == 1


def divide(options: Options) -> None:
    print(1 // (options.count - 1))


def test_an_interruption_is_130_and_our_own_bugs_are_not_dressed_up(capsys) -> None:
    def interrupt(_: Options) -> None:
        raise KeyboardInterrupt

    assert run_command(Options, interrupt, "toy", []) == INTERRUPTED
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ZeroDivisionError):
        run_command(Options, divide, "toy", [])
