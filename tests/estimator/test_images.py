"""Reading photographs: what is unusual comes out as the plain picture would, what is unusable is named, nothing else happens."""

import io
import math
import os
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from estimator.errors import InputError
from estimator.images import find_images, printable, read_photograph

LOSSLESS = {"png": {}, "tiff": {}, "bmp": {}, "ppm": {}, "webp": {"lossless": True}, "jp2": {}}
UPRIGHT_TO_STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}
"""How a camera held in each of EXIF's eight ways stores an upright scene (EXIF 2.3, tag 274)."""


def scene(height: int = 48, width: int = 64) -> np.ndarray:
    """A picture without symmetry, smooth enough for lossy formats."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * x / width, 255 * y / height, 255 * (x > y)], axis=-1).astype(np.uint8)


def save(array: np.ndarray, path: Path, **options: object) -> Path:
    Image.fromarray(np.ascontiguousarray(array)).save(path, **options)
    return path


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG file from its definition; Pillow writes no 16-bit colour."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def png16(array: np.ndarray, colour: int) -> bytes:
    height, width = array.shape[:2]
    return png(width, height, 16, colour, b"".join(b"\0" + row.astype(">u2").tobytes() for row in array))


def exif(orientation: int = 1, **tags: object) -> Image.Exif:
    record = Image.Exif()
    record[ExifTags.Base.Orientation] = orientation
    record.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base[name]: value for name, value in tags.items()})
    return record


class TestWhatIsRead:
    @pytest.mark.parametrize("suffix", LOSSLESS)
    def test_lossless_formats_give_every_pixel_back(self, tmp_path: Path, suffix: str) -> None:
        photograph = read_photograph(save(scene(), tmp_path / f"a.{suffix}", **LOSSLESS[suffix]))
        np.testing.assert_array_equal(photograph.pixels, scene())
        assert photograph.focal_px is None
        assert photograph.notes == ()

    @pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
    def test_lossy_formats_come_close(self, tmp_path: Path, suffix: str) -> None:
        pixels = read_photograph(save(scene(), tmp_path / f"a.{suffix}", quality=95)).pixels
        assert np.abs(pixels.astype(int) - scene()).mean() < 6

    def test_the_name_does_not_decide_the_format(self, tmp_path: Path) -> None:
        path = tmp_path / "really_a_png.jpg"
        save(scene(), path, format="PNG")
        np.testing.assert_array_equal(read_photograph(path).pixels, scene())

    @pytest.mark.parametrize("suffix", ["png", "tiff"])
    @pytest.mark.parametrize("orientation", UPRIGHT_TO_STORED)
    def test_orientation_is_undone(self, tmp_path: Path, orientation: int, suffix: str) -> None:
        path = save(UPRIGHT_TO_STORED[orientation](scene()), tmp_path / f"a.{suffix}", exif=exif(orientation))
        np.testing.assert_array_equal(read_photograph(path).pixels, scene())

    def test_orientation_of_a_jpeg_is_undone(self, tmp_path: Path) -> None:
        path = save(UPRIGHT_TO_STORED[6](scene()), tmp_path / "a.jpg", exif=exif(6), quality=95)
        assert np.abs(read_photograph(path).pixels.astype(int) - scene()).mean() < 6

    def test_sixteen_bit_grey_is_scaled(self, tmp_path: Path) -> None:
        grey = scene()[..., 0]
        (tmp_path / "a.png").write_bytes(png16(grey.astype(int) * 257, colour=0))
        save(grey.astype(np.uint16) * 257, tmp_path / "a.tiff")
        save(grey.astype(np.uint16) * 257, tmp_path / "a.pgm")
        for name in ("a.png", "a.tiff", "a.pgm"):
            np.testing.assert_array_equal(read_photograph(tmp_path / name).pixels, np.stack([grey] * 3, axis=-1))

    def test_sixteen_bit_colour_is_scaled(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(png16(scene().astype(int) * 257, colour=2))
        np.testing.assert_array_equal(read_photograph(tmp_path / "a.png").pixels, scene())

    def test_floating_point_grey_up_to_one_is_scaled(self, tmp_path: Path) -> None:
        grey = scene()[..., 0]
        pixels = read_photograph(save(grey.astype(np.float32) / 255, tmp_path / "a.tiff")).pixels
        np.testing.assert_array_equal(pixels, np.stack([grey] * 3, axis=-1))

    @pytest.mark.parametrize("mode", ["L", "1"])
    def test_grey_becomes_three_equal_channels(self, tmp_path: Path, mode: str) -> None:
        Image.fromarray(scene()).convert(mode).save(tmp_path / "a.png")
        pixels = read_photograph(tmp_path / "a.png").pixels
        assert pixels.shape == scene().shape
        assert pixels.std() > 40
        np.testing.assert_array_equal(pixels, pixels[..., :1].repeat(3, axis=2))

    def test_transparency_shows_white(self, tmp_path: Path) -> None:
        alpha = np.full((48, 64), 255, np.uint8)
        alpha[:, :20], alpha[:, 20:40] = 0, 51
        pixels = read_photograph(save(np.dstack([scene(), alpha]), tmp_path / "a.png")).pixels
        assert (pixels[:, :20] == 255).all()
        assert np.abs(pixels[:, 20:40] - (0.2 * scene()[:, 20:40] + 0.8 * 255)).max() <= 1
        np.testing.assert_array_equal(pixels[:, 40:], scene()[:, 40:])

    def test_transparent_palette_entry_shows_white(self, tmp_path: Path) -> None:
        picture = Image.new("P", (32, 32), 0)
        picture.putpalette([255, 0, 0, 0, 255, 0])
        picture.paste(1, (16, 0, 32, 32))
        picture.save(tmp_path / "a.png", transparency=0)
        pixels = read_photograph(tmp_path / "a.png").pixels
        assert (pixels[:, :16] == 255).all()
        assert (pixels[:, 16:] == (0, 255, 0)).all()

    @pytest.mark.parametrize("suffix", ["jpg", "tiff"])
    def test_cmyk_keeps_its_colours(self, tmp_path: Path, suffix: str) -> None:
        Image.fromarray(scene()).convert("CMYK").save(tmp_path / f"a.{suffix}")
        assert np.abs(read_photograph(tmp_path / f"a.{suffix}").pixels.astype(int) - scene()).mean() < 12

    @pytest.mark.parametrize("suffix", ["gif", "tiff", "webp", "png"])
    def test_several_pictures_give_the_first_and_a_note(self, tmp_path: Path, suffix: str) -> None:
        red, blue = (Image.new("RGB", (32, 24), colour) for colour in ("red", "blue"))
        red.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[blue, red])
        photograph = read_photograph(tmp_path / f"a.{suffix}")
        assert np.abs(photograph.pixels.astype(int) - (255, 0, 0)).max() <= 5
        assert ["only the first" in note for note in photograph.notes] == [True]

    def test_telephones_second_views_need_no_note(self, tmp_path: Path) -> None:
        red, blue = (Image.new("RGB", (32, 24), colour) for colour in ("red", "blue"))
        red.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[blue])
        assert Image.open(tmp_path / "a.jpg").format == "MPO"
        photograph = read_photograph(tmp_path / "a.jpg")
        assert photograph.pixels[0, 0, 0] > 200
        assert photograph.notes == ()

    def test_smallest_size(self, tmp_path: Path) -> None:
        assert read_photograph(save(scene(16, 16), tmp_path / "a.png")).pixels.shape == (16, 16, 3)

    def test_damaged_exif_loses_no_picture(self, tmp_path: Path) -> None:
        path = save(scene(), tmp_path / "a.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(40)))
        np.testing.assert_array_equal(read_photograph(path).pixels, scene())


class TestFocalLength:
    def test_film_equivalent_is_relative_to_the_diagonal(self, tmp_path: Path) -> None:
        path = save(scene(), tmp_path / "a.jpg", exif=exif(FocalLengthIn35mmFilm=27))
        assert read_photograph(path).focal_px == pytest.approx(27 / math.hypot(36, 24) * math.hypot(48, 64))

    @pytest.mark.parametrize("orientation", UPRIGHT_TO_STORED)
    def test_turning_the_camera_keeps_it(self, tmp_path: Path, orientation: int) -> None:
        record = exif(orientation, FocalLengthIn35mmFilm=27, ExifImageWidth=64, ExifImageHeight=48)
        path = save(UPRIGHT_TO_STORED[orientation](scene()), tmp_path / "a.jpg", exif=record)
        assert read_photograph(path).focal_px == pytest.approx(27 / math.hypot(36, 24) * math.hypot(48, 64))

    @pytest.mark.parametrize(("unit", "per_unit"), [(2, 254.0), (3, 100.0), (4, 10.0)])
    def test_sensor_resolution_serves_too(self, tmp_path: Path, unit: int, per_unit: float) -> None:
        tags = {"FocalLength": 6.5, "FocalPlaneXResolution": per_unit, "FocalPlaneResolutionUnit": unit}
        path = save(scene(), tmp_path / "a.jpg", exif=exif(**tags, ExifImageWidth=64, ExifImageHeight=48))
        assert read_photograph(path).focal_px == pytest.approx(65.0)

    def test_resizing_scales_it(self, tmp_path: Path) -> None:
        tags = {"FocalLength": 6.5, "FocalPlaneXResolution": 1000.0, "FocalPlaneResolutionUnit": 3}
        path = save(scene(), tmp_path / "a.jpg", exif=exif(**tags, ExifImageWidth=640, ExifImageHeight=480))
        assert read_photograph(path).focal_px == pytest.approx(65.0)

    def test_cropping_loses_it(self, tmp_path: Path) -> None:
        record = exif(FocalLengthIn35mmFilm=27, ExifImageWidth=64, ExifImageHeight=64)
        assert read_photograph(save(scene(), tmp_path / "a.jpg", exif=record)).focal_px is None

    @pytest.mark.parametrize(
        "tags",
        [
            {"FocalLengthIn35mmFilm": 0},
            {"FocalLengthIn35mmFilm": 1},
            {"FocalLengthIn35mmFilm": 60000},
            {"FocalLengthIn35mmFilm": "wide"},
            {"FocalLength": 4.2},
            {"FocalLength": 4.2, "FocalPlaneXResolution": 100.0, "FocalPlaneResolutionUnit": 1},
            {"FocalLength": 0.0, "FocalPlaneXResolution": 100.0},
        ],
        ids=str,
    )
    def test_unbelievable_records_say_nothing(self, tmp_path: Path, tags: dict[str, object]) -> None:
        photograph = read_photograph(save(scene(), tmp_path / "a.jpg", exif=exif(**tags)))
        assert photograph.focal_px is None
        assert photograph.pixels.shape == scene().shape


def huge_png(path: Path) -> None:
    path.write_bytes(png(20_000, 20_000, 1, 0, bytes(20_000 * 2501)))


def truncated(path: Path, suffix: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(scene(480, 640)).save(buffer, suffix)
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.jpg": (lambda path: None, "no such file"),
    "empty.jpg": (lambda path: path.write_bytes(b""), "0 bytes"),
    "text.jpg": (lambda path: path.write_text("not a picture\n" * 50), "not an image"),
    "short.jpg": (lambda path: truncated(path, "JPEG"), "incomplete"),
    "short.png": (lambda path: truncated(path, "PNG"), "incomplete"),
    "short.tiff": (lambda path: truncated(path, "TIFF"), "incomplete"),
    "one_pixel.png": (lambda path: save(scene(1, 1), path), "1 x 1 px"),
    "sliver.png": (lambda path: save(scene(15, 300), path), "300 x 15 px"),
    "huge.png": (huge_png, "megapixels"),
    "large.png": (lambda path: path.write_bytes(png(11_000, 11_000, 1, 0, b"")), "11000 x 11000 px"),
    "folder.jpg": (lambda path: path.mkdir(), "not a file"),
    "pipe.jpg": (os.mkfifo, "not a file"),
    "loop.jpg": (lambda path: path.symlink_to(path), "symbolic links"),
    "dangling.jpg": (lambda path: path.symlink_to(path.with_name("gone")), "no such file"),
    "telephone.heic": (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(200)), "HEIC"),
    "drawing.eps": (lambda path: save(scene(), path), "not an image"),
    "depth.tiff": (lambda path: save(np.full((32, 32), 700, np.float32), path), "0 to 1"),
    "nan.tiff": (lambda path: save(np.full((32, 32), np.nan, np.float32), path), "0 to 1"),
    "integers.tiff": (lambda path: save(scene()[..., 0].astype(np.int32), path), "32-bit integers"),
    "wide_integers.tiff": (lambda path: save(np.full((32, 32), 2**31, np.uint32), path), "32-bit integers"),
}


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("name", UNUSABLE)
    def test_one_line_says_which_file_and_what_is_wrong(self, tmp_path: Path, name: str) -> None:
        make, reason = UNUSABLE[name]
        make(tmp_path / name)
        with pytest.raises(InputError) as caught:
            read_photograph(tmp_path / name)
        message = str(caught.value)
        assert message.startswith(str(tmp_path / name))
        assert reason in message
        assert "\n" not in message

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only the superuser can become somebody else")
    def test_a_file_nobody_may_read(self) -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # pytest's own folders are closed to others altogether
            Path(folder).chmod(0o755)
            path = save(scene(), Path(folder) / "private.png")
            path.chmod(0)
            os.seteuid(65534)
            try:
                with pytest.raises(InputError, match=r"private\.png: Permission denied"):
                    read_photograph(path)
            finally:
                os.seteuid(0)

    @pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM", "AVIF", "JPEG2000"])
    def test_damage_gives_a_picture_or_an_input_error(self, tmp_path: Path, suffix: str) -> None:
        buffer, generator, outcomes = io.BytesIO(), np.random.default_rng(0), []
        Image.fromarray(scene()).save(buffer, suffix, **({"exif": exif(6, FocalLengthIn35mmFilm=30)} if suffix in ("JPEG", "PNG") else {}))
        for _ in range(60):
            content = np.frombuffer(buffer.getvalue(), np.uint8).copy()
            count = generator.choice((1, 3, 20))
            content[generator.integers(min(len(content), 400), size=count)] = generator.integers(256, size=count)
            end = generator.choice((len(content), generator.integers(len(content))))
            (tmp_path / "damaged").write_bytes(content[:end].tobytes())
            outcomes.append(read_or_refuse(tmp_path / "damaged"))
        assert all(isinstance(outcome, str) or outcome.ndim == 3 for outcome in outcomes)
        assert sum(isinstance(outcome, str) for outcome in outcomes) > 5
        assert not any("\n" in outcome for outcome in outcomes if isinstance(outcome, str))


def read_or_refuse(path: Path) -> np.ndarray | str:
    try:
        return read_photograph(path).pixels
    except InputError as error:
        return str(error)


class TestFinding:
    def test_a_file_is_itself(self, tmp_path: Path) -> None:
        path = save(scene(), tmp_path / "anything.dat", format="PNG")
        assert find_images(str(path)) == [path]

    def test_a_folder_gives_its_images_sorted(self, tmp_path: Path) -> None:
        for name in ("b.JPG", "a.png", "c.txt", ".hidden.jpg", "d.heic"):
            (tmp_path / name).touch()
        (tmp_path / "e.jpg").mkdir()
        (tmp_path / "e.jpg" / "deeper.jpg").touch()
        assert [path.name for path in find_images(str(tmp_path))] == ["a.png", "b.JPG", "d.heic"]

    def test_a_broken_link_in_a_folder_is_not_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").symlink_to("gone.jpg")
        assert [path.name for path in find_images(str(tmp_path))] == ["a.jpg"]

    def test_a_pattern_gives_every_file_it_matches(self, tmp_path: Path) -> None:
        for name in ("b1.jpg", "b2.dat", "c.jpg"):
            (tmp_path / name).touch()
        (tmp_path / "b3").mkdir()
        (tmp_path / "b3" / "b4.jpg").touch()
        assert [path.name for path in find_images(str(tmp_path / "b*"))] == ["b1.jpg", "b2.dat"]
        assert [path.name for path in find_images(str(tmp_path / "**" / "b*.jpg"))] == ["b1.jpg", "b4.jpg"]

    def test_a_file_whose_name_looks_like_a_pattern(self, tmp_path: Path) -> None:
        (tmp_path / "a[1].jpg").touch()
        (tmp_path / "a1.jpg").touch()
        assert [path.name for path in find_images(str(tmp_path / "a[1].jpg"))] == ["a[1].jpg"]

    @pytest.mark.parametrize("name", ["gone.jpg", "gone/a.jpg", "gone*.jpg", "x" * 300 + ".jpg", "nul\0.jpg"])
    def test_what_is_not_there(self, tmp_path: Path, name: str) -> None:
        argument = f"{tmp_path}/empty/{name}"
        (tmp_path / "empty").mkdir()
        with pytest.raises(InputError) as caught:
            find_images(argument)
        assert printable(argument) in str(caught.value)

    def test_an_empty_name_is_not_the_current_folder(self) -> None:
        with pytest.raises(InputError, match="name is empty"):
            find_images("")

    def test_a_folder_without_images(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        with pytest.raises(InputError, match="holds no image"):
            find_images(str(tmp_path))


def test_printable_keeps_text_and_escapes_the_rest() -> None:
    assert printable("Hände 手.jpg") == "Hände 手.jpg"
    assert printable("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert printable(os.fsdecode(b"caf\xe9.jpg")) == "caf\\udce9.jpg"
