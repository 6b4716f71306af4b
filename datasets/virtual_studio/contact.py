"""Contact: where fingers press on fingers and palm, both surfaces give way, the softer one more, and flesh swells around the dent."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy import sparse

from datasets.makehuman.geometry import adjacency
from datasets.virtual_studio.contact_kernel import calm, find_opposites, hand_on, push, spread, swell
from datasets.virtual_studio.normals import vertex_normals

CELL_MM = 8.0
"""Side of the grid's cells, and how deep a penetration is found."""

SAMPLE_STRIDE = 4
"""One vertex in so many looks for what it touches; the others ask their neighbours."""

GAP_MM = 0.06
"""Surfaces that touch keep so much apart."""

RING_LINKS = 6
"""Of about eighteen: enough to carry a dent over the skin."""

PUSHES = ((0.0, 9.0), (0.2, 8.0), (0.5, 5.0), (0.7, 3.0), (0.9, 2.0), (1.0, 1.5))
"""Of each push the least share of the way out that a vertex goes by itself, since the other side may not yield, and the depth, mm, that
can still be true after the pushes before."""

CALMED = (1, 3)
CALM_ROUNDS = 3
"""After these pushes the skin's moves are smoothed over so many edges."""

RING_PUSHES = 2
"""So many of them make dents; the others mend what is left."""

DENT_ROUNDS = 5
SWELLING_ROUNDS = 9


@dataclass(frozen=True)
class Tissue:
    """The flesh below the skin, as far as contact needs it.

    Attributes:
        rest: vertices at rest and their normals: what is far apart there and near in a pose touches.
        neighbour_starts: first of each vertex's neighbours, and the end of the last's.
        neighbours: vertices an edge away.
        ring_starts: the same for the ring.
        ring: some of the vertices three edges away.
        softness: how far a vertex yields, relative to what it touches.
    """

    rest: Float32[np.ndarray, "vertices 6"]
    neighbour_starts: Int[np.ndarray, " bounds"]
    neighbours: Int[np.ndarray, " neighbours"]
    ring_starts: Int[np.ndarray, " bounds"]
    ring: Int[np.ndarray, " links"]
    softness: Float32[np.ndarray, " vertices"]


def tissue_of(rest: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], softness: Float[np.ndarray, " vertices"]) -> Tissue:
    """What contact needs to know of a hand."""
    once = adjacency(faces, len(rest))
    twice = ((once @ once + once) > 0).astype(float)
    ring = ((once @ twice) > 0).astype(float)
    ring = _thinned(sparse.coo_matrix(ring - ring.multiply(twice) - sparse.diags(ring.diagonal())))
    return Tissue(
        rest=np.concatenate([rest, vertex_normals(rest.astype(np.float32), faces)], axis=1, dtype=np.float32),
        neighbour_starts=once.indptr.astype(np.int32),
        neighbours=once.indices.astype(np.int32),
        ring_starts=ring.indptr.astype(np.int32),
        ring=ring.indices.astype(np.int32),
        softness=softness.astype(np.float32),
    )


def _thinned(links: sparse.coo_matrix) -> sparse.csr_matrix:
    """A few links of each vertex, drawn by lot, always the same."""
    links.eliminate_zeros()
    order = np.lexsort((np.random.default_rng(0).random(len(links.row)), links.row))
    row, column = links.row[order], links.col[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = place < RING_LINKS
    return sparse.csr_matrix((np.ones(int(kept.sum())), (row[kept], column[kept])), shape=links.shape)


def separated(
    tissue: Tissue, vertices: Float32[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> tuple[Float32[np.ndarray, "vertices 3"], Float32[np.ndarray, " vertices"]]:
    """The skin with nothing inside anything else (up to a few tenths of a millimetre), and how far each vertex had to yield, mm.

    Skin that touches nothing stays, to the bit, where it was. What is deeper than ``CELL_MM`` in another part is not found.
    """
    start, vertices, yielded = vertices, vertices.copy(), np.zeros(len(vertices), dtype=np.float32)
    opposite = np.full(len(vertices), -1, dtype=np.int32)
    normals = vertex_normals(vertices, faces)
    find_opposites(vertices, normals, tissue.rest, *_grid(vertices), np.float32(CELL_MM), opposite)
    for _ in range(2):
        hand_on(vertices, tissue.neighbour_starts, tissue.neighbours, opposite)
    for step, (least_share, deepest_mm) in enumerate(PUSHES):
        move = np.zeros_like(vertices)
        around = tissue.neighbour_starts, tissue.neighbours
        held = push(vertices, normals, tissue.rest, *around, tissue.softness, opposite, GAP_MM, least_share, deepest_mm, move)
        if not held.any():
            break
        yielded = np.maximum(yielded, np.linalg.norm(move, axis=1))
        if step < RING_PUSHES:
            spread(tissue.ring_starts, tissue.ring, held, DENT_ROUNDS, np.float32(0.86), move)
        if step == 0:
            swell(tissue.ring_starts, tissue.ring, tissue.softness, normals, held, SWELLING_ROUNDS, move)
        spread(*around, held, 2, np.float32(0.95), move)
        vertices += move
        if step in CALMED:
            moved = vertices - start
            calm(*around, CALM_ROUNDS, moved)
            vertices = start + moved
        normals = vertex_normals(vertices, faces)
    return vertices, yielded


def _grid(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts of cells along the axes, first of each cell (and the end) among the sampled vertices, and these cell by cell."""
    sampled = np.arange(0, len(vertices), SAMPLE_STRIDE, dtype=np.int32)
    low = vertices.min(axis=0) - np.float32(1.5 * CELL_MM)
    cells = ((vertices[sampled] - low) / np.float32(CELL_MM)).astype(np.int32)
    counts = cells.max(axis=0) + 2
    flat = (cells[:, 0] * counts[1] + cells[:, 1]) * counts[2] + cells[:, 2]
    order = sampled[np.argsort(flat, kind="stable")]
    starts = np.zeros(int(np.prod(counts)) + 1, dtype=np.int32)
    np.cumsum(np.bincount(flat, minlength=len(starts) - 1), out=starts[1:])
    return counts.astype(np.int32), starts, order
