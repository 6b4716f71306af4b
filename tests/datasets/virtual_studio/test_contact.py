"""Laws of contact: nothing inside anything, the softer side yields more, flesh swells beside a dent, untouched skin stays."""

import igl
import numpy as np
import pytest

from datasets.virtual_studio.contact import Tissue, separated, tissue_of
from tests.datasets.virtual_studio.flesh import ball

RADIUS_MM = 16.0


def two_balls(distance_mm: float) -> np.ndarray:
    vertices, _ = ball(RADIUS_MM, 5)
    return np.concatenate([vertices, vertices + np.array([distance_mm, 0, 0])])


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    vertices, faces = ball(RADIUS_MM, 5)
    return np.concatenate([faces, faces + len(vertices)])


@pytest.fixture(scope="module")
def tissue(faces) -> Tissue:
    """Far apart at rest; the second ball is three times as soft."""
    rest = two_balls(100.0)
    return tissue_of(rest, faces, np.repeat([0.2, 0.6], len(rest) // 2))


def depths(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """How deep each vertex is inside the other ball, mm, negative outside: slowly, from the nearest triangle and the winding number."""
    half_v, half_f = len(vertices) // 2, len(faces) // 2
    halves = [vertices[:half_v].astype(float), vertices[half_v:].astype(float)]
    return np.concatenate(
        [-igl.signed_distance(halves[i], halves[1 - i], faces[:half_f], igl.SIGNED_DISTANCE_TYPE_WINDING_NUMBER)[0] for i in (0, 1)]
    )


@pytest.mark.parametrize("overlap_mm", [0.5, 2.0, 5.0])
def test_what_overlaps_is_taken_apart(tissue, faces, overlap_mm):
    vertices = two_balls(2 * RADIUS_MM - overlap_mm).astype(np.float32)
    assert depths(vertices, faces).max() > 0.8 * overlap_mm
    apart, yielded = separated(tissue, vertices, faces)
    assert depths(apart, faces).max() < 0.3
    assert (yielded > 0).any()


def test_the_softer_side_yields_more(tissue, faces):
    vertices = two_balls(2 * RADIUS_MM - 3.0).astype(np.float32)
    apart, _ = separated(tissue, vertices, faces)
    half = len(vertices) // 2
    hard, soft = (np.linalg.norm(apart - vertices, axis=1)[part].max() for part in (slice(half), slice(half, None)))
    assert soft > 1.8 * hard
    assert hard > 0.2


def test_flesh_swells_beside_a_dent(tissue, faces):
    vertices = two_balls(2 * RADIUS_MM - 3.0).astype(np.float32)
    apart, _ = separated(tissue, vertices, faces)
    half = len(vertices) // 2
    outwards = np.linalg.norm(apart[half:] - [2 * RADIUS_MM - 3.0, 0, 0], axis=1) - RADIUS_MM
    assert outwards.min() < -1
    assert outwards.max() > 0.05


def test_skin_that_touches_nothing_stays_to_the_bit(tissue, faces):
    vertices = two_balls(2 * RADIUS_MM + 1.0).astype(np.float32)
    apart, yielded = separated(tissue, vertices, faces)
    np.testing.assert_array_equal(apart, vertices)
    assert not yielded.any()


def test_far_sides_of_touching_balls_stay(tissue, faces):
    vertices = two_balls(2 * RADIUS_MM - 2.0).astype(np.float32)
    apart, _ = separated(tissue, vertices, faces)
    far = np.abs(vertices[:, 0] - (RADIUS_MM - 1)) > 1.4 * RADIUS_MM
    np.testing.assert_array_equal(apart[far], vertices[far])


def test_both_sides_of_thin_flesh_do_not_touch_each_other():
    """A ball pressed flat is one piece of flesh, however near its sides come."""
    vertices, one = ball(12.0, 4)
    tissue = tissue_of(vertices, one, np.full(len(vertices), 0.5))
    flat = (vertices * [0.2, 1, 1]).astype(np.float32)
    np.testing.assert_array_equal(separated(tissue, flat, one)[0], flat)
