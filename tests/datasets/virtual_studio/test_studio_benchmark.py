"""The benchmark of the virtual studio, on a subject of a few balls."""

import pytest

from datasets.virtual_studio import studio_benchmark, studio_moments
from tests.datasets.virtual_studio.balls import BallSubject, toy_stances


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_benchmark, "load_subject", lambda number, cache: BallSubject())
    monkeypatch.setattr(studio_moments, "stances", toy_stances)
    monkeypatch.setattr(studio_moments, "TRAINING_MOTIONS", ("wave", "fist"))


def test_it_tells_what_a_view_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert studio_benchmark.main(["--moments", "2", "--views", "3", "--size", "24"]) == 0
    printed = capsys.readouterr().out
    assert "3 views a moment, posing included" in printed
    assert printed.count("views/s") == 3


@pytest.mark.parametrize("options", [["--views", "0"], ["--views", "81"], ["--moments", "0"], ["--size", "2"], ["--subject", "one"]])
def test_wrong_usage_is_one_line(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert studio_benchmark.main(options) == 2
    error = capsys.readouterr().err
    assert options[0] in error
    assert error.count("\n") == 1
