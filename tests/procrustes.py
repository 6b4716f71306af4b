"""Procrustes alignment by its definition, for tests."""

import numpy as np


def similarity_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Mean distance after the best rotation, scale and translation."""
    x, y = found - found.mean(axis=0), expected - expected.mean(axis=0)
    U, S, V = np.linalg.svd(x.T @ y)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(U @ V))])
    scale = (S * signs).sum() / (x**2).sum()
    return float(np.linalg.norm(scale * x @ (U * signs) @ V - y, axis=1).mean())
