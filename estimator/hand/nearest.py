"""nearest_vertices: which vertex is closest to each of some points."""

from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from estimator.hand.compiled import compiled, in_threads


def nearest_vertices(
    points: Float[Tensor, "*batch points 3"], vertices: Float[Tensor, "*batch vertices 3"]
) -> Int[Tensor, "*batch points"]:
    """Row of the closest vertex, the first of several; 0 where no distance is a number. Not differentiable.

    Looked for on the CPU whatever the device: a search over all pairs that keeps no table of them.

    Raises:
        ValueError: when there is no vertex.
    """
    if not vertices.shape[-2]:
        raise ValueError("there is no vertex to be near to")
    batch = points.shape[:-2]
    flat_points = points.detach().cpu().numpy().reshape(batch.numel(), points.shape[-2], 3)
    rows = vertices.detach().cpu().numpy().reshape(batch.numel(), vertices.shape[-2], 3)
    columns = np.ascontiguousarray(rows.transpose(0, 2, 1))
    nearest = np.zeros(flat_points.shape[:2], dtype=np.int64)
    in_threads(lambda i: _search(np.ascontiguousarray(flat_points[i]), columns[i], nearest[i]), range(len(nearest)))
    return torch.from_numpy(nearest).reshape(points.shape[:-1]).to(points.device)


@compiled
@no_type_check
def _search(points: np.ndarray, columns: np.ndarray, nearest: np.ndarray) -> None:
    xs, ys, zs = columns[0], columns[1], columns[2]
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        least = np.inf
        for v in range(len(xs)):
            dx, dy, dz = xs[v] - x, ys[v] - y, zs[v] - z
            distance = dx * dx + dy * dy + dz * dz
            if distance < least:
                least = distance
                nearest[i] = v
