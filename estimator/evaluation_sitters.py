"""Simulated people whose bones are known, and pictures of their hands as ``calibrate`` asks for them."""

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import roma
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from datasets.studio_crop import PinholeCamera
from datasets.virtual_rhd.cast import Cast, lone_hand
from datasets.virtual_rhd.hand_model import load_hand_model, person_joints
from datasets.virtual_rhd.people import VirtualPerson, random_person
from datasets.virtual_rhd.staging import View, random_wrist
from datasets.virtual_rhd.types import SIDE_PX
from datasets.virtual_studio.light import dome_lamps, light_body, placed
from datasets.virtual_studio.render import photograph
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.subject import load_subject
from datasets.virtual_studio.types import Stance
from estimator.hand.camera import Camera
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, HandTemplate
from estimator.profile import BONE_NAMES

Theta = Float[np.ndarray, " pose"]
Rotation = Float[np.ndarray, "3 3"]

FOV_DEG = 45.0
NEAREST_MM, FARTHEST_MM = 330.0, 600.0
TURN_RAD, POSE_NOISE_RAD = 0.45, 0.07
PALM = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
BACK = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""From the hand frame to a camera that sees palm or back, fingers up."""

PART_SIGMA, BONE_SIGMA = 0.05, 0.03
"""How palm and fingers, and each bone beside these, vary from person to person: as the calibration takes people to be."""

WRIST_SHARE = 0.6
"""Of the bends of the wrist that pictures of the virtual RHD have: who shows a hand holds it straighter."""

Y_UP = np.diag([1.0, -1.0, -1.0])
"""From the camera's axes to those of the studio's world, in which lamps hang above."""


@dataclass(frozen=True)
class Shot:
    """A simulated picture of a right hand and its true joints, camera frame, mm."""

    image: UInt8[np.ndarray, "height width 3"]
    joints_mm: Float[np.ndarray, "joints 3"]


@runtime_checkable
class Album(Protocol):
    """What takes the pictures: ``VirtualRhd``."""

    def photograph(self, person: VirtualPerson, cast: Cast, K: Float[np.ndarray, "3 3"], generator: np.random.Generator) -> Any:  # noqa: ANN401
        """A picture of a cast, with an ``image``."""
        ...


@runtime_checkable
class Sitter(Protocol):
    """A simulated person whose bones are known."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    @property
    def bone_lengths_mm(self) -> dict[str, float]:
        """True lengths by the joint that the bone ends in."""
        ...

    def show(
        self, theta: Float[np.ndarray, " pose"], R: Float[np.ndarray, "3 3"], distance_mm: float, generator: np.random.Generator
    ) -> Shot:
        """The hand in a pose, turned, in the middle of the view, in some light."""
        ...


class RandomSitter:
    """A person of the virtual RHD with bones of random lengths (see ``PART_SIGMA``), before random backgrounds.

    Args:
        number: for the name.
        album: what takes the pictures.
        generator: of who it is.
    """

    def __init__(self, number: int, album: Album, generator: np.random.Generator) -> None:
        self.name, self._album, self._model = f"person {number}", album, load_hand_model()
        person = random_person(generator)
        palm, *lengths = generator.normal(1.0, PART_SIGMA, 1 + len(FINGERS))
        bones = generator.normal(1.0, BONE_SIGMA, JOINT_COUNT)
        build = replace(person.build, palm=np.array([palm, *person.build.palm[1:]]), lengths=np.array(lengths), last=1.0, bones=bones)
        self._person = replace(person, build=build)
        self.bone_lengths_mm = bone_lengths(person_joints(self._model, build, self._model.rest_rotations))

    def show(
        self, theta: Float[np.ndarray, " pose"], R: Float[np.ndarray, "3 3"], distance_mm: float, generator: np.random.Generator
    ) -> Shot:
        """See ``Sitter``."""
        joints = person_joints(self._model, self._person.build, self._model.rotations(theta[None])[0]) @ R.T
        view = View(R, in_the_middle(joints, distance_mm), WRIST_SHARE * random_wrist(generator))
        cast = lone_hand(self._model, self._person, theta, view, generator)
        return Shot(self._album.photograph(self._person, cast, camera().K, generator).image, cast.hands[0].joints)


class StudioSitter:
    """A person of the virtual studio: other flesh, skin and surface than the template's."""

    def __init__(self, number: int) -> None:
        self.name = f"subject {number}"
        self._subject = load_subject(number)
        self._sleeve = Sleeve.on(self._subject.faces)
        self.bone_lengths_mm = bone_lengths(self._subject.pose(np.zeros(len(NAMED_POSES["flat"]))).joints)

    def show(
        self, theta: Float[np.ndarray, " pose"], R: Float[np.ndarray, "3 3"], distance_mm: float, generator: np.random.Generator
    ) -> Shot:
        """See ``Sitter``; lamps and the camera's exposure are random."""
        posed = self._subject.pose(theta)
        joints = posed.joints @ R.T
        to_camera = in_the_middle(joints, distance_mm)
        body = light_body(placed(posed, Stance(theta, Y_UP @ R, Y_UP @ to_camera)), posed, dome_lamps(generator), self._sleeve)
        view = PinholeCamera(camera().K, Y_UP, np.zeros(3), SIDE_PX, SIDE_PX)
        return Shot(photograph(body, view, generator)[0], joints + to_camera)


def camera() -> Camera:
    """What takes all pictures."""
    return Camera.from_fov(FOV_DEG, SIDE_PX, SIDE_PX)


def in_the_middle(points: Float[np.ndarray, "points 3"], distance_mm: float) -> Float[np.ndarray, "3"]:
    """The translation that puts the points' box before the camera."""
    return np.array([0.0, 0.0, distance_mm]) - (points.min(axis=0) + points.max(axis=0)) / 2


def bone_lengths(joints: Float[np.ndarray, "joints 3"]) -> dict[str, float]:
    """Length of the bone that ends in each joint but the wrist."""
    ends = {bone: (JOINT_NAMES.index(bone), JOINT_NAMES.index(PARENT_NAMES[bone])) for bone in BONE_NAMES}
    return {bone: float(np.linalg.norm(joints[end] - joints[start])) for bone, (end, start) in ends.items()}


def shown_poses(template: HandTemplate, count: int, generator: torch.Generator) -> Float[Tensor, "count pose"]:
    """Poses as ``calibrate`` asks for them: open, fingers together or apart, and up to half way to any named pose."""
    named = torch.tensor([list(pose) for pose in NAMED_POSES.values()])
    flat, spread = (torch.tensor(NAMED_POSES[name]) for name in ("flat", "spread"))
    apart, bent = torch.rand(2, count, 1, generator=generator)
    others = named[torch.randint(len(named), (count,), generator=generator)]
    noise = POSE_NOISE_RAD * torch.randn(count, len(flat), generator=generator)
    poses = (1 - bent / 2) * (apart * spread + (1 - apart) * flat) + bent / 2 * others + noise
    lower, upper = (torch.tensor(limit, dtype=poses.dtype) for limit in (template.pose_lower, template.pose_upper))
    return poses.clamp(lower, upper)


def take_shots(sitter: Sitter, poses: Float[Tensor, "count pose"], generator: np.random.Generator) -> list[Shot]:
    """A picture of each pose: fingers up, palm and back of the hand in turn, turned a little to all sides."""
    shots = []
    for number, theta in enumerate(poses.double().numpy()):
        turn = roma.rotvec_to_rotmat(torch.tensor(generator.normal(0.0, TURN_RAD, 3))).numpy()
        away_mm = float(generator.uniform(NEAREST_MM, FARTHEST_MM))
        shots.append(sitter.show(theta, turn @ (PALM if number % 2 else BACK), away_mm, generator))
    return shots
