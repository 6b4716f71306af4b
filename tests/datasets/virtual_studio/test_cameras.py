"""The studio's cameras: where they stand and what they see."""

import numpy as np

from datasets.virtual_studio.cameras import CAMERA_COUNT, look_at, studio_cameras

CAMERAS = studio_cameras()
POSITIONS = np.array([-camera.R.T @ camera.t for camera in CAMERAS])


def test_eighty_colour_cameras_about_a_metre_away() -> None:
    assert len({camera.name for camera in CAMERAS}) == CAMERA_COUNT == 80
    assert all(camera.name.startswith("40") for camera in CAMERAS)
    assert np.abs(np.linalg.norm(POSITIONS, axis=1) - 1000).max() <= 40.001


def test_they_see_the_front_the_sides_and_the_top() -> None:
    directions = POSITIONS / np.linalg.norm(POSITIONS, axis=1, keepdims=True)
    for watched in ([0, 0, 1], [0, 1, 0], [1, 0, 0], [-1, 0, 0]):
        assert (directions @ watched).max() > np.cos(np.radians(15))
    assert (directions @ [0, -np.sqrt(0.5), -np.sqrt(0.5)]).max() < 0


def test_they_are_spread_evenly() -> None:
    directions = POSITIONS / np.linalg.norm(POSITIONS, axis=1, keepdims=True)
    cosines = directions @ directions.T - 2 * np.eye(len(directions))
    nearest = np.degrees(np.arccos(cosines.max(axis=1)))
    assert nearest.min() > 0.6 * nearest.max() > 5


def test_a_hand_anywhere_near_the_origin_is_in_every_picture() -> None:
    corners = 80.0 * np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T
    for camera in CAMERAS:
        seen = camera.to_camera(corners) @ camera.K.T
        assert ((seen[:, :2] / seen[:, 2:] > -0.5) & (seen[:, :2] / seen[:, 2:] < (333.5, 511.5))).all()


def test_up_is_up() -> None:
    for position in ([0.0, 0.0, 1000.0], [600.0, 300.0, 500.0], [-900.0, -100.0, 10.0]):
        R = look_at(np.array(position), np.zeros(3))
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(R) > 0
        np.testing.assert_allclose(R @ -np.array(position) / np.linalg.norm(position), [0, 0, 1], atol=1e-12)
        assert (R @ [0, 1, 0])[1] < 0
