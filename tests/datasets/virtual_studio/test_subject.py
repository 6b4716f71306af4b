"""Laws of a whole subject, on the template's shape: bones, flesh, contact, people, and what the cache keeps."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import igl
import numpy as np
import pytest

from datasets.makehuman.skeleton import local_frames
from datasets.virtual_studio import subject_cache
from datasets.virtual_studio.motions import stances
from datasets.virtual_studio.normals import vertex_normals
from datasets.virtual_studio.people import PEOPLE
from datasets.virtual_studio.subject import SUBJECTS, Subject, load_subject, skeleton_frames
from datasets.virtual_studio.subject_cache import cache_key, cached_subject, read_subject, write_subject
from datasets.virtual_studio.subject_surface import rebuilt
from datasets.virtual_studio.touch_capsules import Capsules, pose_bones
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import FINGERS, FINGERTIPS, JOINT_NAMES, PARENT_NAMES, POSE_NAMES, POSE_SIZE, WRIST
from tests.datasets.virtual_studio.flesh import template_subject, template_surface


@pytest.fixture(scope="module")
def subject() -> Subject:
    return template_subject()


def volume_ml(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Up to the forearm's end, whose plane holds the point that the tetrahedra share."""
    a, b, c = (vertices[faces[:, k]].astype(float) for k in range(3))
    tail = np.array([vertices[:, 0].min(), 0.0, 0.0])
    return float(np.sum(np.cross(a - tail, b - tail) * (c - tail)) / 6000)


def inside_other_skin(vertices: np.ndarray, faces: np.ndarray, deeper_than_mm: float) -> np.ndarray:
    """Vertices that, moved so far below their own skin, lie inside the hand twice: once in themselves, once in what they pierce."""
    below = vertices - deeper_than_mm * vertex_normals(vertices, faces)
    winding = igl.winding_number(vertices.astype(float), faces.astype(np.int64), below.astype(float))
    return winding > 1.5


def test_the_flat_hand_is_the_surface_at_rest_but_for_its_relief(subject):
    posed, surface = subject.pose(np.zeros(POSE_SIZE)), template_surface()
    away = posed.vertices - surface.mesh.vertices
    assert np.linalg.norm(away, axis=1).max() < 2.5
    normals = vertex_normals(surface.mesh.vertices, surface.mesh.faces)
    along = np.sum(away * normals, axis=1)
    np.testing.assert_allclose(away, along[:, None] * normals, atol=2e-3)


def test_fingers_taper_and_open_ones_do_not_overlap(subject):
    radii = subject.skeleton.finger_radii
    for finger in FINGERS:
        from_the_root = [radii[JOINT_NAMES.index(f"{finger}{part}")] for part in ("1", "2", "3", "_null")]
        assert from_the_root == sorted(from_the_root, reverse=True)
        assert 6 < from_the_root[0] < 14  # a finger's flesh, not the palm's
    open_hands = np.array([NAMED_POSES[name] for name in ("flat", "relaxed", "spread")])
    assert Capsules.of(subject.skeleton).overlaps(pose_bones(subject.skeleton, open_hands)).depth.max() < 1


@pytest.mark.parametrize("name", ["relaxed_wave", "prom_wave", "finger_wave"])
def test_hands_that_begin_relaxed_bend_no_finger_back_and_fold_none_down(subject, name):
    (start,) = stances(name, subject.skeleton, 1, np.random.default_rng(0))
    roots = [POSE_NAMES.index(f"{finger}1.z") for finger in FINGERS[1:]]
    away = np.degrees(start.theta - np.array(NAMED_POSES["relaxed"]))[roots]
    assert np.abs(away).max() < 20


@pytest.mark.parametrize("name", ["flat", "fist", "ok", "claws"])
def test_bones_keep_their_lengths_and_skin_stays_finite(subject, name):
    posed = subject.pose(np.array(NAMED_POSES[name]))
    assert posed.vertices.dtype == posed.reflectance.dtype == np.float32
    assert np.isfinite(posed.vertices).all()
    assert posed.reflectance.min() > 0
    assert posed.reflectance.max() < 1
    for child, parent in PARENT_NAMES.items():
        a, b = JOINT_NAMES.index(child), JOINT_NAMES.index(parent)
        length = np.linalg.norm(posed.joints[a] - posed.joints[b])
        assert length == pytest.approx(np.linalg.norm(subject.skeleton.joint_offsets[a]), abs=1e-6)


def test_fingertips_stay_inside_their_flesh_and_the_forearm_stays(subject):
    flat, claws = (subject.pose(np.array(NAMED_POSES[name])) for name in ("flat", "claws"))
    for tip in FINGERTIPS:
        near = np.linalg.norm(flat.vertices - flat.joints[tip], axis=1) < 6
        away = [np.linalg.norm(posed.vertices[near] - posed.joints[tip], axis=1) for posed in (flat, claws)]
        np.testing.assert_allclose(*away, atol=1.0)
    forearm = flat.vertices[:, 0] < -35
    np.testing.assert_allclose(flat.vertices[forearm], claws.vertices[forearm], atol=0.8)
    np.testing.assert_allclose(claws.joints[WRIST], 0, atol=1e-9)


@pytest.mark.parametrize(("name", "share"), [("fist", 0.15), ("claws", 0.07), ("ok", 0.09)])
def test_flesh_keeps_most_of_its_volume(subject, name, share):
    """What a thumb laid on the palm loses is its web, which the flat hand spreads; what a fist loses too was inside other flesh."""
    volumes = [volume_ml(subject.pose(np.array(NAMED_POSES[pose])).vertices, subject.faces) for pose in ("flat", name)]
    assert volumes[1] == pytest.approx(volumes[0], rel=share)


@pytest.mark.parametrize("name", ["flat", "claws", "ok", "thumb_tuck"])
def test_hardly_any_skin_is_inside_other_skin(subject, name):
    posed = subject.pose(np.array(NAMED_POSES[name]))
    assert inside_other_skin(posed.vertices, posed.faces, 0.5).sum() <= 0.002 * len(posed.vertices)


def test_a_pose_is_the_same_every_time(subject):
    theta = np.array(NAMED_POSES["thumb_tuck"])
    once, again = subject.pose(theta), subject.pose(theta)
    for name in ("vertices", "reflectance", "joints"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))


def test_no_linear_blend_makes_this_skin(subject):
    """Whatever its weight and its place at rest, a vertex blended between two bones goes ``a + R b`` as one joint turns by R."""
    middle = JOINT_NAMES.index("middle2")
    rotations, places = [], []
    for angle in np.radians(np.linspace(0, 100, 9)):
        theta = np.zeros(POSE_SIZE)
        theta[POSE_NAMES.index("middle2.z")] = angle
        rotations.append(skeleton_frames(subject.skeleton, theta)[0][middle])
        places.append(subject.pose(theta).vertices)
    near = np.linalg.norm(places[0] - subject.pose(np.zeros(POSE_SIZE)).joints[middle], axis=1) < 14
    blend = np.concatenate([np.concatenate([np.eye(3), R], axis=1) for R in rotations])
    paths = np.concatenate([place[near].T for place in places])
    left = paths - blend @ np.linalg.lstsq(blend, paths, rcond=None)[0]
    assert np.percentile(np.linalg.norm(left.reshape(9, 3, -1), axis=1).max(axis=0), 90) > 0.3


# people


def test_one_woman_and_three_men_with_different_skin_and_flesh():
    assert [person.number for person in PEOPLE] == list(SUBJECTS) == [1, 2, 3, 4]
    assert [person.body.gender for person in PEOPLE].count(0.0) == 1
    assert all(person.description.startswith("simulated ") for person in PEOPLE)
    for one, other in combinations(PEOPLE, 2):
        assert one.flesh != other.flesh
        assert one.seed != other.seed
    brightness = [sum(person.complexion.back) for person in PEOPLE]
    assert max(brightness) > 3 * min(brightness)


def test_people_have_bones_and_fingers_of_their_own():
    surface = template_surface()
    lengths, girths = [], []
    for person in PEOPLE:
        hand, pose = rebuilt(surface.mesh, surface.pose, person.build)
        lengths.append(np.linalg.norm(local_frames(pose)[1], axis=1) * person.body.hand_length_mm / 186)
        middle = (hand.vertices - pose.positions[JOINT_NAMES.index("middle2")]) @ pose.rotations[JOINT_NAMES.index("middle2")]
        girths.append(np.ptp(middle[(np.abs(middle[:, 0] - 10) < 3) & (np.hypot(*middle.T[1:]) < 14), 2]))
    for one, other in combinations(lengths, 2):
        ratios = (one / np.maximum(other, 1e-9))[[j for j in range(len(one)) if j != WRIST]]
        assert ratios.max() / ratios.min() > 1.04  # more than a scale apart
    _, woman, heavy, _ = girths
    assert heavy > 1.25 * woman


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: str(person.number))
def test_a_rebuilt_hand_has_straight_bones_and_its_joints_in_its_flesh(person):
    surface = template_surface()
    hand, pose = rebuilt(surface.mesh, surface.pose, person.build)
    _, offsets = local_frames(pose)
    for name in PARENT_NAMES:
        if name.endswith(("2", "3", "_null")):
            np.testing.assert_allclose(offsets[JOINT_NAMES.index(name)][1:], 0, atol=1e-6, err_msg=name)
    inside = igl.winding_number(hand.vertices, hand.faces, pose.positions)
    assert (inside > 0.8).all()


# the cache


@pytest.fixture(scope="module")
def saved(subject, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("cache") / "subject_1.npz"
    write_subject(path, subject.built, cache_key(subject.person))
    return path


def test_a_subject_comes_back_from_its_file_as_it_was(subject, saved):
    back = replace(subject, built=read_subject(saved, cache_key(subject.person)))
    theta = np.array(NAMED_POSES["ok"])
    np.testing.assert_array_equal(back.pose(theta).vertices, subject.pose(theta).vertices)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("harm", ["missing", "empty", "cut", "other version", "no array"])
def test_what_the_cache_does_not_have_is_built_anew(subject, saved, tmp_path, monkeypatch, harm):
    path = tmp_path / saved.name
    if harm == "empty":
        path.touch()
    elif harm == "cut":
        path.write_bytes(saved.read_bytes()[:20_000])
    elif harm == "other version":
        write_subject(path, subject.built, "0123456789abcdef")
    elif harm == "no array":
        np.savez(path, key=np.array(cache_key(subject.person)))
    built = []
    monkeypatch.setattr(subject_cache, "build", lambda person: built.append(person) or subject.built)
    cached_subject(subject.person, tmp_path)
    cached_subject(subject.person, tmp_path)
    assert built == [subject.person]
    read_subject(path, cache_key(subject.person))


def test_an_unknown_subject_is_an_error_in_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"no simulated subject 5; there are 1, 2, 3, 4") as error:
        load_subject(5, tmp_path)
    assert "\n" not in str(error.value)
