"""Simulated people's hands are the template's, stretched: same joints, same angles, other lengths."""

from dataclasses import replace

import igl
import numpy as np
import pytest
import torch
import trimesh

from datasets.forearm import open_loop
from datasets.virtual_rhd.hand_model import FACE_COUNT, HandModel, bend_wrist, load_hand_model, shape_hand
from datasets.virtual_rhd.people import HandBuild, random_build
from datasets.virtual_rhd.types import PARTS
from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import JOINT_NAMES, PARENT_NAMES, POSE_SIZE, HandTemplate

OWN = HandBuild(1.0, np.ones(3), np.ones(5), np.ones(5), 1.0)


@pytest.fixture(scope="module")
def model() -> HandModel:
    return load_hand_model()


def shaped(model: HandModel, build: HandBuild, theta: np.ndarray, wrist: np.ndarray = np.zeros(3)):
    return shape_hand(model, build, theta, model.rotations(theta[None])[0], wrist)


def test_a_hand_of_the_templates_build_has_the_templates_joints(model) -> None:
    theta = np.array(NAMED_POSES["ok"])
    joints = HandDecoder(model.template).double()(torch.tensor(theta)).joints.positions.numpy()
    assert np.allclose(shaped(model, OWN, theta).joints, joints - joints[JOINT_NAMES.index("wrist")], atol=1e-3)


def test_at_rest_it_has_the_templates_skin(model) -> None:
    assert np.abs(shaped(model, OWN, np.zeros(POSE_SIZE)).vertices - model.surface.vertices).max() < 0.05


def test_a_persons_bones_keep_their_lengths_in_every_pose(model) -> None:
    build = random_build("man", 0.4, np.random.default_rng(0))
    lengths = [
        np.linalg.norm(joints - joints[[JOINT_NAMES.index(PARENT_NAMES.get(name, name)) for name in JOINT_NAMES]], axis=1)
        for joints in (shaped(model, build, np.array(NAMED_POSES[name])).joints for name in ("flat", "fist", "rocker"))
    ]
    assert np.allclose(lengths[0], lengths[1])
    assert np.allclose(lengths[0], lengths[2])


def test_each_bone_has_a_length_of_its_own(model) -> None:
    factors = np.random.default_rng(0).uniform(0.9, 1.1, len(JOINT_NAMES))
    own, other = (shaped(model, build, np.zeros(POSE_SIZE)).joints for build in (OWN, replace(OWN, bones=factors)))
    for bone, parent in PARENT_NAMES.items():
        ends = [JOINT_NAMES.index(parent), JOINT_NAMES.index(bone)]
        factor = 1.0 if parent == "wrist" else factors[ends[1]]
        assert np.linalg.norm(np.diff(other[ends], axis=0)) == pytest.approx(factor * np.linalg.norm(np.diff(own[ends], axis=0)))


def test_thicker_fingers_have_thicker_skin_and_the_same_joints(model) -> None:
    thick = HandBuild(1.0, np.ones(3), np.ones(5), np.full(5, 1.2), 1.0)
    theta = np.zeros(POSE_SIZE)
    own, other = shaped(model, OWN, theta), shaped(model, thick, theta)
    assert np.allclose(own.joints, other.joints)
    tip = model.template.skinning_weights[model.surface.rows, JOINT_NAMES.index("middle3")] > 0.99
    assert np.ptp(other.vertices[tip, 1]) == pytest.approx(1.2 * np.ptp(own.vertices[tip, 1]), rel=0.03)


def test_a_bent_wrist_moves_the_arm_alone(model) -> None:
    theta = np.zeros(POSE_SIZE)
    straight, bent = shaped(model, OWN, theta), shaped(model, OWN, theta, np.radians([0.0, 0.0, 50.0]))
    hand = model.surface.vertices[:, 0] > 20
    assert np.array_equal(straight.vertices[hand], bent.vertices[hand])
    assert np.linalg.norm(bent.vertices[model.loop] - straight.vertices[model.loop], axis=1).min() > 10
    whole = bent.vertices.copy()
    bend_wrist(whole, model.surface.vertices[:, 0], np.zeros(3))
    assert np.allclose(whole, bent.vertices, atol=1e-4)


def test_every_part_has_faces_and_the_tips_lie_beyond_the_roots(model) -> None:
    centres = model.surface.vertices[model.surface.faces].mean(axis=1)
    assert set(model.parts.tolist()) == set(range(PARTS + 1))
    for tip in range(3, 15, 3):
        places = [centres[model.parts == tip + k, 0].mean() for k in range(3)]
        assert places[0] > places[1] > places[2] > centres[model.parts == PARTS - 1, 0].mean()


def test_the_thinned_skin_lies_on_the_templates_and_keeps_its_places_on_the_texture(model) -> None:
    surface, template = model.surface, model.template
    assert 0.8 * FACE_COUNT < len(surface.faces) <= FACE_COUNT
    whole = trimesh.Trimesh(template.vertices, template.faces, process=False)
    thin = trimesh.Trimesh(surface.vertices, surface.faces, process=False)
    assert thin.is_winding_consistent
    assert len(open_loop(surface.faces)) > 20
    assert thin.area == pytest.approx(whole.area, rel=0.01)
    squared, *_ = igl.point_mesh_squared_distance(thin.triangles_center, template.vertices.astype(np.float64), template.faces)
    assert squared.max() < 1.0
    of_vertex = {(v, *uv) for v, uv in zip(template.faces.ravel().tolist(), _texture_places(template).tolist(), strict=True)}
    corners = zip(surface.rows[surface.faces].ravel().tolist(), surface.places.reshape(-1, 2).tolist(), strict=True)
    assert np.mean([(v, *uv) in of_vertex for v, uv in corners]) > 0.97
    assert np.ptp(surface.places, axis=1).max() < 0.06


def _texture_places(template: HandTemplate) -> np.ndarray:
    return (template.uv[template.uv_faces.ravel()] * (1, -1) + (0, 1)).astype(np.float32)
