"""HandProfile: one person's bone lengths as a file that ``calibrate`` writes and every other command reads.

Lengths are those of the right hand's joints by the template's names; a left hand is the mirror image and uses the same profile.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from estimator.errors import InputError
from estimator.files import write_file
from estimator.hand.template import JOINT_NAMES, PARENT_NAMES, Side
from estimator.images import printable

SCHEMA = "deephandmesh-profile/1"
HAND_LENGTHS_MM = (50.0, 400.0)
"""A hand outside of these is no person's."""

PROPORTIONATE = 3.0
"""A bone this many times as long as the template's, in a hand of one length, or as many times shorter, is no person's."""

BONE_NAMES = tuple(name for name in JOINT_NAMES if name in PARENT_NAMES)
"""Each bone by the joint that it ends in: all joints but the wrist."""

ProfileScale = Literal["hand-length", "assumed"]
"""Where the absolute size comes from: a hand length that was given, or the average hand's, because photographs do not show it."""


@dataclass(frozen=True)
class HandProfile:
    """The bone lengths of a person, and how well they are known.

    Attributes:
        skeleton: ``skeleton_id`` of the template whose joints the lengths speak of.
        side: the hand that was looked at.
        bone_lengths_mm: for each joint but the wrist the length of the bone that ends in it.
        spread_mm: standard deviation of each, hand length given.
        scale_source: where the absolute size comes from.
        frames: pictures that were used.
        not_known: bones that the pictures said little about: they are the average hand's, in proportion.

    Raises:
        ValueError: when a length is missing, not finite, or not a hand's.
    """

    skeleton: str
    side: Side
    bone_lengths_mm: Mapping[str, float]
    spread_mm: Mapping[str, float]
    scale_source: ProfileScale
    frames: int
    not_known: tuple[str, ...]

    def __post_init__(self) -> None:
        for what, lengths in (("bone_lengths_mm", self.bone_lengths_mm), ("spread_mm", self.spread_mm)):
            if set(lengths) != set(BONE_NAMES):
                odd = sorted(set(lengths) ^ set(BONE_NAMES))
                raise ValueError(f"{what} should name each joint but the wrist once; missing or unknown: {', '.join(odd)}")
        for bone, length in self.bone_lengths_mm.items():
            if not 0 < length < math.inf:
                raise ValueError(f"bone_lengths_mm: {bone} is {length}; a bone's length is above 0 and finite")
        for bone, spread in self.spread_mm.items():
            if not 0 <= spread < math.inf:
                raise ValueError(f"spread_mm: {bone} is {spread}; a spread is 0 or above and finite")
        low, high = HAND_LENGTHS_MM
        if not low <= self.hand_length_mm <= high:
            raise ValueError(f"the hand is {self.hand_length_mm:.1f} mm long; expected {low:.0f} to {high:.0f} mm")
        if self.frames < 1:
            raise ValueError(f"frames is {self.frames}; a profile comes from at least one picture")
        if unknown := set(self.not_known) - set(BONE_NAMES):
            raise ValueError(f"not_known names {', '.join(sorted(unknown))}, which are no bones")

    @property
    def hand_length_mm(self) -> float:
        """Wrist to middle fingertip along the bones."""
        return chain_length_mm(self.bone_lengths_mm)

    def scaled_to(self, hand_length_mm: float) -> "HandProfile":
        """The same proportions in a hand whose length was given."""
        factor = hand_length_mm / self.hand_length_mm
        lengths, spread = ({bone: factor * mm for bone, mm in each.items()} for each in (self.bone_lengths_mm, self.spread_mm))
        return HandProfile(self.skeleton, self.side, lengths, spread, "hand-length", self.frames, self.not_known)

    def joint_offsets(self, own: Float[np.ndarray, "joints 3"]) -> Float[np.ndarray, "joints 3"]:
        """A skeleton's offsets with the person's proportions, in a hand as long as ``own``: directions and size stay.

        Raises:
            InputError: when a bone is out of all proportion to the skeleton's.
        """
        own_lengths = {bone: float(np.linalg.norm(own[JOINT_NAMES.index(bone)])) for bone in BONE_NAMES}
        share = chain_length_mm(own_lengths) / self.hand_length_mm
        factors = np.ones(len(JOINT_NAMES))
        for bone, length in self.bone_lengths_mm.items():
            factor = share * length / own_lengths[bone]
            if not 1 / PROPORTIONATE <= factor <= PROPORTIONATE:
                raise InputError(
                    f"--profile: {bone} is {length:.1f} mm long in a hand of {self.hand_length_mm:.0f} mm, which no hand's is; "
                    "run python -m estimator.calibrate again"
                )
            factors[JOINT_NAMES.index(bone)] = factor
        return own * factors[:, None]

    def require_skeleton(self, skeleton_id: str) -> None:
        """Pass if the lengths are of this skeleton.

        Raises:
            InputError: when they are of another template's.
        """
        if self.skeleton != skeleton_id:
            raise InputError(
                f"--profile: it was made for the skeleton {printable(self.skeleton)}, the template's is {skeleton_id}; "
                "run python -m estimator.calibrate again"
            )

    def save(self, path: Path) -> None:
        """Write the profile as JSON; a reader never sees half of it.

        Raises:
            InputError: when the file cannot be written.
        """
        document = {
            "schema": SCHEMA,
            "skeleton": self.skeleton,
            "side": self.side,
            "hand_length_mm": round(self.hand_length_mm, 3),
            "scale_source": self.scale_source,
            "frames": self.frames,
            "bone_lengths_mm": {bone: round(self.bone_lengths_mm[bone], 3) for bone in BONE_NAMES},
            "spread_mm": {bone: round(self.spread_mm[bone], 3) for bone in BONE_NAMES},
            "not_known": list(self.not_known),
        }
        write_file(path, (json.dumps(document, indent=2) + "\n").encode("utf-8"))

    @classmethod
    def load(cls, path: Path) -> "HandProfile":
        """Read what ``save`` wrote, strictly: nothing is guessed.

        Raises:
            InputError: when the file is missing, damaged, of another schema, or holds what no hand has.
        """
        shown = f"--profile {printable(path)}"
        try:
            document = json.loads(path.read_bytes())
        except OSError as error:
            raise InputError(f"{shown}: cannot be read ({error.strerror or error}); check the path") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{shown}: is not a profile but damaged or other text; run python -m estimator.calibrate again") from error
        try:
            return _from_document(document)
        except ValueError as error:
            raise InputError(f"{shown}: {printable(str(error))}; run python -m estimator.calibrate again") from error


def chain_length_mm(bone_lengths_mm: Mapping[str, float]) -> float:
    """Wrist to middle fingertip along the bones."""
    joint, length = "middle_null", 0.0
    while joint in PARENT_NAMES:
        length += bone_lengths_mm[joint]
        joint = PARENT_NAMES[joint]
    return length


def _from_document(document: object) -> HandProfile:
    """ValueError says what is wrong with it."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise ValueError(f"expected a profile with schema {SCHEMA!r}, found {found!r}")
    expected = ("skeleton", "side", "hand_length_mm", "scale_source", "frames", "bone_lengths_mm", "spread_mm", "not_known")
    if missing := [name for name in expected if name not in document]:
        raise ValueError(f"misses {', '.join(missing)}")
    not_known = document["not_known"]
    if not isinstance(not_known, list) or not all(isinstance(bone, str) for bone in not_known):
        raise ValueError("not_known should be a list of bones")
    profile = HandProfile(
        skeleton=str(document["skeleton"]),
        side=_one_of(document["side"], "side", get_args(Side)),
        bone_lengths_mm=_lengths(document["bone_lengths_mm"], "bone_lengths_mm"),
        spread_mm=_lengths(document["spread_mm"], "spread_mm"),
        scale_source=_one_of(document["scale_source"], "scale_source", get_args(ProfileScale)),
        frames=_whole(document["frames"], "frames"),
        not_known=tuple(not_known),
    )
    stated = _number(document["hand_length_mm"], "hand_length_mm")
    if not abs(stated - profile.hand_length_mm) < 0.5:
        raise ValueError(f"hand_length_mm is {stated:g}, the bones from wrist to middle fingertip add up to {profile.hand_length_mm:.1f}")
    return profile


def _lengths(value: object, name: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} should hold a number for each bone")  # noqa: TRY004 (it is the file that is wrong)
    return {bone: _number(length, f"{name}: {bone}") for bone, length in value.items()}


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} should be a number, not {value!r}")  # noqa: TRY004
    return float(value)


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} should be a whole number, not {value!r}")  # noqa: TRY004
    return value


def _one_of(value: object, name: str, choices: tuple[Any, ...]) -> Any:  # noqa: ANN401 (one of the literals)
    if value not in choices:
        raise ValueError(f"{name} should be one of {', '.join(choices)}, not {value!r}")
    return value
