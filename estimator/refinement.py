"""Damped Gauss-Newton from an encoder's answer to the pose, place and proportions that explain the detector's landmarks.

Unknowns: rotation and translation of the hand, theta, and (without known bone lengths) six proportions: palm and five fingers. The
Jacobian is analytic; the kernel is compiled, because this runs for every hand of every frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from estimator.hand.camera import Camera
from estimator.hand.kinematics import joint_levels
from estimator.hand.template import (
    DEGREES_OF_FREEDOM,
    FINGERS,
    JOINT_COUNT,
    JOINT_NAMES,
    LANDMARK_JOINTS,
    WRIST,
    HandTemplate,
)
from estimator.landmark_offsets import LandmarkOffsets
from estimator.refinement_kernel import Bones, Evidence, State, cost, damped_step, landmark_moves, moved, normal_equations, posed

PROPORTIONS = ("palm", *FINGERS)


@dataclass(frozen=True)
class RefinementSettings:
    """How far each piece of evidence is trusted: standard deviations.

    Attributes:
        image_sigma: of a landmark in the image, as a share of twice the projected palm length; robust (Huber) beyond it.
        space_sigma_mm: of a landmark in space, relative to the landmarks' mean.
        pose_sigma: of theta around the encoder's answer, radians.
        limit_sigma: of what exceeds the anatomical limits, radians.
        proportion_sigma: of the proportions around one; zero holds them.
        encoder_share: share of the encoder's landmarks in the 3D target; the rest are the detector's relative landmarks.
        iterations: Gauss-Newton steps.
    """

    image_sigma: float = 0.023
    space_sigma_mm: float = 8.0
    pose_sigma: float = 0.25
    limit_sigma: float = 0.05
    proportion_sigma: float = 0.05
    encoder_share: float = 0.7
    iterations: int = 8

    def __post_init__(self) -> None:
        sigmas = (self.image_sigma, self.space_sigma_mm, self.pose_sigma, self.limit_sigma)
        if min(sigmas) <= 0 or self.proportion_sigma < 0 or self.iterations < 0 or not 0 <= self.encoder_share <= 1:
            raise ValueError(f"refinement needs positive deviations and a share between 0 and 1: {self}")


@dataclass(frozen=True)
class HandState:
    """What places a skeleton before a camera.

    Attributes:
        theta: joint angles, radians.
        rotation: takes the hand frame's directions to the camera's.
        translation: the wrist in the camera frame, mm.
        proportions: factors on the bones of palm, thumb, index, middle, ring and little finger.
    """

    theta: Float[np.ndarray, " pose"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    proportions: Float[np.ndarray, " proportions"]


@dataclass(frozen=True)
class Skeleton:
    """A template's skeleton, laid out for the kernel.

    Attributes:
        joint_offsets: translation of each joint from its parent, mm.
        rest_rotations: rotation of each joint's frame in its parent's at theta = 0.
        parents: parent of each joint, -1 for the wrist.
        order: joints, parents first.
        above: ``above[a, j]`` where joint a is a proper ancestor of joint j.
        groups: for each joint the proportion that scales the bone ending in it.
        limits: smallest and largest theta.
        landmark_offsets: where the detector's landmarks lie, in their joints' frames, mm; zero where they are the joints.
    """

    joint_offsets: Float[np.ndarray, "joints 3"]
    rest_rotations: Float[np.ndarray, "joints 3 3"]
    parents: Int[np.ndarray, " joints"]
    order: Int[np.ndarray, " joints"]
    above: Bool[np.ndarray, "joints joints"]
    groups: Int[np.ndarray, " joints"]
    limits: Float[np.ndarray, "2 pose"]
    landmark_offsets: Float[np.ndarray, "21 3"]

    @classmethod
    def of(cls, template: HandTemplate, landmark_offsets: LandmarkOffsets | None = None) -> "Skeleton":
        """The template's skeleton, with the detector's landmarks where they lie in it, or in the joints."""
        parents = template.parents
        above = np.zeros((JOINT_COUNT, JOINT_COUNT), dtype=bool)
        for joint in range(JOINT_COUNT):
            ancestor = parents[joint]
            while ancestor >= 0:
                above[ancestor, joint] = True
                ancestor = parents[ancestor]
        return cls(
            joint_offsets=np.array(template.joint_offsets, dtype=np.float64),
            rest_rotations=np.array(template.rest_rotations, dtype=np.float64),
            parents=np.array(parents),
            order=np.array([joint for level in joint_levels(parents) for joint in level]),
            above=above,
            groups=np.array([_proportion_of(joint, parents) for joint in range(JOINT_COUNT)]),
            limits=np.stack([template.pose_lower, template.pose_upper]).astype(np.float64),
            landmark_offsets=np.zeros((len(LANDMARK_JOINTS), 3)) if landmark_offsets is None else landmark_offsets.mm,
        )

    def scaled_offsets(self, proportions: Float[np.ndarray, " proportions"]) -> Float[np.ndarray, "joints 3"]:
        """``joint_offsets`` of a hand with these proportions."""
        return self.joint_offsets * proportions[self.groups][:, None]


def _proportion_of(joint: int, parents: tuple[int, ...]) -> int:
    if joint == WRIST or parents[joint] == WRIST:
        return PROPORTIONS.index("palm")
    return next(i for i, part in enumerate(PROPORTIONS) if JOINT_NAMES[joint].startswith(part))


def landmarks_of(skeleton: Skeleton, state: HandState) -> Float[np.ndarray, "21 3"]:
    """The points of a placed skeleton that the detector's 21 landmarks mark, in the camera frame, mm."""
    return posed(kernel_bones(skeleton), kernel_state(state)).landmarks


def refine(
    skeleton: Skeleton,
    start: HandState,
    landmarks_px: Float[np.ndarray, "21 2"],
    relative_mm: Float[np.ndarray, "21 3"],
    camera: Camera,
    settings: RefinementSettings,
) -> HandState:
    """The state near ``start`` that best explains landmarks in the image and relative landmarks in space.

    ``relative_mm`` has the camera's axes and any origin. The cost never rises: a step that would raise it is damped instead.

    Raises:
        ValueError: when a landmark is not finite.
    """
    evidence = kernel_evidence(skeleton, start, landmarks_px, relative_mm, camera, settings)
    return HandState(*_levenberg_marquardt(kernel_bones(skeleton), kernel_state(start), evidence, settings.iterations))


def kernel_evidence(
    skeleton: Skeleton,
    start: HandState,
    landmarks_px: Float[np.ndarray, "21 2"],
    relative_mm: Float[np.ndarray, "21 3"],
    camera: Camera,
    settings: RefinementSettings,
) -> Evidence:
    """What ``refine`` explains, in the kernel's form."""
    if not (np.isfinite(landmarks_px).all() and np.isfinite(relative_mm).all()):
        raise ValueError("refinement needs finite landmarks; found nan or infinity")
    palm_mm = float(np.linalg.norm(skeleton.joint_offsets[JOINT_NAMES.index("middle1")]))
    depth_mm = max(float(landmarks_of(skeleton, start)[:, 2].mean()), 1.0)
    return Evidence(
        pixels=_contiguous(landmarks_px),
        relative=_contiguous(relative_mm - relative_mm.mean(axis=0)),
        fx=float(camera.fx),
        fy=float(camera.fy),
        cx=float(camera.cx),
        cy=float(camera.cy),
        image_sigma=float(settings.image_sigma * 2 * palm_mm * camera.fx / depth_mm),
        space_sigma=float(settings.space_sigma_mm),
        pose_sigma=float(settings.pose_sigma),
        limit_sigma=float(settings.limit_sigma),
        proportion_sigma=float(settings.proportion_sigma),
    )


def _levenberg_marquardt(bones: Bones, start: State, evidence: Evidence, iterations: int) -> State:
    """Levenberg-Marquardt: damping falls after a step that helps and rises after one that does not.

    The loop is Python's: its calls cost about 0.15 ms, and compiled with them it would take half as long again to compile.
    """
    state, pose, damping = start, posed(bones, start), 1e-3
    proportion_count = len(start.proportions) if evidence.proportion_sigma > 0 else 0
    before = cost(bones, state, pose, start, evidence)
    moves = landmark_moves(bones, state, pose, proportion_count)
    equations = normal_equations(bones, state, pose, moves, start, evidence)
    for _ in range(iterations):
        trial = moved(state, damped_step(equations, damping))
        trial_pose = posed(bones, trial)
        after = cost(bones, trial, trial_pose, start, evidence)
        if after < before:
            improvement = before - after
            state, pose, before, damping = trial, trial_pose, after, damping / 5
            if improvement < 1e-4 * before:
                break
            moves = landmark_moves(bones, state, pose, proportion_count)
            equations = normal_equations(bones, state, pose, moves, start, evidence)
        else:
            damping *= 10
    return state


_DOF_JOINTS = np.array([joint for joint, _ in DEGREES_OF_FREEDOM])
_DOF_AXES = np.array([axis for _, axis in DEGREES_OF_FREEDOM])
_LANDMARK_JOINTS = np.array(LANDMARK_JOINTS)


def kernel_bones(skeleton: Skeleton) -> Bones:
    """A skeleton in the kernel's form."""
    return Bones(
        joint_offsets=_contiguous(skeleton.joint_offsets),
        rest_rotations=_contiguous(skeleton.rest_rotations),
        parents=skeleton.parents,
        order=skeleton.order,
        above=skeleton.above,
        groups=skeleton.groups,
        limits=_contiguous(skeleton.limits),
        dof_joints=_DOF_JOINTS,
        dof_axes=_DOF_AXES,
        landmark_joints=_LANDMARK_JOINTS,
        landmark_offsets=_contiguous(skeleton.landmark_offsets),
    )


def kernel_state(state: HandState) -> State:
    """A state in the kernel's form: copies."""
    return State(*(_contiguous(part) for part in (state.theta, state.rotation, state.translation, state.proportions)))


def _contiguous(array: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """A copy of the one type and layout that the kernel is compiled for."""
    return np.array(array, dtype=np.float64, order="C")
