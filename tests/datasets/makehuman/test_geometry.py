"""Laws of the mesh operations that build the template."""

import numpy as np
import pytest

from datasets.makehuman.geometry import (
    Mesh,
    boundary_edges,
    cotangent_laplacian,
    cut_along_zero,
    diffuse,
    face_edges,
    flip_caps,
    harmonic_fill,
    keep_faces,
    split_quads,
    subdivision,
)
from datasets.makehuman.weights import strongest

CUBE = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
CUBE_QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


def grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A flat square of side one in quads."""
    x, y = np.meshgrid(np.linspace(0, 1, count + 1), np.linspace(0, 1, count + 1))
    corner = (np.arange(count)[:, None] * (count + 1) + np.arange(count)).ravel()
    return np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1), np.stack(
        [corner, corner + 1, corner + count + 2, corner + count + 1], 1
    )


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def flat_mesh(count: int = 9) -> Mesh:
    vertices, quads = grid(count)
    return Mesh(vertices, split_quads(quads, vertices), vertices[:, :1] * 3)


def test_subdivision_keeps_a_closed_surface_closed_and_a_constant_constant():
    matrix, finer = subdivision(CUBE_QUADS, len(CUBE))
    assert len(finer) == 4 * len(CUBE_QUADS)
    assert len(boundary_edges(finer)) == 0
    np.testing.assert_allclose(matrix @ np.ones(len(CUBE)), 1)


def test_a_subdivided_cube_tends_to_a_rounded_one_with_its_symmetries():
    vertices, quads = CUBE, CUBE_QUADS
    for _ in range(3):
        matrix, quads = subdivision(quads, len(vertices))
        vertices = matrix @ vertices
    np.testing.assert_allclose(np.sort(vertices[:, 0]), np.sort(-vertices[:, 1]), atol=1e-12)
    radius = np.linalg.norm(vertices, axis=1)
    assert radius.max() / radius.min() < 1.2


def test_subdivision_leaves_a_plane_and_its_straight_border_alone():
    vertices, quads = grid(4)
    matrix, finer = subdivision(quads, len(vertices))
    fine = matrix @ vertices
    assert np.abs(fine[:, 2]).max() == 0
    rim = fine[np.unique(boundary_edges(finer))]
    corners = (np.abs(rim[:, :2] - 0.5) > 0.4).all(axis=1)
    assert (np.abs(rim[~corners][:, :2] - 0.5).max(axis=1) > 0.49).all()


def test_a_cut_follows_the_level_and_keeps_area_and_fields():
    mesh = flat_mesh()
    level = np.hypot(mesh.vertices[:, 0] - 0.5, mesh.vertices[:, 1] - 0.5) - 0.31
    cut, edges = cut_along_zero(mesh, level)
    assert areas(cut.vertices, cut.faces).sum() == pytest.approx(1)
    np.testing.assert_allclose(cut.fields[:, 0], 3 * cut.vertices[:, 0])
    assert len(boundary_edges(cut.faces)) == len(boundary_edges(mesh.faces))
    _, uses = np.unique(edges, return_counts=True)
    assert (uses == 2).all()  # a closed line
    inside = keep_faces(cut, np.linalg.norm(cut.vertices[cut.faces].mean(axis=1)[:, :2] - 0.5, axis=1) < 0.31)
    assert areas(inside.vertices, inside.faces).sum() == pytest.approx(np.pi * 0.31**2, rel=0.05)


def test_a_harmonic_fill_between_two_sides_is_linear():
    mesh = flat_mesh()
    x = mesh.vertices[:, 0]
    fixed = (x == 0) | (x == 1)
    filled = harmonic_fill(cotangent_laplacian(mesh.vertices, mesh.faces), np.where(fixed, x, 9.0)[:, None], fixed)
    np.testing.assert_allclose(filled[:, 0], x, atol=0.02)


def test_diffusion_keeps_constants_and_spreads_alike_on_coarse_and_fine_meshes():
    spreads = []
    for count in (20, 40):
        mesh = flat_mesh(count)
        x = mesh.vertices[:, 0]
        np.testing.assert_allclose(diffuse(np.ones((len(x), 1)), mesh.vertices, mesh.faces, 0.2), 1)
        step = diffuse((x > 0.5).astype(float)[:, None], mesh.vertices, mesh.faces, 0.2)[:, 0]
        spreads.append(np.ptp(x[(step > 0.15) & (step < 0.85)]))
    assert spreads[0] == pytest.approx(spreads[1], rel=0.35)
    assert spreads[0] > 0.1


def test_a_flat_triangle_gets_the_other_diagonal():
    vertices = np.array([[0.0, 0, 0], [2, 0, 0], [1, 0.01, 0], [1, -1, 0]])
    flipped = flip_caps(Mesh(vertices, np.array([[0, 1, 2], [1, 0, 3]]), np.zeros((4, 0))))
    assert areas(vertices, flipped.faces).min() > 0.4
    assert areas(vertices, flipped.faces).sum() == pytest.approx(1.01)
    assert len(boundary_edges(flipped.faces)) == 4
    assert len(np.unique(face_edges(flipped.faces), axis=0)) == 6


def test_strongest_keeps_four_joints_without_a_jump():
    rng = np.random.default_rng(0)
    start, end = rng.dirichlet(np.ones(7), size=2)
    path = strongest(np.linspace(start, end, 400))
    assert ((path > 0).sum(axis=1) <= 4).all()
    np.testing.assert_allclose(path.sum(axis=1), 1)
    assert np.abs(np.diff(path, axis=0)).max() < 0.02
    few = np.array([[0.5, 0.3, 0.2, 0, 0, 0]])
    np.testing.assert_allclose(strongest(few), few)
