"""Mesh operations that building a template needs: subdivision, cutting along a level set, Laplacians, closest points."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.sparse.linalg import splu


@dataclass(frozen=True)
class Mesh:
    """Triangles with numbers at the vertices that travel along when the mesh is cut.

    Attributes:
        vertices: positions, mm.
        faces: counter-clockwise seen from outside.
        fields: any values at the vertices, interpolated linearly.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    fields: Float[np.ndarray, "vertices fields"]


def unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors of length one."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def orthogonal_part(vectors: Float[np.ndarray, "*batch 3"], axis: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """What is left of the vectors, at length one, after their part along a unit axis is taken away."""
    return unit(vectors - np.sum(vectors * axis, axis=-1, keepdims=True) * axis)


def face_edges(faces: Int[np.ndarray, "faces corners"]) -> Int[np.ndarray, "edges 2"]:
    """Directed edges of polygons, one row a corner, polygon by polygon."""
    return np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)


def adjacency(faces: Int[np.ndarray, "faces corners"], vertex_count: int) -> sparse.csr_matrix:
    """Symmetric 0/1 matrix of vertices joined by an edge."""
    start, end = face_edges(faces).T
    links = sparse.coo_matrix((np.ones(len(start)), (start, end)), shape=(vertex_count, vertex_count)).tocsr()
    return ((links + links.T) > 0).astype(float)


def uniform_laplacian(faces: Int[np.ndarray, "faces corners"], vertex_count: int) -> sparse.csr_matrix:
    """Mean of the neighbours minus the vertex itself."""
    links = adjacency(faces, vertex_count)
    degree = np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1)
    return sparse.diags(1 / degree) @ links - sparse.eye(vertex_count)


def cotangent_laplacian(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> sparse.csr_matrix:
    """Cotangent-weighted mean of the neighbours minus the vertex itself; obtuse corners count little instead of negatively."""
    rows, columns, values = [], [], []
    for k in range(3):
        a, b, c = (faces[:, (k + i) % 3] for i in range(3))
        u, v = vertices[a] - vertices[c], vertices[b] - vertices[c]
        cotangent = np.sum(u * v, axis=1) / np.maximum(np.linalg.norm(np.cross(u, v), axis=1), 1e-12)
        rows += [a, b]
        columns += [b, a]
        values += [np.maximum(cotangent, 0.05)] * 2
    shape = (len(vertices), len(vertices))
    weights = sparse.coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()
    return sparse.diags(1 / np.asarray(weights.sum(axis=1)).ravel()) @ weights - sparse.eye(len(vertices))


def diffuse(
    values: Float[np.ndarray, "vertices fields"],
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    radius_mm: float,
) -> Float[np.ndarray, "vertices fields"]:
    """The values spread over about the given distance along the surface, however fine its triangles are."""
    edges = face_edges(faces)
    edge_mm = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1).mean()
    laplacian = cotangent_laplacian(vertices, faces)
    for _ in range(max(1, round((radius_mm / edge_mm) ** 2))):
        values = values + 0.5 * (laplacian @ values)
    return values


def harmonic_fill(
    laplacian: sparse.csr_matrix, values: Float[np.ndarray, "vertices fields"], fixed: Bool[np.ndarray, " vertices"]
) -> Float[np.ndarray, "vertices fields"]:
    """The values where they are fixed, and between them those that equal the mean of their neighbours."""
    inner = laplacian.tocsc()[~fixed]
    filled = values * fixed[:, None]
    filled[~fixed] = splu(inner[:, ~fixed].tocsc()).solve(-(inner[:, fixed] @ values[fixed]))
    return filled


def face_links(faces: Int[np.ndarray, "faces 3"]) -> sparse.csr_matrix:
    """Symmetric matrix of faces that share an edge."""
    _, edge = np.unique(np.sort(face_edges(faces), axis=1), axis=0, return_inverse=True)
    corner_face = np.repeat(np.arange(len(faces)), 3)
    incidence = sparse.coo_matrix((np.ones(len(edge.ravel())), (corner_face, edge.ravel()))).tocsr()
    return incidence @ incidence.T


def boundary_edges(faces: Int[np.ndarray, "faces corners"]) -> Int[np.ndarray, "edges 2"]:
    """Directed edges that only one polygon has."""
    edges = face_edges(faces)
    _, index, count = np.unique(np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True)
    return edges[index[count == 1]]


def subdivision(quads: Int[np.ndarray, "quads 4"], vertex_count: int) -> tuple[sparse.csr_matrix, Int[np.ndarray, "finer 4"]]:
    """Catmull-Clark: the matrix from old to new vertices, and the new quads; boundaries become cubic B-splines."""
    directed = face_edges(quads)
    edges, edge_of_corner, edge_face_count = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True, return_counts=True)
    edge_of_corner = edge_of_corner.reshape(-1)
    face_count, edge_count = len(quads), len(edges)
    corner_faces = np.repeat(np.arange(face_count), 4)
    face_points = _averages(corner_faces, quads.ravel(), (face_count, vertex_count))
    midpoints = _averages(np.repeat(np.arange(edge_count), 2), edges.ravel(), (edge_count, vertex_count))
    edge_faces = _averages(edge_of_corner, corner_faces, (edge_count, face_count)) @ face_points
    inner_edge = sparse.diags((edge_face_count == 2).astype(float))
    edge_points = midpoints - inner_edge @ (0.5 * midpoints) + inner_edge @ (0.5 * edge_faces)

    on_boundary = np.zeros(vertex_count, bool)
    on_boundary[edges[edge_face_count == 1]] = True
    valence = np.maximum(np.bincount(edges.ravel(), minlength=vertex_count), 1)
    identity = sparse.eye(vertex_count, format="csr")
    around_faces = _averages(quads.ravel(), corner_faces, (vertex_count, face_count)) @ face_points
    around_edges = _averages(edges.ravel(), np.repeat(np.arange(edge_count), 2), (vertex_count, edge_count)) @ midpoints
    inner = sparse.diags(1 / valence) @ (around_faces + 2 * around_edges) + sparse.diags(1 - 3 / valence) @ identity
    rim = edges[edge_face_count == 1]
    rim_mean = _averages(rim.ravel(), rim[:, ::-1].ravel(), (vertex_count, vertex_count))
    outer = 0.75 * identity + 0.25 * rim_mean
    vertex_points = sparse.diags((~on_boundary).astype(float)) @ inner + sparse.diags(on_boundary.astype(float)) @ outer

    edge_ids = vertex_count + edge_of_corner.reshape(-1, 4)
    face_ids = np.repeat(vertex_count + edge_count + np.arange(face_count)[:, None], 4, axis=1)
    finer = np.stack([quads, edge_ids, face_ids, np.roll(edge_ids, 1, axis=1)], axis=-1).reshape(-1, 4)
    return sparse.vstack([vertex_points, edge_points, face_points]).tocsr(), finer


def _averages(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Matrix whose rows take the mean over the listed columns."""
    matrix = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
    return sparse.diags(1 / np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1)) @ matrix


def split_quads(quads: Int[np.ndarray, "quads 4"], vertices: Float[np.ndarray, "vertices 3"]) -> Int[np.ndarray, "faces 3"]:
    """Two triangles a quad, along its shorter diagonal."""
    first, second = (np.linalg.norm(vertices[quads[:, k]] - vertices[quads[:, k + 2]], axis=1) for k in (0, 1))
    turned = np.where((first <= second)[:, None], quads, np.roll(quads, -1, axis=1))
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])


def cut_along_zero(mesh: Mesh, level: Float[np.ndarray, " vertices"]) -> tuple[Mesh, Int[np.ndarray, "cuts 2"]]:
    """The mesh with new edges where ``level`` is zero, and those edges; no face has both signs afterwards.

    Values within a hundredth of an edge of zero are taken as zero, so that no sliver is made.
    """
    level = level.copy()
    edges = np.unique(np.sort(face_edges(mesh.faces), axis=1), axis=0)
    for a, b in (edges.T, edges.T[::-1]):
        near = (level[a] * level[b] < 0) & (np.abs(level[a]) < 0.05 * np.abs(level[b]))
        level[a[near]] = 0
    crossing = edges[level[edges[:, 0]] * level[edges[:, 1]] < 0]
    a, b = crossing.T
    share = (level[a] / (level[a] - level[b]))[:, None]
    vertices, fields = (np.concatenate([x, (1 - share) * x[a] + share * x[b]]) for x in (mesh.vertices, mesh.fields))
    level = np.concatenate([level, np.zeros(len(crossing))])
    new_vertex = {(int(p), int(q)): len(mesh.vertices) + i for i, (p, q) in enumerate(crossing)}
    faces: list[list[int]] = []
    for face in mesh.faces.tolist():
        polygon: list[int] = []
        for p, q in zip(face, face[1:] + face[:1], strict=True):
            polygon.append(p)
            if (min(p, q), max(p, q)) in new_vertex:
                polygon.append(new_vertex[min(p, q), max(p, q)])
        faces += _split_polygon(polygon, level)
    cut = Mesh(vertices, np.array(faces), fields)
    edges = np.unique(np.sort(face_edges(cut.faces), axis=1), axis=0)
    return cut, edges[(level[edges] == 0).all(axis=1)]


def _split_polygon(polygon: list[int], level: np.ndarray) -> list[list[int]]:
    """Triangles of a face with zero-level points inserted; the zero points are joined to each other."""
    zeros = [i for i, vertex in enumerate(polygon) if level[vertex] == 0]
    if len(polygon) == 3:
        return [polygon]
    start = zeros[0]
    turned = polygon[start:] + polygon[:start]
    if len(polygon) == 5 and level[turned[2]] == 0:
        turned = turned[2:] + turned[:2]
    return [[turned[0], turned[i], turned[i + 1]] for i in range(1, len(turned) - 1)]


def flip_caps(mesh: Mesh, widest_deg: float = 150.0) -> Mesh:
    """The mesh with the longest edge of each nearly flat triangle (a corner wider than ``widest_deg``) given to the other diagonal."""
    faces = mesh.faces.copy()
    for face in range(len(faces)):
        corners = mesh.vertices[faces[face]]
        arms = np.roll(corners, -1, axis=0) - corners, np.roll(corners, 1, axis=0) - corners
        cosines = np.sum(arms[0] * arms[1], axis=1) / np.linalg.norm(arms[0], axis=1) / np.linalg.norm(arms[1], axis=1)
        apex, start, end = np.roll(faces[face], -int(np.argmin(cosines)))
        if cosines.min() > np.cos(np.radians(widest_deg)):
            continue
        for other in np.flatnonzero((faces == start).any(axis=1) & (faces == end).any(axis=1)):
            if other != face:
                opposite = next(vertex for vertex in faces[other] if vertex not in (start, end))
                faces[face], faces[other] = (apex, start, opposite), (apex, opposite, end)
    return Mesh(mesh.vertices, faces, mesh.fields)


def keep_faces(mesh: Mesh, keep: np.ndarray) -> Mesh:
    """The chosen faces and the vertices that they use."""
    used, faces = np.unique(mesh.faces[keep], return_inverse=True)
    return Mesh(mesh.vertices[used], faces.reshape(-1, 3), mesh.fields[used])


def vertex_normals(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "vertices 3"]:
    """Area-weighted outward normals of length one."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], np.cross(b - a, c - a))
    return unit(normals)


def carry_fields(source: Mesh, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points fields"]:
    """The source's fields at the closest points of its surface."""
    import igl

    _, face, closest = igl.point_mesh_squared_distance(points, source.vertices, source.faces)
    a, b, c = (source.vertices[source.faces[face, k]] for k in range(3))
    bary = barycentric(closest, a, b, c)
    return np.einsum("pk,pkf->pf", bary, source.fields[source.faces[face]])


def barycentric(
    point: Float[np.ndarray, "n 3"], a: Float[np.ndarray, "n 3"], b: Float[np.ndarray, "n 3"], c: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n 3"]:
    """Weights of a triangle's corners at a point in its plane, clipped to the triangle."""
    normal = np.cross(b - a, c - a)
    area = np.maximum(np.sum(normal * normal, axis=1), 1e-18)
    u = np.sum(np.cross(b - point, c - point) * normal, axis=1) / area
    v = np.sum(np.cross(c - point, a - point) * normal, axis=1) / area
    weights = np.clip(np.stack([u, v, 1 - u - v], axis=1), 0, 1)
    return weights / weights.sum(axis=1, keepdims=True)
