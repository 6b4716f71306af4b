"""The benchmark: every promised figure is there and means what it says; how large it is, is the machine's business."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from estimator import benchmark
from estimator.benchmark_video import VideoSpeed, write_swinging_clip
from estimator.clip_reader import ClipReader
from estimator.hand.camera import Camera
from estimator.machine import limited_threads, peak_memory_mb, versions
from estimator.pipeline import Estimate, EstimatorOptions, HandEstimator, StageTimes
from tests.toys import toy_placed_hand

HAND = toy_placed_hand()
KEYS = {"stages", "image_ms", "video_fps", "video_overlay_fps", "cold_start_s", "peak_mb", "peers", "threads", "cpu", "versions"}
STAGES = ["detect", "encode", "decode", "place", "render"]


class ToyEstimator(HandEstimator):
    """Finds one hand in a bright image after three milliseconds; tells stage times that no clock could give."""

    def __init__(self, options: EstimatorOptions = EstimatorOptions()) -> None:
        self.options = options

    def estimate(self, image: np.ndarray, camera: Camera, box: object = None) -> Estimate:
        time.sleep(0.003)
        return Estimate([HAND] if image.mean() > 100 else [], StageTimes(detect=70.0, encode=60.0, decode=50.0, place=40.0))


@pytest.fixture
def toy_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "HandEstimator", ToyEstimator)
    monkeypatch.setattr(benchmark, "render_overlay", lambda image, hands: time.sleep(0.001))
    monkeypatch.setattr(benchmark, "cold_start_s", lambda options: 1.5)
    monkeypatch.setattr(benchmark, "video_speed", lambda image, frame_count, estimator: VideoSpeed(40.0, 30.0))
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None)


def write_image(path: Path, level: int, size: tuple[int, int] = (960, 720)) -> str:
    Image.new("RGB", size, (level,) * 3).save(path)
    return str(path)


@pytest.mark.usefixtures("toy_estimator")
def test_every_promised_figure_is_written_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, result = write_image(tmp_path / "a.png", 200), tmp_path / "b.json"
    status = benchmark.main(["--image", image, "--json", str(result), "--repeats", "3", "--warm-up", "0", "--threads", "1"])
    assert status == 0
    document = json.loads(result.read_text())
    assert set(document) >= KEYS
    assert list(document["stages"]) == STAGES
    assert [document["stages"][stage]["median_ms"] for stage in STAGES[:4]] == [70, 60, 50, 40]
    assert document["stages"]["render"]["median_ms"] >= 1
    assert document["image_ms"] >= 3
    assert document["image_overlay_ms"] >= document["image_ms"]
    assert (document["video_fps"], document["video_overlay_fps"]) == (40, 30)
    assert (document["threads"], document["image"], document["cold_start_s"], document["peers"]) == (1, [640, 480], 1.5, {})
    assert document["versions"]["torch"] == torch.__version__.split("+")[0] or document["versions"]["torch"] == torch.__version__
    table = capsys.readouterr().out
    assert all(word in table for word in [*STAGES, "cold start", "peak memory"])


@pytest.mark.usefixtures("toy_estimator")
def test_peak_memory_is_told_before_other_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer's memory is not ours."""
    held = [100.0]

    def time_peers(*_: object) -> list[tuple[str, benchmark.Times]]:
        held[0] = 900.0
        return []

    monkeypatch.setattr(benchmark, "_time_peers", time_peers)
    monkeypatch.setattr(benchmark, "peak_memory_mb", lambda: held[0])
    image, result = write_image(tmp_path / "a.png", 200), tmp_path / "b.json"
    assert benchmark.main(["--image", image, "--json", str(result), "--repeats", "1", "--warm-up", "0"]) == 0
    assert held == [900.0]
    assert json.loads(result.read_text())["peak_mb"] == 100.0


@pytest.mark.parametrize("place", ["/proc/none/x.json", "folder"])
def test_a_place_that_cannot_be_written_is_told_before_any_work(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(benchmark, "measure", lambda *_: pytest.fail("the work has begun"))
    image = write_image(tmp_path / "a.png", 200)
    assert benchmark.main(["--image", image, "--json", str(tmp_path / place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")


@pytest.mark.usefixtures("toy_estimator")
def test_runs_are_counted_where_a_person_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--image", write_image(tmp_path / "a.png", 200), "--repeats", "3", "--warm-up", "0"]
    assert benchmark.main(arguments) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert benchmark.main(arguments) == 0
    assert "timing" in capsys.readouterr().err


@pytest.mark.usefixtures("toy_estimator")
def test_an_image_without_a_hand_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--image", write_image(tmp_path / "dark.png", 5)]) == 3
    assert "dark.png" in capsys.readouterr().err


@pytest.mark.usefixtures("toy_estimator")
@pytest.mark.parametrize(
    "options", [["--threads", "0"], ["--repeats", "0"], ["--warm-up", "-1"], ["--image", "absent.jpg"], ["--repeats", "many"]]
)
def test_wrong_usage_ends_with_2_and_no_traceback(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert benchmark.main(options) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_median_and_percentile() -> None:
    times = benchmark.Times(tuple(float(i) for i in range(1, 12)))
    assert (times.median_ms, times.p90_ms) == (6, 10)


@pytest.mark.parametrize(
    ("size", "expected"), [((1280, 960), (640, 480)), ((1280, 480), (640, 240)), ((300, 960), (150, 480)), ((64, 48), (64, 48))]
)
def test_images_are_made_smaller_in_proportion_and_never_larger(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert benchmark.fitted(np.zeros((size[1], size[0], 3), np.uint8)).shape[1::-1] == expected


def test_threads_are_limited_inside_and_restored_after() -> None:
    before = torch.get_num_threads()
    with limited_threads(1) as count:
        assert count == torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with limited_threads(100_000) as count:
        assert 1 <= count < 100_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's own account of the process")
def test_peak_memory_is_what_the_system_says() -> None:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    assert peak_memory_mb() == pytest.approx(int(line.split()[1]) / 1024, rel=0.05)


def test_versions_name_what_does_the_work() -> None:
    assert all(versions()[name] for name in ("deephandmesh", "python", "torch", "numpy", "numba", "mediapipe"))


def test_the_real_pipeline_is_timed(tmp_path: Path) -> None:
    result = tmp_path / "benchmark.json"
    assert benchmark.main(["--json", str(result), "--repeats", "2", "--warm-up", "1", "--video-frames", "12"]) == 0
    document = json.loads(result.read_text())
    stages = [document["stages"][stage]["median_ms"] for stage in STAGES]
    assert min(stages) > 0
    assert document["image_ms"] > max(stages[:4])
    assert document["cold_start_s"] > document["image_ms"] / 1000
    assert document["hands"] == 1


def test_the_timed_clip_shows_the_photograph_in_motion(tmp_path: Path) -> None:
    photograph = np.zeros((60, 80, 3), np.uint8)
    photograph[20:40, 30:50] = 255
    write_swinging_clip(photograph, tmp_path / "clip.mp4", 4)
    with ClipReader(tmp_path / "clip.mp4") as clip:
        places = [np.argwhere(frame.pixels[..., 0] > 128).mean(axis=0)[1] for frame in clip.frames()]
        assert (clip.info.width, clip.info.height) == (1280, 720)
    assert places == sorted(places)
    assert places[-1] - places[0] > 10
