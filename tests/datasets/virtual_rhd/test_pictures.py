"""What draws the pictures: mirrored scenes give mirrored pictures, shadows fall, people and poses are possible, film keeps grey grey."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from datasets.environment import Environment
from datasets.virtual_rhd.body import find_trunk, hidden
from datasets.virtual_rhd.drawing import draw
from datasets.virtual_rhd.film import Film, take
from datasets.virtual_rhd.hand_model import load_hand_model, shape_hand
from datasets.virtual_rhd.illumination import of_environment, random_illumination
from datasets.virtual_rhd.light import arrive
from datasets.virtual_rhd.people import HandBuild, random_person
from datasets.virtual_rhd.poses import sample_poses
from datasets.virtual_rhd.render import render
from datasets.virtual_rhd.scene import SeenHand, compose
from datasets.virtual_rhd.scenery import shapes
from datasets.virtual_rhd.skin_texture import read_maps, skin_textures
from datasets.virtual_rhd.solids import HARD, solid
from datasets.virtual_rhd.types import FIRST_PART
from estimator.hand.template import POSE_SIZE

SIDE = 64
OWN = HandBuild(1.0, np.ones(3), np.ones(5), np.ones(5), 1.0)
AHEAD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def test_a_left_hand_looks_like_a_right_one_in_the_mirror() -> None:
    model, generator = load_hand_model(), np.random.default_rng(0)
    posed = shape_hand(model, OWN, np.zeros(POSE_SIZE), model.rotations(np.zeros((1, POSE_SIZE)))[0], np.zeros(3))
    right = (posed.vertices @ AHEAD.T + (5.0, 70.0, 500.0)).astype(np.float32)
    person, light = random_person(generator), random_illumination(generator)
    K = np.array([[110.0, 0, 30.0], [0, 110.0, 31.5], [0, 0, 1]])
    mirrored_K = np.array([[110.0, 0, SIDE - 1 - 30.0], [0, 110.0, 31.5], [0, 0, 1]])
    flip = np.array([-1, 1, 1], dtype=np.float32)
    masks, depths = [], []
    for side, vertices, camera in (("right", right, K), ("left", right * flip, mirrored_K)):
        scene = compose(model, [SeenHand(side, vertices, posed.bends)], [])
        seen = draw(scene, camera, SIDE)
        arrived = arrive(scene, seen.wanted, vertices.mean(axis=0).astype(np.float64), 200.0, light)
        drawn = render(scene, seen, skin_textures(model)[0].level(4.0), person.skin, 0.1, arrived, light)
        own = drawn.mask >= FIRST_PART[side]
        masks.append(np.where(own, drawn.mask.astype(int) - FIRST_PART[side], -1))
        depths.append(drawn.depth_mm)
        assert drawn.colours.max() > 0
        assert ((drawn.coverage > 0) | (drawn.mask == 0)).all()
    assert (masks[0] >= 0).sum() > 200
    assert (masks[0] != masks[1][:, ::-1]).mean() < 0.01
    both = (depths[0] > 0) & (depths[1][:, ::-1] > 0)
    assert np.median(np.abs(depths[0] - depths[1][:, ::-1])[both]) < 0.01


def test_a_wall_takes_the_strong_lamp_from_what_is_behind_it() -> None:
    patch = np.array([[-1, -1, 0], [1, -1, 0], [0, 1, 0]], dtype=np.float32)
    wall = patch * (70, 70, 1) + np.float32([0, 0, -30])
    solids = [solid(corners, np.array([[0, 1, 2]]), np.ones(3), np.zeros((3, 2)), HARD) for corners in (patch, wall)]
    scene = replace(compose(load_hand_model(), [], solids), normals=np.tile(np.float32([0, 0, -1]), (6, 1)))
    light = random_illumination(np.random.default_rng(1))
    keys, powers = np.float32([[0, 0, -1], [0, -1, 0]]), np.float32([[1, 1, 1], [0, 0, 0]])
    light = type(light)(light.axes, light.powers, keys, powers)
    arrived = arrive(scene, np.ones(6, dtype=bool), np.zeros(3), 100.0, light)
    assert (arrived.lit[:3, 0] == 0).all()
    assert (arrived.lit[3:, 0] == 1).all()
    assert arrived.openness[:3].max() < 0.75 < arrived.openness[3:].min()
    assert (arrived.soft[:3].max(axis=0) < arrived.soft[3:].min(axis=0)).all()


def test_lamps_of_an_even_surrounding_light_every_side_alike() -> None:
    light = of_environment(Environment(np.ones((32, 64, 3), dtype=np.float32)), np.eye(3))
    assert light.key_powers.max() == 0
    lamps = np.concatenate([light.axes, -light.axes])
    powers = np.concatenate([light.powers[:, 0], light.powers[:, 1]])
    around = np.random.default_rng(0).normal(size=(50, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    assert np.maximum(around @ lamps.T, 0) @ powers == pytest.approx(np.ones((50, 3)), abs=0.12)


def test_people_differ_and_reflect_less_light_than_they_get() -> None:
    people = [random_person(np.random.default_rng(seed)) for seed in range(200)]
    backs = np.array([person.skin.back for person in people])
    assert backs.min() > 0.01
    assert backs.max() < 0.9
    assert backs[:, 1].min() < 0.09
    assert backs[:, 1].max() > 0.33
    assert (backs[:, 0] > backs[:, 2]).all()
    assert {person.kind for person in people} == {"man", "woman", "child"}
    assert min(person.build.size for person in people) < 0.85 < 1.05 < max(person.build.size for person in people)


def test_poses_keep_to_the_templates_limits_and_repeat_with_their_seed() -> None:
    model = load_hand_model()
    poses = [sample_poses(model, 24, torch.Generator().manual_seed(5)) for _ in range(2)]
    assert torch.equal(*poses)
    theta = poses[0].double().numpy()
    assert (theta >= model.template.pose_lower - 1e-6).all()
    assert (theta <= model.template.pose_upper + 1e-6).all()
    assert np.ptp(theta, axis=0).max() > 1


def test_a_body_neither_hides_the_hand_nor_holds_the_camera() -> None:
    elbow, forearm = np.array([60.0, 260.0, 560.0]), np.array([0.2, 0.95, 0.24])
    points = np.array([[0.0, 0.0, 500.0], [0.0, -80.0, 480.0]])
    found = [find_trunk(elbow, forearm, points, 1.0, np.random.default_rng(seed)) for seed in range(20)]
    trunks = [trunk for trunk in found if trunk is not None]
    assert len(trunks) > 5
    for trunk in trunks:
        assert not hidden(points, trunk).any()
        assert (np.linalg.norm(trunk.spheres[0], axis=1) > trunk.spheres[1]).all()
        assert np.linalg.norm(trunk.right_shoulder - elbow) == pytest.approx(285)
        assert trunk.right @ np.cross(trunk.front, trunk.up) == pytest.approx(1)


def test_film_without_flaws_keeps_grey_and_a_dark_one_darkens() -> None:
    grey = np.full((SIDE, SIDE, 3), 0.18, dtype=np.float32)
    clean = Film(np.ones(3), 0.5, (0.0, 0.0), 0.0, 0.0, False, 0.9, 0.0, 1.0, 1.0, 100)
    picture = take(grey, clean, np.random.default_rng(0))
    assert np.abs(picture.astype(int) - 118).max() <= 1
    dark = Film(np.full(3, 0.25), 0.5, (6.0, 2.0), 0.1, 0.02, True, 0.9, 0.0, 1.0, 0.5, 60)
    darker = take(grey, dark, np.random.default_rng(0))
    assert darker.mean() < 80
    assert darker.std() > picture.std()


def test_drawn_backgrounds_differ() -> None:
    first, second = (shapes(np.random.default_rng(seed)) for seed in (0, 1))
    assert first.shape == second.shape
    assert np.abs(first.astype(int) - second).mean() > 5


def test_skins_painted_for_another_hand_or_damaged_are_refused(tmp_path) -> None:
    model = load_hand_model()
    path = tmp_path / "skin.npz"
    with pytest.raises(ValueError, match="cannot read"):
        read_maps(path, model)
    np.savez(path, template=np.array("other"), side=8, first=0, maps=np.zeros((8, 8, 12), np.uint8))
    with pytest.raises(ValueError, match="another hand template"):
        read_maps(path, model)
