"""Shading against its definition, written out pixel by pixel."""

import numpy as np
import pytest
import torch
import trimesh

from estimator.hand.rasterizer import rasterize
from estimator.hand.shading import Lighting, Material, Surface, decode_srgb, encode_srgb, interpolate, join, shade, smooth_normals
from estimator.hand.surface import vertex_normals

K = np.array([[60.0, 0.0, 15.0], [0.0, 60.0, 11.0], [0.0, 0.0, 1.0]])


def ball(seed: int = 0) -> Surface:
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=60.0)
    vertices, faces = mesh.vertices + np.array([5.0, -4.0, 400.0]), np.array(mesh.faces)
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.2, 0.9, (len(vertices), 5))
    return Surface(vertices, faces, smooth_normals(vertices, faces), share[:, :3], share[:, 3], share[:, 4])


def literal_colour(normal: np.ndarray, view: np.ndarray, skin: np.ndarray, openness: float, lit: float) -> np.ndarray:
    """Light sent to the camera, as the documentation of Material and Lighting says."""
    material, lighting = Material(), Lighting()
    normal = normal / np.linalg.norm(normal)
    wrap = np.array(material.scatter)

    def wrapped(light):
        return np.maximum(normal @ light.unit + wrap, 0) / (1 + wrap) ** 2 * light.colour

    up = (1 - normal[1]) / 2
    ambient = openness / (1 - skin * (1 - openness)) * ((1 - up) * np.array(lighting.ground) + up * np.array(lighting.sky))
    direct = lit * wrapped(lighting.key) + openness * wrapped(lighting.fill)
    direct += openness * max(normal @ lighting.rim.unit, 0) * np.array(lighting.rim.colour)
    half = (view + lighting.key.unit) / np.linalg.norm(view + lighting.key.unit)
    highlight = lit * material.specular * (material.gloss + 8) / 8 * max(normal @ half, 0) ** material.gloss * np.array(lighting.key.colour)
    fresnel = material.specular + (0.5 - material.specular) * (1 - np.clip(normal @ view, 0, 1)) ** 5
    return np.minimum(skin * (ambient + direct) + highlight + fresnel * ambient, 1)


def test_agrees_with_the_definition() -> None:
    surface = ball()
    fragments = rasterize(surface.vertices, surface.faces, K, 24, 32)
    colour, coverage = shade(surface, fragments, K)
    assert (coverage == (fragments.faces >= 0)).all()
    assert coverage.sum() > 100
    for row, column in np.argwhere(fragments.faces >= 0):
        weights, corners = fragments.barycentrics[row, column], surface.faces[fragments.faces[row, column]]
        ray = np.linalg.inv(K) @ [column, row, 1]
        expected = literal_colour(
            weights @ surface.normals[corners],
            -ray / np.linalg.norm(ray),
            weights @ surface.colours[corners],
            weights @ surface.openness[corners],
            weights @ surface.lit[corners],
        )
        np.testing.assert_allclose(colour[row, column], expected, atol=2e-5)


@pytest.mark.parametrize("samples", [2, 3])
def test_a_pixel_is_the_mean_of_its_samples(samples: int) -> None:
    surface = ball()
    fragments = rasterize(surface.vertices, surface.faces, K, 24, 30)
    colour, coverage = shade(surface, fragments, K)
    fewer_colour, fewer_coverage = shade(surface, fragments, K, samples)
    blocks = (24 // samples, samples, 30 // samples, samples)
    np.testing.assert_allclose(fewer_colour, colour.reshape(*blocks, 3).mean(axis=(1, 3)), atol=1e-6)
    np.testing.assert_allclose(fewer_coverage, coverage.reshape(blocks).mean(axis=(1, 3)), atol=1e-6)


def test_the_inner_side_is_dark() -> None:
    surface = ball()
    inside_out = Surface(surface.vertices, surface.faces[:, ::-1], -surface.normals, surface.colours, surface.openness, surface.lit)
    fragments = rasterize(surface.vertices, surface.faces, K, 24, 32)
    assert shade(inside_out, fragments, K)[0].max() < 0.1 < shade(surface, fragments, K)[0].max()


def test_interpolation_is_exact_for_what_is_linear_in_space() -> None:
    surface = ball()
    fragments = rasterize(surface.vertices, surface.faces, K, 24, 32)
    row, column = np.nonzero(fragments.faces >= 0)
    points = interpolate(surface.vertices, surface.faces, fragments)
    np.testing.assert_allclose(points[:, 2], fragments.depth[row, column], rtol=1e-5)
    np.testing.assert_allclose(60 * points[:, 0] / points[:, 2] + 15, column, atol=1e-3)


def test_smooth_normals_are_those_of_the_torch_definition() -> None:
    surface = ball()
    expected = vertex_normals(torch.tensor(surface.vertices), torch.tensor(surface.faces)).numpy()
    np.testing.assert_allclose(surface.normals, expected, atol=1e-9)


def test_joined_surfaces_keep_their_triangles() -> None:
    one, two = ball(1), ball(2)
    both = join([one, two])
    np.testing.assert_array_equal(both.vertices[both.faces[len(one.faces) :]], two.vertices[two.faces])
    np.testing.assert_array_equal(both.colours[both.faces[: len(one.faces)]], one.colours[one.faces])


def test_srgb_survives_a_round_trip() -> None:
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(encode_srgb(decode_srgb(levels)), levels)
    np.testing.assert_array_equal(encode_srgb(np.array([-1.0, 0.0, 1.0, 7.0])), [0, 0, 255, 255])
