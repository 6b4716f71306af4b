"""Where a posed hand is inside itself, fast enough to be painted while a slider moves."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from estimator.hand.nearest import nearest_vertices
from estimator.hand.shading import smooth_normals
from estimator.hand.template import FINGERS, JOINT_NAMES, HandTemplate

_PALM = ("wrist", "thumb0", "thumb1", *(f"{finger}1" for finger in FINGERS))
_DEEPEST_MM, _ASIDE_MM = 20.0, 2.5
"""About a finger's thickness, and about the length of an edge: what seems deeper, or lies farther aside of the nearest vertex's normal,
is beyond the part's end and not inside."""


@dataclass(frozen=True)
class _Contact:
    """Vertices that may be inside a part, and that part's vertices away from where it was cut off."""

    vertices: Int[np.ndarray, " rows"]
    part: Int[np.ndarray, " rows"]


class PenetrationFinder:
    """Finds for one template's hands which vertices are inside another part, and how deep.

    The outer two bones of each finger are tested against those of the other fingers, and the last bones against the palm with the
    fingers' first bones, as ``decoder_pretrain.penetration`` does. That one measures distances to triangles, for evaluation; this one
    looks at the nearest vertex and its normal.
    """

    def __init__(self, template: HandTemplate) -> None:
        self.faces = template.faces
        dominant = np.array(JOINT_NAMES)[template.skinning_weights.argmax(axis=1)]
        fingers = {finger: np.isin(dominant, [f"{finger}2", f"{finger}3", f"{finger}_null"]) for finger in FINGERS}
        tips = np.isin(dominant, [f"{finger}{part}" for finger in FINGERS for part in ("3", "_null")])
        palm = np.isin(dominant, _PALM)
        others = {finger: np.any([fingers[other] for other in FINGERS if other != finger], axis=0) for finger in FINGERS}
        self._contacts = [_contact(tips, palm, self.faces), *(_contact(others[f], fingers[f], self.faces) for f in FINGERS)]

    def depths(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, " vertices"]:
        """How deep each vertex is inside another part, mm; 0 outside."""
        normals = smooth_normals(vertices, self.faces)
        depth = np.zeros(len(vertices))
        for contact in self._contacts:
            part = vertices[contact.part]
            low, high = part.min(axis=0), part.max(axis=0)
            rows = contact.vertices[((vertices[contact.vertices] >= low) & (vertices[contact.vertices] <= high)).all(axis=1)]
            if not len(rows):
                continue
            near = contact.part[nearest_vertices(torch.from_numpy(vertices[rows]), torch.from_numpy(part)).numpy()]
            way = vertices[near] - vertices[rows]
            behind = (way * normals[near]).sum(axis=1)
            aside = np.linalg.norm(way - behind[:, None] * normals[near], axis=1)
            depth[rows] = np.maximum(depth[rows], np.where((behind < _DEEPEST_MM) & (aside < _ASIDE_MM), behind, 0))
        return depth


def _contact(points: Bool[np.ndarray, " vertices"], part: Bool[np.ndarray, " vertices"], faces: Int[np.ndarray, "faces 3"]) -> _Contact:
    """Beyond a cut there is more of the hand, not its outside: vertices at the cut say nothing of what is behind them."""
    cut = part[faces].any(axis=1) & ~part[faces].all(axis=1)
    whole = part.copy()
    whole[faces[cut]] = False
    return _Contact(np.flatnonzero(points), np.flatnonzero(whole))
