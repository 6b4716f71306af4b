"""The interval of a difference: it holds the mean, widens where neighbours err alike, and comes from real files."""

import json
from pathlib import Path

import numpy as np
import pytest

from estimator.command import BAD_INPUT, DONE
from estimator.evaluate_difference import main
from estimator.evaluation_difference import block_bootstrap, read_numbers


def test_a_constant_difference_is_certain() -> None:
    found = block_bootstrap(np.full(20, -0.5), 5, 200, np.random.default_rng(0))
    assert (found.images, found.mean, found.low, found.high) == (20, -0.5, -0.5, -0.5)


def test_the_interval_is_that_of_independent_numbers_for_single_blocks() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, 400)
    found = block_bootstrap(values, 1, 4000, np.random.default_rng(0))
    half = 1.96 * values.std() / 20
    assert found.low == pytest.approx(found.mean - half, abs=0.015)
    assert found.high == pytest.approx(found.mean + half, abs=0.015)


def test_neighbours_that_err_alike_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(2).normal(size=40), 10)
    one, ten = (block_bootstrap(values, block, 2000, np.random.default_rng(0)) for block in (1, 10))
    assert ten.high - ten.low > 2 * (one.high - one.low)


@pytest.mark.parametrize(("count", "block"), [(0, 5), (10, 0)])
def test_nothing_to_draw_is_refused(count: int, block: int) -> None:
    with pytest.raises(ValueError, match="a bootstrap needs"):
        block_bootstrap(np.zeros(count), block, 10, np.random.default_rng(0))


def written(path: Path, errors: list[float | None], hands_a_photograph: int = 1) -> Path:
    images = [{"image": f"{number // hands_a_photograph}.jpg", "pa_mm": error} for number, error in enumerate(errors)]
    path.write_text(json.dumps({"rows": [{"source": "toys", "method": "full", "per_image": images}]}))
    return path


def test_the_command_compares_the_photographs_that_both_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = written(tmp_path / "a.json", [1.0, 2.0, None, 4.0]), written(tmp_path / "b.json", [2.0, 3.0, 9.0, 5.0])
    assert main([str(one), str(other)]) == DONE
    printed = capsys.readouterr().out
    assert "toys" in printed
    assert "-1.000" in printed


def test_two_hands_of_one_photograph_stay_apart_also_where_one_was_not_found(tmp_path: Path) -> None:
    read = read_numbers(written(tmp_path / "a.json", [1.0, 2.0, None, 4.0], hands_a_photograph=2), "full", "pa_mm")
    assert read == {"toys": {("0.jpg", 0): 1.0, ("0.jpg", 1): 2.0, ("1.jpg", 1): 4.0}}


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--methods", "full", "image"], "no method 'image'"), (["--block", "0"], "at least 1")]
)
def test_wrong_usage_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    path = written(tmp_path / "a.json", [1.0])
    assert main([str(path), str(path), *arguments]) == BAD_INPUT
    assert message in capsys.readouterr().err


def test_a_file_of_something_else_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    path.write_text("[]")
    assert main([str(path), str(path)]) == BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1
