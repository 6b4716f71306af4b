"""The shipped hand templates: closed, even, textured without overlap, sized like a hand, and sound in every pose."""

import numpy as np
import pytest
import torch

from estimator.hand.kinematics import joint_frames, pose_to_rotations
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import (
    DEFAULT_TEMPLATE,
    FINGERS,
    FINGERTIPS,
    JOINT_NAMES,
    LOW_RESOLUTION_TEMPLATE,
    PARENT_NAMES,
    POSE_NAMES,
    WRIST,
    HandTemplate,
)

TEMPLATES = [pytest.param(DEFAULT_TEMPLATE, id="default"), pytest.param(LOW_RESOLUTION_TEMPLATE, id="low")]


@pytest.fixture(scope="module", params=TEMPLATES)
def template(request) -> HandTemplate:
    return HandTemplate.load(request.param)


@pytest.fixture(scope="module")
def default() -> HandTemplate:
    return HandTemplate.load()


def theta_of(**degrees: float) -> np.ndarray:
    theta = np.zeros(len(POSE_NAMES))
    for name, value in degrees.items():
        theta[POSE_NAMES.index(name.replace("_", "."))] = np.radians(value)
    return theta


def posed(template: HandTemplate, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and joints, by the definition: each vertex the mean of where its joints carry it."""
    rest_rotations, offsets = torch.tensor(template.rest_rotations).double(), torch.tensor(template.joint_offsets).double()
    frames, at_zero = (
        joint_frames(pose_to_rotations(torch.tensor(angles)), offsets, rest_rotations, template.parents)
        for angles in (theta, np.zeros_like(theta))
    )
    turns = (frames.rotations @ at_zero.rotations.transpose(-1, -2)).numpy()
    moves = frames.positions.numpy() - np.einsum("jab,jb->ja", turns, at_zero.positions.numpy())
    weights = template.skinning_weights
    return np.einsum("vj,jab,vb->va", weights, turns, template.vertices) + weights @ moves, frames.positions.numpy()


def joints_at_zero(template: HandTemplate) -> dict[str, np.ndarray]:
    return dict(zip(JOINT_NAMES, posed(template, theta_of())[1], strict=True))


def edge_counts(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)


def areas(triangles: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1) / 2


def signed_areas(triangles: np.ndarray) -> np.ndarray:
    u, v = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2


# the surface


def test_sizes():
    assert 12_300 <= len(HandTemplate.load().vertices) <= 12_800
    assert 770 <= len(HandTemplate.load(LOW_RESOLUTION_TEMPLATE).vertices) <= 810
    assert DEFAULT_TEMPLATE.stat().st_size < 4_000_000


def test_the_only_hole_is_one_planar_loop_across_the_forearm(template: HandTemplate):
    edges, count = edge_counts(template.faces)
    assert set(count) == {1, 2}
    rim = edges[count == 1]
    vertices, uses = np.unique(rim, return_counts=True)
    assert (uses == 2).all()
    following = {a: [] for a in vertices}
    for a, b in rim:
        following[a].append(b)
        following[b].append(a)
    loop, here, before = [], vertices[0], -1
    while not loop or here != vertices[0]:
        loop.append(here)
        here, before = next(after for after in following[here] if after != before), here
    assert len(loop) == len(vertices)
    np.testing.assert_allclose(template.vertices[vertices, 0], template.vertices[vertices[0], 0], atol=1e-3)
    assert -60 < template.vertices[vertices[0], 0] < -30
    assert len(template.vertices) - len(edges) + len(template.faces) == 1  # a disc: in one piece, without handles


def test_faces_look_outwards(template: HandTemplate):
    a, b, c = (template.vertices[template.faces[:, k]].astype(float) for k in range(3))
    tail = np.array([template.vertices[:, 0].min(), 0.0, 0.0])  # in the open end's plane, which therefore adds nothing
    volume_ml = np.sum(np.cross(a - tail, b - tail) * (c - tail)) / 6000
    assert 250 < volume_ml < 450
    directed = np.concatenate([template.faces[:, [0, 1]], template.faces[:, [1, 2]], template.faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed)


def test_triangles_are_even(template: HandTemplate):
    edges, _ = edge_counts(template.faces)
    lengths = np.linalg.norm(template.vertices[edges[:, 0]] - template.vertices[edges[:, 1]], axis=1)
    assert lengths.std() / lengths.mean() < 0.2
    assert lengths.min() > 0.25 * lengths.mean()
    assert lengths.max() < 2 * lengths.mean()
    corners = template.vertices[template.faces]
    for k in range(3):
        u, v = corners[:, (k + 1) % 3] - corners[:, k], corners[:, (k + 2) % 3] - corners[:, k]
        angle = np.degrees(np.arccos(np.sum(u * v, axis=1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)))
        assert angle.min() > 12


def test_each_finger_has_a_nail_on_its_back_near_its_tip(template: HandTemplate):
    joints = joints_at_zero(template)
    centres = template.vertices[template.faces].mean(axis=1)
    size = areas(template.vertices[template.faces])
    normals = np.cross(*(template.vertices[template.faces[:, k]] - template.vertices[template.faces[:, 0]] for k in (1, 2)))
    nearest = np.argmin([np.linalg.norm(centres - joints[f"{finger}_null"], axis=1) for finger in FINGERS], axis=0)
    back = {finger: -frame_at_zero(template, f"{finger}3")[:, 1] for finger in FINGERS}
    for i, finger in enumerate(FINGERS):
        mine = template.nail_faces & (nearest == i)
        assert 40 < size[mine].sum() < 240, finger  # mm2
        assert np.linalg.norm(centres[mine] - joints[f"{finger}_null"], axis=1).max() < 22
        assert (normals[mine] @ back[finger] > 0).mean() > 0.9


def frame_at_zero(template: HandTemplate, name: str) -> np.ndarray:
    frame = np.eye(3)
    while name != "wrist":
        frame = template.rest_rotations[JOINT_NAMES.index(name)] @ frame
        name = PARENT_NAMES[name]
    return frame


# the texture


def test_texture_lies_in_the_unit_square_without_turned_or_overlapping_triangles(template: HandTemplate):
    corners = template.uv[template.uv_faces].astype(float)
    assert corners.min() >= 0
    assert corners.max() <= 1
    signed = signed_areas(corners)
    assert signed.min() > 0
    assert covered_twice(corners) == 0


def covered_twice(triangles: np.ndarray, size: int = 1024) -> float:
    """Share of the unit square whose pixel centres lie inside more than one triangle."""
    count = np.zeros((size, size), dtype=int)
    for triangle in triangles * size:
        low, high = np.floor(triangle.min(axis=0)).astype(int), np.ceil(triangle.max(axis=0)).astype(int)
        u, v = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        inside = np.ones_like(u, dtype=bool)
        for (x0, y0), (x1, y1) in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
            inside &= (x1 - x0) * (v - y0) - (y1 - y0) * (u - x0) > 0
        count[np.clip(v[inside], 0, size - 1), np.clip(u[inside], 0, size - 1)] += 1
    return (count > 1).mean()


def test_texture_is_little_distorted(template: HandTemplate):
    scale = np.sqrt(signed_areas(template.uv[template.uv_faces].astype(float)) / areas(template.vertices[template.faces]))
    low, high = np.percentile(scale / np.median(scale), [2, 98])
    assert low > 0.75
    assert high < 1.33


def test_palm_and_back_are_two_charts(template: HandTemplate):
    edges, count = edge_counts(template.uv_faces)
    assert len(template.uv) - len(edges) + len(template.faces) == 2  # two discs
    assert (count == 1).sum() < 0.05 * len(edges) * (12_500 / len(template.vertices)) ** 0.5


# the skeleton


def test_hand_frame(template: HandTemplate):
    joints = joints_at_zero(template)
    np.testing.assert_allclose(joints["wrist"], 0, atol=1e-9)
    np.testing.assert_allclose(template.rest_rotations[WRIST], np.eye(3), atol=1e-9)
    np.testing.assert_allclose(joints["middle1"][1:], 0, atol=0.5)
    assert joints["index1"][2] > joints["middle1"][2] > joints["ring1"][2] > joints["pinky1"][2]
    assert joints["thumb_null"][2] > joints["index1"][2]
    palm = template.vertices[(np.abs(template.vertices[:, 0] - 50) < 5) & (np.abs(template.vertices[:, 2]) < 10)]
    assert palm[:, 1].max() > 5
    assert palm[:, 1].min() < -5


def test_bone_lengths_are_a_hand_s(default: HandTemplate):
    length = dict(zip(JOINT_NAMES, np.linalg.norm(default.joint_offsets, axis=1), strict=True))
    for finger in FINGERS[1:]:
        assert 75 < length[f"{finger}1"] < 96
        assert length[f"{finger}2"] > length[f"{finger}3"] * 1.5
    assert 42 < length["middle2"] < 49
    assert 25 < length["middle3"] < 31
    assert 21 < length["middle_null"] < 26
    assert 42 < length["thumb2"] < 50
    assert np.linalg.norm(joints_at_zero(default)["middle_null"]) == pytest.approx(185, abs=4)


def test_both_resolutions_have_one_skeleton():
    default, low = HandTemplate.load(), HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
    for name in ("joint_offsets", "rest_rotations", "pose_lower", "pose_upper"):
        np.testing.assert_array_equal(getattr(default, name), getattr(low, name))


def test_frames_run_along_their_bones(template: HandTemplate):
    for name, parent in PARENT_NAMES.items():
        rest, offset = template.rest_rotations[JOINT_NAMES.index(name)], template.joint_offsets[JOINT_NAMES.index(name)]
        np.testing.assert_allclose(rest @ rest.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(rest) > 0
        if name.endswith(("2", "3", "_null", "thumb1")):
            np.testing.assert_allclose(offset, [np.linalg.norm(offset), 0, 0], atol=1e-6, err_msg=f"{parent} to {name}")
        if name.endswith("_null"):
            np.testing.assert_allclose(rest, np.eye(3), atol=1e-6)


def test_fingertips_lie_just_inside_the_flesh(default: HandTemplate):
    joints = joints_at_zero(default)
    for finger in FINGERS:
        axis = frame_at_zero(default, f"{finger}3")[:, 0]
        near = default.vertices[np.linalg.norm(default.vertices - joints[f"{finger}_null"], axis=1) < 12]
        assert 2 < ((near - joints[f"{finger}_null"]) @ axis).max() < 7


@pytest.mark.parametrize("joint", [f"{finger}{k}" for finger in FINGERS[1:] for k in (1, 2, 3)])
def test_positive_flexion_curls_a_finger_to_the_palm(default: HandTemplate, joint: str):
    tip = JOINT_NAMES.index(f"{joint[:-1]}_null")
    before, after = (posed(default, theta_of(**{f"{joint}_z": angle}))[1][tip] for angle in (0, 45))
    assert after[1] > before[1] + 8
    assert after[0] < before[0] - 3


@pytest.mark.parametrize("finger", FINGERS[1:])
def test_positive_abduction_moves_a_finger_to_the_pinky_s_side(default: HandTemplate, finger: str):
    tip = JOINT_NAMES.index(f"{finger}_null")
    before, after = (posed(default, theta_of(**{f"{finger}1_y": angle}))[1][tip] for angle in (0, 15))
    assert after[2] < before[2] - 8


@pytest.mark.parametrize("joint", ["thumb0", "thumb1", "thumb2", "thumb3"])
def test_positive_flexion_brings_the_thumb_over_the_palm(default: HandTemplate, joint: str):
    tip = JOINT_NAMES.index("thumb_null")
    before, after = (posed(default, theta_of(**{f"{joint}_z": angle}))[1][tip] for angle in (0, 30))
    assert after[1] > before[1] + 2
    assert after[2] < before[2] - 2


# the skin's weights


def test_weights(template: HandTemplate):
    weights = template.skinning_weights
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert ((weights > 0).sum(axis=1) <= 4).all()
    assert not weights[:, FINGERTIPS].any()
    assert (weights.max(axis=0)[[j for j in range(len(JOINT_NAMES)) if j not in FINGERTIPS]] > 0.15).all()
    forearm = template.vertices[:, 0] < -15
    assert (weights[forearm, WRIST] > 0.99).all()


def test_a_finger_does_not_move_its_neighbour_s_free_part(default: HandTemplate):
    joints = joints_at_zero(default)
    for finger in FINGERS[1:]:
        tips = {other: np.linalg.norm(default.vertices - joints[f"{other}3"], axis=1) < 9 for other in FINGERS if other != finger}
        mine = [j for j, name in enumerate(JOINT_NAMES) if name.startswith(finger)]
        for other, near in tips.items():
            assert near.any()
            assert default.skinning_weights[near][:, mine].max() == 0, (finger, other)


@pytest.mark.parametrize("name", NAMED_POSES)
def test_named_poses_lie_within_the_limits_and_crush_little_skin(default: HandTemplate, name: str):
    theta = np.array(NAMED_POSES[name])
    assert (theta >= default.pose_lower - 1e-9).all()
    assert (theta <= default.pose_upper + 1e-9).all()
    ratio = areas(posed(default, theta)[0][default.faces]) / areas(default.vertices[default.faces].astype(float))
    assert np.percentile(ratio, 0.1) > 0.03
    assert np.percentile(ratio, 1) > 0.15
    assert np.percentile(ratio, 99.9) < 2.6
    assert ratio.max() < 5


@pytest.mark.parametrize("joint", [f"{finger}{k}" for finger in FINGERS[1:] for k in (2, 3)])
def test_a_bent_finger_keeps_its_thickness_at_the_joint(default: HandTemplate, joint: str):
    """No candy wrapper, no collapse: half bent, the section across a joint keeps most of its width."""
    theta = theta_of(**{f"{joint}_z": 70})
    centre, axis = joints_at_zero(default)[joint], frame_at_zero(default, joint)
    local = (default.vertices - centre) @ axis
    section = (np.abs(local[:, 0]) < 2.5) & (np.linalg.norm(local, axis=1) < 16)
    vertices, _ = posed(default, theta)
    widths = [np.ptp(points[section] @ axis[:, 2]) for points in (default.vertices, vertices)]
    assert section.sum() > 20
    assert widths[1] > 0.9 * widths[0]
