"""The benchmark's contenders draw the same picture, and its command names who is absent."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from decoder_pretrain import benchmark_rasterizer
from decoder_pretrain.benchmark_rasterizer import depth_scene, main, present
from decoder_pretrain.rasterizer_peers import Contender, DepthScene, autograd, ours
from tests.toys import toy_template


def nobody(scene: DepthScene) -> Contender:
    raise ImportError("No module\nnamed nobody")


@pytest.fixture
def scene() -> DepthScene:
    return depth_scene(toy_template(), "fist", 3, 48)


def test_every_view_sees_the_whole_hand_before_it(scene: DepthScene) -> None:
    u, v = np.moveaxis((scene.points @ scene.K.transpose(0, 2, 1) / scene.points[..., 2:])[..., :2], -1, 0)
    assert (scene.points[..., 2] > 500).all()
    assert min(u.min(), v.min()) > 0
    assert max(u.max(), v.max()) < scene.size - 1


def test_those_present_draw_the_same(scene: DepthScene) -> None:
    first, *others = (contender.forward() for contender in present(scene)[0])
    assert (first > 0).mean() > 0.05
    for depth in others:
        assert depth.shape == first.shape
        assert (np.abs(depth - first) < 1.0).mean() > 0.9


def test_our_gradient_is_autograds(scene: DepthScene) -> None:
    ((fast,), (slow,)) = (contender.forward_backward() for contender in (ours(scene), autograd(scene)))
    torch.testing.assert_close(fast, slow, rtol=1e-2, atol=1e-2)


def test_the_command_writes_its_figures_and_names_the_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(benchmark_rasterizer, "PEERS", (ours, autograd, nobody))
    file = tmp_path / "figures.json"
    assert main(["--json", str(file), "--rounds", "2", "--size", "32", "--views", "1", "2", "--poses", "fist"]) == 0
    report = json.loads(file.read_text())
    assert report["absent"] == {"nobody": "No module named nobody"}
    assert "nobody: not measured, No module named nobody" in capsys.readouterr().out
    rows = {(row["contender"], row["task"], row["views"]): row for row in report["timings"]}
    assert len(rows) == len(report["timings"]) == 8
    assert all(0 < row["least_ms"] <= row["median_ms"] and row["agreement"] == 1 for row in rows.values())
    assert all(row["times_ours"] == 1 for (who, _, _), row in rows.items() if who == "ours")


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--views", "0"], ["--poses", "yoga"]])
def test_options_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    with pytest.raises((SystemExit, ValueError)):
        main(arguments)
