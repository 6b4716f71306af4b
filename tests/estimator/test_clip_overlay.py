"""Hands over the frames of a film: close to a photograph's overlay, and the same from frame to frame."""

from dataclasses import replace

import numpy as np

from estimator.clip_overlay import ClipOverlay
from estimator.hand.camera import Camera
from estimator.render import render_overlay
from tests.toys import toy_placed_hand

BACKDROP = np.full((480, 640, 3), (90, 130, 160), np.uint8)


def test_without_hands_nothing_changes() -> None:
    np.testing.assert_array_equal(ClipOverlay()(BACKDROP, [], []), BACKDROP)


def test_it_looks_like_a_photographs_overlay() -> None:
    hand = toy_placed_hand()
    film, photograph = ClipOverlay()(BACKDROP, [0], [hand]), render_overlay(BACKDROP, [hand])
    covered = (photograph != BACKDROP).any(axis=2)
    assert ((film != BACKDROP).any(axis=2) != covered).mean() < 0.01
    assert np.abs(film[covered].astype(int) - photograph[covered]).mean() < 8


def test_a_still_hand_does_not_flicker_and_keeps_its_colour() -> None:
    overlay, hands = ClipOverlay(), [toy_placed_hand("right"), toy_placed_hand("left")]
    first = overlay(BACKDROP, [3, 5], hands)
    for _ in range(4):
        again = overlay(BACKDROP, [3, 5], hands)
        assert np.abs(first.astype(int) - again).max() <= 1
    alone, without = overlay(BACKDROP, [5], hands[1:]), render_overlay(BACKDROP, hands[1:])
    assert np.abs(alone.astype(int) - without).mean() < 2


def test_a_hand_that_was_gone_has_its_colour_again_and_nothing_else_is_kept() -> None:
    overlay, hand = ClipOverlay(), toy_placed_hand()
    first, _ = overlay(BACKDROP, [0], [hand]), overlay(BACKDROP, [1], [hand])
    assert list(overlay._lights) == [1]
    assert np.abs(first.astype(int) - overlay(BACKDROP, [0], [hand])).max() <= 1


def test_the_frame_itself_is_not_changed_and_hands_outside_are_not_drawn() -> None:
    image = BACKDROP.copy()
    hand = toy_placed_hand()
    ClipOverlay()(image, [0], [hand])
    np.testing.assert_array_equal(image, BACKDROP)
    away = replace(hand, vertices=hand.vertices + np.array([5000.0, 0.0, 0.0]), camera=Camera.from_fov(60.0, 640, 480))
    np.testing.assert_array_equal(ClipOverlay()(image, [0], [away]), BACKDROP)
