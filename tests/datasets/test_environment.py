"""Panoramas of light: directions, total power, blurring and looking up."""

import numpy as np
import pytest

from datasets.environment import Environment


def spot(row: int, column: int, rows: int = 16) -> Environment:
    radiance = np.zeros((rows, 2 * rows, 3), dtype=np.float32)
    radiance[row, column] = 1
    return Environment(radiance)


def test_directions_follow_the_camera_frame() -> None:
    directions = spot(0, 0, 32).directions.reshape(32, 64, 3)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=2), 1)
    np.testing.assert_allclose(directions[16, 32], [0, 0, 1], atol=0.1)  # ahead
    np.testing.assert_allclose(directions[16, 48], [1, 0, 0], atol=0.1)  # to the right
    np.testing.assert_allclose(directions[0, 0], [0, -1, 0], atol=0.1)  # up


def test_uniform_light_has_the_power_of_the_sphere_and_stays_uniform() -> None:
    uniform = Environment(np.full((16, 32, 3), 0.7, dtype=np.float32))
    np.testing.assert_allclose(uniform.power.sum(axis=0), 4 * np.pi * 0.7, rtol=1e-5)
    for exponent in (1.0, 9.0):
        np.testing.assert_allclose(uniform.blurred(exponent, 8).radiance, 0.7, rtol=0.02)


def test_a_turn_moves_the_light_to_the_right() -> None:
    turned = spot(8, 16).turned(0.25)
    assert turned.directions[turned.radiance[..., 0].argmax()][0] > 0.9
    np.testing.assert_array_equal(turned.turned(0.75).radiance, spot(8, 16).radiance)


def test_looking_up_texel_centres_gives_the_texels() -> None:
    rng = np.random.default_rng(0)
    environment = Environment(rng.random((6, 12, 3)).astype(np.float32))
    np.testing.assert_allclose(environment.look_up(environment.directions).reshape(6, 12, 3), environment.radiance, atol=1e-5)


@pytest.mark.parametrize("exponent", [1.0, 20.0])
def test_blurred_light_is_brightest_towards_its_source(exponent: float) -> None:
    source = spot(5, 20)
    blurred = source.blurred(exponent, 32)
    brightest = blurred.directions[blurred.radiance[..., 0].argmax()]
    assert brightest @ source.directions[5 * 32 + 20] > 0.99


def test_a_file_without_radiance_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "x.npz", colour=np.zeros(3))
    with pytest.raises(ValueError, match=r"x\.npz: expected an array named radiance, found colour"):
        Environment.load(tmp_path / "x.npz")
