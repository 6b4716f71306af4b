"""The video command through its real main, with a stand-in for the models that sees toy hands wherever a frame's middle is grey."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from estimator import clip, warm_up
from estimator.clip_reader import ClipReader
from estimator.detector import Detection
from estimator.hand.camera import Camera
from estimator.hand.template import POSE_SIZE
from estimator.pipeline import EstimatorOptions, HandEstimator
from estimator.placed_hand import PlacedHand
from estimator.refinement import HandState, Skeleton
from estimator.video import main
from tests.estimator.clips import frame_times, picture, write_clip, write_nothing, write_sound
from tests.toys import toy_placed_hand, toy_template

HIDDEN = 5
"""The darkest grey that shows a hand."""


class ToyDetector:
    """Sees a right hand in every frame whose lower right is lighter than black."""

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return self.glance(image)

    def glance(self, image: np.ndarray) -> list[Detection]:
        seen = self.track(image, Detection("right", 0.9, np.zeros((21, 2)), np.zeros((21, 3))))
        return [] if seen is None else [seen]

    def track(self, image: np.ndarray, previous: Detection) -> Detection | None:
        landmarks = np.random.default_rng(0).uniform(10, 40, (21, 2))
        return Detection("right", 0.9, landmarks, np.zeros((21, 3))) if image[-2, -2].mean() > HIDDEN else None

    def close(self) -> None:
        pass


class Crowd(ToyDetector):
    """Sees two people's four hands, side by side."""

    HANDS = tuple(
        Detection(side, 0.9, np.random.default_rng(number).uniform((15 * number, 20), (15 * number + 12, 32), (21, 2)), np.zeros((21, 3)))
        for number, side in enumerate(("left", "right", "left", "right"))
    )

    def glance(self, image: np.ndarray) -> list[Detection]:
        return list(self.HANDS)

    def track(self, image: np.ndarray, previous: Detection) -> Detection | None:
        return min(self.HANDS, key=lambda hand: np.abs(hand.landmarks_px - previous.landmarks_px).max())


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = toy_placed_hand()

    def start(self: HandEstimator, options: EstimatorOptions) -> None:
        self.options, self.template, self.decoder_name = options, toy_template(), "template"
        self.skeleton, self.detector = Skeleton.of(self.template), ToyDetector()

    def fitting(self: HandEstimator, detection: Detection, camera: Camera) -> Callable[[np.ndarray | None], HandState]:
        return lambda proportions: HandState(np.zeros(POSE_SIZE), np.eye(3), np.array([0.0, 0.0, 500.0]), np.ones(6))

    def mesh(self: HandEstimator, detection: Detection, camera: Camera, state: HandState) -> PlacedHand:
        return replace(hand, camera=camera)

    monkeypatch.setattr(warm_up, "warm_up", lambda skeleton, notify: None)
    for name, method in (("__init__", start), ("fitting", fitting), ("mesh", mesh)):
        monkeypatch.setattr(HandEstimator, name, method)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "in.mp4", sound="aac")


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    stderr = capsys.readouterr().err
    assert "Traceback" not in stderr
    return [line for line in stderr.splitlines() if line.startswith("error:")]


def dark(index: int) -> np.ndarray:
    return np.zeros_like(picture(index))


class TestWhatIsWritten:
    def test_a_film_of_the_same_length(self, film: Path, tmp_path: Path, capsys) -> None:
        assert main([str(film), "-o", str(tmp_path / "out" / "film.mp4")]) == 0
        assert frame_times(tmp_path / "out" / "film.mp4") == pytest.approx(frame_times(film), abs=1e-3)
        out = capsys.readouterr()
        assert "10 frames, 10 with hands (1 hand)" in out.out
        assert "frames/s end to end, jitter 0.00 mm" in out.out
        assert out.err == ""

    def test_every_output_at_once(self, film: Path, tmp_path: Path) -> None:
        names = {"--save-json": "a.jsonl", "--save-npz": "a.npz", "--glb": "a.glb", "--bvh": "a.bvh"}
        assert main([str(film), *(word for option, name in names.items() for word in (option, str(tmp_path / name)))]) == 0
        lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
        assert [line["frame"] for line in lines] == list(range(10))
        assert {line["schema"] for line in lines} == {"deephandmesh/1"}
        assert lines[3]["time_s"] == pytest.approx(0.3)
        assert (lines[0]["hands"][0]["identity"], lines[0]["hands"][0]["bridged"]) == (0, False)
        with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
            assert len(arrays["hand0_frames"]) == 10
        assert (tmp_path / "a.glb").read_bytes()[:4] == b"glTF"
        assert "Frames: " in (tmp_path / "a.bvh").read_text()

    def test_no_overlay_leaves_the_pictures(self, film: Path, tmp_path: Path) -> None:
        assert main([str(film), "-o", str(tmp_path / "out.mp4"), "--no-overlay", "--start", "0.2", "--end", "0.5"]) == 0
        with ClipReader(tmp_path / "out.mp4") as clip_read:
            frames = list(clip_read.frames())
        assert len(frames) == 3
        assert np.abs(frames[0].pixels.astype(int) - picture(2)).mean() < 6


class TestHandsComeAndGo:
    def test_no_hand_in_the_whole_clip(self, tmp_path: Path, capsys) -> None:
        source = write_clip(tmp_path / "in.mp4", pixels=[dark(i) for i in range(10)])
        assert main([str(source), "-o", str(tmp_path / "out.mp4"), "--glb", str(tmp_path / "a.glb")]) == 3
        assert len(frame_times(tmp_path / "out.mp4")) == 10
        assert "no hand was found in any frame" in capsys.readouterr().err

    def test_a_hand_in_a_single_frame(self, tmp_path: Path, capsys) -> None:
        source = write_clip(tmp_path / "in.mp4", pixels=[picture(i) if i == 4 else dark(i) for i in range(10)])
        assert main([str(source), "--save-json", str(tmp_path / "a.jsonl"), "--bvh", str(tmp_path / "a.bvh")]) == 0
        lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
        assert [len(line["hands"]) for line in lines] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
        assert "10 frames, 1 with hands (1 hand)" in capsys.readouterr().out

    def test_a_gap_is_bridged_unless_the_raw_answer_is_asked_for(self, tmp_path: Path) -> None:
        source = write_clip(tmp_path / "in.mp4", pixels=[dark(i) if i in (4, 5) else picture(i) for i in range(10)])
        for option, found in (("--smooth", 10), ("--no-smooth", 8)):
            assert main([str(source), "--save-json", str(tmp_path / "a.jsonl"), option]) == 0
            lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
            assert sum(bool(line["hands"]) for line in lines) == found

    @pytest.mark.parametrize("most", [4, 2])
    def test_of_four_hands_as_many_as_wished_are_followed(self, most: int, film: Path, tmp_path: Path, monkeypatch, capsys) -> None:
        monkeypatch.setattr(sys.modules[__name__], "ToyDetector", Crowd)
        assert main([str(film), "--save-json", str(tmp_path / "a.jsonl"), "--max-hands", str(most)]) == 0
        lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
        assert {tuple(hand["identity"] for hand in line["hands"]) for line in lines} == {tuple(range(most))}
        assert f"10 frames, 10 with hands ({most} hands)" in capsys.readouterr().out


class TestWhatCannotBeDone:
    def test_inputs(self, tmp_path: Path, capsys) -> None:
        (tmp_path / "text.mp4").write_text("no film")
        (tmp_path / "codec.mp4").write_bytes(write_clip(tmp_path / "codec.mp4").read_bytes().replace(b"avc1", b"zzz1"))
        for source, message in (
            (tmp_path / "missing.mp4", "no such file"),
            (write_sound(tmp_path / "sound.m4a"), "holds sound but no moving picture"),
            (tmp_path / "text.mp4", "is not a video that can be read"),
            (write_nothing(tmp_path / "nothing.mp4"), "holds no moving picture"),
            (write_nothing(tmp_path / "nothing.avi"), "no frame can be decoded"),
            (tmp_path / "codec.mp4", "in a format that FFmpeg cannot decode here"),
            (Path("webcam:99"), "there is no such camera"),
            (Path("webcam:one"), "a camera is named by its number"),
        ):
            assert main([str(source), "-o", str(tmp_path / "out.mp4")]) == 2
            (line,) = errors(capsys)
            assert message in line
            assert not (tmp_path / "out.mp4").exists()

    def test_arguments(self, film: Path, tmp_path: Path, capsys) -> None:
        other = str(tmp_path / "out.mp4")
        for arguments, message in (
            ([], "no input given"),
            ([str(film)], "nothing to write"),
            ([str(film), "-o", str(film)], "is the input"),
            ([str(film), "-o", str(tmp_path / "." / "in.mp4")], "is the input"),
            ([str(film), "-o", other, "--glb", other], "is named for two outputs"),
            ([str(film), "-o", str(tmp_path / "out.avi")], "films are written as"),
            ([str(film), "-o", other, "--start", "3", "--end", "2"], "--end 2"),
            ([str(film), "-o", other, "--start", "30"], "--start 30: the video ends"),
            ([str(film), "-o", other, "--max-hands", "0"], "--max-hands"),
            ([str(film), "-o", other, "--focal-px", "1"], "--focal-px 1"),
            ([str(film), "-o", other, "--focal-px", "70", "--fov-deg", "60"], "give one of them"),
            ([str(film), "-o", "/proc/none/out.mp4"], "cannot be written"),
        ):
            assert main(arguments) == 2, arguments
            (line,) = errors(capsys)
            assert message in line

    def test_a_truncated_film_is_done_as_far_as_it_goes(self, tmp_path: Path, capsys) -> None:
        noise = np.random.default_rng(0).integers(20, 255, (30, 48, 64, 3), dtype=np.uint8)
        source = write_clip(tmp_path / "in.mp4", range(30), pixels=list(noise))
        assert main([str(source), "-o", str(tmp_path / "whole.mp4"), "--no-overlay"]) == 0
        data = (tmp_path / "whole.mp4").read_bytes()
        (tmp_path / "half.mp4").write_bytes(data[: data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2])
        assert main([str(tmp_path / "half.mp4"), "-o", str(tmp_path / "out.mp4")]) == 0
        assert 5 < len(frame_times(tmp_path / "out.mp4")) < 25
        assert "half.mp4: is incomplete: it ends after" in capsys.readouterr().err

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
    @pytest.mark.parametrize("option", ["--save-json", "--save-npz", "--glb"])
    def test_a_full_disk(self, option: str, film: Path, capsys) -> None:
        assert main([str(film), option, "/dev/full"]) == 2
        (line,) = errors(capsys)
        assert "/dev/full: cannot be written (No space left on device)" in line

    def test_a_profile_that_is_none(self, film: Path, tmp_path: Path, capsys) -> None:
        (tmp_path / "me.json").write_text("{}")
        assert main([str(film), "-o", str(tmp_path / "out.mp4"), "--profile", str(tmp_path / "me.json")]) == 2
        (line,) = errors(capsys)
        assert "me.json: expected a profile" in line
        assert not (tmp_path / "out.mp4").exists()

    def test_a_symbolic_link_to_the_input_is_the_input(self, film: Path, tmp_path: Path, capsys) -> None:
        (tmp_path / "link.mp4").symlink_to(film)
        before = film.read_bytes()
        assert main([str(film), "-o", str(tmp_path / "link.mp4")]) == 2
        assert film.read_bytes() == before

    def test_interruption_leaves_whole_files(self, film: Path, tmp_path: Path, monkeypatch, capsys) -> None:
        class Impatient(clip.HandTracker):
            def __call__(self, image: np.ndarray, seconds: float) -> list:
                if seconds > 0.55:
                    raise KeyboardInterrupt
                return super().__call__(image, seconds)

        monkeypatch.setattr(clip, "HandTracker", Impatient)
        assert main([str(film), "-o", str(tmp_path / "out.mp4"), "--save-json", str(tmp_path / "a.jsonl")]) == 130
        assert len(frame_times(tmp_path / "out.mp4")) == 6
        assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 6
        assert capsys.readouterr().err.splitlines()[-1] == "interrupted"
