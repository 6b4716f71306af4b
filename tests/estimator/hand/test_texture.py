"""unwrap against a literal definition, and as the inverse of photographing a painted surface."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from estimator.hand.depth_map import depth_maps
from estimator.hand.rasterizer import rasterize
from estimator.hand.texture import LEAST_COSINE, Texels, Views, texels, unwrap

SIZE, PICTURE, GRID = 24, 64, 9


def bowl() -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
    """Vertices (mm), faces, uv and uv_faces of a bowl seen from above, with a small lid over it that hides a part; all face upwards."""
    y, x = np.mgrid[-1 : 1 : GRID * 1j, -1 : 1 : GRID * 1j]
    grid = np.stack([40 * x, 40 * y, 12 * (x**2 + y**2)], axis=-1).reshape(-1, 3)
    lid = np.array([[-15.0, -15, 30], [15, -15, 30], [15, 15, 30], [-15, 15, 30]])
    cells = np.arange(GRID * GRID).reshape(GRID, GRID)
    a, b, c, d = cells[:-1, :-1].ravel(), cells[:-1, 1:].ravel(), cells[1:, 1:].ravel(), cells[1:, :-1].ravel()
    corner = GRID * GRID
    faces = np.concatenate(
        [np.stack([a, b, c], 1), np.stack([a, c, d], 1), [[corner, corner + 1, corner + 2], [corner, corner + 2, corner + 3]]]
    )
    uv = np.concatenate([np.stack([0.02 + 0.3 * (x + 1), 0.02 + 0.3 * (y + 1)], axis=-1).reshape(-1, 2), 0.8 + lid[:, :2] / 100])
    return torch.from_numpy(np.concatenate([grid, lid])), torch.from_numpy(faces), uv, faces


def cameras(*views: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """K, R, t of views from above, tilted by up to half a radian; their pictures cut off a corner of the bowl."""
    generator = torch.Generator().manual_seed(seed)
    tilt = torch.rand((*views, 3), generator=generator, dtype=torch.float64) - 0.5
    turn = torch.matrix_exp(
        torch.linalg.cross(tilt[..., None, :].expand(*views, 3, 3), torch.eye(3, dtype=torch.float64).expand(*views, 3, 3))
    )
    R = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)) @ turn
    t = torch.tensor([6.0, 4.0, 400.0], dtype=torch.float64).expand(*views, 3)
    K = torch.tensor([[330.0, 9.0, 31.5], [0.0, 340.0, 31.5], [0.0, 0.0, 1.0]], dtype=torch.float64).expand(*views, 3, 3)
    return K, R, t


def views_of(vertices: Tensor, faces: Tensor, *views: int, seed: int = 0) -> Views:
    """Random smooth pictures of random cameras."""
    K, R, t = cameras(*views, seed=seed)
    small = torch.rand((int(np.prod(views)), 3, 8, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    images = torch.nn.functional.interpolate(small, (PICTURE, PICTURE), mode="bicubic").reshape(*views, 3, PICTURE, PICTURE)
    return Views(images, depth_maps(vertices, faces, K, R, t, PICTURE, PICTURE), K, R, t)


def slow_unwrap(vertices: Tensor, faces: Tensor, where: Texels, views: Views) -> tuple[np.ndarray, np.ndarray]:
    """Texel by texel and view by view."""
    colours, visible = np.zeros((3, SIZE, SIZE)), np.zeros((SIZE, SIZE), dtype=bool)
    for pixel, face, shares in zip(where.pixels.tolist(), where.faces.tolist(), where.barycentrics.double().numpy(), strict=True):
        corners = vertices[faces[face]].numpy()
        point, normal = shares @ corners, np.cross(corners[1] - corners[0], corners[2] - corners[0])
        found = []
        for view in range(len(views.images)):
            K, R, t, depth, image = (value[view].numpy() for value in (views.K, views.R, views.t, views.depth, views.images))
            to_camera = -R.T @ t - point
            seen = R @ point + t
            u, v, _ = K @ seen / seen[2]
            if normal @ to_camera <= LEAST_COSINE * np.linalg.norm(normal) * np.linalg.norm(to_camera):
                continue
            if not (0 <= u <= PICTURE - 1 and 0 <= v <= PICTURE - 1):
                continue
            surface = depth[round(v), round(u)]
            if surface == 0 or abs(surface - seen[2]) > 2:
                continue
            left, top = min(int(u), PICTURE - 2), min(int(v), PICTURE - 2)
            x, y = u - left, v - top
            upper = (1 - x) * image[:, top, left] + x * image[:, top, left + 1]
            lower = (1 - x) * image[:, top + 1, left] + x * image[:, top + 1, left + 1]
            found.append((1 - y) * upper + y * lower)
        if found:
            colours[:, pixel // SIZE, pixel % SIZE] = np.mean(found, axis=0)
            visible[pixel // SIZE, pixel % SIZE] = True
    return colours, visible


def test_texels_lie_where_their_texture_coordinates_say() -> None:
    _, _, uv, uv_faces = bowl()
    where = texels(uv, uv_faces, SIZE)
    u, v = torch.einsum("tc,tcx->tx", where.barycentrics.double(), torch.from_numpy(uv[uv_faces])[where.faces]).T
    torch.testing.assert_close((u * SIZE - 0.5).round().long() + SIZE * ((1 - v) * SIZE - 0.5).round().long(), where.pixels)
    torch.testing.assert_close(u * SIZE - 0.5, (where.pixels % SIZE).double(), atol=1e-3, rtol=0.0)
    assert len(where.pixels) == len(set(where.pixels.tolist()))
    assert len(where.pixels) == pytest.approx(SIZE**2 * (0.6**2 + 0.3**2), rel=0.1)


@pytest.mark.parametrize("seed", range(2))
def test_is_the_mean_colour_of_the_views_that_see_a_texel(seed: int) -> None:
    vertices, faces, uv, uv_faces = bowl()
    where, views = texels(uv, uv_faces, SIZE), views_of(vertices, faces, 3, seed=seed)
    texture = unwrap(vertices, faces, where, views)
    colours, visible = slow_unwrap(vertices, faces, where, views)
    np.testing.assert_array_equal(texture.visible.numpy(), visible)
    np.testing.assert_allclose(texture.colours.numpy(), colours, atol=1e-6)
    on_surface = torch.zeros(SIZE**2, dtype=torch.bool).index_fill(0, where.pixels, True).reshape(SIZE, SIZE)
    assert not (texture.visible & ~on_surface).any()
    assert 0.3 < (texture.visible.sum() / on_surface.sum()) < 1


def test_photographs_of_a_painted_surface_unwrap_to_the_paint() -> None:
    vertices, faces, uv, uv_faces = bowl()
    where, views = texels(uv, uv_faces, SIZE), views_of(vertices, faces, 4)

    def paint(points: np.ndarray) -> np.ndarray:
        return 0.5 + 0.4 * np.sin(points / 15)

    points = (vertices @ views.R.mT + views.t[:, None]).numpy()
    K = views.K.clone()
    K[:, 0, 1] = 0
    drawn = rasterize(points, faces.numpy(), K.numpy(), PICTURE, PICTURE)
    surface = np.einsum("vhwc,vhwcx->vhwx", drawn.barycentrics, vertices.numpy()[faces.numpy()[drawn.faces]])
    images = torch.from_numpy(np.where(drawn.faces[..., None] >= 0, paint(surface), 0.0)).permute(0, 3, 1, 2)
    texture = unwrap(vertices, faces, where, replace(views, images=images, depth=torch.from_numpy(drawn.depth).double(), K=K))

    flat = torch.einsum("tc,tcx->tx", where.barycentrics.double(), vertices[faces[where.faces]])
    expected = torch.zeros(SIZE**2, 3, dtype=torch.float64).index_copy(0, where.pixels, torch.from_numpy(paint(flat.numpy())))
    errors = (texture.colours.flatten(1).T - expected).abs().amax(dim=1)[texture.visible.flatten()]
    assert texture.visible.sum() > 150
    assert errors.median() < 0.01  # at the bowl's and the lid's rims, pixels are half background
    assert (errors < 0.05).double().mean() > 0.85


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 3)])
def test_samples_are_independent(batch: tuple[int, ...]) -> None:
    vertices, faces, uv, uv_faces = bowl()
    where = texels(uv, uv_faces, SIZE)
    vertices = vertices + torch.arange(float(np.prod(batch)), dtype=torch.float64).reshape(*batch, 1, 1)
    views = views_of(vertices, faces, *batch, 2)
    texture = unwrap(vertices, faces, where, views)
    assert texture.colours.shape == (*batch, 3, SIZE, SIZE)
    for sample in np.ndindex(*batch):
        own = Views(*(value[sample] for value in (views.images, views.depth, views.K, views.R, views.t)))
        alone = unwrap(vertices[sample], faces, where, own)
        torch.testing.assert_close(texture.colours[sample], alone.colours)
        torch.testing.assert_close(texture.visible[sample], alone.visible)
        assert alone.visible.any()


def test_gradients_are_finite_differences() -> None:
    vertices, faces, uv, uv_faces = bowl()
    where, views = texels(uv, uv_faces, SIZE), views_of(vertices, faces, 2)
    generator = torch.Generator().manual_seed(1)
    direction = torch.randn(vertices.shape, generator=generator, dtype=torch.float64)
    steps = [unwrap(vertices + step * direction, faces, where, views).colours for step in (-1e-5, 0.0, 1e-5)]
    # bilinear colours bend at pixel borders, and visibility jumps: there left and right differ, and no derivative is
    smooth = (steps[0] - 2 * steps[1] + steps[2]).abs() < 1e-10
    wanted = vertices.requires_grad_()
    slopes = torch.where(smooth, torch.randn(smooth.shape, generator=generator, dtype=torch.float64), 0.0)
    (gradient,) = torch.autograd.grad(unwrap(wanted, faces, where, views).colours, wanted, slopes)
    expected = (slopes * (steps[2] - steps[0]) / 2e-5).sum()
    assert smooth.double().mean() > 0.9
    assert expected.abs() > 1e-3
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-5, atol=1e-8)


def test_views_from_behind_see_nothing_and_pull_nothing() -> None:
    vertices, faces, uv, uv_faces = bowl()
    where, views = texels(uv, uv_faces, SIZE), views_of(vertices, faces, 3)
    away = torch.tensor([[0.0, 0.0, -900.0], [0.0, 0.0, 0.0], [9000.0, 0.0, 0.0]], dtype=torch.float64)
    away[1] = -views.t[1]  # the camera's centre lies in the surface
    wanted = vertices.requires_grad_()
    texture = unwrap(wanted, faces, where, replace(views, t=views.t + away, depth=torch.full_like(views.depth, 400.0)))
    assert not texture.visible.any()
    assert (texture.colours == 0).all()
    assert (torch.autograd.grad(texture.colours.sum(), wanted)[0] == 0).all()
