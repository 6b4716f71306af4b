"""The sample image is made from what is committed, in the commands' own camera; its parts keep their promises."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh

from datasets.camera_effects import develop, lens_blur
from datasets.forearm import grow_forearm, open_loop
from datasets.sample_image import SampleImage, fill, main, pose_body
from datasets.skin_shading import bumped
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.hand.template import HandTemplate

COMMITTED = Path(__file__).parents[2] / "estimator" / "assets" / "sample.jpg"


def read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture[..., ::-1]


def test_the_command_makes_a_small_copy_of_the_committed_picture(tmp_path) -> None:
    small_copy = ["--width", "160", "--height", "120", "--samples", "1", "--blur-px", "2.6667"]
    assert main(["--out", str(tmp_path / "sample.jpg"), *small_copy]) == 0
    small, committed = read(tmp_path / "sample.jpg"), read(COMMITTED)
    assert committed.shape == (720, 960, 3)
    assert COMMITTED.stat().st_size < 250_000
    reduced = cv2.resize(committed, (160, 120), interpolation=cv2.INTER_AREA)
    difference = np.abs(cv2.GaussianBlur(small, (5, 5), 0).astype(float) - cv2.GaussianBlur(reduced, (5, 5), 0))
    assert difference.mean() < 5


def test_a_named_pose_bends_the_hand_and_a_left_hand_is_the_picture_in_the_mirror(tmp_path) -> None:
    tiny = ["--width", "80", "--height", "60", "--samples", "1", "--quality", "100"]
    names = {"at_ease": [], "point": ["--pose", "point"], "left": ["--pose", "point", "--left"]}
    for name, options in names.items():
        assert main(["--out", str(tmp_path / f"{name}.jpg"), *tiny, *options]) == 0
    at_ease, point, left = (read(tmp_path / f"{name}.jpg").astype(float) for name in names)
    assert np.abs(left[:, ::-1] - point).mean() < 2
    assert np.abs(at_ease - point).mean() > 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--quality", "101"], "--quality"),
        (["--samples", "0"], "--samples"),
        (["--width", "wide"], "--help"),
        (["--pose", "juggling"], "there are flat, relaxed"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path, capsys, options, words) -> None:
    assert main(["--out", str(tmp_path / "sample.jpg"), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_the_whole_hand_is_in_the_picture_and_the_arm_leaves_it() -> None:
    template, settings = HandTemplate.load(), SampleImage(Path("unused"))
    body = pose_body(template, settings)
    pixels = Camera.from_fov(DEFAULT_FOV_DEG, settings.width, settings.height).project(body.vertices)
    hand = template.vertices[:, 0] > 0
    assert ((pixels[: len(hand)][hand] > 20) & (pixels[: len(hand)][hand] < (settings.width - 20, settings.height - 1))).all()
    assert pixels[len(hand) :, 1].max() > settings.height + 50


def test_the_arm_joins_the_wrist_without_a_gap() -> None:
    template = HandTemplate.load()
    arm, faces = grow_forearm(template, 200.0, 1.4, rings=8)
    mesh = trimesh.Trimesh(np.vstack([template.vertices, arm]), np.vstack([template.faces, faces]), process=False)
    assert len(open_loop(mesh.faces)) == len(open_loop(template.faces))
    assert set(open_loop(mesh.faces)) <= set(range(len(template.vertices) + 7 * len(arm) // 8, len(mesh.vertices)))
    assert mesh.is_winding_consistent
    assert arm[:, 0].min() == pytest.approx(template.vertices[open_loop(template.faces), 0].min() - 200)


def test_a_closed_mesh_has_no_wrist() -> None:
    with pytest.raises(ValueError, match="closed"):
        open_loop(np.array(trimesh.creation.icosphere(1).faces))


def test_lens_blur_keeps_grey_and_spreads_a_point_over_its_disc() -> None:
    np.testing.assert_allclose(lens_blur(np.full((40, 40, 3), 0.4), 5.0), 0.4, atol=1e-5)
    point = np.zeros((41, 41, 3))
    point[20, 20] = 1
    spread = lens_blur(point, 6.0)[..., 0]
    away = np.hypot(*np.mgrid[-20:21, -20:21])
    assert spread[away > 7.5].max() < 1e-6
    assert np.ptp(spread[away < 5]) < 1e-6 < spread[20, 20]


def test_noise_comes_from_the_generator_alone() -> None:
    light = np.full((50, 60, 3), 0.2)
    one, same, other = (develop(light, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert 1 < one.astype(float).std() < 8


def test_relief_tilts_normals_against_the_rise() -> None:
    column, row = np.meshgrid(np.arange(9.0), np.arange(7.0))
    places = np.stack([column, row, np.full_like(row, 300.0)], axis=-1).reshape(-1, 3)
    towards_camera = np.tile([0.0, 0.0, -1.0], (len(places), 1))
    covered = np.ones((7, 9), dtype=bool)
    np.testing.assert_allclose(bumped(towards_camera, places, np.zeros(63), covered), towards_camera)
    slope = bumped(towards_camera, places, 0.5 * column.ravel(), covered).reshape(7, 9, 3)[:-1, :-1]
    np.testing.assert_allclose(slope, np.broadcast_to(np.array([-0.5, 0, -1]) / np.hypot(0.5, 1), slope.shape), atol=1e-9)


def test_filling_keeps_the_middle() -> None:
    image = np.zeros((10, 10, 3), dtype=np.uint8)
    image[4:6, 4:6] = 255
    filled = fill(image, 40, 20)
    assert filled.shape == (20, 40, 3)
    assert np.unravel_index(filled[..., 0].argmax(), (20, 40)) == pytest.approx((9.5, 19.5), abs=8)
