"""The restricted unpickler: arrays come out as they went in, and nothing that a pickle says is run."""

import os
import pickle
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.safe_pickle import load_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
ARRAYS = (
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(16.0).reshape(4, 4)[::2, ::-2],
    np.arange(6, dtype=">f4").reshape(3, 2),
    np.array([True, False]),
    np.arange(3, dtype=np.uint16),
    np.zeros((0, 3)),
)


class Calls:
    """Pickles to a call of ``function``."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def write(folder: Path, content: bytes) -> Path:
    path = folder / "depthmap400002.pkl"
    path.write_bytes(content)
    return path


def message_of(path: Path) -> str:
    """What a refusal says; nothing where there is none."""
    try:
        load_pickle(path)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_come_back_and_may_be_changed(tmp_path: Path, array: np.ndarray, protocol: int) -> None:
    loaded = load_pickle(write(tmp_path, pickle.dumps(array, protocol)))
    assert isinstance(loaded, np.ndarray)
    assert loaded.dtype == array.dtype.newbyteorder("=")
    assert loaded.flags.writeable
    np.testing.assert_array_equal(loaded, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_containers_of_arrays_come_back(tmp_path: Path, protocol: int) -> None:
    shared = np.arange(6.0).reshape(2, 3)
    written = {0: {"xyz": shared, "K": np.eye(3)}, 1: {"xyz": shared, "pair": (1, [2.5, None]), "score": np.float32(0.5)}}
    loaded = load_pickle(write(tmp_path, pickle.dumps(written, protocol)))
    assert isinstance(loaded, dict)
    assert list(loaded) == [0, 1]
    np.testing.assert_array_equal(loaded[0]["K"], np.eye(3))
    np.testing.assert_array_equal(loaded[1]["xyz"], shared)
    assert loaded[0]["xyz"] is loaded[1]["xyz"]
    assert loaded[1]["pair"] == (1, [2.5, None])
    assert loaded[1]["score"] == 0.5


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_what_python_2_wrote_is_read(tmp_path: Path, module: str) -> None:
    data = np.array([1.5, -2.0, 250.0, 3.25], dtype="<f4").tobytes()
    content = (
        f"\x80\x02c{module}\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02K\x02\x86".encode("latin1")
        + b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(data)])
        + data
        + b"tb."
    )
    np.testing.assert_array_equal(load_pickle(write(tmp_path, content)), [[1.5, -2.0], [250.0, 3.25]])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("function", [os.system, subprocess.check_output, eval, getattr, np.load, np.fromfile, re.compile])
def test_every_other_call_is_refused_unrun(tmp_path: Path, function: Any, protocol: int) -> None:
    trace = tmp_path / "trace"
    path = write(tmp_path, pickle.dumps([np.eye(2), Calls(function, f"touch {trace}")], protocol))
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}: refused, because it asks for '.*{function.__name__}'") as caught:
        load_pickle(path)
    assert "\n" not in str(caught.value)
    assert not trace.exists()


def test_the_attack_would_work_without_the_guard(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Calls(os.system, f"touch {trace}")))  # noqa: S301
    assert trace.exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"cnumpy.core.multiarray\n_reconstruct\n}(S'make'\ncnumpy\ndtype\nub.", id="changes a constructor"),
        pytest.param(b"cnumpy\nndarray\n(I1000000000000\ntR.", id="calls the array type"),
        pytest.param(b"cnumpy.core.multiarray\n_reconstruct\n(S'mmap'\n(I0\ntS'b'\ntR.", id="array of another type"),
        pytest.param(pickle.dumps(np.array([{}], dtype=object)), id="array of objects"),
        pytest.param(pickle.dumps(np.zeros(2, dtype=[("x", "f4")])), id="structured array"),
        pytest.param(b"c_codecs\nencode\n(S'x'\nS'zip'\ntR.", id="codec"),
        pytest.param(b"cnumpy\ndtype.type\n.", id="path through an attribute"),
        pytest.param(b"cnumpy.core.multiarray\n_reconstruct\n.", id="function as the result"),
        pytest.param(pickle.dumps({1, 2}), id="set"),
        pytest.param(b"Nr\xff\xff\xff\xff.", id="64 GB to remember one object"),
    ],
)
def test_more_than_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"refused|damaged"):
        load_pickle(write(tmp_path, content))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickle_cut_anywhere_is_one_clear_line(tmp_path: Path, protocol: int) -> None:
    content = pickle.dumps(np.arange(6.0).reshape(2, 3), protocol)
    for length in range(len(content)):
        path = write(tmp_path, content[:length])
        with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
            load_pickle(path)
        assert "\n" not in str(caught.value)


def test_a_damaged_byte_is_one_clear_line_or_still_an_array(tmp_path: Path) -> None:
    content = pickle.dumps(np.arange(6.0).reshape(2, 3), 2)
    refused = 0
    for place in range(len(content)):
        for value in (0, ord("."), ord("b"), 255):
            path = write(tmp_path, content[:place] + bytes([value]) + content[place + 1 :])
            refused += message_of(path).startswith(str(path))
    assert refused > 100


def test_a_shape_beyond_the_data_is_refused(tmp_path: Path) -> None:
    content = pickle.dumps(np.arange(6.0).reshape(2, 3), 2).replace(b"K\x02K\x03\x86", b"K\x02K\xff\x86")
    with pytest.raises(ValueError, match=r"48 bytes for an array of shape \(2, 255\)"):
        load_pickle(write(tmp_path, content))


def test_lists_within_themselves_are_refused_and_shared_ones_stay_small(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        load_pickle(write(tmp_path, pickle.dumps(loop)))
    tower: list[Any] = []
    for _ in range(100):
        tower = [tower, tower]
    assert isinstance(load_pickle(write(tmp_path, pickle.dumps(tower))), list)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent\.pkl: cannot be read \(No such file"):
        load_pickle(tmp_path / "absent.pkl")
