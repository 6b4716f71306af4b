"""How deep parts of a posed hand are inside one another: measured on the surface, for evaluation."""

from dataclasses import dataclass

import igl
import numpy as np
from jaxtyping import Bool, Float, Int

from estimator.hand.template import FINGERS, JOINT_NAMES, HandTemplate

_BY_WINDING = igl.SIGNED_DISTANCE_TYPE_FAST_WINDING_NUMBER
_PALM = {"wrist", "thumb0", "thumb1", *(f"{finger}1" for finger in FINGERS)}


@dataclass(frozen=True)
class Part:
    """A piece of the surface, closed where it was cut off: the middle of each cut is one more vertex.

    Attributes:
        faces: into the hand's vertices, then the middles.
        cuts: loops of vertices, one for each middle.
    """

    faces: Int[np.ndarray, "faces 3"]
    cuts: tuple[Int[np.ndarray, " _"], ...]

    def closed(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "closed 3"]:
        """The hand's vertices with the cuts' middles behind them."""
        middles = [vertices[loop].mean(axis=0, keepdims=True) for loop in self.cuts]
        return np.concatenate([vertices, *middles])


@dataclass(frozen=True)
class Contact:
    """Vertices that may be inside a part, and that part.

    Attributes:
        vertices: their rows.
        part: what they should be outside of.
    """

    vertices: Int[np.ndarray, " rows"]
    part: Part


class PenetrationMeter:
    """Measures one template's hands in any pose."""

    def __init__(self, template: HandTemplate) -> None:
        self.template = template
        dominant = np.array(JOINT_NAMES)[template.skinning_weights.argmax(axis=1)]
        fingers = {finger: np.isin(dominant, [f"{finger}2", f"{finger}3", f"{finger}_null"]) for finger in FINGERS}
        tips = np.isin(dominant, [f"{finger}{part}" for finger in FINGERS for part in ("3", "_null")])
        parts = {finger: _part(template.faces, inside) for finger, inside in fingers.items()}
        others = {finger: np.any([fingers[other] for other in FINGERS if other != finger], axis=0) for finger in FINGERS}
        palm = _part(template.faces, np.isin(dominant, list(_PALM)))
        self.contacts = [Contact(np.flatnonzero(tips), palm), *(Contact(np.flatnonzero(others[f]), parts[f]) for f in FINGERS)]

    def depths(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, " vertices"]:
        """How deep each vertex is inside another part, mm; 0 outside.

        The outer two bones of each finger are tested against those of the other fingers, and the last bones against the palm with the
        fingers' first bones. What grows out of a part is not tested against it.
        """
        depth = np.zeros(len(vertices))
        for contact in self.contacts:
            surface = contact.part.closed(vertices)
            points = vertices[contact.vertices]
            near = _in_box(points, surface[np.unique(contact.part.faces)])
            if near.any():
                rows = contact.vertices[near]
                distance = igl.signed_distance(points[near], surface, contact.part.faces, sign_type=_BY_WINDING)
                depth[rows] = np.maximum(depth[rows], -np.asarray(distance[0]))
        return depth


def _in_box(points: np.ndarray, cloud: np.ndarray) -> Bool[np.ndarray, " points"]:
    return ((points >= cloud.min(axis=0)) & (points <= cloud.max(axis=0))).all(axis=1)


def _part(faces: Int[np.ndarray, "faces 3"], inside: Bool[np.ndarray, " vertices"]) -> Part:
    """The faces whose vertices are all inside, and a fan over every loop where they end."""
    own = faces[inside[faces].all(axis=1)]
    loops = _boundary_loops(own)
    fans = [
        np.stack([np.roll(loop, -1), loop, np.full(len(loop), len(inside) + row)], axis=1)  # turned against the border: outwards
        for row, loop in enumerate(loops)
    ]
    return Part(np.concatenate([own, *fans]), tuple(loops))


def _boundary_loops(faces: Int[np.ndarray, "faces 3"]) -> list[Int[np.ndarray, " _"]]:
    """Vertices of every open border, in the order in which the faces turn."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    present = {(a, b) for a, b in edges}
    following: dict[int, list[int]] = {}
    for a, b in present:
        if (b, a) not in present:
            following.setdefault(a, []).append(b)
    loops = []
    while following:
        start = min(following)
        loop, vertex = [start], _next(following, start)
        while vertex != start:
            loop.append(vertex)
            vertex = _next(following, vertex)
        loops.append(np.array(loop))
    return loops


def _next(following: dict[int, list[int]], vertex: int) -> int:
    successors = following[vertex]
    successor = successors.pop()
    if not successors:
        del following[vertex]
    return successor
