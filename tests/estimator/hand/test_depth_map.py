"""depth_maps against rays solved one by one in torch, whose gradients autograd knows, and the laws of its own gradient."""

import numpy as np
import pytest
import roma
import torch
from torch import Tensor

from estimator.hand.depth_map import depth_maps

HEIGHT, WIDTH = 24, 32
FACES = torch.tensor([[0, 1, 2], [1, 3, 2], [4, 5, 6], [7, 8, 9]])


def soup(seed: int) -> Tensor:
    """Ten vertices of ``FACES`` around the origin, mm: two triangles share a side, two lie as they like."""
    return 60 * torch.randn(10, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cameras(*views: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """K, R, t of views that look at the origin from all around; each crop is turned, stretched and shifted in its own way."""
    generator = torch.Generator().manual_seed(seed)
    R = roma.unitquat_to_rotmat(torch.nn.functional.normalize(torch.randn((*views, 4), generator=generator, dtype=torch.float64), dim=-1))
    t = torch.tensor([0.0, 0.0, 500.0]) + 5 * torch.randn((*views, 3), generator=generator, dtype=torch.float64)
    K = torch.tensor([[80.0, 0.0, 15.5], [0.0, 85.0, 11.5], [0.0, 0.0, 1.0]], dtype=torch.float64).repeat(*views, 1, 1)
    K[..., :2, 2] += torch.rand((*views, 2), generator=generator, dtype=torch.float64)
    K[..., :2, :2] += 5 * torch.rand((*views, 2, 2), generator=generator, dtype=torch.float64)
    return K, R, t


def slow_faces(points: Tensor, K: Tensor) -> Tensor:
    """Row of the nearest triangle that each pixel's ray meets, -1 where there is none. ``points`` in the camera frame."""
    column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    rays = torch.linalg.inv(K) @ torch.from_numpy(np.stack([column, row, np.ones_like(row)]).reshape(3, -1)).double()
    shares = torch.linalg.solve(points[FACES].mT, rays)  # of the corners, times 1 / z
    closeness = torch.where((shares >= 0).all(dim=1), shares.sum(dim=1), 0.0)
    return torch.where(closeness.amax(dim=0) > 0, closeness.argmax(dim=0), -1).reshape(HEIGHT, WIDTH)


def slow_depth(points: Tensor, K: Tensor) -> Tensor:
    """Where each ray meets the plane of the triangle it sees: n . (z ray) = n . corner."""
    seen, rows = slow_faces(points.detach(), K), []
    for row in range(HEIGHT):
        for column in range(WIDTH):
            ray = torch.linalg.inv(K) @ points.new_tensor([column, row, 1.0])
            a, b, c = points[FACES[seen[row, column]]]
            normal = torch.linalg.cross(b - a, c - a)
            rows.append(normal @ a / (normal @ ray) if seen[row, column] >= 0 else points.new_zeros(()))
    return torch.stack(rows).reshape(HEIGHT, WIDTH)


@pytest.mark.parametrize("seed", range(3))
def test_depth_and_gradients_are_those_of_rays_meeting_planes(seed: int) -> None:
    (K, R, t), vertices = cameras(seed=seed), soup(seed)
    inputs = [value.requires_grad_() for value in (vertices, R, t)]
    depth = depth_maps(vertices, FACES, K[None], R[None], t[None], HEIGHT, WIDTH)[0]
    points = vertices @ R.T + t
    expected = slow_depth(points, K)
    assert (depth > 0).sum() > 40
    torch.testing.assert_close(depth, expected, rtol=1e-9, atol=0.0)

    slopes = torch.randn(HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for ours, theirs in zip(torch.autograd.grad(depth, inputs, slopes), torch.autograd.grad(expected, inputs, slopes), strict=True):
        assert theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


def test_gradients_are_finite_differences() -> None:
    (K, R, t), vertices = cameras(2), soup(5)
    step = 1e-4
    shifted = [vertices + step * sign * torch.nn.functional.one_hot(torch.tensor(0), 3) for sign in (-1, 1)]
    # pixels at which a step changes the triangle have no derivative
    keep = torch.stack([torch.stack([slow_faces(v @ R[i].T + t[i], K[i]) for v in shifted]).diff(dim=0)[0] == 0 for i in range(2)])

    def kept(vertices: Tensor, R: Tensor, t: Tensor) -> Tensor:
        return torch.where(keep, depth_maps(vertices, FACES, K, R, t, HEIGHT, WIDTH), 0.0).sum(dim=(-2, -1))

    assert torch.autograd.gradcheck(kept, (vertices.requires_grad_(), R.requires_grad_(), t.requires_grad_()), eps=1e-6, rtol=1e-4)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 3)])
@pytest.mark.parametrize("view_count", [0, 1, 5])
def test_samples_and_views_are_independent(batch: tuple[int, ...], view_count: int) -> None:
    K, R, t = cameras(*batch, view_count)
    vertices = torch.stack([soup(seed) for seed in range(int(np.prod(batch)))] or [soup(0)])[: int(np.prod(batch))].reshape(*batch, 10, 3)
    vertices.requires_grad_()
    depth = depth_maps(vertices, FACES, K, R, t, HEIGHT, WIDTH)
    assert depth.shape == (*batch, view_count, HEIGHT, WIDTH)
    (gradient,) = torch.autograd.grad(depth.square().sum(), vertices)
    for sample in np.ndindex(*batch):
        alone = vertices[sample].detach().clone().requires_grad_()
        for view in range(view_count):
            own = depth_maps(alone, FACES, K[sample][view, None], R[sample][view, None], t[sample][view, None], HEIGHT, WIDTH)
            torch.testing.assert_close(depth[sample][view], own[0], rtol=1e-12, atol=0.0)
            own.square().sum().backward()
        if view_count:
            torch.testing.assert_close(gradient[sample], alone.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_follows_the_dtype(dtype: torch.dtype) -> None:
    K, R, t = (value.to(dtype) for value in cameras(2))
    vertices = soup(0).to(dtype).requires_grad_()
    depth = depth_maps(vertices, FACES, K, R, t, HEIGHT, WIDTH)
    (gradient,) = torch.autograd.grad(depth.sum(), vertices)
    assert depth.dtype == gradient.dtype == dtype


def test_a_surface_that_no_view_sees_is_zero_and_pulls_nothing() -> None:
    K, R, t = cameras(3)
    t = t + torch.tensor([[0.0, 0.0, -1500.0], [5000.0, 0.0, 0.0], [0.0, 0.0, 1e9]])
    vertices = soup(0).requires_grad_()
    vertices.data[3] = torch.nan
    depth = depth_maps(vertices, FACES, K, R, t, HEIGHT, WIDTH)
    assert (depth == 0).all()
    (gradient,) = torch.autograd.grad(depth.sum(), vertices)
    assert (gradient == 0).all()


def test_gradients_of_slivers_and_edge_on_triangles_are_finite() -> None:
    K = torch.tensor([[80.0, 0.0, 15.5], [0.0, 80.0, 11.5], [0.0, 0.0, 1.0]])
    # the rays of column 16 lie in the plane of the first triangle but for 1e-6; the second is a line
    x = (16 - 15.5) / 80 * torch.tensor([500.0, 400.0, 500.0]) + torch.tensor([-1e-6, 0.0, 1e-6])
    edge_on = torch.stack([x, torch.tensor([-60.0, 0.0, 60.0]), torch.tensor([500.0, 400.0, 500.0])], dim=1)
    line = torch.tensor([[-60.0, 0.0, 600.0], [0.0, 1e-7, 600.0], [60.0, 0.0, 600.0]])
    vertices = torch.cat([edge_on, line]).requires_grad_()
    depth = depth_maps(vertices, torch.tensor([[0, 1, 2], [3, 4, 5]]), K[None], torch.eye(3)[None], torch.zeros(1, 3), HEIGHT, WIDTH)
    (gradient,) = torch.autograd.grad(depth.sum(), vertices)
    assert ((depth == 0) | ((depth >= 399.999) & (depth <= 600.001))).all()
    assert gradient.isfinite().all()


def test_bits_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    K, R, t = cameras(4)
    results = []
    for count in (1, 4):
        monkeypatch.setattr("estimator.hand.compiled.THREAD_COUNT", count)
        monkeypatch.setattr("estimator.hand.rasterizer.THREAD_COUNT", count)
        vertices = soup(0).requires_grad_()
        depth = depth_maps(vertices, FACES, K, R, t, HEIGHT, WIDTH)
        depth.square().sum().backward()
        results.append((depth.detach(), vertices.grad))
    assert all(torch.equal(one, four) for one, four in zip(*results, strict=True))
