"""Crops: a crop is a camera of its own, and a mirrored one sees the mirrored world."""

import cv2
import numpy as np
import pytest

from datasets.studio_crop import ENLARGEMENT, MIRROR, PinholeCamera, crop_around, crop_depth, crop_image, source_pixels
from datasets.virtual_studio.cameras import look_at

K = np.array([[900.0, 0.0, 170.0], [0.0, 920.0, 250.0], [0.0, 0.0, 1.0]])
R = look_at(np.array([300.0, 400.0, 850.0]), np.zeros(3), 0.2)
T = np.array([3.0, -20.0, 990.0])
NO_LENS_ERRORS = np.zeros(5)
LENS = np.array([-0.2, 0.1, 0.003, -0.002, 0.05])
POINTS = np.random.default_rng(0).uniform(-80, 80, (21, 3))


def pixels(points: np.ndarray, distortion: np.ndarray = NO_LENS_ERRORS) -> np.ndarray:
    return cv2.projectPoints(points, R, T, K, distortion)[0][:, 0]


def test_the_points_fill_their_share_of_the_crop_and_lie_in_its_middle() -> None:
    seen = crop_around(POINTS, K, R, T, 96).project(POINTS)
    low, high = seen.min(axis=0), seen.max(axis=0)
    np.testing.assert_allclose((high - low).max(), 96 / ENLARGEMENT)
    np.testing.assert_allclose((low + high) / 2, (96 - 1) / 2, atol=1e-9)


@pytest.mark.parametrize("distortion", [NO_LENS_ERRORS, LENS])
def test_what_the_crop_shows_at_a_pixel_is_where_the_picture_has_it(distortion: np.ndarray) -> None:
    crop = crop_around(POINTS, K, R, T, 64)
    source = source_pixels(crop, K, distortion)
    columns, rows = 10 + np.arange(40), 50 - np.arange(40)
    rays = np.column_stack([columns, rows, np.ones(40)]) @ np.linalg.inv(crop.K).T
    np.testing.assert_allclose(source[rows, columns], pixels((700 * rays - T) @ R, distortion), atol=1e-3)


@pytest.mark.parametrize("size", [16, 64, 300])
def test_a_picture_of_coordinates_shows_them_at_any_size(size: int) -> None:
    column, row = np.meshgrid(np.arange(334), np.arange(512))
    picture = np.stack([column // 2, row // 3, np.zeros_like(row)], axis=-1).astype(np.uint8)
    crop = crop_around(0.5 * POINTS, K, R, T, size)
    expected = source_pixels(crop, K, NO_LENS_ERRORS) / (2, 3)
    np.testing.assert_allclose(crop_image(picture, K, NO_LENS_ERRORS, crop)[..., :2], expected, atol=1.1)


def test_shrinking_does_not_alias() -> None:
    stripes = np.tile(np.uint8([[[0], [255]]]), (512, 167, 3))
    shrunk = crop_image(stripes, K, NO_LENS_ERRORS, crop_around(POINTS, K, R, T, 40))
    assert np.abs(shrunk[10:30, 10:30].astype(int) - 127).max() < 40


def test_depths_are_never_mixed() -> None:
    depth = np.where(np.indices((512, 334)).sum(axis=0) % 7 < 3, 800, 1200).astype(np.float32)
    for size in (32, 200):
        assert set(np.unique(crop_depth(depth, K, LENS, crop_around(POINTS, K, R, T, size)))) <= {0, 800, 1200}


def test_beyond_the_border_there_is_nothing() -> None:
    crop = crop_around(POINTS + R.T @ [100.0, 0, 0], K, R, T, 64)
    outside = np.any(
        (source_pixels(crop, K, NO_LENS_ERRORS) < (-0.5, -0.5)) | (source_pixels(crop, K, NO_LENS_ERRORS) > (333.5, 511.5)), axis=-1
    )
    assert outside.any()
    assert not outside.all()
    np.testing.assert_array_equal(crop_depth(np.full((512, 334), 900, np.float32), K, NO_LENS_ERRORS, crop) == 0, outside)


def test_a_mirrored_camera_sees_the_mirrored_world_flipped() -> None:
    crop = crop_around(POINTS, K, R, T, 96)
    mirrored = crop.mirrored()
    there = crop.project(POINTS)
    np.testing.assert_allclose(mirrored.project(POINTS @ MIRROR), np.column_stack([95 - there[:, 0], there[:, 1]]))
    np.testing.assert_allclose(np.linalg.det(mirrored.R), 1)
    assert mirrored.K[0, 0] > 0


def test_mirrored_twice_is_nothing() -> None:
    crop = PinholeCamera(K, R, T, 334, 512)
    for name in ("K", "R", "t", "width", "height"):
        np.testing.assert_allclose(getattr(crop.mirrored().mirrored(), name), getattr(crop, name))


@pytest.mark.parametrize("points", [np.zeros((0, 3)), POINTS - R.T @ [0, 0, 1000.0]])
def test_no_crop_around_nothing_or_what_is_behind(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="unknown or behind"):
        crop_around(points, K, R, T, 64)
