"""The template's hand as simulated people have it: their bones, their flesh, bent at the wrist, in any pose."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8

from datasets.forearm import open_loop
from datasets.makehuman.skeleton import finger_joints
from datasets.virtual_rhd.people import HandBuild
from datasets.virtual_rhd.thin_surface import ThinSurface, bound_subset, thin_surface
from datasets.virtual_rhd.types import PARTS
from datasets.virtual_studio.skinning import Skinning, bind, skin
from estimator.hand.kinematics import joint_frames, pose_to_rotations
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, POSE_NAMES, WRIST, HandTemplate

_BEND_FROM_MM, _BEND_TO_MM = 16.0, -26.0
"""Between these places along the arm the wrist bends."""

_PALM_END_MM = -12.0
"""Beyond, the mask shows the person, not the hand."""

_FULL_BEND_DEG = 85.0

FACE_COUNT = 10_000
"""Of a hand; the template has two and a half times as many, of which small pictures show nothing more."""


@dataclass(frozen=True, eq=False)
class HandModel:
    """The template ready for being posed many times, with as many triangles as small pictures need.

    Attributes:
        template: whose hand it is.
        surface: its skin, thinned.
        skinning: that skin bound to the template's joints.
        rest_rotations: of the joints in the hand frame at theta = 0.
        rest_positions: the same joints' places, mm.
        parts: of each face in the mask, from 0; PARTS where it belongs to the arm.
        loop: vertices around the open end of the arm.
        bend_weights: how much each joint's flexion bends the skin at each vertex.
    """

    template: HandTemplate
    surface: ThinSurface
    skinning: Skinning
    rest_rotations: Float[np.ndarray, "joints 3 3"]
    rest_positions: Float[np.ndarray, "joints 3"]
    parts: UInt8[np.ndarray, " faces"]
    loop: Int[np.ndarray, " loop"]
    bend_weights: Float32[np.ndarray, "vertices joints"]

    def rotations(self, thetas: Float[np.ndarray, "poses pose"]) -> Float[np.ndarray, "poses joints 3 3"]:
        """Of the joints in the hand frame."""
        offsets = torch.tensor(self.template.joint_offsets).expand(len(thetas), -1, -1)
        rest = torch.tensor(self.template.rest_rotations)
        return joint_frames(pose_to_rotations(torch.as_tensor(thetas).double()), offsets, rest, self.template.parents).rotations.numpy()


@dataclass(frozen=True)
class ShapedHand:
    """A person's right hand in a pose, in the hand frame, mm.

    Attributes:
        vertices: skin.
        joints: centres of the template's joints.
        rotations: of these joints.
        bends: how far the skin is bent at each vertex, 0 stretched to 1.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    joints: Float[np.ndarray, "joints 3"]
    rotations: Float[np.ndarray, "joints 3 3"]
    bends: Float32[np.ndarray, " vertices"]


@cache
def load_hand_model() -> HandModel:
    """The shipped template, bound."""
    return hand_model(HandTemplate.load())


def hand_model(template: HandTemplate) -> HandModel:
    """A template, bound; takes seconds."""
    offsets, rest = torch.tensor(template.joint_offsets), torch.tensor(template.rest_rotations)
    still = torch.eye(3, dtype=rest.dtype).expand(JOINT_COUNT, 3, 3)
    frames = joint_frames(still, offsets, rest, template.parents)
    surface = thin_surface(template, FACE_COUNT)
    whole = bind(template.vertices.astype(np.float64), template.faces, template.skinning_weights.astype(np.float64))
    return HandModel(
        template=template,
        surface=surface,
        skinning=bound_subset(whole, surface.rows),
        rest_rotations=frames.rotations.numpy(),
        rest_positions=frames.positions.numpy(),
        parts=face_parts(template)[surface.sources],
        loop=open_loop(surface.faces),
        bend_weights=_bend_weights(template, frames.positions.numpy())[surface.rows],
    )


def face_parts(template: HandTemplate) -> UInt8[np.ndarray, " faces"]:
    """Of each face its part: three of each finger from the tip, thumb first, then the palm; PARTS on the arm."""
    of_joint = np.full(JOINT_COUNT, PARTS - 1)
    for number, finger in enumerate(FINGERS):
        for place, name in enumerate(("3", "2", "1")):
            of_joint[JOINT_NAMES.index(finger + name)] = 3 * number + place
        of_joint[JOINT_NAMES.index(f"{finger}_null")] = 3 * number
    parts = of_joint[template.skinning_weights[template.faces].sum(axis=1).argmax(axis=1)]
    parts[template.vertices[template.faces, 0].mean(axis=1) < _PALM_END_MM] = PARTS
    return parts.astype(np.uint8)


def shape_hand(
    model: HandModel,
    build: HandBuild,
    theta: Float[np.ndarray, " pose"],
    rotations: Float[np.ndarray, "joints 3 3"],
    wrist: Float[np.ndarray, "3"],
) -> ShapedHand:
    """A person's hand in a pose, whose ``rotations`` are the model's; ``wrist`` is the forearm's turn, a rotation vector, radians."""
    stretches = _stretches(build)
    joints = _joints(model, stretches, rotations)
    linear = np.einsum("jab,jb,jcb->jac", rotations, stretches, model.rest_rotations)
    translations = joints - np.einsum("jab,jb->ja", linear, model.rest_positions)
    vertices = skin(model.skinning, linear, translations)
    bend_wrist(vertices, model.surface.vertices[:, 0], wrist)
    flexion = np.zeros(JOINT_COUNT, dtype=np.float32)
    for value, name in zip(theta, POSE_NAMES, strict=True):
        if name.endswith(".z"):
            flexion[JOINT_NAMES.index(name[:-2])] = np.clip(value / np.radians(_FULL_BEND_DEG), 0, 1)
    return ShapedHand(vertices, joints, rotations, model.bend_weights @ flexion)


def person_joints(model: HandModel, build: HandBuild, rotations: Float[np.ndarray, "joints 3 3"]) -> Float[np.ndarray, "joints 3"]:
    """The joints of ``shape_hand`` alone."""
    return _joints(model, _stretches(build), rotations)


def bend_wrist(vertices: Float32[np.ndarray, "vertices 3"], rest_x: Float[np.ndarray, " vertices"], turn: Float[np.ndarray, "3"]) -> None:
    """Turn the arm about the wrist, in place: the more the farther from the hand, up to ``turn``."""
    angle = float(np.linalg.norm(turn))
    rows = np.flatnonzero(rest_x < _BEND_FROM_MM)
    share = np.clip((rest_x[rows] - _BEND_FROM_MM) / (_BEND_TO_MM - _BEND_FROM_MM), 0, 1)
    share = share * share * (3 - 2 * share) * angle
    axis = turn / max(angle, 1e-9)
    points = vertices[rows].astype(np.float64)
    cosine, sine = np.cos(share)[:, None], np.sin(share)[:, None]
    x, y, z = axis
    crossed = points @ np.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])
    turned = cosine * points + sine * crossed + (1 - cosine) * (points @ axis)[:, None] * axis
    vertices[rows] = turned.astype(np.float32)


def _stretches(build: HandBuild) -> Float[np.ndarray, "joints 3"]:
    """Factors along x, y, z of each joint's frame."""
    stretches = np.ones((JOINT_COUNT, 3))
    stretches[WRIST] = build.palm
    for finger, length, girth in zip(FINGERS, build.lengths, build.girths, strict=True):
        chain = finger_joints(finger)
        stretches[chain] = (length, girth, girth)
        stretches[chain[-2:], 0] *= build.last
    stretches[JOINT_NAMES.index("thumb0")] = build.palm
    for bone, parent in PARENT_NAMES.items():
        if parent != "wrist":
            stretches[JOINT_NAMES.index(parent), 0] *= build.bones[JOINT_NAMES.index(bone)]
    return stretches * build.size


def _joints(model: HandModel, stretches: np.ndarray, rotations: np.ndarray) -> Float[np.ndarray, "joints 3"]:
    """Where the joints of stretched bones are; the wrist is the origin."""
    positions = np.zeros((JOINT_COUNT, 3))
    parents, offsets = model.template.parents, model.template.joint_offsets
    for joint in reversed(range(JOINT_COUNT)):  # parents come after their children
        if parents[joint] >= 0:
            parent = parents[joint]
            positions[joint] = positions[parent] + rotations[parent] @ (stretches[parent] * offsets[joint])
    return positions


def _bend_weights(template: HandTemplate, positions: np.ndarray) -> Float32[np.ndarray, "vertices joints"]:
    """Skin about a joint is bent by it, whichever bone carries it; the palm by the finger roots together."""
    weights = np.zeros((len(template.vertices), JOINT_COUNT))
    for finger in FINGERS:
        own = template.skinning_weights[:, [JOINT_NAMES.index(name) for name in _names(finger)]].sum(axis=1)
        for name in _names(finger):
            joint = JOINT_NAMES.index(name)
            distance = np.linalg.norm(template.vertices - positions[joint], axis=1)
            weights[:, joint] = np.exp(-((distance / 16.0) ** 4)) * np.clip(3 * own, 0, 1)
    roots = [JOINT_NAMES.index(f"{finger}1") for finger in FINGERS]
    weights[:, roots] += 0.2 * template.skinning_weights[:, [WRIST]]
    return (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1)).astype(np.float32)


def _names(finger: str) -> tuple[str, ...]:
    return tuple(f"{finger}{place}" for place in (1, 2, 3))
