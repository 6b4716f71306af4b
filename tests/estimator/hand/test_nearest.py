"""nearest_vertices against all distances."""

import pytest
import torch

from estimator.hand.nearest import nearest_vertices


def random(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)), dtype=dtype)


@pytest.mark.parametrize("batch", [(), (1,), (2, 3), (0,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_the_vertex_of_the_least_distance(batch: tuple[int, ...], dtype: torch.dtype) -> None:
    points, vertices = random(*batch, 7, 3, dtype=dtype), random(*batch, 50, 3, dtype=dtype)
    expected = (points[..., :, None, :] - vertices[..., None, :, :]).norm(dim=-1).argmin(dim=-1)
    assert torch.equal(nearest_vertices(points, vertices), expected)


def test_the_first_of_equals_wins_and_a_vertex_is_nearest_to_itself() -> None:
    vertices = random(20, 3)
    doubled = torch.cat([vertices, vertices])
    assert torch.equal(nearest_vertices(vertices, doubled), torch.arange(20))


def test_what_is_no_number_is_never_near() -> None:
    vertices = torch.tensor([[torch.nan, 0, 0], [5.0, 0, 0]])
    assert nearest_vertices(torch.zeros(1, 3), vertices).tolist() == [1]


def test_no_vertex_is_refused() -> None:
    with pytest.raises(ValueError, match="no vertex"):
        nearest_vertices(torch.zeros(1, 3), torch.zeros(0, 3))
