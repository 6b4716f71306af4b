"""What can be made of a clip's hands: a film, with the meshes over the pictures or without, and a line of JSON for each frame."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO

from estimator.clip import FrameResult
from estimator.clip_overlay import ClipOverlay
from estimator.clip_writer import ClipWriter
from estimator.errors import InputError
from estimator.images import printable
from estimator.machine import milliseconds_since
from estimator.result import CameraSource, HandResult, ModelVersions, Result, ResultTiming, SourceImage, result_document


class OverlayFilm:
    """Every frame with the hands' meshes over it."""

    def __init__(self, film: ClipWriter) -> None:
        self._film, self._overlay = film, ClipOverlay()

    def write(self, result: FrameResult) -> None:
        """Draw and append a frame."""
        identities = [hand.identity for hand in result.hands]
        self._film.write(self._overlay(result.frame.pixels, identities, result.placed), result.frame.pts)


class PlainFilm:
    """Every frame as it is: the clip as other programs read it, upright and in H.264."""

    def __init__(self, film: ClipWriter) -> None:
        self._film = film

    def write(self, result: FrameResult) -> None:
        """Append a frame."""
        self._film.write(result.frame.pixels, result.frame.pts)


@dataclass(frozen=True)
class ClipLabels:
    """What every line of JSON says alike: the clip (its path, upright size and sum), where the focal length is from, and what was used."""

    image: SourceImage
    camera_source: CameraSource
    versions: ModelVersions


class JsonLines:
    """A ``result.json`` for each frame, one a line, written as it comes; a context manager.

    Beside the keys of a photograph's, "frame" and "time_s" say which frame it is, and each hand has "identity" and "bridged".

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, path: Path, labels: ClipLabels) -> None:
        self._path, self._labels = path, labels
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise self._failure(error) from error

    def write(self, result: FrameResult) -> None:
        """Append a line.

        Raises:
            InputError: there is no room left.
        """
        try:
            json.dump(frame_document(result, self._labels), self._file, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            self._file.write("\n")
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._file.close()
        except OSError as failure:
            if error is None:
                raise self._failure(failure) from failure

    def _failure(self, error: OSError) -> InputError:
        reason = error.strerror or error
        return InputError(f"{printable(self._path)}: cannot be written ({reason}); choose another place or make room there")


def frame_document(result: FrameResult, labels: ClipLabels) -> dict[str, object]:
    """A frame's result as plain JSON values."""
    begin = time.perf_counter()
    hands = [HandResult(hand, {}) for hand in result.placed]
    spent = replace(result.timing, decode=milliseconds_since(begin))
    timing = ResultTiming(**vars(spent), render=0.0, total=sum(vars(spent).values()))
    document = result_document(Result(labels.image, result.camera, labels.camera_source, hands, timing, labels.versions))
    marks = [{"identity": hand.identity, "bridged": hand.bridged} for hand in result.hands]
    marked = [{**hand, **mark} for hand, mark in zip(document["hands"], marks, strict=True)]
    return {**document, "frame": result.frame.index, "time_s": round(result.frame.seconds, 6), "hands": marked}
