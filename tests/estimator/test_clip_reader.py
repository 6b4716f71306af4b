"""Reading clips: what is unusual is put right, what cannot be used is named."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from estimator.clip_reader import ClipReader
from estimator.clip_source import ClipSource, Section
from estimator.errors import InputError
from tests.estimator.clips import picture, shade, write_clip, write_nothing, write_sound


def read(path: Path, section: Section = Section()) -> tuple[list, tuple[str, ...]]:
    with ClipReader(path, section) as clip:
        assert isinstance(clip, ClipSource)
        frames = list(clip.frames())
        return frames, clip.notes


def middle(frame) -> int:
    height, width = frame.pixels.shape[:2]
    return int(frame.pixels[3 * height // 4, 3 * width // 4].mean())


def test_frames_times_and_colours(tmp_path: Path) -> None:
    frames, notes = read(write_clip(tmp_path / "clip.mp4", sound="aac"))
    assert [frame.index for frame in frames] == list(range(10))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(10) / 10, atol=1e-6)
    assert [abs(middle(frame) - shade(frame.index)) <= 3 for frame in frames] == [True] * 10
    assert notes == ()


def test_what_is_known_beforehand(tmp_path: Path) -> None:
    with ClipReader(write_clip(tmp_path / "clip.mp4")) as clip:
        assert (clip.info.width, clip.info.height, clip.info.frame_count, clip.info.rate) == (64, 48, 10, 10)


def test_variable_rate_is_kept(tmp_path: Path) -> None:
    times = (0, 1, 5, 6, 20)
    frames, _ = read(write_clip(tmp_path / "clip.mkv", times, time_base=Fraction(1, 100)))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.array(times) / 100, atol=2e-3)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_flags_are_applied(tmp_path: Path, rotation: int) -> None:
    frames, _ = read(write_clip(tmp_path / "clip.mp4", rotation=rotation))
    upright = np.rot90(picture(0), rotation // 90)  # both turn counter-clockwise
    assert frames[0].pixels.shape == upright.shape
    assert np.abs(frames[0].pixels.astype(int) - upright).mean() < 6


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    frames, _ = read(write_clip(tmp_path / "clip.mp4", aspect=Fraction(3, 2)))
    assert frames[0].pixels.shape == (48, 96, 3)


def test_a_section_begins_and_ends_where_it_should(tmp_path: Path) -> None:
    frames, notes = read(write_clip(tmp_path / "clip.mp4"), Section(0.3, 0.7))
    assert [abs(middle(frame) - shade(index)) <= 3 for frame, index in zip(frames, range(3, 7), strict=True)] == [True] * 4
    assert frames[0].seconds == 0
    assert notes == ()


def test_an_image_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "photo.png")
    assert len(read(tmp_path / "photo.png")[0]) == 1


def test_a_truncated_file_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    noise = [np.random.default_rng(i).integers(0, 255, (48, 64, 3), dtype=np.uint8) for i in range(60)]
    path = write_clip(tmp_path / "clip.mkv", range(60), pixels=noise)
    path.write_bytes(path.read_bytes()[: 2 * path.stat().st_size // 3])
    frames, notes = read(path)
    assert 10 < len(frames) < 60
    assert any("incomplete" in note or "no further" in note for note in notes) or len(notes) == 0  # Matroska may state no length


def test_a_truncated_film_with_its_index_first_is_said_to_be_incomplete(tmp_path: Path) -> None:
    from estimator.clip_writer import ClipWriter

    noise = [np.random.default_rng(i).integers(0, 255, (48, 64, 3), dtype=np.uint8) for i in range(60)]
    source = write_clip(tmp_path / "clip.mkv", range(60), pixels=noise)
    with ClipReader(source) as clip, ClipWriter(tmp_path / "clip.mp4", clip.info) as film:
        for frame in clip.frames():
            film.write(frame.pixels, frame.pts)
        film.finish()
    data = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[: len(data) // 2])
    frames, notes = read(tmp_path / "half.mp4")
    assert 10 < len(frames) < 60
    assert [note for note in notes if "incomplete" in note]


def unusable(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        (tmp_path / "text.txt").write_text("no film at all\n" * 50)
        return tmp_path / "text.txt"
    elif kind == "sound":
        return write_sound(tmp_path / "sound.m4a")
    elif kind == "no index":
        data = write_clip(path).read_bytes()
        path.write_bytes(data[: data.index(b"moov") - 4])
    elif kind == "no frame":
        return write_nothing(path)
    elif kind == "no frame, avi":
        return write_nothing(path.with_suffix(".avi"))
    elif kind == "codec":
        path.write_bytes(write_clip(path).read_bytes().replace(b"avc1", b"zzz1"))
    elif kind == "tiny":
        return write_clip(path, size=(8, 8))
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "no such file"),
        ("folder", "is a folder"),
        ("empty", "is empty"),
        ("text", "is not a video"),
        ("sound", "holds sound but no moving picture"),
        ("no index", "damaged or incomplete"),
        ("no frame", "holds no moving picture"),
        ("no frame, avi", "no frame can be decoded"),
        ("codec", "in a format that FFmpeg cannot decode here; convert it to H.264 first"),
        ("tiny", "too small to show a hand"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, kind: str, message: str) -> None:
    path = unusable(tmp_path, kind)
    with pytest.raises(InputError, match=message) as caught:
        ClipReader(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_section_after_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--start 5: the video ends at 0\.9 s"):
        ClipReader(write_clip(tmp_path / "clip.mp4"), Section(5.0))


@pytest.mark.parametrize("section", [(-1.0, 2.0), (2.0, 2.0), (3.0, 1.0), (float("nan"), 2.0), (0.0, float("nan"))])
def test_impossible_sections(section: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"--start|--end"):
        Section(*section)
