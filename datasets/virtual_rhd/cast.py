"""Cast: who and what is before the camera in one picture, and how it is held."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datasets.virtual_rhd.arm import FOREARM_MM, Arm, arm_solids
from datasets.virtual_rhd.body import UPPER_ARM_MM, body_solids, find_trunk
from datasets.virtual_rhd.hand_model import HandModel, ShapedHand, person_joints, shape_hand
from datasets.virtual_rhd.people import VirtualPerson
from datasets.virtual_rhd.poses import DrawnPose, PosePool
from datasets.virtual_rhd.scene import SeenHand, mirrored, normalised
from datasets.virtual_rhd.solids import Solid
from datasets.virtual_rhd.staging import View, random_rotation, random_view, view_near
from datasets.virtual_rhd.things import Pose, held_thing, thing_before
from datasets.virtual_rhd.types import SIDE_PX
from estimator.hand.template import JOINT_NAMES, LANDMARK_JOINTS, Side

BOTH_SHARE, BODY_SHARE, BEFORE_SHARE, HELD_SHARE = 0.35, 0.75, 0.16, 0.10
"""Of pictures: with both hands, with the body, with something before the hand, with something in it."""

_FARTHEST_SHOULDER = 1.35
"""Of the upper arm's length, up to which a second arm reaches its shoulder."""

MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class PlayedHand:
    """A hand of the cast.

    Attributes:
        side: which it is.
        theta: its pose, radians.
        view: how it is held; of a left hand in the mirrored picture.
        shaped: the hand in the hand frame.
    """

    side: Side
    theta: Float[np.ndarray, " pose"]
    view: View
    shaped: ShapedHand

    @property
    def joints(self) -> Float[np.ndarray, "22 3"]:
        """In the camera frame, mm."""
        return self.to_camera(self.shaped.joints)

    @property
    def elbow_direction(self) -> Float[np.ndarray, "3"]:
        """A unit from the wrist to the elbow, camera frame."""
        return self.view.forearm * MIRROR if self.side == "left" else self.view.forearm

    def to_camera(self, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """From the hand frame to the picture's camera frame."""
        placed = points @ self.view.rotation.T + self.view.wrist
        return placed * MIRROR if self.side == "left" else placed

    @property
    def seen(self) -> SeenHand:
        """As the scene has it."""
        return SeenHand(self.side, self.to_camera(self.shaped.vertices).astype(np.float32), self.shaped.bends)


@dataclass(frozen=True)
class Cast:
    """Everything before the camera.

    Attributes:
        hands: one or both.
        solids: arms, body, things.
    """

    hands: tuple[PlayedHand, ...]
    solids: tuple[Solid, ...]


def random_cast(
    model: HandModel, person: VirtualPerson, pool: PosePool, K: Float[np.ndarray, "3 3"], generator: np.random.Generator
) -> Cast:
    """A hand in a pose of the pool, perhaps the other one in another, their arms, perhaps body and things."""
    side: Side = "left" if generator.random() < 0.5 else "right"
    size = person.build.size
    pose = pool.draw(generator)
    view = random_view(camera_of(side, K), person_joints(model, person.build, pose.rotations), size, generator)
    hands = [_play(model, person, pose, side, view)]
    if generator.random() < BOTH_SHARE:
        hands += _other(model, person, pool, K, hands[0], generator)
    solids = _bodies(model, person, hands, generator)
    if generator.random() < HELD_SHARE:
        solids.append(_held(hands[0], generator))
    if generator.random() < BEFORE_SHARE:
        solids.append(_before(hands[int(generator.integers(len(hands)))], size, generator))
    return Cast(tuple(hands), tuple(solids))


def lone_hand(
    model: HandModel, person: VirtualPerson, theta: Float[np.ndarray, " pose"], view: View, generator: np.random.Generator
) -> Cast:
    """A right hand in a pose, held in a way, with its arm and perhaps the body, and nothing before it or in it."""
    hand = _play(model, person, DrawnPose(theta, model.rotations(theta[None])[0]), "right", view)
    return Cast((hand,), tuple(_bodies(model, person, [hand], generator)))


def camera_of(side: Side, K: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """The camera of the picture in which that hand is a right one."""
    if side == "right":
        return K
    mirrored_K = K.copy()
    mirrored_K[0, 2] = SIDE_PX - 1 - K[0, 2]
    return mirrored_K


def _play(model: HandModel, person: VirtualPerson, pose: DrawnPose, side: Side, view: View) -> PlayedHand:
    return PlayedHand(side, pose.theta, view, shape_hand(model, person.build, pose.theta, pose.rotations, view.turn))


def _other(
    model: HandModel, person: VirtualPerson, pool: PosePool, K: np.ndarray, first: PlayedHand, generator: np.random.Generator
) -> list[PlayedHand]:
    """The other hand near the first; often in the same pose. None where there is no room."""
    side: Side = "left" if first.side == "right" else "right"
    alike = generator.random() < 0.3
    pose = DrawnPose(first.theta, first.shaped.rotations) if alike else pool.draw(generator)
    obstacles = first.joints * MIRROR if side == "left" else first.joints
    joints = person_joints(model, person.build, pose.rotations)
    view = view_near(camera_of(side, K), joints, obstacles, person.build.size, generator)
    if view is None:
        return []
    return [_play(model, person, pose, side, view)]


def _bodies(model: HandModel, person: VirtualPerson, hands: list[PlayedHand], generator: np.random.Generator) -> list[Solid]:
    """Arms, and the body that they belong to where one fits."""
    size = person.build.size
    wrists = [hand.to_camera(hand.shaped.vertices[model.loop].astype(np.float64)) for hand in hands]
    elbows = [wrist.mean(axis=0) + FOREARM_MM * size * hand.elbow_direction for wrist, hand in zip(wrists, hands, strict=True)]
    points = np.concatenate([hand.joints for hand in hands])
    trunk = None
    if generator.random() < BODY_SHARE:
        flip = MIRROR if hands[0].side == "left" else np.ones(3)
        trunk = find_trunk(elbows[0] * flip, hands[0].elbow_direction * flip, points * flip, size, generator)
    solids: list[Solid] = []
    whole = trunk is not None
    for hand, wrist, elbow in zip(hands, wrists, elbows, strict=True):
        shoulder = elbow + UPPER_ARM_MM * size * normalised(hand.elbow_direction + generator.normal(0, 0.30, 3))
        if trunk is not None:
            own = trunk.right_shoulder if hand.side == hands[0].side else trunk.left_shoulder
            own = own * MIRROR if hands[0].side == "left" else own
            reaches = np.linalg.norm(own - elbow) < _FARTHEST_SHOULDER * UPPER_ARM_MM * size
            whole &= bool(reaches)
            shoulder = own if reaches else shoulder
        flip = MIRROR if hand.side == "left" else np.ones(3)
        arm = Arm(wrist * flip, elbow * flip, shoulder * flip, -hand.view.rotation[:, 1])
        drawn = arm_solids(arm, person, generator)
        solids += [mirrored(part) for part in drawn] if hand.side == "left" else drawn
    if trunk is not None and whole:
        drawn = body_solids(trunk, person)
        solids += [mirrored(part) for part in drawn] if hands[0].side == "left" else drawn
    return solids


def _held(hand: PlayedHand, generator: np.random.Generator) -> Solid:
    """Across the palm, between it and the bent fingers."""
    joints = hand.shaped.joints
    roots = joints[[JOINT_NAMES.index(f"{finger}1") for finger in ("index", "middle", "ring", "pinky")]]
    radius = float(generator.uniform(9, 30))
    along = normalised(roots[0] - roots[3] + generator.normal(0, 8, 3))
    middle = roots.mean(axis=0) + np.array([generator.uniform(-22, 8), 15 + radius, 0.0]) + along * generator.uniform(-35, 35)
    ends = hand.to_camera(np.stack([middle, middle + along, middle + np.array([0.0, 1.0, 0.0])]))
    return held_thing(Pose(ends[0], ends[1] - ends[0], ends[2] - ends[0]), radius, generator)


def _before(hand: PlayedHand, size: float, generator: np.random.Generator) -> Solid:
    """Between the camera and some place of the hand, most often beside its middle."""
    landmark = hand.joints[LANDMARK_JOINTS[int(generator.integers(len(LANDMARK_JOINTS)))]]
    share = generator.uniform(0.72, 0.92)
    nearest = hand.joints[:, 2].min() - 25
    middle = landmark * min(share, max(nearest / landmark[2], 0.3)) + generator.normal(0, 18 * size, 3) * (1, 1, 0)
    R = random_rotation(generator)
    return thing_before(Pose(middle, R[:, 0], R[:, 1]), generator)
