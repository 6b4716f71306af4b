"""Shadows and ambient occlusion on shapes whose answer is known."""

import numpy as np
import pytest
import trimesh

from estimator.hand.occlusion import openness, smoothed, sphere_directions, visibility
from estimator.hand.shading import smooth_normals

SPHERE = trimesh.creation.icosphere(subdivisions=4, radius=40.0)


def grid(size: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A square sheet of triangles in the plane z = 0 with normals towards +z."""
    side = np.linspace(-size / 2, size / 2, count)
    x, y = np.meshgrid(side, side)
    corner = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + count], axis=1), np.stack([corner + 1, corner + count + 1, corner + count], axis=1)]
    )
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1), faces


def test_a_sphere_is_open_everywhere() -> None:
    vertices, faces = SPHERE.vertices + np.array([5.0, -80.0, 600.0]), np.array(SPHERE.faces)
    np.testing.assert_allclose(openness(vertices, smooth_normals(vertices, faces), faces), 1, atol=0.06)


def test_inside_a_closed_shell_it_is_dark() -> None:
    vertices, faces = np.array(SPHERE.vertices), np.array(SPHERE.faces)
    inward = -smooth_normals(vertices, faces)
    assert openness(vertices, inward, faces).max() < 0.1


def test_a_ball_over_a_sheet_casts_its_own_width_of_shadow() -> None:
    sheet, sheet_faces = grid(200.0, 81)
    ball = SPHERE.vertices * 0.5 + np.array([0.0, 0.0, 60.0])
    vertices = np.concatenate([sheet, ball])
    faces = np.concatenate([sheet_faces, np.array(SPHERE.faces) + len(sheet)])
    seen = visibility(vertices, smooth_normals(vertices, faces), faces, np.array([[0.0, 0.0, 1.0]]), resolution=256)[0, : len(sheet)]
    from_middle = np.linalg.norm(sheet[:, :2], axis=1)
    assert seen[from_middle < 17].max() < 1e-6
    assert seen[from_middle > 23].min() == 1


def test_no_vertices_and_no_lights() -> None:
    nothing = np.zeros((0, 3))
    assert visibility(nothing, nothing, np.zeros((0, 3), dtype=int), sphere_directions(4)).shape == (4, 0)
    vertices, faces = np.array(SPHERE.vertices), np.array(SPHERE.faces)
    assert visibility(vertices, vertices / 40, faces, np.zeros((0, 3))).shape == (0, len(vertices))


@pytest.mark.parametrize("count", [1, 24, 500])
def test_directions_are_units_and_cover_the_sphere(count: int) -> None:
    directions = sphere_directions(count)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    assert np.linalg.norm(directions.mean(axis=0)) <= 1.01 / np.sqrt(count)


def test_smoothing_keeps_constants_and_shrinks_the_range() -> None:
    vertices, faces = grid(10.0, 9)
    values = np.random.default_rng(0).random(len(vertices))
    np.testing.assert_allclose(smoothed(np.full(len(vertices), 0.3), faces), 0.3)
    assert np.ptp(smoothed(values, faces)) < np.ptp(values) / 2
    assert smoothed(np.array([0.7]), np.zeros((0, 3), dtype=int))[0] == 0.7
