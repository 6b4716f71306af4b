"""What is written is read back by the reader of the real RHD."""

from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

from datasets.command import BAD_INPUT, DONE
from datasets.rhd import Rhd
from datasets.rhd_files import decode_depth
from datasets.virtual_rhd import writer
from datasets.virtual_rhd.__main__ import main
from datasets.virtual_rhd.stream import VirtualRhd, VirtualRhdOptions
from datasets.virtual_rhd.writer import EVALUATION_START, Job, encode_depth, write_rhd


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("written") / "rhd"
    assert main(["--out", str(out), "--training", "3", "--evaluation", "2", "--seed", "5", "--processes", "1"]) == DONE
    return out


@pytest.mark.parametrize(("split", "count", "first"), [("training", 3, 0), ("evaluation", 2, EVALUATION_START)])
def test_the_reader_of_the_real_data_reads_it_back(folder, split, count, first) -> None:
    read, stream = Rhd(folder, split), VirtualRhd(seed=5)
    assert len(read) == count
    for row in range(count):
        sample, pictured = stream[first + row], read.pictured(row)
        assert np.array_equal(pictured.image, sample.image)
        assert pictured.hand.side == sample.hand.side
        assert np.allclose(pictured.hand.joints_mm, sample.hand.landmarks_mm, atol=1e-6)
        assert np.allclose(pictured.hand.joints_px, sample.hand.landmarks_px, atol=1e-6)
        assert np.array_equal(pictured.hand.visible, sample.hand.visible)
        assert np.array_equal(read.mask(row), sample.mask)
        near = sample.depth_mm > 0
        assert np.abs(read.depth(row) - sample.depth_mm)[near].max() < 5000 / 65535
        assert (read.depth(row)[~near] == 5000).all()


def test_the_folder_says_that_it_is_simulated(folder) -> None:
    assert "Simulated" in (folder / "README.txt").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["README.txt", "evaluation", "training"]


class Workers:
    """Stands in for processes: works here, until one is ended from outside."""

    def __init__(self, count, context, start, arguments) -> None:
        start(*arguments)

    def map(self, work, numbers, chunksize):
        yield work(numbers[0])
        raise BrokenProcessPool

    def shutdown(self, cancel_futures) -> None:
        assert cancel_futures


def test_workers_that_are_ended_from_outside_are_told_of_in_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(writer, "ProcessPoolExecutor", Workers)
    monkeypatch.setattr(writer.signal, "signal", lambda *_: None)
    written = []
    with pytest.raises(ValueError, match="fewer --processes"):
        write_rhd(tmp_path / "out", Job(3, 2, 5, VirtualRhdOptions(), processes=2), lambda: written.append(1))
    assert len(written) == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_depth_survives_its_two_bytes() -> None:
    depth = np.array([[0.0, 10.0, 1234.5, 4999.9, 6000.0]], dtype=np.float32)
    assert decode_depth(encode_depth(depth)[..., :2]) == pytest.approx(np.array([[5000, 10, 1234.5, 4999.9, 5000]]), abs=0.04)


def test_a_folder_in_use_is_left_alone(tmp_path, capsys) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main(["--out", str(tmp_path)]) == BAD_INPUT
    assert "name a new or an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--training", "0"], "--training 0"),
        (["--seed", "-1"], "--seed -1"),
        (["--backgrounds", "nowhere"], "no such folder"),
        (["--environments", "nowhere.npz"], "cannot be read"),
        (["--training", "many"], "--help"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line_and_nothing_is_left(tmp_path, capsys, arguments, words) -> None:
    out = tmp_path / "out"
    assert main(["--out", str(out), "--processes", "1", *arguments]) == BAD_INPUT
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not out.exists() or not any(out.iterdir())
