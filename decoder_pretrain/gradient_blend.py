"""blend: values on a graph whose steps are prescribed and which stay near given ones: Poisson's equation, for seams that do not show."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import cg

_PRECISION = 1e-5
_MOST_ITERATIONS = 4000


@dataclass(frozen=True)
class Steps:
    """What differences should be: ``x[ends] - x[starts]`` like ``differences``.

    Attributes:
        starts, ends: nodes, one pair an edge.
        differences: of each channel.
    """

    starts: Int[np.ndarray, " edges"]
    ends: Int[np.ndarray, " edges"]
    differences: Float[np.ndarray, "edges channels"]


def blend(
    steps: Steps,
    anchors: Float[np.ndarray, "nodes channels"],
    hold: Float[np.ndarray, " nodes"],
    start: Float[np.ndarray, "nodes channels"],
) -> Float[np.ndarray, "nodes channels"]:
    """The values that minimise the squared errors of all steps and ``hold`` times those from ``anchors``.

    Args:
        hold: positive somewhere in every connected part of the graph, else nothing says how bright that part is.
        start: where to begin the search, best a good guess.
    """
    edges, nodes = len(steps.starts), len(anchors)
    row = np.arange(edges)
    D = sparse.csr_matrix(
        (np.repeat([-1.0, 1.0], edges), (np.concatenate([row, row]), np.concatenate([steps.starts, steps.ends]))), (edges, nodes)
    )
    A = (D.T @ D + sparse.diags(hold)).tocsr()
    b = D.T @ steps.differences + hold[:, None] * anchors
    scale = sparse.diags(1 / A.diagonal())
    columns = [
        cg(A, b[:, channel], x0=start[:, channel], rtol=_PRECISION, maxiter=_MOST_ITERATIONS, M=scale)[0] for channel in range(b.shape[1])
    ]
    return np.stack(columns, axis=1)
