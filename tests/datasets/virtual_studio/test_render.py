"""What cameras of the virtual studio record, against rays cast one by one."""

import numpy as np

from datasets.studio_crop import PinholeCamera, crop_around
from datasets.virtual_studio.cameras import studio_cameras
from datasets.virtual_studio.light import LitBody, dome_lamps, light_body, placed
from datasets.virtual_studio.normals import vertex_normals
from datasets.virtual_studio.render import depth_map, photograph
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.types import PosedSubject
from estimator.hand.template import JOINT_COUNT
from tests.datasets.virtual_studio.balls import RADIUS, BallSubject, ball, body, cast, still

CENTRES = np.random.default_rng(0).uniform(-70, 70, (JOINT_COUNT, 3))
SIZE = 48


def recorded(camera: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, PinholeCamera, LitBody]:
    posed = body(CENTRES)
    lit = light_body(posed.vertices, posed, dome_lamps(np.random.default_rng(0)), Sleeve.on(posed.faces))
    mounted = studio_cameras()[camera]
    crop = crop_around(CENTRES, mounted.K, mounted.R, mounted.t, SIZE)
    return *photograph(lit, crop, np.random.default_rng(seed)), crop, lit


def test_depth_is_what_a_ray_meets_first() -> None:
    _, depth, crop, lit = recorded(30)
    rows, columns = np.random.default_rng(1).integers(0, SIZE, (2, 60))
    rays = np.column_stack([columns, rows, np.ones(60)]) @ np.linalg.inv(crop.K).T @ crop.R
    expected = np.array(list(cast(lit.vertices, lit.faces, -crop.R.T @ crop.t, rays)))
    assert 20 < np.isfinite(expected).sum() < 60
    np.testing.assert_allclose(depth[rows, columns], np.where(np.isfinite(expected), expected, 0), atol=1e-3)


def test_joints_lie_behind_the_surface_that_is_drawn_over_them() -> None:
    for camera in (0, 40, 79):
        _, depth, crop, _ = recorded(camera)
        columns, rows = np.rint(crop.project(CENTRES)).astype(int).T
        behind = CENTRES @ crop.R.T[:, 2] + crop.t[2] - depth[rows, columns]
        assert depth[rows, columns].min() > 0
        assert behind.min() > RADIUS - 4
        assert np.median(behind) < RADIUS + 10  # most are hidden by their own ball alone


def test_the_depth_map_alone_is_that_of_the_photograph() -> None:
    _, depth, crop, lit = recorded(12)
    np.testing.assert_allclose(depth_map(lit, crop), depth, atol=1e-3)


def test_the_photograph_shows_the_body_bright_before_the_dark_studio() -> None:
    image, depth, _, _ = recorded(5)
    inside = depth > 0
    assert image[inside].min() > 60
    assert image[~inside].mean() < 60
    assert 0.2 < inside.mean() < 0.8


def test_the_same_generator_takes_the_same_photograph() -> None:
    np.testing.assert_array_equal(recorded(5, 3)[0], recorded(5, 3)[0])
    assert (recorded(5, 3)[0] != recorded(5, 4)[0]).any()


def test_pictures_need_not_be_square() -> None:
    _, _, crop, lit = recorded(30)
    wide = PinholeCamera(crop.K, crop.R, crop.t, 31, 20)
    image, depth = photograph(lit, wide, np.random.default_rng(0))
    assert image.shape == (20, 31, 3)
    np.testing.assert_allclose(depth, depth_map(lit, crop)[:20, :31], atol=1e-3)


def test_what_lies_in_a_gap_is_darker() -> None:
    posed = body(np.array([[-10.0, 0, 0], [10.0, 0, 0]]), radius=10, rounds=5)
    glow = light_body(posed.vertices, posed, dome_lamps(np.random.default_rng(0)), Sleeve.on(posed.faces)).shading[:, 3:6].mean(axis=1)
    x, _, z = posed.vertices.T
    gap, front = (np.abs(x) < 4) & (z > 0), (np.abs(np.abs(x) - 10) < 3) & (z > 8)
    assert glow[gap].mean() < 0.7 * glow[front].mean()


def test_an_open_surface_gets_all_the_light() -> None:
    posed = body(np.zeros((1, 3)), radius=40, rounds=5)
    gleam = light_body(posed.vertices, posed, dome_lamps(np.random.default_rng(0)), Sleeve.on(posed.faces)).shading[:, 6]
    lamps = dome_lamps(np.random.default_rng(0))
    cosines = np.einsum("ac,vc->va", lamps.axes, posed.vertices / 40)
    powers = lamps.powers.mean(axis=2)
    expected = (np.maximum(cosines, 0) * powers[:, 0] + np.maximum(-cosines, 0) * powers[:, 1]).sum(axis=1)
    assert np.abs(gleam / expected - 1).mean() < 0.02


def test_normals_of_a_ball_point_away_from_its_middle() -> None:
    vertices, faces = ball(4)
    assert np.einsum("vc,vc->v", vertex_normals(vertices.astype(np.float32), faces), vertices).min() > 0.98


def test_a_subject_is_placed_by_its_stance() -> None:
    stance = still(0.7)
    posed = BallSubject().pose(stance.theta)
    np.testing.assert_allclose(placed(posed, stance), posed.vertices @ stance.R_world_hand.T + stance.position, atol=1e-3)


def test_an_open_end_gets_a_sleeve_that_faces_outwards_and_closes_it() -> None:
    vertices, faces = ball(3)
    faces = faces[vertices[faces].mean(axis=1) @ [0.6, 0.0, 0.8] < 0.8]
    sleeve = Sleeve.on(faces)
    added, cloth = sleeve.vertices(40 * vertices.astype(np.float32)), sleeve.faces(0)
    assert len(Sleeve.on(ball(1)[1]).loop) == len(Sleeve.on(ball(1)[1]).vertices(vertices.astype(np.float32))) == 0
    a, b, c = np.moveaxis(added[cloth], 1, 0)
    outwards = np.einsum("fc,fc->f", np.cross(b - a, c - a), (a + b + c) / 3 - added.mean(axis=0))
    assert (outwards > 0).all()
    assert (added[-1] @ [0.6, 0.0, 0.8]) > 150
    assert np.linalg.norm(added[: len(sleeve.loop)], axis=1).max() < 40  # its edge lies within the body


def test_cloth_is_dark_and_has_no_depth() -> None:
    vertices, faces = ball(5)
    faces = faces[vertices[faces].mean(axis=1)[:, 2] < 0.8]
    posed = PosedSubject(40 * vertices.astype(np.float32), faces, np.full((len(vertices), 3), 0.5, np.float32), np.zeros((1, 3)))
    lit = light_body(posed.vertices, posed, dome_lamps(np.random.default_rng(0)), Sleeve.on(faces))
    K = np.array([[300.0, 0.0, 20.0], [0.0, 300.0, 20.0], [0.0, 0.0, 1.0]])
    front = PinholeCamera(K, np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, 1000.0]), 41, 41)
    image, depth = photograph(lit, front, np.random.default_rng(0))
    assert depth[20, 20] == 0 == depth_map(lit, front)[20, 20]
    assert image[18:23, 18:23].mean() < 60
    behind = PinholeCamera(K, np.eye(3), np.array([0.0, 0.0, 1000.0]), 41, 41)
    assert abs(depth_map(lit, behind)[20, 20] - 960) < 1
