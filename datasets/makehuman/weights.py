"""Skinning weights from anatomy: each finger's territory on the skin times how far past each joint a point lies."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from datasets.makehuman.geometry import cotangent_laplacian, diffuse, harmonic_fill, unit
from datasets.makehuman.skeleton import JointPose, finger_joints
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, WRIST

INFLUENCES = 4
"""Most joints that move one vertex."""

SMOOTHING_MM = 6.5
"""Distance over which the weights are spread at last."""


@dataclass(frozen=True)
class Bend:
    """Where skin passes from one bone to the next, mm along the bone from the joint, on the back and on the pad of the finger.

    Attributes:
        back_centre: middle of the passage on the dorsal side.
        back_width: half of its length there.
        pad_centre: middle of the passage on the palmar side.
        pad_width: half of its length there.
        depth: distance from the joint's axis at which the skin counts as wholly dorsal or palmar.
    """

    back_centre: float
    back_width: float
    pad_centre: float
    pad_width: float
    depth: float


BENDS = {
    "root": Bend(1.0, 9.0, 8.0, 16.0, 12.0),
    "middle": Bend(0.0, 6.5, 0.0, 10.0, 8.0),
    "last": Bend(0.0, 5.5, 0.0, 7.5, 7.0),
    "thumb0": Bend(2.0, 14.0, 2.0, 16.0, 15.0),
    "thumb1": Bend(5.0, 15.0, 10.0, 18.0, 15.0),
    "thumb2": Bend(0.0, 8.0, 2.0, 12.5, 10.0),
    "thumb3": Bend(0.0, 6.5, 0.0, 9.5, 8.0),
}

FREE_SHARE = 0.62
"""Past this share of its first bone a finger is free of its neighbours."""

THUMB_FREE_SHARE = 1.15
"""The same for the thumb and its metacarpal, whose end the web still reaches."""

METACARPAL_DEPTH_MM = 14.0
"""Skin so near to the thumb's metacarpal, on the nail's side, lies on the bone and goes with it."""

TERRITORY_FALLOFF = 1.5
"""Power of the thumb's share: above one it fades out without a kink."""

THENAR_MM = 54.0
"""Skin farther than this from the thumb's metacarpal never moves with it: the crease round the ball of the thumb."""


def skinning_weights(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    artist_weights: Float[np.ndarray, "vertices 5"],
    pose: JointPose,
) -> Float[np.ndarray, "vertices joints"]:
    """Share of each joint in each vertex: rows sum to one, at most four joints, fingertips none.

    ``artist_weights`` only tells the free parts of the fingers apart.
    """
    laplacian = cotangent_laplacian(vertices, faces)
    reach = [thumb_territory(vertices, laplacian, artist_weights, pose), *finger_territories(vertices, laplacian, artist_weights, pose).T]
    weights = np.zeros((len(vertices), JOINT_COUNT))
    for finger, territory in zip(FINGERS, reach, strict=True):
        chain = finger_joints(finger)[:-1]
        passed = np.stack([_passed(vertices, joint, pose) for joint in chain], axis=1)
        shares = territory[:, None] * np.minimum.accumulate(passed, axis=1)
        weights[:, chain] = shares - np.pad(shares[:, 1:], ((0, 0), (0, 1)))
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    weights = diffuse(weights, vertices, faces, SMOOTHING_MM)
    weights[:, WRIST] = 0
    weights[:, WRIST] = 1 - weights.sum(axis=1)
    return strongest(weights)


def strongest(weights: Float[np.ndarray, "vertices joints"]) -> Float[np.ndarray, "vertices joints"]:
    """The largest four weights of each vertex, made to sum to one.

    The fifth largest is taken off all, so that a joint fades out before another takes its place and the skin does not crease there.
    """
    weights = np.where(weights < 1e-3, 0, weights)
    fifth = np.sort(weights, axis=1)[:, -INFLUENCES - 1][:, None]
    kept = np.maximum(weights - fifth, 0)
    return kept / kept.sum(axis=1, keepdims=True)


def finger_territories(
    vertices: Float[np.ndarray, "vertices 3"],
    laplacian: sparse.csr_matrix,
    artist_weights: Float[np.ndarray, "vertices 5"],
    pose: JointPose,
) -> Float[np.ndarray, "vertices 4"]:
    """Harmonic shares of the four fingers, one on each finger's free part: they meet half way in palm and webs; none on the thumb."""
    thumb = _free_part(vertices, artist_weights, pose, "thumb", THUMB_FREE_SHARE)
    fingers = np.stack([_free_part(vertices, artist_weights, pose, finger, FREE_SHARE) for finger in FINGERS[1:]], axis=1)
    return np.clip(harmonic_fill(laplacian, fingers.astype(float), thumb | fingers.any(axis=1)), 0, 1)


def thumb_territory(
    vertices: Float[np.ndarray, "vertices 3"],
    laplacian: sparse.csr_matrix,
    artist_weights: Float[np.ndarray, "vertices 5"],
    pose: JointPose,
) -> Float[np.ndarray, " vertices"]:
    """The thumb's share: one past its second joint and where the metacarpal lies under the skin, none far from it."""
    start, end = (pose.positions[joint] for joint in finger_joints("thumb")[1:3])
    along = (vertices - start) @ (end - start) / np.sum((end - start) ** 2)
    distance = np.linalg.norm(vertices - start - np.clip(along, 0, 1)[:, None] * (end - start), axis=1)
    nail_side = (vertices - start) @ pose.rotations[finger_joints("thumb")[1]][:, 1] < -2
    on_bone = (distance < METACARPAL_DEPTH_MM) & (along > 0.1) & (along < 0.85) & nail_side
    thumb = _free_part(vertices, artist_weights, pose, "thumb", THUMB_FREE_SHARE) | on_bone
    share = harmonic_fill(laplacian, thumb[:, None].astype(float), thumb | (distance > THENAR_MM))[:, 0]
    return np.clip(share, 0, 1) ** TERRITORY_FALLOFF


def _free_part(
    vertices: np.ndarray, artist_weights: np.ndarray, pose: JointPose, finger: str, share: float
) -> Bool[np.ndarray, " vertices"]:
    """Skin that belongs to one finger alone: past a share of its first long bone."""
    first, second = finger_joints(finger)[-4:-2]
    length = np.linalg.norm(pose.positions[second] - pose.positions[first])
    along = (vertices - pose.positions[first]) @ pose.rotations[first][:, 0]
    return (artist_weights[:, FINGERS.index(finger)] > 0.9) & (along > share * length)


def _smooth_step(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _passed(vertices: np.ndarray, joint: int, pose: JointPose) -> np.ndarray:
    """0 before the joint, 1 past it, smooth between."""
    name = JOINT_NAMES[joint]
    bend = BENDS[name if name in BENDS else {"1": "root", "2": "middle", "3": "last"}[name[-1]]]
    x, y = pose.rotations[joint][:, 0], pose.rotations[joint][:, 1]
    if name[-1] in "23":  # a joint that the artist has bent: half way between its two bones
        before = JOINT_NAMES.index(PARENT_NAMES[name])
        x = unit(x + pose.rotations[before][:, 0])
    local = vertices - pose.positions[joint]
    palmar = np.clip(0.5 + 0.5 * (local @ y) / bend.depth, 0, 1)
    centre = bend.back_centre + palmar * (bend.pad_centre - bend.back_centre)
    width = bend.back_width + palmar * (bend.pad_width - bend.back_width)
    return _smooth_step(0.5 + 0.5 * (local @ x - centre) / width)


def blend(
    vertices: Float[np.ndarray, "vertices 3"], weights: Float[np.ndarray, "vertices joints"], start: JointPose, end: JointPose
) -> Float[np.ndarray, "vertices 3"]:
    """The skin taken from one pose of the skeleton to another by linear blend skinning."""
    turns = end.rotations @ start.rotations.transpose(0, 2, 1)
    moves = end.positions - np.einsum("jab,jb->ja", turns, start.positions)
    return np.einsum("vj,jab,vb->va", weights, turns, vertices) + weights @ moves
