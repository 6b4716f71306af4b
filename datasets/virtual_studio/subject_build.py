"""From a person's description to everything that posing needs."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int

from datasets.makehuman.geometry import vertex_normals
from datasets.makehuman.skeleton import JointPose, local_frames
from datasets.skin import Complexion, SkinPoints, nails, skin_colour
from datasets.virtual_studio.contact import Tissue, tissue_of
from datasets.virtual_studio.people import Flesh, Person
from datasets.virtual_studio.relief import Relief, gather
from datasets.virtual_studio.relief_canvas import Canvas
from datasets.virtual_studio.relief_hand import hand_features, veins
from datasets.virtual_studio.relief_joints import joint_features
from datasets.virtual_studio.skinning import Skinning, bind
from datasets.virtual_studio.skinning_weights import heat_weights
from datasets.virtual_studio.subject_surface import SubjectSurface, build_surface
from datasets.virtual_studio.types import SubjectSkeleton
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES

CORE_MM = 3.0
"""Skin so near to the line from back to palm through a joint tells how thick the flesh is."""

THICKEST_MM = 45.0

ROOTS = (("thumb2", "thumb3"), ("thumb1", "thumb2"), *((f"{finger}1", f"{finger}2") for finger in FINGERS[1:]))
"""Joints that lie in flesh shared with others, each after the one farther out."""

TAPER = 1.1
"""How much thicker a finger is at one of these than at the next joint."""


@dataclass(frozen=True)
class BuiltSubject:
    """A person's hand, ready to be posed.

    Attributes:
        faces: counter-clockwise seen from outside.
        skeleton: own bones.
        skinning: smooth skin at rest and what the joints have to do with it.
        relief: what stands on it.
        tissue: what is below it.
        reflectance: linear RGB at rest.
    """

    faces: Int[np.ndarray, "faces 3"]
    skeleton: SubjectSkeleton
    skinning: Skinning
    relief: Relief
    tissue: Tissue
    reflectance: Float32[np.ndarray, "vertices 3"]


def build(person: Person) -> BuiltSubject:
    """Build a person's hand; needs ``anny``, takes about a minute."""
    return build_on(build_surface(person), person)


def build_on(surface: SubjectSurface, person: Person) -> BuiltSubject:
    """Everything that posing needs, for a surface that is there."""
    vertices, faces = surface.mesh.vertices, surface.mesh.faces
    weights = heat_weights(vertices, faces, surface.pose)
    rest_rotations, offsets = local_frames(surface.pose)
    canvas = canvas_of(surface, person)
    return BuiltSubject(
        faces=faces.astype(np.int32),
        skeleton=SubjectSkeleton(rest_rotations, offsets, finger_radii(vertices, surface.pose)),
        skinning=bind(vertices, faces, weights),
        relief=gather([*joint_features(canvas, person.flesh), *hand_features(canvas, person.flesh)]),
        tissue=tissue_of(vertices, faces, softness(canvas, person.flesh)),
        reflectance=paint(canvas, person.complexion),
    )


def canvas_of(surface: SubjectSurface, person: Person) -> Canvas:
    """Where the person's relief and colour are drawn."""
    normals = vertex_normals(surface.model, surface.mesh.faces)
    points = SkinPoints(surface.model, normals, surface.model_pose.rotations, surface.model_pose.positions)
    return Canvas(points, person.seed)


def softness(canvas: Canvas, flesh: Flesh) -> Float[np.ndarray, " vertices"]:
    """How far the skin yields: the palm more than the fingers' pads, these more than the backs, nails least."""
    soft = 0.22 + 0.5 * canvas.palm("wrist")
    for finger in FINGERS:
        own, pad = canvas.only(finger), canvas.palm(f"{finger}2") + 0.5 * canvas.palm(f"{finger}3")
        soft += own * (0.2 + 0.3 * np.minimum(pad, 1) - soft)
    return soft * flesh.softness * (1 - 0.7 * nails(canvas.points).plate)


def paint(canvas: Canvas, complexion: Complexion) -> Float32[np.ndarray, "vertices 3"]:
    """Linear reflectance at rest; the veins' colour lies on their relief."""
    colour = skin_colour(canvas.points, replace(complexion, vein=(1.0, 1.0, 1.0)))
    return (colour * (1 + 0.9 * veins(canvas)[:, None] * (np.array(complexion.vein) - 1))).astype(np.float32)


def finger_radii(vertices: Float[np.ndarray, "vertices 3"], pose: JointPose) -> Float[np.ndarray, " joints"]:
    """Half the thickness of the finger's own flesh at each joint, mm, measured from back to palm.

    At the roots, where that would be the palm's or the thumb's ball, it is the next joint's and a little more, as fingers taper.
    """
    radii = np.empty(JOINT_COUNT)
    for joint in range(JOINT_COUNT):
        local = (vertices - pose.positions[joint]) @ pose.rotations[joint]
        core = local[(np.abs(local[:, [0, 2]]) < CORE_MM).all(axis=1) & (np.abs(local[:, 1]) < THICKEST_MM), 1]
        radii[joint] = np.ptp(core) / 2
    for name, next_name in ROOTS:
        radii[JOINT_NAMES.index(name)] = TAPER * radii[JOINT_NAMES.index(next_name)]
    return radii
