"""A simulated person's hand at theta = 0, in fine even triangles: MakeHuman's hand of that body, built anew bone by bone."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from datasets.makehuman.flatten import flatten
from datasets.makehuman.geometry import Mesh, boundary_edges, cut_along_zero, flip_caps, keep_faces
from datasets.makehuman.skeleton import JointPose, artist_pose, finger_joints, flat_pose
from datasets.makehuman.source import Body, SourceHand, load_source_hands
from datasets.makehuman.surface import enlarge_tips, remesh
from datasets.virtual_studio.people import Build, Person
from datasets.virtual_studio.skinning_weights import heat_weights
from estimator.hand.template import FINGERS, JOINT_COUNT, WRIST

VERTEX_COUNT = 64_000
"""About so many; edges are a millimetre long."""

EQUILATERAL = 0.866
"""Area that each vertex of an even mesh of unit edges has."""

SOURCE_FOREARM_MM = 100.0
FOREARM_MM = 72.0
"""From the wrist to the open end."""

KNUCKLE_MM = 7.0
"""Half the length over which a thick knuckle is thick."""


@dataclass(frozen=True)
class SubjectSurface:
    """A hand at rest.

    Attributes:
        mesh: skin at theta = 0, without fields.
        pose: joint frames at theta = 0.
        model: where each vertex would lie on the hand that MakeHuman's default body has, mm: what stands on the skin is painted there.
        model_pose: that hand's joint frames.
    """

    mesh: Mesh
    pose: JointPose
    model: Float[np.ndarray, "vertices 3"]
    model_pose: JointPose


def build_surface(person: Person) -> SubjectSurface:
    """The person's hand before any relief; needs ``anny``, takes half a minute."""
    (model, model_pose), (hand, pose) = (_flat(source) for source in load_source_hands((Body(), person.body), SOURCE_FOREARM_MM))
    hand, pose = rebuilt(hand, pose, person.build)
    hand = replace(hand, fields=np.concatenate([hand.fields, model.vertices], axis=1))
    even = _even(hand, pose)
    return SubjectSurface(replace(even, fields=even.fields[:, :0]), pose, even.fields[:, len(FINGERS) :], model_pose)


def _flat(source: SourceHand) -> tuple[Mesh, JointPose]:
    artist = artist_pose(source.joints, source.mesh.vertices)
    pose = flat_pose(artist)
    return flatten(source.mesh, artist, pose), pose


def rebuilt(hand: Mesh, pose: JointPose, build: Build) -> tuple[Mesh, JointPose]:
    """The hand with bones made longer or shorter and flesh thicker or thinner; each bone carries its own skin along."""
    stretches = _stretches(build)
    positions = pose.positions.copy()
    positions[:] = pose.positions * build.palm
    for finger in FINGERS:
        chain = finger_joints(finger)
        for parent, child in pairwise(chain):
            bone = pose.positions[child] - pose.positions[parent]
            if finger == "thumb" and child in chain[:2]:
                continue
            positions[child] = positions[parent] + bone * stretches[parent, 0]
    # fingers keep their directions, so that their frames stay along their bones; thumb0's may lie a degree beside its own
    weights = heat_weights(hand.vertices, hand.faces, pose)
    local = np.einsum("jba,vjb->vja", pose.rotations, hand.vertices[:, None] - pose.positions)
    local = local * stretches
    local[..., 1:] *= 1 + build.knuckles * _near_knuckle(hand.vertices, pose)[:, None, None]
    carried = positions + np.einsum("jab,vjb->vja", pose.rotations, local)
    return replace(hand, vertices=np.einsum("vj,vja->va", weights, carried)), JointPose(pose.rotations, positions)


def _stretches(build: Build) -> Float[np.ndarray, "joints 3"]:
    """Factors along x, y, z of each joint's frame."""
    stretches = np.ones((JOINT_COUNT, 3))
    stretches[WRIST] = build.palm
    for finger, length, girth in zip(FINGERS, build.lengths, build.girths, strict=True):
        chain = finger_joints(finger)
        stretches[chain] = (length, girth, girth)
        stretches[chain[-2:], 0] *= build.last
    return stretches


def _near_knuckle(vertices: np.ndarray, pose: JointPose) -> Float[np.ndarray, " vertices"]:
    """1 around the middle and last joints of the fingers, 0 elsewhere."""
    joints = [joint for finger in FINGERS for joint in finger_joints(finger)[-3:-1]]
    nearest = np.linalg.norm(vertices[:, None] - pose.positions[joints], axis=2).argmin(axis=1)
    joint = np.array(joints)[nearest]
    local = np.einsum("vba,vb->va", pose.rotations[joint], vertices - pose.positions[joint])
    return np.exp(-((local[:, 0] / KNUCKLE_MM) ** 2)) * (np.hypot(local[:, 1], local[:, 2]) < 20)


def _even(hand: Mesh, pose: JointPose) -> Mesh:
    """The surface in triangles of one length, finer at the fingertips, ending in a planar loop across the forearm."""
    field_count = hand.fields.shape[1]
    marked, edges = cut_along_zero(hand, hand.vertices[:, 0] + FOREARM_MM)
    enlarged = Mesh(enlarge_tips(marked, pose), marked.faces, np.concatenate([marked.fields, marked.vertices], axis=1))
    even = remesh(enlarged, edges, np.sqrt(_area(enlarged) / VERTEX_COUNT / EQUILATERAL))
    even = Mesh(even.fields[:, field_count:], even.faces, even.fields[:, :field_count])
    even = keep_faces(flip_caps(even), even.vertices[even.faces, 0].mean(axis=1) > -FOREARM_MM)
    vertices = even.vertices.copy()
    vertices[np.unique(boundary_edges(even.faces)), 0] = -FOREARM_MM
    return replace(even, vertices=vertices)


def _area(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)
