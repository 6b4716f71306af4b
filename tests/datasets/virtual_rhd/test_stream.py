"""A simulated picture and what is said of it agree; the same number gives the same picture."""

import numpy as np
import pytest

from datasets.virtual_rhd.stream import VirtualRhd, VirtualRhdOptions, read_environments
from datasets.virtual_rhd.types import FIRST_PART, PARTS, SIDE_PX, VirtualRhdSample
from estimator.hand.template import LANDMARK_JOINTS

COUNT = 8


@pytest.fixture(scope="module")
def stream() -> VirtualRhd:
    return VirtualRhd(seed=3, count=COUNT)


@pytest.fixture(scope="module")
def samples(stream) -> list[VirtualRhdSample]:
    return [stream[index] for index in range(COUNT)]


def test_pictures_are_as_large_as_rhds(samples) -> None:
    for sample in samples:
        assert sample.image.shape == (SIDE_PX, SIDE_PX, 3)
        assert sample.mask.shape == sample.depth_mm.shape == (SIDE_PX, SIDE_PX)
        assert sample.image.std() > 2


def test_the_camera_projects_the_joints_to_their_pixels(samples) -> None:
    for hand, K in ((hand, sample.K) for sample in samples for hand in sample.hands):
        projected = hand.landmarks_mm @ K.T
        assert np.allclose(projected[:, :2] / projected[:, 2:], hand.landmarks_px)
        assert np.array_equal(hand.landmarks_mm, hand.joints_mm[list(LANDMARK_JOINTS)])
        assert hand.landmarks_mm[:, 2].min() > 0


def test_hands_come_left_then_right(samples) -> None:
    assert all([hand.side for hand in sample.hands] == ["left", "right"] for sample in samples)
    assert {sample.hand.side for sample in samples} == {"left", "right"}


def test_a_visible_joint_lies_under_skin_of_its_own_hand(samples) -> None:
    for sample in samples:
        for hand in sample.hands:
            column, row = np.rint(hand.landmarks_px[hand.visible]).astype(int).T
            assert ((column >= 0) & (row >= 0) & (column < SIDE_PX) & (row < SIDE_PX)).all()
            label = sample.mask[row, column].astype(int) - FIRST_PART[hand.side]
            assert ((label >= 0) & (label < PARTS)).all()
            below = hand.landmarks_mm[hand.visible, 2] - sample.depth_mm[row, column]
            assert (below < 45).all()
            assert (below > -12).all()


def test_the_hand_that_counts_shows_joints_and_more_skin(samples) -> None:
    for sample in samples:
        other = next(hand for hand in sample.hands if hand is not sample.hand)
        assert sample.hand.visible.sum() >= 5
        assert sample.pixels(sample.hand.side) >= sample.pixels(other.side)


def test_depth_is_where_the_mask_is(samples) -> None:
    for sample in samples:
        assert ((sample.depth_mm > 0) == (sample.mask > 0)).all()


def test_the_same_number_gives_the_same_picture_and_another_another(stream, samples) -> None:
    again = VirtualRhd(seed=3, count=COUNT)[2]
    assert np.array_equal(again.image, samples[2].image)
    assert np.array_equal(again.hand.landmarks_mm, samples[2].hand.landmarks_mm)
    assert not np.array_equal(samples[1].image, samples[2].image)
    assert not np.array_equal(VirtualRhd(seed=4, count=COUNT)[2].image, samples[2].image)


def test_a_right_hands_rotation_leads_from_the_hand_to_the_camera(samples) -> None:
    """The index finger's root lies to the thumb's side of the pinky's, and the roots away from the wrist."""
    for sample in samples:
        for hand in sample.hands:
            landmarks = hand.landmarks_mm * ((-1, 1, 1) if hand.side == "left" else (1, 1, 1))
            local = (landmarks - landmarks[0]) @ hand.rotation
            assert np.allclose(hand.rotation @ hand.rotation.T, np.eye(3), atol=1e-9)
            assert np.linalg.det(hand.rotation) == pytest.approx(1)
            assert (local[[5, 9, 13, 17], 0] > 40).all()
            assert local[5, 2] > local[17, 2] + 25


def test_numbers_beyond_the_end_are_refused(stream) -> None:
    with pytest.raises(IndexError, match="8 of 8"):
        stream[COUNT]
    assert len(stream) == COUNT


def test_options_that_cannot_be_used_are_named(tmp_path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        VirtualRhd(options=VirtualRhdOptions(backgrounds=tmp_path / "missing"))
    with pytest.raises(ValueError, match="no photograph"):
        VirtualRhd(options=VirtualRhdOptions(backgrounds=tmp_path))
    np.savez(tmp_path / "light.npz", numbers=np.zeros(3))
    with pytest.raises(ValueError, match="holds no panorama"):
        read_environments(tmp_path / "light.npz")
    with pytest.raises(ValueError, match="cannot be read"):
        read_environments(tmp_path / "missing.npz")
