"""MakeHuman's CC0 right hand, as quads with joint centres, in the hand frame and millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.sparse.csgraph import connected_components

from datasets.makehuman.geometry import Mesh, adjacency, orthogonal_part, split_quads, subdivision, unit
from datasets.makehuman.skeleton import artist_pose
from estimator.hand.template import FINGERS, JOINT_NAMES, WRIST

if TYPE_CHECKING:
    import anny

FOREARM_MM = 70.0
"""How far beyond the wrist the template's source reaches; its clean cut lies before that."""

PHALANX_RATIOS = {"index": 1.70, "middle": 1.65, "ring": 1.62, "pinky": 1.80}
"""Proximal over middle phalanx, after hand anatomy. MakeHuman's finger roots sit in the webs, which bends hands at the wrong place."""

THUMB_ROOT_BACK_MM = 9.0
THUMB_MIDDLE_FORWARD_MM = 6.0
"""Along their bones, so that the thumb's metacarpal and proximal phalanx have the usual 1.4 : 1."""

WRIST_FORWARD = 0.1
"""Share of the way to the middle finger's root."""

SUBDIVISIONS = 2

TIP_DEPTH_MM = 4.5
"""How far inside the end of the flesh a fingertip joint lies: where landmark detectors put it."""


PHENOTYPE = ("gender", "age", "muscle", "weight", "height", "proportions")

JOINT_DEPTHS = {"1": 0.36, "2": 0.42, "3": 0.42}
"""Share of the finger's thickness that lies on a joint centre's dorsal side: bones are nearer to the back than to the pads."""


@dataclass(frozen=True)
class Body:
    """Whose hand, in MakeHuman's terms. The default is half way between a woman and a man, both young.

    Attributes:
        gender: 0 female, 1 male.
        age: 1/3 a child, 2/3 young, 1 old.
        muscle: 0 to 1.
        weight: 0 lean, 1 heavy.
        height: 0 to 1.
        proportions: 0 uncommon, 1 ideal.
        hand_length_mm: from the wrist's joint along the artist's bones to the middle fingertip's.
    """

    gender: float = 0.5
    age: float = 2 / 3
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    hand_length_mm: float = 186.0


@dataclass(frozen=True)
class SourceHand:
    """The artist's hand in his rest pose, spread and slightly curled.

    Attributes:
        mesh: smooth surface in the hand frame, mm; fields are the artist's skinning weights of each whole finger, thumb first.
        joints: centres of our joints; the wrist is the origin.
    """

    mesh: Mesh
    joints: Float[np.ndarray, "joints 3"]


def load_source_hand() -> SourceHand:
    """MakeHuman's right hand and some forearm, its joints moved to where a hand bends, scaled to an average adult."""
    return load_source_hands((Body(),), FOREARM_MM)[0]


def load_source_hands(bodies: Sequence[Body], forearm_mm: float) -> tuple[SourceHand, ...]:
    """Right hands with the same vertices and faces; the forearm reaches ``forearm_mm`` beyond the wrist, or more, in the first."""
    model = _load_model()
    hands: list[SourceHand] = []
    quads = np.zeros((0, 4), dtype=np.int64)
    for body in bodies:
        vertices, heads, weights = _rest(model, body)
        joints = _place_joints(vertices, heads, weights)
        scale = body.hand_length_mm / np.sum(np.linalg.norm(np.diff(joints[_chain("middle")], axis=0), axis=1))
        vertices, joints = (_to_hand_frame(points, joints) * scale for points in (vertices, joints))
        if not hands:
            quads = _right_hand(vertices, model.faces.numpy(), forearm_mm)
        hands.append(_source_hand(vertices, quads, weights, joints))
    return tuple(hands)


def _source_hand(vertices: np.ndarray, quads: np.ndarray, weights: dict[str, np.ndarray], joints: np.ndarray) -> SourceHand:
    finger_weights = np.stack([sum(weights[f"finger{i + 1}-{k}.R"] for k in (1, 2, 3)) for i in range(len(FINGERS))], axis=1)
    used, quads = np.unique(quads, return_inverse=True)
    mesh = _smooth_surface(vertices[used], quads.reshape(-1, 4), finger_weights[used])
    joints = _centre_joints(joints, mesh.vertices)
    return SourceHand(replace(mesh, vertices=_to_hand_frame(mesh.vertices, joints)), _to_hand_frame(joints, joints))


def _to_hand_frame(points: np.ndarray, joints: np.ndarray) -> np.ndarray:
    return (points - joints[WRIST]) @ _hand_axes(joints)


def _smooth_surface(vertices: np.ndarray, quads: np.ndarray, fields: np.ndarray) -> Mesh:
    """The control mesh subdivided as the artist meant it to be seen."""
    for _ in range(SUBDIVISIONS):
        matrix, quads = subdivision(quads, len(vertices))
        vertices, fields = matrix @ vertices, matrix @ fields
    return Mesh(vertices, split_quads(quads, vertices), fields)


def _centre_joints(joints: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Joints moved between back and pad to where the bones are; the thumb's root, deep in the palm, stays."""
    pose, centred = artist_pose(joints, skin), joints.copy()
    for joint, name in enumerate(JOINT_NAMES):
        if name[-1] in JOINT_DEPTHS and name != "thumb1":
            local = (skin - joints[joint]) @ pose.rotations[joint]
            core = local[(np.abs(local[:, [0, 2]]) < 2.5).all(axis=1) & (np.abs(local[:, 1]) < 30), 1]
            depth = core.min() + JOINT_DEPTHS[name[-1]] * (core.max() - core.min())
            centred[joint] += depth * pose.rotations[joint][:, 1]
    return centred


def _load_model() -> "anny.Anny":
    import anny

    return anny.Anny(rig="anny", topology="anny-quads-notongue-noeyes")


def _rest(model: "anny.Anny", body: Body) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Vertices (mm), and by bone name its head (mm) and its skinning weights, of the whole body."""
    import torch

    phenotype = {name: torch.tensor([getattr(body, name)], dtype=model.dtype) for name in PHENOTYPE}
    rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**phenotype))
    weights = np.zeros((model.template_vertices.shape[0], model.bone_count))
    rows = np.arange(len(weights))[:, None]
    np.add.at(weights, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    heads = dict(zip(model.bone_labels, rest["rest_bone_heads"][0].numpy() * 1000, strict=True))
    return rest["rest_vertices"][0].numpy() * 1000, heads, dict(zip(model.bone_labels, weights.T, strict=True))


def _place_joints(vertices: np.ndarray, heads: dict[str, np.ndarray], weights: dict[str, np.ndarray]) -> np.ndarray:
    """Our 22 joints from MakeHuman's bone heads: the inner joints stay, roots and wrist move, tips come from the flesh."""
    joints: dict[str, np.ndarray] = {}
    artist_wrist = heads["wrist.R"]
    for i, finger in enumerate(FINGERS):
        root, middle, last = (heads[f"finger{i + 1}-{k}.R"] for k in (1, 2, 3))
        if finger == "thumb":
            root, middle = root - THUMB_ROOT_BACK_MM * unit(middle - root), middle + THUMB_MIDDLE_FORWARD_MM * unit(last - middle)
        else:
            length = PHALANX_RATIOS[finger] * np.linalg.norm(last - middle)
            root = _at_distance(root, unit(artist_wrist - root), middle, length)
        joints |= {f"{finger}1": root, f"{finger}2": middle, f"{finger}3": last}
        joints[f"{finger}_null"] = _fingertip(vertices[weights[f"finger{i + 1}-3.R"] > 0.5], last)
    joints["wrist"] = artist_wrist + WRIST_FORWARD * (joints["middle1"] - artist_wrist)
    joints["thumb0"] = (joints["wrist"] + joints["thumb1"]) / 2
    return np.array([joints[name] for name in JOINT_NAMES])


def _at_distance(start: np.ndarray, direction: np.ndarray, centre: np.ndarray, distance: float) -> np.ndarray:
    """Where the ray from ``start`` leaves the sphere around ``centre``."""
    along = np.dot(start - centre, direction)
    return start + direction * (-along + np.sqrt(along**2 - np.sum((start - centre) ** 2) + distance**2))


def _fingertip(flesh: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The point TIP_DEPTH_MM inside the end of the flesh, in the middle of the last few millimetres."""
    axis = unit(flesh.mean(axis=0) - last)
    for _ in range(3):
        along = (flesh - last) @ axis
        end = flesh[along > along.max() - 8].mean(axis=0)
        axis = unit(end - last)
    return last + axis * (((flesh - last) @ axis).max() - TIP_DEPTH_MM)


def _hand_axes(joints: np.ndarray) -> np.ndarray:
    """Columns: the hand frame's x to the middle finger's root, y out of the palm, z to the thumb's side."""
    wrist, index, middle, pinky = (joints[JOINT_NAMES.index(name)] for name in ("wrist", "index1", "middle1", "pinky1"))
    x = unit(middle - wrist)
    z = orthogonal_part(index - pinky, x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _right_hand(vertices: np.ndarray, quads: np.ndarray, forearm_mm: float) -> np.ndarray:
    """Quads of the hand and so much forearm, vertices in the hand frame: the connected piece that holds the wrist."""
    near = vertices[:, 0] > -forearm_mm
    links = adjacency(quads[near[quads].all(axis=1)], len(vertices))
    _, piece = connected_components(links, directed=False)
    nearest = np.argmin(np.where(near, np.linalg.norm(vertices, axis=1), np.inf))
    return quads[np.isin(quads, np.flatnonzero(piece == piece[nearest])).all(axis=1)]


def _chain(finger: str) -> list[int]:
    return [JOINT_NAMES.index(name) for name in ("wrist", *(f"{finger}{k}" for k in ("1", "2", "3", "_null")))]
