"""The template's own triangles: the smooth surface with edges along forearm cut and nails, covered evenly."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from datasets.makehuman.geometry import Mesh, boundary_edges, carry_fields, cut_along_zero, flip_caps, keep_faces
from datasets.makehuman.skeleton import JointPose
from estimator.hand.template import FINGERS, JOINT_NAMES

FOREARM_CUT_MM = -42.0
"""Where a plane across the forearm ends the template."""

REMESHING_STEPS = 20

NAIL_ROUNDNESS = 3.0
"""2 would be an ellipse, infinity a rectangle."""

COARSE_MM = 4.0
"""Edges from this length on cannot follow the outline of a nail."""

SWELLING_MM = 10.0
"""Length over which the finer triangles of a fingertip begin, past the last joint."""

TIP_REFINEMENT = 1.35
"""How much finer the triangles of the last phalanges are: nails and tips curve more than the palm."""


@dataclass(frozen=True)
class Nail:
    """The outline of a fingernail in its last phalanx's frame, seen from the back, mm from the last joint.

    Attributes:
        root: where it leaves the skin.
        end: its free edge.
        centre: its middle line's distance from the bone, positive towards the thumb.
        half_width: from the middle line to the side.
    """

    root: float
    end: float
    centre: float
    half_width: float


NAILS = {
    "thumb": Nail(16.3, 28.6, -0.5, 7.0),
    "index": Nail(12.2, 26.9, 0.4, 5.6),
    "middle": Nail(12.2, 25.8, 0.6, 5.7),
    "ring": Nail(13.8, 27.3, 0.0, 5.3),
    "pinky": Nail(11.8, 20.0, 0.2, 4.3),
}


@dataclass(frozen=True)
class EvenSurface:
    """The template's triangles.

    Attributes:
        mesh: surface and the artist's finger weights.
        nail_faces: which faces are fingernail.
    """

    mesh: Mesh
    nail_faces: Bool[np.ndarray, " faces"]


def even_surface(hand: Mesh, pose: JointPose, edge_length_mm: float) -> EvenSurface:
    """The flat hand in triangles of one edge length (finer at the fingertips), ending in a planar loop across the forearm."""
    field_count = hand.fields.shape[1]
    marked, forearm_edges = cut_along_zero(hand, hand.vertices[:, 0] - FOREARM_CUT_MM)
    marked, nail_edges = cut_along_zero(marked, nail_level(marked.vertices, marked.fields, pose))
    enlarged = Mesh(enlarge_tips(marked, pose), marked.faces, np.concatenate([marked.fields, marked.vertices], axis=1))
    outlines = [forearm_edges, nail_edges] if edge_length_mm < COARSE_MM else [forearm_edges]
    even = remesh(enlarged, np.concatenate(outlines), edge_length_mm)
    even = Mesh(even.fields[:, field_count:], even.faces, even.fields[:, :field_count])
    even = keep_faces(flip_caps(even), even.vertices[even.faces, 0].mean(axis=1) > FOREARM_CUT_MM)
    vertices = even.vertices.copy()
    vertices[np.unique(boundary_edges(even.faces)), 0] = FOREARM_CUT_MM
    centres, owners = vertices[even.faces].mean(axis=1), even.fields[even.faces].mean(axis=1)
    return EvenSurface(replace(even, vertices=vertices), nail_level(centres, owners, pose) > 0)


def nail_level(
    points: Float[np.ndarray, "points 3"], artist_weights: Float[np.ndarray, "points 5"], pose: JointPose
) -> Float[np.ndarray, " points"]:
    """Positive on fingernails, zero along their outlines (rounded rectangles on the back of the last phalanx)."""
    level = np.full(len(points), -1.0)
    for i, finger in enumerate(FINGERS):
        nail, local = NAILS[finger], _last_phalanx(points, pose, finger)
        along = (local[:, 0] - (nail.root + nail.end) / 2) / ((nail.end - nail.root) / 2)
        across = (local[:, 2] - nail.centre) / nail.half_width
        outline = 1 - (np.abs(along) ** NAIL_ROUNDNESS + np.abs(across) ** NAIL_ROUNDNESS) ** (1 / NAIL_ROUNDNESS)
        on_back = (artist_weights[:, i] > 0.5) & (local[:, 1] < 2) & (local[:, 0] > 0)
        level = np.where(on_back, np.maximum(level, outline), level)
    return level


def _last_phalanx(points: np.ndarray, pose: JointPose, finger: str) -> np.ndarray:
    joint = JOINT_NAMES.index(f"{finger}3")
    return (points - pose.positions[joint]) @ pose.rotations[joint]


def enlarge_tips(hand: Mesh, pose: JointPose) -> Float[np.ndarray, "vertices 3"]:
    """The vertices with swollen fingertips: triangles that are even there are finer on the hand."""
    vertices = hand.vertices.copy()
    for i, finger in enumerate(FINGERS):
        joint = JOINT_NAMES.index(f"{finger}3")
        local = _last_phalanx(hand.vertices, pose, finger)
        swelling = np.clip(local[:, 0] / SWELLING_MM, 0, 1) * (TIP_REFINEMENT - 1)
        mine = (hand.fields[:, i] > 0.9) & (swelling > 0)
        longer = np.where(local[:, 0] < SWELLING_MM, local[:, 0] / 2, local[:, 0] - SWELLING_MM / 2) * swelling
        swollen = local + np.stack([longer, swelling * local[:, 1], swelling * local[:, 2]], axis=1)
        vertices[mine] = swollen[mine] @ pose.rotations[joint].T + pose.positions[joint]
    return vertices


def remesh(hand: Mesh, feature_edges: Int[np.ndarray, "edges 2"], edge_length_mm: float) -> Mesh:
    """The same surface in triangles of one edge length, of which feature edges stay edges."""
    from gpytoolbox import remesh_botsch

    vertices, faces = remesh_botsch(
        hand.vertices, hand.faces.astype(np.int32), REMESHING_STEPS, edge_length_mm, True, feature_edges=feature_edges
    )
    return Mesh(vertices, faces.astype(np.int64), carry_fields(hand, vertices))
