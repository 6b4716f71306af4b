"""Triangle meshes as maths: normals, edges, the sparse Laplacian."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def vertex_normals(vertices: Float[Tensor, "*batch vertices 3"], faces: Int[Tensor, "faces 3"]) -> Float[Tensor, "*batch vertices 3"]:
    """Unit normals, faces weighted by their area; zero where a vertex has no face of positive area."""
    corners = vertices[..., faces, :]
    face_normals = torch.linalg.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
    summed = torch.zeros_like(vertices)
    for corner in range(3):
        summed = summed.index_add(-2, faces[:, corner], face_normals)
    return torch.nn.functional.normalize(summed, dim=-1)


def unique_edges(faces: Int[Tensor, "faces 3"]) -> Int[Tensor, "edges 2"]:
    """Every edge once, the smaller vertex first."""
    pairs = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return torch.unique(pairs.sort(dim=1).values, dim=0)


def uniform_laplacian(faces: Int[Tensor, "faces 3"], vertex_count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Sparse (vertices, vertices) matrix that takes vertices to their difference from their neighbours' mean (section 6)."""
    edges = unique_edges(faces)
    row = torch.cat([edges[:, 0], edges[:, 1]])
    column = torch.cat([edges[:, 1], edges[:, 0]])
    degree = torch.bincount(row, minlength=vertex_count)
    connected = torch.nonzero(degree)[:, 0]
    values = torch.cat([-1.0 / degree[row].to(dtype), torch.ones(len(connected), dtype=dtype, device=faces.device)])
    indices = torch.stack([torch.cat([row, connected]), torch.cat([column, connected])])
    return torch.sparse_coo_tensor(indices, values, (vertex_count, vertex_count), check_invariants=True).coalesce()
