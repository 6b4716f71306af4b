"""How well a calibration knows the bones of simulated people, and what their profiles are worth: people, pictures, scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
import roma
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from datasets.pose_sampler import PoseSampler
from datasets.sample_image import ASSETS, fill
from datasets.studio_crop import PinholeCamera
from datasets.virtual_studio.light import dome_lamps, light_body, placed
from datasets.virtual_studio.render import photograph
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.subject import load_subject
from datasets.virtual_studio.types import Stance
from estimator.bone_lengths import with_joint_offsets
from estimator.calibration_hand import SeenHand, profile_of
from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES, LANDMARK_JOINTS, LANDMARK_NAMES, PARENT_NAMES, HandTemplate
from estimator.pipeline import EstimatorOptions, HandEstimator
from estimator.placed_hand import PlacedHand
from estimator.profile import BONE_NAMES, HandProfile, chain_length_mm
from estimator.render import render_overlay

SIDE_PX, FOV_DEG = 320, 45.0
NEAREST_MM, FARTHEST_MM = 330.0, 600.0
Y_UP = np.diag([1.0, -1.0, -1.0])
"""From the camera's axes to those of the studio's world, in which lamps hang above."""


@dataclass(frozen=True)
class Shot:
    """A simulated picture of a right hand and its true joints, camera frame, mm."""

    image: UInt8[np.ndarray, "height width 3"]
    joints_mm: Float[np.ndarray, "joints 3"]


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

    def show(self, theta: Tensor, R: Float[np.ndarray, "3 3"], distance_mm: float, generator: np.random.Generator) -> Shot:
        """The hand in a pose, turned, in the middle of the view."""
        ...


class TemplateSitter:
    """The template with bones of other lengths, as the renderer of overlays draws it."""

    def __init__(self, number: int, template: HandTemplate, generator: np.random.Generator) -> None:
        self.name = f"template {number}"
        self._template, self._decoder = template, HandDecoder(template)
        factors = random_factors(generator)
        self._offsets = torch.tensor(template.joint_offsets * factors[:, None], dtype=torch.float32)
        self.bone_lengths_mm = lengths_by_bone(self._offsets.numpy())
        self._backdrop = fill(cv2.imread(str(ASSETS / "forest_slope_view.jpg"))[..., ::-1], SIDE_PX, SIDE_PX)

    @torch.inference_mode()
    def show(self, theta: Tensor, R: Float[np.ndarray, "3 3"], distance_mm: float, generator: np.random.Generator) -> Shot:  # noqa: ARG002
        """See ``Sitter``; there is nothing random in the picture."""
        decoder = self._decoder
        rest = with_joint_offsets(decoder, decoder.rest_hand(theta), self._offsets)
        mesh, frames = decoder(theta, rest), decoder.rest_frames(self._offsets)
        joints = mesh.joints.positions.double().numpy() @ R.T
        to_camera = in_the_middle(joints, distance_mm)
        hand = PlacedHand(
            side="right",
            score=1.0,
            box=(0.0, 0.0, float(SIDE_PX), float(SIDE_PX)),
            camera=camera(),
            landmarks_px=np.zeros((len(LANDMARK_NAMES), 2)),
            theta=theta.double().numpy(),
            template=self._template,
            rest_vertices=rest.vertices.double().numpy(),
            rest_rotations=frames.rotations.double().numpy(),
            rest_positions=frames.positions.double().numpy(),
            vertices=mesh.vertices.double().numpy() @ R.T + to_camera,
            joint_rotations=R @ mesh.joints.rotations.double().numpy(),
            joint_positions=joints + to_camera,
            joints_mm=(joints + to_camera)[list(LANDMARK_JOINTS)],
            scale_source="subject default",
        )
        return Shot(render_overlay(self._backdrop, [hand]), joints + to_camera)


class StudioSitter:
    """A person of the virtual studio: other flesh, skin and surface than the template's."""

    def __init__(self, number: int) -> None:
        self.name = f"subject {number}"
        self._subject = load_subject(number)
        self._sleeve = Sleeve.on(self._subject.faces)
        self.bone_lengths_mm = lengths_by_bone(self._subject.skeleton.joint_offsets)

    def show(self, theta: Tensor, R: Float[np.ndarray, "3 3"], distance_mm: float, generator: np.random.Generator) -> Shot:
        """See ``Sitter``; lamps and the camera's exposure are random."""
        posed = self._subject.pose(theta.double().numpy())
        joints = posed.joints @ R.T
        to_camera = in_the_middle(joints, distance_mm)
        stance = Stance(theta.double().numpy(), Y_UP @ R, Y_UP @ to_camera)
        body = light_body(placed(posed, stance), posed, dome_lamps(generator), self._sleeve)
        view = PinholeCamera(camera().K, Y_UP, np.zeros(3), SIDE_PX, SIDE_PX)
        return Shot(photograph(body, view, generator)[0], joints + to_camera)


def camera() -> Camera:
    """What takes all pictures."""
    return Camera.from_fov(FOV_DEG, SIDE_PX, SIDE_PX)


def in_the_middle(points: Float[np.ndarray, "points 3"], distance_mm: float) -> Float[np.ndarray, "3"]:
    """The translation that puts the points' box before the camera."""
    return np.array([0.0, 0.0, distance_mm]) - (points.min(axis=0) + points.max(axis=0)) / 2


def lengths_by_bone(offsets: Float[np.ndarray, "joints 3"]) -> dict[str, float]:
    """Length of the bone that ends in each joint but the wrist."""
    return {bone: float(np.linalg.norm(offsets[JOINT_NAMES.index(bone)])) for bone in BONE_NAMES}


def random_factors(generator: np.random.Generator) -> Float[np.ndarray, " joints"]:
    """A person's bones over the template's: size, palm and fingers, and each bone vary."""
    size, each = generator.normal(1, 0.06), generator.normal(1, 0.03, JOINT_COUNT)
    parts = dict(zip(("palm", *FINGERS), generator.normal(1, 0.045, 6), strict=True))

    def part(name: str) -> str:
        return "palm" if PARENT_NAMES.get(name, "wrist") == "wrist" else next(finger for finger in FINGERS if name.startswith(finger))

    return size * each * np.array([parts[part(name)] for name in JOINT_NAMES])


def take_shots(sitter: Sitter, poses: Float[Tensor, "count pose"], generator: np.random.Generator) -> list[Shot]:
    """A picture of each pose, fingers more or less up, as people hold a hand before a camera."""
    torch.manual_seed(int(generator.integers(2**31)))
    rotations = roma.random_rotmat(20 * len(poses)).double().numpy()
    rotations = rotations[rotations[:, 1, 0] < -0.3][: len(poses)]
    distances = generator.uniform(NEAREST_MM, FARTHEST_MM, len(poses))
    return [sitter.show(theta, R, float(away), generator) for theta, R, away in zip(poses, rotations, distances, strict=True)]


@dataclass(frozen=True)
class SitterScores:
    """What a calibration is worth for one person.

    Attributes:
        name: of the person.
        seen: pictures in which the detector saw a right hand, of those that were calibrated with.
        profile: the calibration's, hand length given.
        errors: of each bone's length in the profile, as a share of the true one, by BONE_NAMES.
        average_errors: the same of the average hand at the person's hand length.
        joints_mm: mean distance of joints to the true ones on other pictures, wrists put together: without and with the profile.
        judged: pictures of that comparison.
    """

    name: str
    seen: int
    profile: HandProfile
    errors: Float[np.ndarray, " bones"]
    average_errors: Float[np.ndarray, " bones"]
    joints_mm: tuple[float, float]
    judged: int


def score(sitter: Sitter, estimator: HandEstimator, shots: Sequence[Shot], others: Sequence[Shot]) -> SitterScores:
    """Calibrate with ``shots``, hand length given, and try the profile on ``others``.

    Raises:
        ValueError: when the detector sees the hand in none of the shots.
    """
    view, length = camera(), chain_length_mm(sitter.bone_lengths_mm)
    hands = [SeenHand(tuple(found), view) for shot in shots if (found := estimator.detector(shot.image))]
    hands = [hand for hand in hands if hand.of_side("right") is not None]
    if not hands:
        raise ValueError(f"{sitter.name}: the detector sees no right hand")
    profile = profile_of(estimator, hands, "right", length)
    average = lengths_by_bone(estimator.skeleton.joint_offsets)
    scale = length / chain_length_mm(average)
    true = np.array([sitter.bone_lengths_mm[bone] for bone in BONE_NAMES])
    found = np.array([profile.bone_lengths_mm[bone] for bone in BONE_NAMES])
    without = HandEstimator(EstimatorOptions(hand_length_mm=length), estimator.detector)
    with_profile = HandEstimator(EstimatorOptions(profile=profile), estimator.detector)
    distances = [pair for shot in others if (pair := _distances(shot, without, with_profile)) is not None]
    return SitterScores(
        name=sitter.name,
        seen=len(hands),
        profile=profile,
        errors=found / true - 1,
        average_errors=scale * np.array([average[bone] for bone in BONE_NAMES]) / true - 1,
        joints_mm=(float(np.mean([a for a, _ in distances])), float(np.mean([b for _, b in distances]))) if distances else (np.nan, np.nan),
        judged=len(distances),
    )


def _distances(shot: Shot, *estimators: HandEstimator) -> tuple[float, ...] | None:
    """Mean distance of the joints to the true ones by each estimator, wrists put together; None where no right hand is detected."""
    seen = next((hand for hand in estimators[0].detector(shot.image) if hand.side == "right"), None)
    if seen is None:
        return None
    true = shot.joints_mm - shot.joints_mm[JOINT_NAMES.index("wrist")]
    return tuple(
        float(np.linalg.norm(hand.joint_positions - hand.root_translation - true, axis=1).mean())
        for hand in (estimator.place(seen, camera()) for estimator in estimators)
    )


def pose_sets(template: HandTemplate, people: int, pictures: int, seed: int) -> list[Float[Tensor, "count pose"]]:
    """Poses for every person."""
    poses = PoseSampler(template).sample(people * pictures, torch.Generator().manual_seed(seed))
    return list(poses.reshape(people, pictures, -1))
