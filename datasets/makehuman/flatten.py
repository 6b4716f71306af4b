"""The artist's spread, curled hand turned into the flat hand of theta = 0."""

import numpy as np
from jaxtyping import Float

from datasets.makehuman.geometry import Mesh, cotangent_laplacian
from datasets.makehuman.skeleton import JointPose, finger_joints
from datasets.makehuman.weights import blend, skinning_weights
from estimator.hand.template import FINGERS

KNUCKLE_RADIUS_MM = 25.0
"""Skin nearer than this to a finger's root or the thumb's web relaxes between the bones; blended alone it would wrinkle."""

FAIRING_STEPS = 12


def flatten(hand: Mesh, artist: JointPose, flat: JointPose) -> Mesh:
    """The hand's surface at theta = 0: bones carry their skin; about the knuckles it deforms as rigidly as possible."""
    import igl

    weights = skinning_weights(hand.vertices, hand.faces, hand.fields, artist)
    blended = blend(hand.vertices, weights, artist, flat)
    knuckle = _near_knuckles(blended, flat)
    carried = np.flatnonzero((knuckle == 0) | (weights.max(axis=1) > 0.995))
    relaxation = igl.ARAPData()
    relaxation.max_iter = 40
    igl.arap_precomputation(hand.vertices, hand.faces, 3, carried.astype(np.int32), relaxation)
    relaxed = igl.arap_solve(blended[carried], relaxation, blended)
    return Mesh(_fair(relaxed, hand.faces, knuckle), hand.faces, hand.fields)


def _near_knuckles(vertices: np.ndarray, pose: JointPose) -> Float[np.ndarray, " vertices"]:
    """One at the finger roots and the thumb's web, zero beyond KNUCKLE_RADIUS_MM, smooth between."""
    roots = [finger_joints(finger)[0] for finger in FINGERS[1:]]
    first_web = (pose.positions[finger_joints("thumb")[2]] + pose.positions[roots[0]]) / 2
    centres = np.array([first_web, *(pose.positions[root] + 5 * pose.rotations[root][:, 0] for root in roots)])
    distance = np.linalg.norm(vertices[:, None] - centres, axis=2).min(axis=1)
    share = np.clip(2 - 2 * distance / KNUCKLE_RADIUS_MM, 0, 1)
    return share * share * (3 - 2 * share)


def _fair(vertices: np.ndarray, faces: np.ndarray, amount: np.ndarray) -> Float[np.ndarray, "vertices 3"]:
    """Taubin's smoothing, which keeps the volume, by ``amount`` at each vertex."""
    for _ in range(FAIRING_STEPS):
        for step in (0.6, -0.62):
            vertices = vertices + step * amount[:, None] * (cotangent_laplacian(vertices, faces) @ vertices)
    return vertices
