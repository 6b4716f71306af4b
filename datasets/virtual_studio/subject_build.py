"""From a person's description to everything that posing needs, and that to a file and back."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from datasets.makehuman.geometry import vertex_normals
from datasets.makehuman.skeleton import JointPose, local_frames
from datasets.skin import SkinPoints, skin_colour
from datasets.virtual_studio.people import Person
from datasets.virtual_studio.skinning import Skinning, bind
from datasets.virtual_studio.skinning_weights import heat_weights
from datasets.virtual_studio.subject_surface import build_surface
from datasets.virtual_studio.types import SubjectSkeleton
from estimator.hand.template import JOINT_COUNT

CORE_MM = 3.0
"""Skin so near to the line from back to palm through a joint tells how thick the flesh is."""

THICKEST_MM = 45.0


@dataclass(frozen=True)
class BuiltSubject:
    """A person's hand, ready to be posed.

    Attributes:
        faces: counter-clockwise seen from outside.
        skeleton: own bones.
        skinning: skin at rest and what the joints have to do with it.
        reflectance: linear RGB at rest.
    """

    faces: Int[np.ndarray, "faces 3"]
    skeleton: SubjectSkeleton
    skinning: Skinning
    reflectance: Float32[np.ndarray, "vertices 3"]


def build(person: Person) -> BuiltSubject:
    """Build a person's hand; takes about a minute."""
    surface = build_surface(person)
    vertices, faces = surface.mesh.vertices, surface.mesh.faces
    weights = heat_weights(vertices, faces, surface.pose)
    rest_rotations, offsets = local_frames(surface.pose)
    painted = SkinPoints(surface.model, vertex_normals(surface.model, faces), surface.model_pose.rotations, surface.model_pose.positions)
    return BuiltSubject(
        faces=faces,
        skeleton=SubjectSkeleton(rest_rotations, offsets, finger_radii(vertices, surface.pose)),
        skinning=bind(vertices, faces, weights),
        reflectance=skin_colour(painted, person.complexion).astype(np.float32),
    )


def finger_radii(vertices: Float[np.ndarray, "vertices 3"], pose: JointPose) -> Float[np.ndarray, " joints"]:
    """Half the thickness of the flesh from back to palm at each joint, mm."""
    radii = np.empty(JOINT_COUNT)
    for joint in range(JOINT_COUNT):
        local = (vertices - pose.positions[joint]) @ pose.rotations[joint]
        core = local[(np.abs(local[:, [0, 2]]) < CORE_MM).all(axis=1) & (np.abs(local[:, 1]) < THICKEST_MM), 1]
        radii[joint] = np.ptp(core) / 2
    return radii
