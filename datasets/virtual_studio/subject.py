"""load_subject: one of four simulated people, whose hand takes any pose as a hand of flesh would."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from datasets.virtual_studio.contact import separated
from datasets.virtual_studio.people import PEOPLE, Person
from datasets.virtual_studio.relief import raise_relief
from datasets.virtual_studio.skinning import skin
from datasets.virtual_studio.subject_build import BuiltSubject
from datasets.virtual_studio.subject_cache import cached_subject, user_cache
from datasets.virtual_studio.types import PosedSubject, SubjectSkeleton
from estimator.hand.kinematics import joint_frames, pose_to_rotations
from estimator.hand.template import JOINT_NAMES, PARENT_NAMES

SUBJECTS = tuple(person.number for person in PEOPLE)

BLANCHING = 0.07
"""How much lighter skin is where it yields a millimetre: the blood is pressed out."""

LIGHTNESS = (0.55, 1.25)
"""Smallest and largest factor on the reflectance at rest."""

PARENTS = tuple(JOINT_NAMES.index(PARENT_NAMES[name]) if name in PARENT_NAMES else -1 for name in JOINT_NAMES)


@dataclass(frozen=True)
class Subject:
    """A simulated person, ready for any pose.

    Attributes:
        person: who it is.
        built: the hand at rest and all that moves it.
    """

    person: Person
    built: BuiltSubject

    @property
    def number(self) -> int:
        """1 to 4."""
        return self.person.number

    @property
    def description(self) -> str:
        """Sex and build in one line."""
        return self.person.description

    @property
    def skeleton(self) -> SubjectSkeleton:
        """The person's own bones."""
        return self.built.skeleton

    @property
    def faces(self) -> Int[np.ndarray, "faces 3"]:
        """Counter-clockwise seen from outside, the same in every pose."""
        return self.built.faces

    def pose(self, theta: Float[np.ndarray, " pose"]) -> PosedSubject:
        """The hand at 28 angles (radians, the template's degrees of freedom) of the person's own skeleton."""
        rotations, positions = skeleton_frames(self.skeleton, theta)
        rest_rotations, rest_positions = skeleton_frames(self.skeleton, np.zeros_like(theta))
        turns = rotations @ rest_rotations.transpose(0, 2, 1)
        smooth = skin(self.built.skinning, turns, positions - np.einsum("jab,jb->ja", turns, rest_positions))
        raised, pallor = raise_relief(self.built.relief, theta, smooth, self.faces)
        vertices, yielded = separated(self.built.tissue, raised, self.faces)
        lightness = np.clip(1 + pallor + BLANCHING * np.minimum(yielded, 1), *LIGHTNESS)
        return PosedSubject(vertices, self.faces, self.built.reflectance * lightness[:, None].astype(np.float32), positions)


def load_subject(number: int, cache: Path | None = None) -> Subject:
    """One of ``SUBJECTS``, from the cache folder (the user's own if none is given) or built there: that needs ``anny`` and a minute.

    Raises:
        ValueError: when there is no such subject.
    """
    people = {person.number: person for person in PEOPLE}
    if number not in people:
        raise ValueError(f"there is no simulated subject {number}; there are {', '.join(map(str, SUBJECTS))}")
    return Subject(people[number], cached_subject(people[number], cache or user_cache()))


def skeleton_frames(
    skeleton: SubjectSkeleton, theta: Float[np.ndarray, " pose"]
) -> tuple[Float[np.ndarray, "joints 3 3"], Float[np.ndarray, "joints 3"]]:
    """Rotation and position of each joint in the hand frame."""
    frames = joint_frames(
        pose_to_rotations(torch.as_tensor(theta, dtype=torch.float64)),
        torch.tensor(skeleton.joint_offsets),
        torch.tensor(skeleton.rest_rotations),
        PARENTS,
    )
    return frames.rotations.numpy(), frames.positions.numpy()
