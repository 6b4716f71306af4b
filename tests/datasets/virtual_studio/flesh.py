"""Toy flesh: balls and tubes, and the shipped template as a subject's surface: no ``anny``, and seconds instead of a minute."""

import numpy as np
import trimesh

from datasets.makehuman.geometry import Mesh
from datasets.makehuman.skeleton import JointPose
from datasets.skin import SkinPoints
from datasets.virtual_studio.normals import vertex_normals
from datasets.virtual_studio.people import PEOPLE
from datasets.virtual_studio.relief_canvas import Canvas
from datasets.virtual_studio.subject import Subject, skeleton_frames
from datasets.virtual_studio.subject_build import build_on
from datasets.virtual_studio.subject_surface import SubjectSurface
from datasets.virtual_studio.types import SubjectSkeleton
from estimator.hand.template import JOINT_COUNT, POSE_SIZE, HandTemplate


def ball(radius_mm: float, subdivisions: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Even triangles."""
    sphere = trimesh.creation.icosphere(subdivisions, radius_mm)
    return np.array(sphere.vertices, dtype=np.float64), np.array(sphere.faces, dtype=np.int64)


def tube(radius_mm: float = 8.0, length_mm: float = 80.0, around: int = 24, along: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Along x, open at both ends, in even quads cut in two."""
    angle = np.arange(around) * 2 * np.pi / around
    x = np.linspace(-length_mm / 2, length_mm / 2, along + 1)
    ring = np.stack([0 * angle, radius_mm * np.cos(angle), radius_mm * np.sin(angle)], axis=1)
    vertices = (ring + x[:, None, None] * [1, 0, 0]).reshape(-1, 3)
    a = (np.arange(along)[:, None] * around + np.arange(around)).ravel()
    b = (np.arange(along)[:, None] * around + np.roll(np.arange(around), -1)).ravel()
    return vertices, np.concatenate([np.stack([a, b, b + around], axis=1), np.stack([a, b + around, a + around], axis=1)])


def template_surface() -> SubjectSurface:
    """The template's skin and bones as if they were a person's."""
    template = HandTemplate.load()
    rotations, positions = skeleton_frames(
        SubjectSkeleton(template.rest_rotations, template.joint_offsets, np.ones(JOINT_COUNT)), np.zeros(POSE_SIZE)
    )
    pose, vertices = JointPose(rotations, positions), template.vertices.astype(np.float64)
    return SubjectSurface(Mesh(vertices, template.faces, np.zeros((len(vertices), 0))), pose, vertices, pose)


def template_canvas(seed: int = 0) -> Canvas:
    """The template to draw on."""
    surface = template_surface()
    normals = vertex_normals(surface.model, surface.mesh.faces)
    return Canvas(SkinPoints(surface.model, normals, surface.pose.rotations, surface.pose.positions), seed)


def template_subject(number: int = 1) -> Subject:
    """A person of the template's shape with flesh and skin of his own."""
    person = PEOPLE[number - 1]
    return Subject(person, build_on(template_surface(), person))
