"""Writing clips: times, sizes, colours and sound are kept, and whatever stops the work leaves a film."""

import resource
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from estimator.clip_reader import ClipReader
from estimator.clip_source import Section
from estimator.clip_writer import ClipWriter
from estimator.errors import InputError
from tests.estimator.clips import frame_times, write_clip


def copy(source: Path, target: Path, section: Section = Section()) -> tuple[str, ...]:
    with ClipReader(source, section) as clip, ClipWriter(target, clip.info) as film:
        write_all(clip, film)
        return film.finish()


def write_all(clip: ClipReader, film: ClipWriter) -> None:
    for frame in clip.frames():
        film.write(frame.pixels, frame.pts)


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(film.streams.best(kind)) if packet.size]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_variable_times_and_length_are_kept(tmp_path: Path, suffix: str) -> None:
    times = (0, 4, 5, 13, 30)
    source = write_clip(tmp_path / "in.mkv", times, time_base=Fraction(1, 100))
    copy(source, tmp_path / f"out{suffix}")
    np.testing.assert_allclose(frame_times(tmp_path / f"out{suffix}"), np.array(times) / 100, atol=2e-3)
    with av.open(str(tmp_path / f"out{suffix}")) as film:
        video = film.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")


def test_odd_sides_become_even_and_colours_stay(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", size=(65, 49))
    copy(source, tmp_path / "out.mp4")
    with ClipReader(source) as before, ClipReader(tmp_path / "out.mp4") as after:
        assert (after.info.width, after.info.height) == (66, 50)
        for one, other in zip(before.frames(), after.frames(), strict=True):
            assert np.abs(one.pixels.astype(int) - other.pixels[:49, :65]).mean() < 4


def test_a_browser_can_begin_at_once(tmp_path: Path) -> None:
    copy(write_clip(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_sound_is_copied(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", sound="aac")
    assert copy(source, tmp_path / "out.mp4") == ()
    before, after = packets(source, "audio"), packets(tmp_path / "out.mp4", "audio")
    assert len(after) > 30
    assert set(after) <= set(before)


def test_sound_of_a_section_is_as_long_as_its_pictures(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", sound="aac")
    copy(source, tmp_path / "out.mp4", Section(0.3, 0.7))
    assert len(frame_times(tmp_path / "out.mp4")) == 4
    with av.open(str(tmp_path / "out.mp4")) as film:
        times = [float(packet.pts * packet.time_base) for packet in film.demux(audio=0) if packet.pts is not None]
    assert 0 <= times[0] < 0.03
    assert 0.34 < times[-1] < 0.4


def test_sound_that_a_film_cannot_hold_is_encoded_anew(tmp_path: Path) -> None:
    notes = copy(write_clip(tmp_path / "in.mov", sound="pcm_s16le"), tmp_path / "out.mp4")
    assert notes == ("its sound (pcm_s16le) was encoded anew, as AAC",)
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.streams.audio[0].codec_context.name == "aac"
        assert sum(frame.samples for frame in film.decode(audio=0)) / 48000 == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("name", ["film.avi", "film.webm", "film", "film.png"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with ClipReader(write_clip(tmp_path / "in.mp4")) as clip, pytest.raises(InputError, match=r"films are written as \.mp4"):
        ClipWriter(tmp_path / name, clip.info)


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with ClipReader(write_clip(tmp_path / "in.mp4")) as clip, ClipWriter(tmp_path / "out.mp4", clip.info) as film:
        write_all(clip, film)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_full_disk_leaves_a_film_of_what_was_done(tmp_path: Path) -> None:
    noise = [np.random.default_rng(i).integers(0, 255, (96, 128, 3), dtype=np.uint8) for i in range(120)]
    source = write_clip(tmp_path / "in.mkv", range(120), size=(128, 96), pixels=noise)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ClipReader(source) as clip, ClipWriter(tmp_path / "out.mp4", clip.info) as film:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        try:
            with pytest.raises(InputError, match=r"out\.mp4: cannot be written .*can be played"):
                write_all(clip, film)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "out.mp4"]
    with ClipReader(tmp_path / "out.mp4") as kept:  # the last fragment may break off, as players know it
        assert 10 < len(list(kept.frames())) < 120
