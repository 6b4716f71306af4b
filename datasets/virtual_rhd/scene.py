"""Scene: hands, arms and things in one mesh before a camera, as the renderer wants it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from datasets.virtual_rhd.hand_model import HandModel
from datasets.virtual_rhd.solids import Solid
from datasets.virtual_rhd.types import FIRST_PART, PARTS, PERSON
from datasets.virtual_studio.normals import vertex_normals
from estimator.hand.template import Side

TEXTURED = 0
"""Kind of the faces of hands, whose skin is on a texture; the others are those of ``solids``."""


@dataclass(frozen=True)
class SeenHand:
    """A hand before the camera.

    Attributes:
        side: which it is.
        vertices: camera frame, mm; of a left hand they are the mirror image of a right one's.
        bends: how far the skin is bent at each vertex.
    """

    side: Side
    vertices: Float32[np.ndarray, "vertices 3"]
    bends: Float32[np.ndarray, " vertices"]


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn.

    Attributes:
        vertices: camera frame, mm.
        faces: counter-clockwise seen from outside.
        normals: units, outwards.
        colours: linear reflectance of each vertex; of hands' the texture's is used instead.
        bends: how far the skin is bent at each vertex.
        places: of each face's corners on the texture, from 0 to 1 and downwards, or on the pattern, mm.
        kinds: of each face: TEXTURED, or a solid's.
        labels: of each face in the mask.
        hand_faces: so many faces come first that are hands'.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int32[np.ndarray, "faces 3"]
    normals: Float32[np.ndarray, "vertices 3"]
    colours: Float32[np.ndarray, "vertices 3"]
    bends: Float32[np.ndarray, " vertices"]
    places: Float32[np.ndarray, "faces 3 2"]
    kinds: UInt8[np.ndarray, " faces"]
    labels: UInt8[np.ndarray, " faces"]
    hand_faces: int


def compose(model: HandModel, hands: list[SeenHand], solids: list[Solid]) -> Scene:
    """One scene of hands and solids."""
    parts: list[Solid | SeenHand] = [*hands, *solids]
    faces, face_places, kinds, labels = [], [], [], []
    first = 0
    for part in parts:
        if isinstance(part, SeenHand):
            own, on_texture, label = _hand_faces(model, part.side)
            kind = TEXTURED
        else:
            own, on_texture = part.faces, part.pattern[part.faces]
            kind, label = part.kind, np.full(len(own), PERSON, dtype=np.uint8)
        faces.append(own + np.int32(first))
        face_places.append(on_texture)
        kinds.append(np.full(len(own), kind, dtype=np.uint8))
        labels.append(label)
        first += len(part.vertices)
    vertices, all_faces = np.concatenate([part.vertices for part in parts]), np.concatenate(faces)
    return Scene(
        vertices=vertices,
        faces=all_faces,
        normals=vertex_normals(vertices, all_faces),
        colours=np.concatenate([np.zeros_like(part.vertices) if isinstance(part, SeenHand) else part.colours for part in parts]),
        bends=np.concatenate([part.bends if isinstance(part, SeenHand) else np.zeros(len(part.vertices), np.float32) for part in parts]),
        places=np.concatenate(face_places),
        kinds=np.concatenate(kinds),
        labels=np.concatenate(labels),
        hand_faces=len(model.parts) * len(hands),
    )


@cache
def _hand_faces(
    model: HandModel, side: Side
) -> tuple[Int32[np.ndarray, "faces 3"], Float32[np.ndarray, "faces 3 2"], UInt8[np.ndarray, " faces"]]:
    """A hand's faces, their corners on the texture, and their labels."""
    faces, places = model.surface.faces, model.surface.places
    if side == "left":
        faces, places = np.ascontiguousarray(faces[:, ::-1]), np.ascontiguousarray(places[:, ::-1])
    return faces, places, np.where(model.parts < PARTS, FIRST_PART[side] + model.parts, PERSON).astype(np.uint8)


def mirrored(solid: Solid) -> Solid:
    """A solid in the mirrored picture."""
    faces = np.ascontiguousarray(solid.faces[:, ::-1])
    return Solid(solid.vertices * np.array([-1, 1, 1], dtype=np.float32), faces, solid.colours, solid.pattern, solid.kind)


def normalised(vector: Float[np.ndarray, " axes"]) -> Float[np.ndarray, " axes"]:
    """The vector at length one."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
