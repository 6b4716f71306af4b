"""Files appear whole or not at all, and failures name the path."""

import os
import stat
from pathlib import Path

import pytest

from estimator.errors import InputError
from estimator.files import require_writable_file, require_writable_folder, write_file


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_and_old_files_get_the_content(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_file(path, b"first, longer")
    write_file(path, b"second")
    assert path.read_bytes() == b"second"
    assert names_in(tmp_path) == ["result.json"]


def test_files_get_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_file(tmp_path / "ours", b"")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match=r"result\.json: cannot be written \(No space left"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["result.json"]


@pytest.mark.parametrize("name", ["missing/hand.obj", "file/hand.obj", "folder", "x" * 300])
def test_places_that_cannot_be_written_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=Path(name).name) as caught:
        write_file(tmp_path / name, b"content")
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == ["file", "folder"]


def test_names_as_long_as_the_system_allows(tmp_path: Path) -> None:
    write_file(tmp_path / ("x" * 255), b"content")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"content"


def test_looking_whether_a_place_is_writable_makes_its_folder_and_nothing_else(tmp_path: Path) -> None:
    require_writable_folder(tmp_path / "new" / "deep")
    require_writable_file(tmp_path / "other" / "result.json")
    assert names_in(tmp_path / "new" / "deep") == names_in(tmp_path / "other") == []
    (tmp_path / "old.json").write_bytes(b"old")
    require_writable_file(tmp_path / "old.json")
    assert (tmp_path / "old.json").read_bytes() == b"old"
    require_writable_file(Path(os.devnull))


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/self/nowhere"])
def test_a_folder_that_cannot_be_is_one_line_with_the_cure(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="take another") as caught:
        require_writable_folder(tmp_path / place, "take another")
    assert str(tmp_path / place) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["folder", "file/result.json", "/proc/self/nowhere/result.json"])
def test_a_file_that_cannot_be_is_refused_beforehand(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=Path(place).name):
        require_writable_file(tmp_path / place)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full on this system")
def test_devices_are_written_to_and_not_replaced() -> None:
    with pytest.raises(InputError, match="/dev/full"):
        write_file(Path("/dev/full"), b"content")
    assert Path("/dev/full").is_char_device()
