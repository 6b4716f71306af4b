"""A view and the way back from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimator.view import LONGEST_SIDE, View, around, padded, tiles, whole

WIDTH, HEIGHT = 60, 40
COLUMNS, ROWS = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
POSITIONS = np.stack([COLUMNS, ROWS, np.zeros_like(ROWS)], axis=-1).astype(np.uint8)
"""An image whose every pixel says where it is."""

views = st.builds(View, st.integers(-50, 59), st.integers(-50, 39), st.integers(51, 120), st.integers(51, 120), st.integers(0, 3))


@given(view=views, share=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)))
def test_a_point_of_the_view_goes_back_to_the_pixel_it_shows(view: View, share: tuple[float, float]) -> None:
    shown = view.pixels(POSITIONS)
    height, width = shown.shape[:2]
    column, row = int(share[0] * width), int(share[1] * height)
    centre = np.array([[(column + 0.5) / width, (row + 0.5) / height]])
    expected = np.clip(view.to_image(centre)[0], 0, [WIDTH - 1, HEIGHT - 1])
    assert np.allclose(shown[row, column, :2], expected)


@given(view=views)
def test_directions_turn_as_points_do(view: View) -> None:
    origin, tip = np.array([[0.2, 0.3]]), np.array([[0.7, 0.9]])
    height, width = view.pixels(POSITIONS).shape[:2]
    direction = np.append((tip - origin) * [width, height], [[5.0]], axis=1)
    back = view.turn_back(direction)
    assert np.allclose(back[:, :2], view.to_image(tip) - view.to_image(origin))
    assert back[0, 2] == 5.0


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("size", [(3000, 1000), (1000, 3000)])
def test_a_large_view_is_shrunk_and_still_goes_back(size: tuple[int, int], turns: int) -> None:
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[200:230, 700:730] = 255
    view = View(0, 0, width, height, turns)
    shown = view.pixels(image)
    assert max(shown.shape) == LONGEST_SIDE
    bright = np.argwhere(shown[..., 0] > 127)[:, ::-1]
    middle = (bright.mean(axis=0, keepdims=True) + 0.5) / [shown.shape[1], shown.shape[0]]
    assert np.allclose(view.to_image(middle), [[714.5, 214.5]], atol=2)


def test_shrinking_averages() -> None:
    stripes = np.zeros((4 * LONGEST_SIDE, 64, 3), np.uint8)
    stripes[::2] = 200
    assert np.ptp(whole(64, 4 * LONGEST_SIDE).pixels(stripes)) == 0


@pytest.mark.parametrize("share", [1 / 2, 1 / 3, 1 / 5])
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1000, 100), (37, 37)])
def test_tiles_hold_every_small_thing_whole(size: tuple[int, int], share: float) -> None:
    """What is up to half a tile large lies wholly in one of them, wherever it is."""
    width, height = size
    grid = list(tiles(width, height, share))
    reach = grid[0].width // 2
    for left in range(0, width - reach + 1, 5):
        for top in range(0, max(height - reach, 0) + 1, 5):
            assert any(
                tile.left <= left
                and tile.top <= top
                and left + reach <= tile.left + tile.width
                and min(top + reach, height) <= tile.top + tile.height
                for tile in grid
            )


def test_a_padded_view_has_the_image_in_its_middle() -> None:
    view = padded(WIDTH, HEIGHT, 1.5)
    assert view.width == view.height == 90
    assert np.allclose(view.to_image(np.array([[0.5, 0.5]])), [[(WIDTH - 1) / 2, (HEIGHT - 1) / 2]])


@pytest.mark.parametrize("turns", range(4))
def test_around_a_box_is_centred_on_it(turns: int) -> None:
    view = around((10.0, 5.0, 20.0, 12.0), 3.0, turns)
    assert view.width == view.height == 60
    assert np.allclose(view.to_image(np.array([[0.5, 0.5]])), [[20.0, 11.0]], atol=0.5)


@pytest.mark.parametrize(
    ("view", "meets"), [(View(-5, 0, 5, 5), False), (View(-5, 0, 6, 5), True), (View(60, 0, 5, 5), False), (View(59, 39, 5, 5), True)]
)
def test_whether_a_view_meets_the_image(view: View, meets: bool) -> None:
    assert view.meets(WIDTH, HEIGHT) is meets
