"""Squares: what is painted in the image appears where the square says, and comes back from there."""

import math

import numpy as np
import pytest

from estimator.square import BLACK, OUTERMOST_PIXELS, Square

SHARES = np.random.default_rng(0).uniform(size=(9, 2))


def blob(x: float, y: float, width: int = 200, height: int = 150, radius: float = 6.0) -> np.ndarray:
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    light = 255 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * radius**2))
    return np.repeat(light[..., None], 3, axis=2).round().astype(np.uint8)


@pytest.mark.parametrize("turn", [0.0, 0.4, math.pi / 2, -2.5])
@pytest.mark.parametrize("side_px", [24, 64, 192])
def test_a_spot_lies_in_the_picture_where_the_way_back_says(turn: float, side_px: int) -> None:
    square = Square(100.0, 70.0, 96.0, turn)
    share = np.array([0.7, 0.4])
    picture = square.pixels(blob(*square.to_image(share)), side_px, BLACK)[..., 0].astype(float)
    down, across = np.indices(picture.shape)
    middle = np.array([(across * picture).sum(), (down * picture).sum()]) / picture.sum()
    assert np.allclose((middle + 0.5) / side_px, share, atol=0.003)


def test_up_in_the_square_is_its_turn_in_the_image() -> None:
    square = Square(10.0, 20.0, 8.0, math.pi / 2)  # its fingers point to the image's right
    assert np.allclose(square.to_image(np.array([0.5, 0.0])), [14.0, 20.0])
    assert np.allclose(square.turn_back(np.array([[0.0, -1.0, 5.0]])), [[1.0, 0.0, 5.0]])


@pytest.mark.parametrize(("width", "height"), [(64, 48), (48, 64), (31, 31), (1, 7)])
def test_all_of_an_image_starts_and_ends_half_a_pixel_beyond_its_outermost_ones(width: int, height: int) -> None:
    square = Square.whole(width, height)
    low, high = square.to_image(np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert np.isclose(max(high - low), max(width, height))
    assert np.allclose((low + high) / 2, [(width - 1) / 2, (height - 1) / 2])
    assert max(width, height) in high + 0.5


@pytest.mark.parametrize("turn", [0.0, 0.4, math.pi / 2, -2.5])
def test_the_square_around_points_holds_them_and_is_no_larger(turn: float) -> None:
    points = Square(50.0, 60.0, 30.0, 1.1).to_image(SHARES)
    square = Square.around(points, turn)
    shares = (points - (square.x, square.y)) @ square.R_image_square / square.side + 0.5
    assert np.allclose(square.to_image(shares), points)
    assert np.allclose(shares.min(axis=0) + shares.max(axis=0), 1.0)
    assert np.isclose(np.ptp(shares, axis=0).max(), 1.0)


def test_an_upright_square_of_its_own_size_is_the_image() -> None:
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(Square.whole(32, 32).pixels(image, 32, BLACK), image)


def test_turning_keeps_lengths_and_depth() -> None:
    vectors = np.random.default_rng(2).normal(size=(21, 3))
    turned = Square(0.0, 0.0, 1.0, 0.7).turn_back(vectors)
    assert np.allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(vectors, axis=1))
    assert np.array_equal(turned[:, 2], vectors[:, 2])
    assert np.allclose(Square(0.0, 0.0, 1.0, -0.7).turn_back(turned), vectors)


@pytest.mark.parametrize(("beyond", "level"), [(BLACK, 0), (OUTERMOST_PIXELS, 200)])
def test_the_image_is_continued_as_asked(beyond: int, level: int) -> None:
    picture = Square(9.5, 4.5, 40.0).pixels(np.full((10, 20, 3), 200, np.uint8), 40, beyond)
    assert np.all(picture[:5] == level)
    assert np.all(picture[18:22, 15:25] == 200)


def test_fine_stripes_are_averaged_not_picked() -> None:
    image = np.zeros((480, 480, 3), np.uint8)
    image[:, ::2] = 255
    picture = Square.whole(480, 480).pixels(image, 60, BLACK)
    assert np.all(np.abs(picture.astype(int) - 128) < 70)
    assert abs(picture.mean() - 127.5) < 2
