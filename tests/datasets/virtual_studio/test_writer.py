"""The virtual studio in the release's layout: the release's reader reads what the writer wrote."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import datasets.virtual_studio.__main__ as command
from datasets.capture_studio import CaptureStudio
from datasets.capture_studio_samples import CaptureStudioFrames
from datasets.virtual_studio import studio_moments, writer
from datasets.virtual_studio.cameras import studio_cameras
from datasets.virtual_studio.studio_moments import HAS_KEY_POINT, Moment, moments_of
from datasets.virtual_studio.writer import ReleaseSettings, write_release
from tests.datasets.virtual_studio.balls import RADIUS, BallSubject, toy_stances

SETTINGS = ReleaseSettings(studio_cameras()[:4], 84, 128, 0.0, 0)


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "load_subject", lambda number, cache: BallSubject())
    monkeypatch.setattr(studio_moments, "stances", toy_stances)
    monkeypatch.setattr(studio_moments, "TRAINING_MOTIONS", ("wave", "fist"))


@pytest.fixture
def moments() -> tuple[Moment, ...]:
    return moments_of("training", BallSubject.skeleton, 3, np.random.default_rng(0))


def world_joints(moment: Moment) -> np.ndarray:
    return BallSubject().pose(moment.stance.theta).joints @ moment.stance.R_world_hand.T + moment.stance.position


def test_the_reader_finds_all_that_was_written(tmp_path: Path, moments: tuple[Moment, ...]) -> None:
    write_release(tmp_path / "data", BallSubject(), moments, SETTINGS)
    studio = CaptureStudio(tmp_path / "data")
    assert [(frame.subject, int(frame.number)) for frame in studio.training_frames] == [(1, 0), (1, 1), (1, 2)]
    assert len({frame.sequence for frame in studio.training_frames}) == 2
    for camera in SETTINGS.cameras:
        for name in ("K", "distortion", "R", "t"):
            np.testing.assert_array_equal(getattr(studio.cameras[camera.name], name), getattr(camera, name))
    for frame, moment in zip(studio.training_frames, moments, strict=True):
        assert frame.sides == ("right",)
        assert moment.motion in frame.sequence
        assert len(frame.colour_cameras) == len(frame.depth_cameras) == 4
        points = studio.key_points(frame)
        np.testing.assert_array_equal(points.right.valid, HAS_KEY_POINT)
        assert not points.left.valid.any()
        np.testing.assert_allclose(points.right.joints[HAS_KEY_POINT], world_joints(moment)[HAS_KEY_POINT], atol=1e-4)


def test_its_samples_agree_with_its_scans(tmp_path: Path, moments: tuple[Moment, ...]) -> None:
    write_release(tmp_path / "data", BallSubject(), moments, SETTINGS)
    frames = CaptureStudioFrames(CaptureStudio(tmp_path / "data"), 1, size=48, target_views=4)
    sample, scan = frames.sample(1, np.random.default_rng(0)), frames.scan(1)
    posed = BallSubject().pose(moments[1].stance.theta)
    np.testing.assert_allclose(scan.vertices, posed.vertices @ moments[1].stance.R_world_hand.T + moments[1].stance.position, atol=1e-3)
    np.testing.assert_array_equal(scan.faces, posed.faces)
    for K, R, t, depth in zip(sample.K, sample.R, sample.t, sample.depth, strict=True):
        seen = sample.joints[sample.valid] @ R.T + t
        columns, rows = np.rint((seen @ K.T)[:, :2] / seen[:, 2:]).astype(int).T
        assert (seen[:, 2] - depth[rows, columns]).min() > 0.3 * RADIUS
        assert depth[rows, columns].min() > 500


def test_the_key_points_miss_the_joints_where_that_is_asked_for(tmp_path: Path, moments: tuple[Moment, ...]) -> None:
    write_release(tmp_path, BallSubject(), moments, replace(SETTINGS, key_point_error_mm=2.78))
    studio = CaptureStudio(tmp_path)
    points = studio.key_points(studio.training_frames[0]).right.joints[HAS_KEY_POINT]
    assert 1.5 < np.linalg.norm(points - world_joints(moments[0])[HAS_KEY_POINT], axis=1).mean() < 4.5


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path, moments: tuple[Moment, ...]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="there is something in this place"):
        write_release(tmp_path, BallSubject(), moments, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_nothing_half_written_stays(
    tmp_path: Path, moments: tuple[Moment, ...], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    jpeg, written = writer.jpeg, []

    def failing(image: np.ndarray) -> bytes:
        written.append(image)
        if len(written) > 6:
            raise error
        return jpeg(image)

    monkeypatch.setattr(writer, "jpeg", failing)
    with pytest.raises((KeyboardInterrupt, ValueError)) as caught:
        write_release(tmp_path / "data", BallSubject(), moments, SETTINGS)
    assert list((tmp_path / "data").iterdir()) == []
    if isinstance(error, OSError):
        assert "No space left on device" in str(caught.value)


def test_the_command_writes_a_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--subject", "1", "--moments", "2", "--cameras", "3", "--width", "40", "--height", "64"]
    assert command.main([*options, "--out", str(tmp_path / "data")]) == 0
    assert "2 simulated moments" in capsys.readouterr().out
    assert "Simulated" in (tmp_path / "data" / "README.txt").read_text()
    studio = CaptureStudio(tmp_path / "data")
    assert [len(frame.depth_cameras) for frame in studio.training_frames] == [3, 3]
    assert studio.depth_map(studio.training_frames[0], studio.training_frames[0].cameras[0]).shape == (64, 40)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--moments", "0"], "--moments 0"),
        (["--cameras", "81"], "--cameras 81"),
        (["--width", "5"], "--width 5"),
        (["--seed", "-1"], "--seed -1"),
        (["--moments", "many"], "many"),
        (["--moments", "900000"], "GB"),
        (["--out", "{file}"], "something in this place"),
        (["--out", "{file}/below"], "below"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    options: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    named = [option.format(file=tmp_path / "file") for option in options]
    assert command.main(["--subject", "1", "--out", str(tmp_path / "data"), *named]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert complaint in message
    assert message.count("\n") == 1
    assert not (tmp_path / "data").exists()
