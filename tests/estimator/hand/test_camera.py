"""Laws of the camera."""

import math

import numpy as np
import pytest

from estimator.hand.camera import Camera

CAMERA = Camera(500.0, 480.0, 310.0, 250.0, 640, 480)


@pytest.mark.parametrize("batch", [(), (1,), (2, 3), (0,)])
def test_unproject_undoes_project(batch: tuple[int, ...]) -> None:
    points = np.random.default_rng(0).uniform((-200, -200, 300), (200, 200, 900), (*batch, 3))
    np.testing.assert_allclose(CAMERA.unproject(CAMERA.project(points), points[..., 2]), points, atol=1e-9)


def test_project_is_the_matrix_k() -> None:
    points = np.random.default_rng(1).uniform((-200, -200, 300), (200, 200, 900), (5, 3))
    homogeneous = points @ CAMERA.K.T
    np.testing.assert_allclose(CAMERA.project(points), homogeneous[:, :2] / homogeneous[:, 2:])


def test_mirrored_camera_sees_mirrored_points_at_mirrored_pixels() -> None:
    points = np.random.default_rng(2).uniform((-200, -200, 300), (200, 200, 900), (5, 3))
    pixels = CAMERA.project(points)
    mirrored = CAMERA.mirrored().project(points * (-1, 1, 1))
    np.testing.assert_allclose(mirrored, np.stack([640 - 1 - pixels[:, 0], pixels[:, 1]], axis=1))
    assert CAMERA.mirrored().mirrored() == CAMERA


def test_field_of_view_spans_the_diagonal() -> None:
    camera = Camera.from_fov(60.0, 640, 480)
    corner = camera.unproject(np.array([camera.cx + 320, camera.cy + 240]), np.array(1.0))
    assert math.degrees(math.atan(np.hypot(*corner[:2]))) == pytest.approx(30.0)


@pytest.mark.parametrize("focal", [0.0, -1.0, math.nan, math.inf])
def test_impossible_focal_length_is_refused(focal: float) -> None:
    with pytest.raises(ValueError, match="focal length"):
        Camera.from_focal(focal, 640, 480)


@pytest.mark.parametrize("fov", [0.0, 180.0, -5.0, math.nan])
def test_impossible_field_of_view_is_refused(fov: float) -> None:
    with pytest.raises(ValueError, match="field of view"):
        Camera.from_fov(fov, 640, 480)


def test_image_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        Camera.from_focal(500.0, 0, 480)
