"""Which samples of an RHD split can be used, and the hand that counts in each: found once, then kept in a cache file."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64

from datasets.index_cache import stamp, write_cache
from datasets.rhd_annotation import RhdHand, UnusableError, hand_of_entry
from datasets.rhd_files import Split, annotation_file, check_color, color_folder, file_name, mask_folder, read_annotation, read_mask

_SCHEMA = "rhd-index/1"
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
_NAMED = 5
"""Samples that a summary names for each reason."""

Follow = Callable[[Sequence[int]], Iterable[int]]
"""Passes numbers on, one by one: where a progress bar comes in."""


@dataclass(frozen=True)
class HandTable:
    """The hands of a split, a row each; see ``RhdHand``."""

    number: Int64[np.ndarray, " hands"]
    is_left: Bool[np.ndarray, " hands"]
    joints_mm: Float32[np.ndarray, "hands 21 3"]
    joints_px: Float32[np.ndarray, "hands 21 2"]
    visible: Bool[np.ndarray, "hands 21"]
    K: Float32[np.ndarray, "hands 3 3"]

    def __len__(self) -> int:
        return len(self.number)

    @classmethod
    def of(cls, hands: Sequence[RhdHand]) -> "HandTable":
        """A row for each of at least one hand."""
        return cls(
            number=np.array([hand.number for hand in hands]),
            is_left=np.array([hand.side == "left" for hand in hands]),
            joints_mm=np.stack([hand.joints_mm for hand in hands]).astype(np.float32),
            joints_px=np.stack([hand.joints_px for hand in hands]).astype(np.float32),
            visible=np.stack([hand.visible for hand in hands]),
            K=np.stack([hand.K for hand in hands]).astype(np.float32),
        )

    def hand(self, row: int) -> RhdHand:
        """One of them."""
        joints_mm, joints_px, K = (table[row].astype(np.float64) for table in (self.joints_mm, self.joints_px, self.K))
        return RhdHand(int(self.number[row]), "left" if self.is_left[row] else "right", joints_mm, joints_px, self.visible[row], K)


@dataclass(frozen=True)
class Skipped:
    """A sample that was left out."""

    number: int
    reason: str


@dataclass(frozen=True)
class RhdIndex:
    """What a split holds.

    Attributes:
        hands: those that can be used, in the samples' order.
        skipped: what cannot be, in that order.
    """

    hands: HandTable
    skipped: tuple[Skipped, ...]

    def summary(self) -> str:
        """How many samples are left out and why, in one line, with the first of each reason."""
        by_reason = sorted(self.skipped, key=lambda skipped: skipped.reason)
        parts = [_part(reason, [skipped.number for skipped in same]) for reason, same in groupby(by_reason, lambda skipped: skipped.reason)]
        return f"{len(self.skipped)} of {len(self.hands) + len(self.skipped)} samples left out" + "".join(f"; {part}" for part in parts)


def load_index(root: Path, split: Split, cache: Path, follow: Follow = iter) -> RhdIndex:
    """The index of a split: the cached one while annotation and folders are the same, else a new one, then cached.

    The annotation's file is watched, and which names lie in the folders of pictures and masks; a picture that was rewritten under its
    name is not noticed.

    Raises:
        ValueError: one line naming file and cure, when the folder is not RHD's, no sample can be used, the annotation is damaged, or the
            cache cannot be written.
    """
    stamps = [stamp(path) for path in (annotation_file(root, split), color_folder(root, split), mask_folder(root, split))]
    index = _read_cache(cache, stamps)
    if index is None:
        index = _find(root, split, follow)
        _write_cache(cache, stamps, index)
    return index


def _find(root: Path, split: Split, follow: Follow) -> RhdIndex:
    entries = read_annotation(root, split)
    hands: list[RhdHand] = []
    skipped: list[Skipped] = []
    for number in follow(list(entries)):
        try:
            hands.append(_hand(root, split, number, entries[number]))
        except UnusableError as error:
            skipped.append(Skipped(number, str(error)))
    if not hands:
        raise ValueError(f"{annotation_file(root, split)}: none of its {len(skipped)} samples can be used (the first: {skipped[0].reason})")
    return RhdIndex(HandTable.of(hands), tuple(skipped))


def _hand(root: Path, split: Split, number: int, entry: object) -> RhdHand:
    name = file_name(number)
    try:
        check_color(color_folder(root, split) / name)
    except ValueError as error:
        raise UnusableError(str(error)) from error
    mask = mask_folder(root, split) / name
    try:
        labels = read_mask(mask) if mask.exists() else None
    except ValueError as error:
        raise UnusableError("the mask is damaged") from error
    return hand_of_entry(number, entry, labels)


def _part(reason: str, numbers: Sequence[int]) -> str:
    named = ", ".join(file_name(number).removesuffix(".png") for number in numbers[:_NAMED])
    return f"{reason}: {len(numbers)} ({named}{', ...' if len(numbers) > _NAMED else ''})"


def _read_cache(cache: Path, stamps: Sequence[str]) -> RhdIndex | None:
    """The cached index; None where there is none, or none that still holds."""
    try:
        with np.load(cache, allow_pickle=False) as arrays:
            if arrays["stamps"].tolist() != [_SCHEMA, *stamps]:
                return None
            table = HandTable(**{field.name: arrays[field.name] for field in fields(HandTable)})
            skipped = zip(arrays["skipped_number"].tolist(), arrays["skipped_reason"].tolist(), strict=True)
            return RhdIndex(table, tuple(Skipped(*one) for one in skipped))
    except _DAMAGE:  # none, or damaged: it is made anew
        return None


def _write_cache(cache: Path, stamps: Sequence[str], index: RhdIndex) -> None:
    content = io.BytesIO()
    np.savez(
        content,
        stamps=np.array([_SCHEMA, *stamps]),
        skipped_number=np.array([skipped.number for skipped in index.skipped], dtype=np.int64),
        skipped_reason=np.array([skipped.reason for skipped in index.skipped], dtype=str),
        **vars(index.hands),
    )
    write_cache(cache, content.getvalue())
