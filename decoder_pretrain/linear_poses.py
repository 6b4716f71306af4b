"""The linear baseline's pose directions: a regression of what skinning leaves wrong, on simulated people whose true skin is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import igl
import numpy as np
import torch
from jaxtyping import Float

from datasets.makehuman.geometry import barycentric
from datasets.virtual_studio.subject import Subject, skeleton_frames
from decoder_pretrain.linear_shapes import RestShape
from estimator.hand.decoder import HandDecoder
from estimator.hand.linear_correctives import turn_features, turns_of
from estimator.hand.template import WRIST, HandTemplate

PENALTY = 6e-4
"""Ridge on every direction, a pose."""

REACH_MM = 30.0
"""Skin farther than this from a joint is the more reluctant to follow its turns, as in MANO."""


@dataclass(frozen=True)
class PoseExamples:
    """Known hands in poses.

    Attributes:
        features: entries of the turns' matrices, less the identity's.
        corrections: what has to be added at rest so that skinning meets the true surface, mm.
        trust: weight of each correction: small where blended bones nearly cancel and undoing them is guesswork.
    """

    features: Float[np.ndarray, "poses features"]
    corrections: Float[np.ndarray, "poses vertices 3"]
    trust: Float[np.ndarray, "poses vertices"]


def pose_examples(subject: Subject, shape: RestShape, template: HandTemplate, thetas: Float[np.ndarray, "poses pose"]) -> PoseExamples:
    """A simulated person's true skin in poses, un-posed by inverse skinning with the template's weights.

    ``shape`` says where the template's vertices lie on the person; from the nearest points of the true surface at theta = 0 on
    the surface itself carries them.
    """
    at_rest = subject.pose(np.zeros(thetas.shape[1]))
    surface = at_rest.vertices.astype(np.float64)
    _, face, closest = igl.point_mesh_squared_distance(shape.vertices, surface, at_rest.faces.astype(np.int64))
    corners = at_rest.faces[face]
    shares = barycentric(closest, *(surface[corners[:, k]] for k in range(3)))
    rest_rotations, rest_positions = skeleton_frames(subject.skeleton, np.zeros(thetas.shape[1]))
    turns, corrections, trust = [], [], []
    for theta in thetas:
        rotations, positions = skeleton_frames(subject.skeleton, theta)
        turn = rotations @ rest_rotations.transpose(0, 2, 1)
        true = np.einsum("vk,vkc->vc", shares, subject.pose(theta).vertices[corners])
        linear, moved = _blended(template, turn, positions - np.einsum("jab,jb->ja", turn, rest_positions))
        corrections.append(np.linalg.solve(linear, (true - moved)[..., None])[..., 0] - closest)
        trust.append(np.linalg.svd(linear, compute_uv=False)[:, -1] ** 2)
        turns.append(turn)
    return PoseExamples(_features(template, np.array(turns)), np.array(corrections), np.array(trust))


def _blended(
    template: HandTemplate, turns: Float[np.ndarray, "joints 3 3"], moves: Float[np.ndarray, "joints 3"]
) -> tuple[Float[np.ndarray, "vertices 3 3"], Float[np.ndarray, "vertices 3"]]:
    """The affine map of each vertex."""
    W = template.skinning_weights.astype(np.float64)
    return np.einsum("vj,jab->vab", W, turns), W @ moves


def _features(template: HandTemplate, turns: Float[np.ndarray, "poses joints 3 3"]) -> Float[np.ndarray, "poses features"]:
    """From the joints' turns in the hand frame to those against their parents in the template's own joint frames.

    People's frames differ from the template's a little, at the thumb's root, so theta would not do.
    """
    decoder = HandDecoder(template)
    rest = decoder.rest_frames(decoder.joint_offsets).rotations.double().numpy()
    parents = [WRIST if parent < 0 else parent for parent in template.parents]
    own = rest.transpose(0, 2, 1) @ turns[:, parents].transpose(0, 1, 3, 2) @ turns @ rest
    return turn_features(torch.from_numpy(own), turns_of(torch.tensor(template.skinning_weights.any(axis=0)))).numpy()


def joint_distances(template: HandTemplate) -> Float[np.ndarray, "vertices turns"]:
    """How far each vertex at rest is from each joint that turns, mm."""
    decoder = HandDecoder(template)
    joints = [turn[-1] for turn in turns_of(torch.tensor(template.skinning_weights.any(axis=0)))]
    positions = decoder.rest_frames(decoder.joint_offsets).positions[joints].double().numpy()
    return np.linalg.norm(template.vertices[:, None] - positions, axis=2)


def pose_directions(
    examples: Sequence[PoseExamples], distances: Float[np.ndarray, "vertices turns"]
) -> Float[np.ndarray, "features vertices 3"]:
    """The directions whose sums are nearest to all corrections, in the least squares' sense, at the least size."""
    features = np.concatenate([some.features for some in examples])
    corrections = np.concatenate([some.corrections for some in examples])
    trust = np.concatenate([some.trust for some in examples])
    penalties = PENALTY * len(features) * np.repeat(1 + (distances / REACH_MM) ** 4, 9, axis=1)
    directions = np.empty((features.shape[1], *corrections.shape[1:]))
    for vertex, penalty in enumerate(penalties):
        weighted = features * trust[:, vertex, None]
        directions[:, vertex] = np.linalg.solve(weighted.T @ features + np.diag(penalty), weighted.T @ corrections[:, vertex])
    return directions
