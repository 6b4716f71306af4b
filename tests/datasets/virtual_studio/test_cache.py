"""Recordings on disk: as true as they need to be, complete or not there."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from datasets.virtual_studio.cache import Recording, RecordingSize, load_recording

SIZE = RecordingSize(moments=70, views=2, size=8, joints=3)


def depth_of(moment: int, view: int) -> np.ndarray:
    depth = np.random.default_rng([moment, view]).uniform(600, 1100, (8, 8)).astype(np.float32)
    depth[:2] = 0
    return depth


def record(recording: Recording, moment: int) -> None:
    recording.images[moment] = moment
    recording.joints[moment] = moment
    for view in range(2):
        recording.put_depth(moment, view, depth_of(moment, view))


def never(recording: Recording, moment: int) -> None:
    pytest.fail("what is complete is not recorded again")


class Interrupting:
    """Records until it has recorded enough, and notes what."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.done: list[int] = []

    def __call__(self, recording: Recording, moment: int) -> None:
        if len(self.done) >= self.after:
            raise KeyboardInterrupt
        record(recording, moment)
        self.done.append(moment)


def test_depth_comes_back_within_a_twentieth_of_a_millimetre(tmp_path: Path) -> None:
    recording = load_recording(tmp_path / "one", SIZE, record, "")
    for moment in (0, 69):
        found = recording.depth(moment, np.array([1, 0]))
        for depth, view in zip(found, (1, 0), strict=True):
            np.testing.assert_allclose(depth, depth_of(moment, view), atol=0.05)
            np.testing.assert_array_equal(depth == 0, depth_of(moment, view) == 0)


@pytest.mark.parametrize("level", [0.0, 812.5])
def test_a_view_of_nothing_or_of_a_flat_wall(tmp_path: Path, level: float) -> None:
    flat = np.full((8, 8), level, dtype=np.float32)
    recording = load_recording(tmp_path / "flat", SIZE, lambda recording, moment: recording.put_depth(moment, 1, flat), "")
    np.testing.assert_array_equal(recording.depth(3, np.array([1]))[0], flat)


def test_what_is_complete_is_mapped_and_not_made_again(tmp_path: Path) -> None:
    load_recording(tmp_path / "deep" / "one", SIZE, record, "")
    recording = load_recording(tmp_path / "deep" / "one", SIZE, never, "")
    np.testing.assert_array_equal(recording.joints[:, 0, 0], np.arange(70))
    assert not recording.images.flags.writeable


def test_an_interrupted_recording_is_not_taken_as_complete_but_continued(tmp_path: Path) -> None:
    first, second = Interrupting(after=50), Interrupting(after=70)
    with pytest.raises(KeyboardInterrupt):
        load_recording(tmp_path / "one", SIZE, first, "")
    assert not (tmp_path / "one").exists()
    recording = load_recording(tmp_path / "one", SIZE, second, "")
    assert 0 < len(second.done) < 70
    assert set(first.done) | set(second.done) == set(range(70))
    np.testing.assert_array_equal(recording.images[:, 0, 0, 0, 0], np.arange(70))


def test_another_process_gets_the_files_and_not_their_content(tmp_path: Path) -> None:
    recording = load_recording(tmp_path / "one", SIZE, record, "")
    content = pickle.dumps(recording)
    assert len(content) < 2000
    np.testing.assert_array_equal(pickle.loads(content).depth_codes, recording.depth_codes)  # noqa: S301 (our own, just written)


def test_damage_is_one_line_that_names_the_folder(tmp_path: Path) -> None:
    load_recording(tmp_path / "one", SIZE, record, "")
    (tmp_path / "one" / "K.npy").write_bytes(b"damage")
    with pytest.raises(ValueError, match=r"one: .*remove this folder$"):
        load_recording(tmp_path / "one", SIZE, never, "")


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"cannot be kept there .* another folder"):
        load_recording(tmp_path / "file" / "one", SIZE, record, "")
