"""A folder of data is whole or not there."""

from pathlib import Path

import pytest

from datasets.whole_folder import HIDDEN, require_empty, require_room, written_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_moves_out_when_all_of_it_is_there(tmp_path: Path) -> None:
    (tmp_path / HIDDEN).mkdir()
    (tmp_path / HIDDEN / "old").touch()  # of a process that was killed
    with written_whole(tmp_path, ("a", "b")) as hidden:
        (hidden / "a").touch()
        (hidden / "b").mkdir()
        assert names(tmp_path) == [HIDDEN]
        assert names(hidden) == ["a", "b"]
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device"), ZeroDivisionError()])
def test_nothing_stays_of_work_that_ended_before(tmp_path: Path, error: BaseException) -> None:
    def write() -> None:
        with written_whole(tmp_path / "out", ("a",)) as hidden:
            (hidden / "a").touch()
            raise error

    with pytest.raises(ValueError if isinstance(error, OSError) else type(error)):
        write()
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("name", ["used", "used/file", "used/file/below", 300 * "a"])
def test_places_that_cannot_be_used_are_named_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("mine")
    with pytest.raises(ValueError, match=r"name a new|name another") as caught, written_whole(tmp_path / name, ()):
        pytest.fail("there is no place to write to")
    assert str(tmp_path / name) in str(caught.value)
    assert names(tmp_path) == ["used"]
    assert (tmp_path / "used" / "file").read_text() == "mine"


def test_room_is_asked_of_the_disk_that_a_missing_folder_will_lie_on(tmp_path: Path) -> None:
    require_empty(tmp_path / "not" / "yet")
    require_room(tmp_path / "not" / "yet", 1.0, "")
    with pytest.raises(ValueError, match="GB are free; ask for less"):
        require_room(tmp_path / "not" / "yet", 1e18, "ask for less")
