"""Laws of visitors' files: nobody guesses a folder, what is forgotten is gone and nothing else is, names do no harm."""

from pathlib import Path

import pytest

from demo.visitor_files import VisitorFiles, safe_name
from estimator.errors import InputError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def files(tmp_path: Path, clock: Clock) -> VisitorFiles:
    return VisitorFiles(tmp_path, keep_seconds=60, largest_total=1000, clock=clock)


def upload(files: VisitorFiles, name: str = "photo.jpg", content: bytes = b"x") -> Path:
    path = files.upload_path(name)
    path.write_bytes(content)
    return path


def test_one_photograph_of_two_visitors_is_two_files(files: VisitorFiles) -> None:
    first, second = upload(files), upload(files)
    assert first != second
    files.adopt(first, "ann")
    files.adopt(second, "bob")
    files.forget("ann")
    assert not first.exists()
    assert second.exists()


def test_forgetting_deletes_results_and_uploads_of_that_visitor_alone(files: VisitorFiles) -> None:
    kept = upload(files)
    gone = [files.adopt(upload(files), "ann"), files.new_folder("ann")]
    files.forget("ann")
    assert kept.exists()
    assert not any(path.exists() for path in gone)
    with pytest.raises(InputError, match="choose the file again"):
        files.adopt(gone[0], "ann")


def test_late_files_are_swept_and_used_ones_are_not(files: VisitorFiles, clock: Clock) -> None:
    late, used = upload(files), upload(files)
    clock.now = 50.0
    files.adopt(used, "ann")
    clock.now = 100.0
    files.sweep()
    assert not late.exists()
    assert used.exists()
    clock.now = 111.0
    files.sweep()
    assert not used.exists()
    assert not list(files.root.iterdir())


def test_only_uploads_and_shared_files_are_adopted(files: VisitorFiles, tmp_path: Path) -> None:
    sample = tmp_path / "sample.jpg"
    sample.write_bytes(b"x")
    assert files.adopt(sample, "ann") == sample
    files.forget("ann")
    assert sample.exists()
    stranger = files.root / ("0" * 32) / "photo.jpg"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"x")
    for path in (stranger, Path("/etc/passwd"), files.new_folder() / ".." / ".." / ".." / ".." / "etc" / "passwd", files.new_folder()):
        with pytest.raises(InputError):
            files.adopt(path, "ann")


def test_room_for_all_visitors_is_limited(files: VisitorFiles) -> None:
    path = upload(files, content=bytes(1000))
    with pytest.raises(InputError, match="no room"):
        files.new_folder("bob")
    files.discard(path.parent)
    files.new_folder("bob")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\me.JPG", "me.JPG"),
        ("<script>.png", "_script_.png"),
        ("..", "file"),
        ("", "file"),
        (".bashrc", "bashrc"),
        ("a" * 300 + ".jpeg", "a" * 80 + ".jpeg"),
        ("hånd på bordet (2).jpg", "hånd på bordet (2).jpg"),
        ("a\x00\nb.png", "a__b.png"),
    ],
)
def test_names_become_harmless(name: str, safe: str, files: VisitorFiles) -> None:
    assert safe_name(name) == safe
    path = files.upload_path(name)
    assert path.parent.parent == files.root
    path.write_bytes(b"x")
