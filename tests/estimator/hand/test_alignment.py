"""Laws of alignment."""

import pytest
import roma
import torch

from estimator.hand.alignment import Similarity, align_rigid, align_similarity

BATCHES = [(), (1,), (2, 3), (0,)]


def moved_copy(batch: tuple[int, ...], scale: float) -> tuple[torch.Tensor, Similarity, torch.Tensor]:
    torch.manual_seed(0)
    points = torch.randn(*batch, 5, 3, dtype=torch.float64)
    motion = Similarity(
        roma.random_rotmat(batch or 1, dtype=torch.float64).reshape(*batch, 3, 3),
        torch.randn(*batch, 3, dtype=torch.float64),
        torch.full(batch, scale, dtype=torch.float64),
    )
    return points, motion, motion.apply(points)


@pytest.mark.parametrize("batch", BATCHES)
def test_rigid_alignment_of_a_moved_copy_is_exact(batch: tuple[int, ...]) -> None:
    points, motion, target = moved_copy(batch, 1.0)
    found = align_rigid(points, target)
    torch.testing.assert_close(found.rotation, motion.rotation)
    torch.testing.assert_close(found.apply(points), target)


@pytest.mark.parametrize("batch", BATCHES)
def test_similarity_alignment_of_a_moved_copy_is_exact(batch: tuple[int, ...]) -> None:
    points, motion, target = moved_copy(batch, 1.7)
    found = align_similarity(points, target)
    torch.testing.assert_close(found.scale, motion.scale)
    torch.testing.assert_close(found.apply(points), target)


def test_points_without_weight_do_not_count() -> None:
    points, _, target = moved_copy((), 1.0)
    target = target.clone()
    target[0] += 100.0
    weights = torch.tensor([0.0, 1, 1, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(align_rigid(points, target, weights).apply(points)[1:], target[1:])


def test_a_mirrored_copy_is_not_reached_by_a_rotation() -> None:
    points, _, _ = moved_copy((), 1.0)
    found = align_rigid(points, points * torch.tensor([-1.0, 1, 1], dtype=torch.float64))
    assert torch.linalg.det(found.rotation) == pytest.approx(1.0)
