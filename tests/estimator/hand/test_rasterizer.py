"""The rasterizer against rays cast through pixel centres, and the laws of its fill rule."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.hand.rasterizer import NEAR_MM, rasterize

ROOT = Path(__file__).parents[3]
K = np.array([[40.0, 0.0, 15.5], [0.0, 44.0, 11.5], [0.0, 0.0, 1.0]])
HEIGHT, WIDTH = 24, 32


def cast_ray(corners: np.ndarray, ray: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Depth and barycentrics where the ray z = 1 meets a triangle, by solving [a b c] w = z ray with w summing to one."""
    if abs(np.linalg.det(corners)) < 1e-9:
        return None
    weights = np.linalg.solve(corners.T, ray)
    if (weights < 0).any() or weights.sum() <= 0:
        return None
    return 1 / weights.sum(), weights / weights.sum()


def random_triangles(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.uniform([-150, -100, 300], [150, 100, 500], (count, 1, 3))
    vertices = (centres + rng.normal(0, 60, (count, 3, 3))).reshape(-1, 3)
    return vertices, np.arange(3 * count).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(2))
def test_agrees_with_rays_cast_through_pixel_centres(seed: int) -> None:
    vertices, faces = random_triangles(seed, 12)
    fragments = rasterize(vertices, faces, K, HEIGHT, WIDTH)
    inverse = np.linalg.inv(K)
    different = 0
    for row in range(HEIGHT):
        for column in range(WIDTH):
            ray = inverse @ [column, row, 1]
            hits = [(hit[0], face, hit[1]) for face in range(len(faces)) if (hit := cast_ray(vertices[faces[face]], ray))]
            depth, face, weights = min(hits, default=(0.0, -1, np.zeros(3)), key=lambda hit: hit[0])
            if fragments.faces[row, column] != face:  # a side passes within a snap of the centre
                different += 1
                continue
            assert fragments.depth[row, column] == pytest.approx(depth, rel=1e-3)
            np.testing.assert_allclose(fragments.barycentrics[row, column], weights, atol=2e-3)
    assert different <= 1
    assert (fragments.faces >= 0).mean() > 0.2


def test_barycentrics_give_the_depth_and_the_pixel() -> None:
    vertices, faces = random_triangles(7, 40)
    fragments = rasterize(vertices, faces, K, HEIGHT, WIDTH)
    row, column = np.nonzero(fragments.faces >= 0)
    points = np.einsum("nc,ncd->nd", fragments.barycentrics[row, column], vertices[faces[fragments.faces[row, column]]])
    np.testing.assert_allclose(points[:, 2], fragments.depth[row, column], rtol=1e-5)
    np.testing.assert_allclose(points @ K.T / points[:, 2:], np.stack([column, row, np.ones_like(row)], axis=1), atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_triangles_of_a_plane_share_no_pixel_and_leave_no_gap(seed: int, on_pixel_centres: bool) -> None:
    """A fan around a point inside the square: its triangles, drawn one by one, tile what the square covers."""
    rng = np.random.default_rng(seed)
    square = np.array([[2, 3], [27, 3], [27, 20], [2, 20]], dtype=float)
    centre = rng.uniform([3, 4], [26, 19])
    pixels = np.vstack([square, np.rint(centre) if on_pixel_centres else centre])
    vertices = 400.0 * np.column_stack([(pixels - K[:2, 2]) / [K[0, 0], K[1, 1]], np.ones(5)])
    covered = np.zeros((HEIGHT, WIDTH), dtype=int)
    for corner in range(4):
        face = np.array([[corner, (corner + 1) % 4, 4]])
        if rng.random() < 0.5:
            face = face[:, ::-1]
        covered += rasterize(vertices, face, K, HEIGHT, WIDTH).faces >= 0
    expected = np.zeros_like(covered)
    expected[3:20, 2:27] = 1  # left and top sides belong to the square, right and bottom ones do not
    np.testing.assert_array_equal(covered, expected)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 3)])
def test_views_are_independent(batch: tuple[int, ...]) -> None:
    vertices, faces = random_triangles(1, 20)
    shifts = np.arange(np.prod(batch, dtype=int)).reshape(*batch, 1, 1) * np.array([7.0, 3.0, 11.0])
    fragments = rasterize(vertices + shifts if batch else vertices, faces, K, HEIGHT, WIDTH)
    assert fragments.depth.shape == (*batch, HEIGHT, WIDTH)
    for view in np.ndindex(*batch):
        alone = rasterize(vertices + shifts[view] if batch else vertices, faces, K, HEIGHT, WIDTH)
        np.testing.assert_array_equal(fragments.faces[view], alone.faces)
        np.testing.assert_array_equal(fragments.barycentrics[view], alone.barycentrics)
        assert (alone.faces >= 0).any()


def test_what_lies_behind_near_or_nowhere_is_left_out() -> None:
    vertices, faces = random_triangles(2, 3)
    vertices[faces[0, 0], 2] = NEAR_MM / 2
    vertices[faces[1], 2] *= -1
    vertices[faces[2, 1]] = np.nan
    fragments = rasterize(vertices, faces, K, HEIGHT, WIDTH)
    assert (fragments.faces == -1).all()
    assert (fragments.depth == 0).all()
    assert (fragments.barycentrics == 0).all()


def test_triangles_far_larger_than_the_image_fill_it() -> None:
    vertices = np.array([[-1e6, -1e6, 50.0], [1e6, -1e6, 50.0], [0.0, 1e6, 50.0]])
    fragments = rasterize(vertices, np.array([[0, 1, 2]]), K, HEIGHT, WIDTH)
    np.testing.assert_allclose(fragments.depth, 50.0, rtol=1e-4)


def test_no_faces_draw_nothing() -> None:
    fragments = rasterize(np.zeros((0, 3)), np.zeros((0, 3), dtype=int), K, HEIGHT, WIDTH)
    assert (fragments.faces == -1).all()


def test_faces_that_name_missing_vertices_are_refused() -> None:
    with pytest.raises(ValueError, match="there are 3"):
        rasterize(np.ones((3, 3)), np.array([[0, 1, 3]]), K, HEIGHT, WIDTH)


def test_works_where_no_cache_can_be_written() -> None:
    program = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import numba.core.caching as caching
caching.CacheImpl._locator_classes = []
import numpy as np
from estimator.hand.rasterizer import rasterize
fragments = rasterize(np.array([[-9., -9, 50], [9, -9, 50], [0, 9, 50]]), np.array([[0, 1, 2]]), np.eye(3), 4, 4)
assert fragments.faces[0, 0] == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
