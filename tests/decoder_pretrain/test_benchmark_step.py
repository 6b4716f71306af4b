"""What a step costs is measured on true steps, and its parts make up the whole."""

import math

import pytest

from decoder_pretrain import benchmark_step
from decoder_pretrain.benchmark_step import DATA, NETWORKS, SURFACE, main, step_cost
from tests.decoder_pretrain.toy_studio import ToyStudio, toy_config


def test_the_parts_of_a_step_make_up_the_whole() -> None:
    cost = step_cost(toy_config(), ToyStudio(), 2)
    assert len(cost.seconds) == 2
    assert set(cost.shares) == {NETWORKS, SURFACE, DATA}
    assert all(0 < share < 1 for share in cost.shares.values())
    assert sum(cost.shares.values()) == pytest.approx(1.0)
    assert math.isnan(cost.peak_mib) or cost.peak_mib > 100


def test_the_command_prints_the_presets_sizes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(benchmark_step, "preset", lambda *_: toy_config())
    monkeypatch.setattr(benchmark_step, "studio_frames", lambda config: ToyStudio())
    assert main(["--steps", "1", "--initial", "random", "--preset", "paper"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "A step of preset paper (batch 4" in printed
    assert "peak memory" in printed


@pytest.mark.parametrize("bad", [["--steps", "0"], ["--moments", "2"]])
def test_what_cannot_be_timed_is_one_line(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(bad) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
