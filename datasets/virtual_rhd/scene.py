"""Scene: hands, arms and things in one mesh before a camera, as the renderer wants it."""

from dataclasses import dataclass

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
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int32[np.ndarray, "faces 3"]
    normals: Float32[np.ndarray, "vertices 3"]
    colours: Float32[np.ndarray, "vertices 3"]
    bends: Float32[np.ndarray, " vertices"]
    places: Float32[np.ndarray, "faces 3 2"]
    kinds: UInt8[np.ndarray, " faces"]
    labels: UInt8[np.ndarray, " faces"]


def compose(model: HandModel, hands: list[SeenHand], solids: list[Solid]) -> Scene:
    """One scene of hands and solids."""
    template = model.template
    places = (template.uv[template.uv_faces] * (1, -1) + (0, 1)).astype(np.float32)
    parts: list[Solid | SeenHand] = [*hands, *solids]
    faces, face_places, kinds, labels = [], [], [], []
    first = 0
    for part in parts:
        if isinstance(part, SeenHand):
            own, on_texture = template.faces.astype(np.int32), places
            if part.side == "left":
                own, on_texture = own[:, ::-1], on_texture[:, ::-1]
            kind, label = TEXTURED, np.where(model.parts < PARTS, FIRST_PART[part.side] + model.parts, PERSON)
        else:
            own, on_texture = part.faces, part.pattern[part.faces]
            kind, label = part.kind, np.full(len(own), PERSON)
        faces.append(own + np.int32(first))
        face_places.append(on_texture)
        kinds.append(np.full(len(own), kind, dtype=np.uint8))
        labels.append(label.astype(np.uint8))
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
    )


def mirrored(solid: Solid) -> Solid:
    """A solid in the mirrored picture."""
    faces = np.ascontiguousarray(solid.faces[:, ::-1])
    return Solid(solid.vertices * np.array([-1, 1, 1], dtype=np.float32), faces, solid.colours, solid.pattern, solid.kind)


def normalised(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """The vector at length one."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
