"""Normals, edges and the Laplacian against their slow definitions."""

import torch

from estimator.hand.surface import uniform_laplacian, unique_edges, vertex_normals

VERTICES = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=torch.float64)
FACES = torch.tensor([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])


def test_normals_of_an_octahedron_point_outwards() -> None:
    torch.testing.assert_close(vertex_normals(VERTICES, FACES), VERTICES)


def test_normals_turn_with_the_surface() -> None:
    R = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))).Q
    R = R * torch.linalg.det(R)
    batch = torch.stack([VERTICES, VERTICES @ R.T])
    normals = vertex_normals(batch, FACES)
    torch.testing.assert_close(normals[1], normals[0] @ R.T)


def test_vertex_without_a_face_has_no_normal() -> None:
    lonely = torch.cat([VERTICES, torch.zeros(1, 3, dtype=torch.float64)])
    assert vertex_normals(lonely, FACES)[-1].abs().max() == 0


def test_edges_once_each() -> None:
    edges = unique_edges(FACES)
    assert len(edges) == 12  # Euler: V - E + F = 2
    assert (edges[:, 0] < edges[:, 1]).all()


def test_laplacian_is_difference_from_neighbours_mean() -> None:
    with_lonely = torch.cat([VERTICES, torch.full((1, 3), 7.0, dtype=torch.float64)]) + 3
    found = uniform_laplacian(FACES, len(with_lonely), torch.float64) @ with_lonely
    for v in range(len(with_lonely)):
        neighbours = {int(w) for face in FACES.tolist() if v in face for w in face if w != v}
        expected = with_lonely[v] - with_lonely[sorted(neighbours)].mean(dim=0) if neighbours else torch.zeros(3, dtype=torch.float64)
        torch.testing.assert_close(found[v], expected)
