"""Overlays and views: what changes, what must not, and who stands before whom."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from estimator.hand.camera import Camera
from estimator.hand.shading import Light, Lighting, Surface, smooth_normals
from estimator.placed_hand import PlacedHand
from estimator.render import SAMPLES, Sheet, _with_shadows, bands, render_overlay, render_views, skin_colours
from tests.toys import toy_placed_hand

HAND = toy_placed_hand()
PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)

BLACK, WHITE = np.zeros_like(PHOTOGRAPH), np.full_like(PHOTOGRAPH, 255)


def moved(hand: PlacedHand, by: tuple[float, float, float]) -> PlacedHand:
    return replace(hand, vertices=hand.vertices + by, joint_positions=hand.joint_positions + by)


def changed(hands: list[PlacedHand], image: np.ndarray = PHOTOGRAPH) -> np.ndarray:
    return (render_overlay(image, hands) != image).any(axis=2)


def covered_whole(hand: PlacedHand) -> np.ndarray:
    """Pixels of which the hand leaves nothing to see."""
    return (render_overlay(BLACK, [hand]) == render_overlay(WHITE, [hand])).all(axis=2)


def test_the_hand_is_drawn_where_it_is_and_nowhere_else() -> None:
    before = PHOTOGRAPH.copy()
    touched = changed([HAND])
    np.testing.assert_array_equal(PHOTOGRAPH, before)
    pixels = HAND.camera.project(HAND.vertices)
    left, top = np.floor(pixels.min(axis=0)).astype(int)
    right, bottom = np.ceil(pixels.max(axis=0)).astype(int)
    assert touched[top : bottom + 1, left : right + 1].sum() == touched.sum() > 3000
    triangles = HAND.camera.project(HAND.vertices[HAND.faces].mean(axis=1))
    column, row = np.rint(triangles).astype(int).T
    assert touched[row, column].mean() > 0.99


def test_without_hands_it_is_a_copy() -> None:
    picture = render_overlay(PHOTOGRAPH, [])
    np.testing.assert_array_equal(picture, PHOTOGRAPH)
    assert not np.shares_memory(picture, PHOTOGRAPH)


@pytest.mark.parametrize("by", [(0.0, 0.0, -2000.0), (5000.0, 0.0, 0.0)])
def test_a_hand_that_cannot_be_seen_changes_nothing(by: tuple[float, float, float]) -> None:
    assert not changed([moved(HAND, by)]).any()


@pytest.mark.parametrize("by", [(-250.0, 0.0, 0.0), (0.0, 0.0, -470.0)])
def test_a_hand_cut_by_the_border_or_the_camera_is_drawn_in_part(by: tuple[float, float, float]) -> None:
    touched = changed([moved(HAND, by)])
    assert 0 < touched.sum() < touched.size


def test_the_nearer_hand_hides_the_farther_whatever_the_order() -> None:
    near, far = HAND, replace(moved(toy_placed_hand("left"), (0.0, 0.0, 200.0)), side="left")
    picture = render_overlay(PHOTOGRAPH, [far, near])
    np.testing.assert_array_equal(picture, render_overlay(PHOTOGRAPH, [near, far]))
    alone = render_overlay(PHOTOGRAPH, [near])
    only_near = changed([near]) & ~changed([far])
    assert only_near.any()
    np.testing.assert_array_equal(picture[only_near], alone[only_near])
    inner = changed([far]) & covered_whole(near)
    assert inner.sum() > 100
    np.testing.assert_array_equal(picture[inner], alone[inner])


def test_a_left_hand_covers_the_mirrored_pixels_of_the_right_one() -> None:
    np.testing.assert_array_equal(changed([toy_placed_hand("left")]), changed([HAND])[:, ::-1])


def test_edges_are_smooth() -> None:
    edge = changed([HAND]) & ~covered_whole(HAND)
    over_black, over_white = render_overlay(BLACK, [HAND])[edge], render_overlay(WHITE, [HAND])[edge]
    assert edge.sum() > 300
    assert (over_black < over_white).any(axis=1).all()
    assert (over_white < 255).any(axis=1).mean() > 0.95


def test_bands_hold_the_hand_and_their_intrinsics_its_pixels() -> None:
    large = replace(HAND, camera=Camera.from_fov(60.0, 6400, 4800))
    pieces = list(bands(large.vertices, large.camera))
    assert len(pieces) > 1
    assert all(lower.top == upper.bottom for upper, lower in pairwise(pieces))
    samples = HAND.vertices @ pieces[1].K.T
    samples = samples[:, :2] / samples[:, 2:]
    pixels = large.camera.project(HAND.vertices) - (pieces[1].left, pieces[1].top)
    np.testing.assert_allclose((samples + 0.5) / SAMPLES, pixels + 0.5)


@pytest.mark.parametrize("direction", [(-0.6, -0.8, -0.7), (0.7, 0.2, -0.9)])
def test_what_stands_towards_the_key_light_casts_the_shadow(direction: tuple[float, float, float]) -> None:
    """A sheet that faces the camera, and a small one before it in the direction of the light."""
    light = Light(direction, (1.0, 1.0, 1.0))
    x, y = (side.ravel() for side in np.meshgrid(np.linspace(-150, 150, 61), np.linspace(-150, 150, 61)))
    corner = np.arange(61 * 61).reshape(61, 61)[:-1, :-1].ravel()
    triangles = np.concatenate([corner[:, None] + (0, 61, 1), corner[:, None] + (1, 61, 62)])
    sheet = np.column_stack([x, y, np.full(x.size, 600.0)])
    small = sheet * (0.2, 0.2, 1) + 80 * light.unit
    vertices, faces = np.concatenate([sheet, small]), np.concatenate([triangles, triangles + len(sheet)])
    plain = np.ones(len(vertices))
    surface = Surface(vertices, faces, smooth_normals(vertices, faces), np.ones((len(vertices), 3)), plain, plain)
    lit = _with_shadows(surface, Lighting(key=light)).lit[: len(sheet)]
    from_middle = np.abs(sheet[:, :2]).max(axis=1)
    assert lit[from_middle < 8].max() < 0.1
    assert lit[(from_middle > 60) & (from_middle < 140)].min() > 0.8


def test_each_hand_has_its_own_colour() -> None:
    hands = [HAND, HAND, toy_placed_hand("left"), toy_placed_hand("left")]
    assert len(set(skin_colours(hands))) == len(hands)
    assert len(skin_colours([HAND] * 9)) == 9


def test_views_show_the_hand_in_every_cell() -> None:
    sheet = Sheet(cell_width=60, cell_height=80, font_px=8)
    picture = render_views([HAND, toy_placed_hand("left")], sheet=sheet)
    assert picture.shape == (4 * 80, 5 * 60, 3)
    cells = picture.reshape(4, 80, 5, 60, 3).swapaxes(1, 2)
    for cell in cells.reshape(-1, 80, 60, 3):
        coloured = np.ptp(cell.astype(int), axis=2) > 10
        assert coloured.sum() > 40
        assert not coloured[0].any()
        assert not coloured[:, 0].any()
    assert (cells[2:, :, :, :, 2] > cells[2:, :, :, :, 0].astype(int) + 10).any(axis=(2, 3)).all()


def test_views_of_no_hand_are_refused() -> None:
    with pytest.raises(ValueError, match="no hand"):
        render_views([])
