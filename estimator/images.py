"""Finding and reading photographs: anything a user names becomes upright RGB pixels and what the file says about its lens.

What is done with the unusual: EXIF orientation is applied; 16 bits are scaled to 8; transparent parts are laid on white; grey,
palette and CMYK become RGB (colour profiles are not applied); of an animation or a file of several pages the first picture is used,
and a note says so. What cannot be used raises ``InputError`` before memory is spent on it.
"""

import glob
import math
import os
import stat
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, UnidentifiedImageError

from estimator.errors import InputError

MIN_SIDE_PX = 16
MAX_MEGAPIXELS = 120
"""Above every telephone's usual picture, below what makes a desktop run out of memory (reading takes 10 to 14 bytes a pixel)."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")
"""What Pillow may decode. The rest of its formats are no photographs, and some start other programs (EPS)."""

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".heic", ".heif"}
)
"""Which files of a folder are taken for photographs. HEIC is among them so that such a file is reported, not passed over."""

_UPRIGHT: dict[object, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""What undoes each value of EXIF's Orientation."""

_DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, RuntimeError),
    *(struct.error, zlib.error),
)
"""What Pillow's decoders raise for damaged files, found by damaging thousands."""

_FULL_FRAME_DIAGONAL_MM = math.hypot(36, 24)
_RESOLUTION_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_PLAUSIBLE_FOCAL_PER_DIAGONAL = (0.1, 30.0)
"""A fisheye and a long telephoto lens: a focal length in diagonals outside of these is a mistake, whoever gives it."""

PLAUSIBLE_FOV_DEG = tuple(2 * math.degrees(math.atan(0.5 / focal)) for focal in reversed(_PLAUSIBLE_FOCAL_PER_DIAGONAL))
"""The same as the smallest and the largest field of view along the diagonal."""


@dataclass(frozen=True)
class Photograph:
    """A picture as it is meant to be seen.

    Attributes:
        path: the file it came from.
        pixels: upright, RGB.
        focal_px: focal length in pixels by the file's EXIF record, None where that says nothing believable.
        notes: what the user should know about how the file was read, one line each.
    """

    path: Path
    pixels: UInt8[np.ndarray, "height width 3"]
    focal_px: float | None
    notes: tuple[str, ...]


def plausible_focal_px(width: int, height: int) -> tuple[float, float]:
    """The smallest and the largest focal length, in pixels, that an image of this size can have been taken with."""
    smallest, largest = _PLAUSIBLE_FOCAL_PER_DIAGONAL
    return smallest * math.hypot(width, height), largest * math.hypot(width, height)


def find_images(argument: str) -> list[Path]:
    """The files that ``argument`` names: itself, those of a folder (sorted, not of its subfolders), or those a pattern matches.

    A folder gives the files whose suffix is an image's; a pattern (``*``, ``?``, ``[...]``, ``**``) gives every file it matches.
    Hidden files of a folder are left out.

    Raises:
        InputError: when there is no such file, the folder holds no image, or the pattern matches no file.
    """
    if not argument:
        raise InputError("an image's name is empty; name a file or a folder (. is the current one)")
    try:
        mode = Path(argument).stat().st_mode
    except (OSError, ValueError) as error:
        if glob.has_magic(argument):
            return _matching_files(argument)
        raise InputError(f"{printable(argument)}: {_reason(error)}; check the path") from error
    return _images_of_folder(Path(argument)) if stat.S_ISDIR(mode) else [Path(argument)]


def read_photograph(path: Path, max_megapixels: float | int = MAX_MEGAPIXELS) -> Photograph:
    """The picture in the file, upright and as RGB, with its focal length.

    Raises:
        InputError: when the file cannot be read, is no image, is damaged, or is too small or too large.
    """
    shown = printable(path)
    try:
        _require_regular_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's doubts about sizes and metadata; ours follow
            with Image.open(path, formats=FORMATS) as picture:
                _require_usable_size(shown, *picture.size, max_megapixels)
                notes = _notes_on_frames(picture)
                picture.load()
                return _photograph(path, picture, notes)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{shown}: {_why_unidentified(path)}") from error
    except Image.DecompressionBombError as error:
        largest = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        raise InputError(f"{shown}: has more than {largest:.0f} megapixels, {_size_limit(max_megapixels)}") from error
    except MemoryError as error:
        raise InputError(f"{shown}: does not fit into memory; make it smaller first") from error
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(f"{shown}: {_reason(error)}; check the path and who may read it") from error
    except _DAMAGE as error:
        raise InputError(
            f"{shown}: cannot be decoded ({_reason(error)}); it is damaged or incomplete: get the file again or save it as JPEG or PNG"
        ) from error


def _size_limit(max_megapixels: float | int) -> str:
    return f"at most {max_megapixels:g} are read; make it smaller first"


def printable(name: str | Path) -> str:
    """``name`` on one line in any terminal: control characters and bytes that are no text are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


def focal_from_exif(exif: Image.Exif, width: int, height: int) -> float | None:
    """Focal length in pixels of an image of ``width`` x ``height`` (either way up); None where EXIF says nothing believable.

    Uses the focal length for 35 mm film, by definition relative to the diagonals; else the true focal length and the density of
    pixels on the sensor. A picture that was cropped since the record was made has lost it.
    """
    record = exif.get_ifd(ExifTags.IFD.Exif)
    recorded = sorted(_positive(record.get(tag)) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight))
    short, long = sorted((width, height))
    if recorded[0] > 0 and abs(recorded[1] / recorded[0] * short / long - 1) > 0.02:
        return None

    diagonal = math.hypot(width, height)
    film_mm = _positive(record.get(ExifTags.Base.FocalLengthIn35mmFilm))
    lens_mm = _positive(record.get(ExifTags.Base.FocalLength))
    pixels_per_unit = _positive(record.get(ExifTags.Base.FocalPlaneXResolution))
    unit_mm = _RESOLUTION_UNIT_MM.get(record.get(ExifTags.Base.FocalPlaneResolutionUnit, 2), 0.0)
    if film_mm:
        focal_px = film_mm * diagonal / _FULL_FRAME_DIAGONAL_MM
    elif lens_mm and pixels_per_unit and unit_mm:
        resized = long / recorded[1] if recorded[0] > 0 else 1.0
        focal_px = lens_mm * pixels_per_unit / unit_mm * resized
    else:
        return None
    smallest, largest = plausible_focal_px(width, height)
    return focal_px if smallest <= focal_px <= largest else None


def _images_of_folder(folder: Path) -> list[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith(".") and not entry.is_dir())
    except OSError as error:
        raise InputError(f"{printable(folder)}: {_reason(error)}; check who may read the folder") from error
    images = [folder / name for name in names if Path(name).suffix.lower() in SUFFIXES]
    if not images:
        raise InputError(f"{printable(folder)}: the folder holds no image ({', '.join(sorted(SUFFIXES))}); name another one")
    return images


def _matching_files(pattern: str) -> list[Path]:
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (Path's own knows no absolute patterns)
    paths = [path for path in map(Path, names) if not path.is_dir()]
    if not paths:
        raise InputError(f"{printable(pattern)}: no file matches the pattern; check it and the current folder")
    return paths


def _require_regular_file(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{printable(path)}: is not a file; name an image file or a folder of them")
    if not status.st_size:
        raise InputError(f"{printable(path)}: is empty (0 bytes); get the file again")


def _require_usable_size(shown: str, width: int, height: int, max_megapixels: float | int) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise InputError(f"{shown}: is {width} x {height} px, too small to show a hand; each side needs at least {MIN_SIDE_PX} px")
    if width * height > max_megapixels * 1e6:
        raise InputError(f"{shown}: is {width} x {height} px, {width * height / 1e6:.0f} megapixels, {_size_limit(max_megapixels)}")


def _notes_on_frames(picture: Image.Image) -> tuple[str, ...]:
    # A telephone's MPO holds other views of the same moment (depth, a second lens): nothing is lost with them.
    if picture.format == "MPO" or not getattr(picture, "is_animated", False):
        return ()
    return ("holds several pictures (an animation or pages); only the first is used",)


def _photograph(path: Path, picture: Image.Image, notes: tuple[str, ...]) -> Photograph:
    focal_px = orientation = None
    try:
        exif = picture.getexif()  # after load(), which turns TIFF files upright itself and takes the tag away
        orientation = exif.get(ExifTags.Base.Orientation)
        focal_px = focal_from_exif(exif, *picture.size)
    except _DAMAGE:
        notes += ("its EXIF record is damaged and not used",)
    stored = _rgb(picture, printable(path))
    pixels = np.array(_UPRIGHT[orientation](stored) if orientation in _UPRIGHT else stored, order="C")
    return Photograph(path, pixels, focal_px, notes)


def _rgb(picture: Image.Image, shown: str) -> UInt8[np.ndarray, "height width 3"]:
    if picture.format == "TIFF" and picture.mode == "I":  # which value is white, no two programs agree
        raise InputError(f"{shown}: holds 32-bit integers, of which none is known to be white; save it with 8 or 16 bits a colour")
    if picture.mode.startswith("I") or picture.mode == "F":
        return np.repeat(_deep_grey(np.asarray(picture), shown)[..., None], 3, axis=2)
    if picture.has_transparency_data:
        layer = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        picture = Image.new("RGB", layer.size, "white")
        picture.paste(layer, mask=layer)
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _deep_grey(values: np.ndarray, shown: str) -> UInt8[np.ndarray, "height width"]:
    """Grey of more than 8 bits: integers up to 65535, or floating point up to 1."""
    largest = 1.0 if values.dtype.kind == "f" else 65535
    if not (values.min() >= 0 and values.max() <= largest):  # said so that nan is refused too
        raise InputError(f"{shown}: its grey values are not in 0 to {largest:g}; save it with 8 or 16 bits a colour")
    if values.dtype.kind == "f":
        return np.round(values * 255).astype(np.uint8)
    return (values >> 8).astype(np.uint8)


def _positive(value: object) -> float:
    """An EXIF number, 0 where it is absent, no number, not finite or not above zero (EXIF's own way to say unknown)."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return 0.0
    return number if 0 < number < math.inf else 0.0


def _why_unidentified(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(16)
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"heif", b"mif1", b"msf1", b"hevc"):
        return "HEIC images are not read; convert it to JPEG or PNG first"
    return f"is not an image that can be read (expected {', '.join(FORMATS)}); convert it to JPEG or PNG"


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return printable(text)
