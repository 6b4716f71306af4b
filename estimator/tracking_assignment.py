"""best_pairs: which of the hands seen is which of the hands known, so that the whole costs least."""

from functools import cache

import numpy as np
from jaxtyping import Float


def best_pairs(costs: Float[np.ndarray, "rows columns"]) -> list[tuple[int, int]]:
    """Pairs of row and column, each used at most once: as many as finite costs allow, and of those the cheapest.

    Exact, by trying what is left for every set of columns already used: for the few hands of a picture.
    """
    row_count, column_count = costs.shape
    table = costs.tolist()

    @cache
    def rest(row: int, used: int) -> tuple[int, float, tuple[tuple[int, int], ...]]:
        """Missing pairs (negative count first, so that the smallest is best), cost and pairs of the rows from ``row`` on."""
        if row == row_count:
            return 0, 0.0, ()
        best = rest(row + 1, used)
        for column in range(column_count):
            cost = table[row][column]
            if not used >> column & 1 and cost < np.inf:
                count, total, pairs = rest(row + 1, used | 1 << column)
                best = min(best, (count - 1, total + cost, ((row, column), *pairs)))
        return best

    return list(rest(0, 0)[2])
