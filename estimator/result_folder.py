"""The folder of one photograph's results: overlay.png, views.png, hand_<i>_<side>.<format> and result.json."""

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from estimator.export import FORMATS, MeshFormat, write_hand
from estimator.files import require_writable_folder, write_file
from estimator.placed_hand import PlacedHand
from estimator.result import HandResult, Result, write_result

OVERLAY, VIEWS, RESULT = "overlay.png", "views.png", "result.json"

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_HAND_FILE = re.compile(rf"hand_\d+_(left|right)\.({'|'.join(FORMATS)})")


@dataclass(frozen=True)
class Pictures:
    """What there is to see of the hands; None is not written."""

    overlay: UInt8[np.ndarray, "height width 3"] | None
    views: UInt8[np.ndarray, "sheet_height sheet_width 3"] | None


def folder_names(paths: Sequence[Path]) -> list[str]:
    """A name for each file's folder: its stem, or where an earlier one has that, the stem with _2, _3, ...

    Names that differ only in case count as the same, because some file systems take them for the same. Characters that not every
    file system has are replaced by ``_``.
    """
    names, taken = [], set[str]()
    for path in paths:
        stem = _UNSAFE.sub("_", path.stem).strip(". ") or "image"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def write_hands(hands: Sequence[PlacedHand], folder: Path, formats: Sequence[MeshFormat]) -> list[HandResult]:
    """Write each hand in each format into ``folder``, which is made; the hands with the names of their files.

    Raises:
        InputError: when a file cannot be written.
    """
    require_writable_folder(folder, "choose another --out")
    results = []
    for index, hand in enumerate(hands):
        files = {kind: Path(f"hand_{index}_{hand.side}.{kind}") for kind in formats}
        for kind, name in files.items():
            write_hand(hand, folder / name, kind)
        results.append(HandResult(hand, files))
    return results


def write_pictures_and_result(folder: Path, pictures: Pictures, result: Result) -> None:
    """Complete ``folder``: the pictures, then result.json; what an earlier run left there and this one did not write goes.

    Raises:
        InputError: when a file cannot be written.
    """
    earlier = _files_of_earlier_run(folder)
    written = {str(name) for hand in result.hands for name in hand.files.values()}
    for name, picture in ((OVERLAY, pictures.overlay), (VIEWS, pictures.views)):
        if picture is not None:
            write_file(folder / name, _png(picture))
            written.add(name)
    write_result(result, folder / RESULT)
    for name in earlier - written:
        (folder / name).unlink(missing_ok=True)


def _files_of_earlier_run(folder: Path) -> set[str]:
    """What the folder's result.json stands for: the pictures and the meshes it lists. Names that are not ours are left alone."""
    try:
        document = json.loads((folder / RESULT).read_bytes())
        meshes = {name for hand in document["hands"] for name in hand["mesh"]["files"].values()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none, or not ours
        return set()
    return {OVERLAY, VIEWS} | {name for name in meshes if isinstance(name, str) and _HAND_FILE.fullmatch(name)}


def _png(picture: UInt8[np.ndarray, "height width 3"]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)  # a twelfth larger than the default, four times as fast
    return buffer.getvalue()
