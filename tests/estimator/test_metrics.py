"""The evaluation's numbers: laws, and slow definitions as the oracle."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from estimator import metrics
from estimator.hand.template import LANDMARK_PARENTS

ALL = np.ones(21, dtype=bool)


def random_joints(seed: int, axes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=40.0, size=(21, axes))


def random_mask(seed: int) -> np.ndarray:
    mask = np.random.default_rng(seed).random(21) < 0.6
    mask[:3] = True
    return mask


def moved(joints: np.ndarray, seed: int, scale: float) -> np.ndarray:
    R = Rotation.from_rotvec(np.random.default_rng(seed).normal(size=3)).as_matrix()
    return scale * joints @ R.T + np.random.default_rng(seed).normal(scale=300.0, size=3)


def test_joint_distances_are_lengths_and_nan_where_masked_out() -> None:
    estimated, true = np.zeros((3, 2)), np.array([[3.0, 4.0], [0.0, 2.0], [np.nan, np.nan]])
    distances = metrics.joint_distances(estimated, true, np.array([True, False, False]))
    np.testing.assert_array_equal(distances, [5.0, np.nan, np.nan])


def test_hand_size_is_the_longer_side_of_the_visible_joints_box() -> None:
    joints = np.array([[10.0, 10.0], [40.0, 90.0], [500.0, np.nan]])
    mask = np.array([True, True, False])
    assert metrics.hand_size(joints, mask) == 80.0
    assert metrics.hand_size(joints[:, ::-1], mask) == 80.0
    with pytest.raises(ValueError, match="no joint"):
        metrics.hand_size(joints, np.zeros(3, dtype=bool))


@pytest.mark.parametrize("seed", range(5))
def test_root_relative_distances_do_not_see_where_the_hand_is(seed: int) -> None:
    estimated, true, mask = random_joints(seed), random_joints(seed + 100), random_mask(seed)
    base = metrics.root_relative_distances(estimated, true, mask)
    np.testing.assert_allclose(metrics.root_relative_distances(estimated + np.array([9, -800, 70]), true, mask), base, atol=1e-9)
    slow = [np.linalg.norm((estimated[i] - estimated[0]) - (true[i] - true[0])) if mask[i] else np.nan for i in range(21)]
    np.testing.assert_allclose(base, slow, atol=1e-9)
    assert base[0] == 0


def test_root_relative_distances_need_the_wrist() -> None:
    mask = ALL.copy()
    mask[0] = False
    assert np.isnan(metrics.root_relative_distances(random_joints(0), random_joints(1), mask)).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_similarity_alignment_of_a_moved_copy_is_exact(seed: int) -> None:
    true, mask = random_joints(seed), random_mask(seed)
    estimated = moved(true, seed, scale=0.3 + seed)
    estimated[~mask] = np.nan
    distances = metrics.similarity_aligned_distances(estimated, true, mask)
    assert np.nanmax(distances) < 1e-6
    np.testing.assert_array_equal(np.isnan(distances), ~mask)


@pytest.mark.parametrize("seed", range(3))
def test_similarity_aligned_distances_do_not_see_place_direction_and_size(seed: int) -> None:
    estimated, true, mask = random_joints(seed), random_joints(seed + 100), random_mask(seed)
    base = metrics.similarity_aligned_distances(estimated, true, mask)
    np.testing.assert_allclose(metrics.similarity_aligned_distances(moved(estimated, seed, 7.0), true, mask), base, atol=1e-6)


def test_a_mirror_image_is_not_aligned_away() -> None:
    joints = random_joints(3)
    assert metrics.mean(metrics.similarity_aligned_distances(joints * (-1, 1, 1), joints, ALL)) > 5


def test_the_similarity_alignment_is_the_best_that_a_search_finds() -> None:
    """The slow definition: least squares over rotation vector, translation and scale."""
    true, mask = random_joints(5), random_mask(5)
    estimated = moved(true + random_joints(6) / 8, 2, scale=0.5)

    def differences(x: np.ndarray) -> np.ndarray:
        R = Rotation.from_rotvec(x[:3]).as_matrix()
        return (np.exp(x[6]) * estimated[mask] @ R.T + x[3:6] - true[mask]).ravel()

    starts = np.random.default_rng(0).normal(size=(4, 7))
    best = min(2 * least_squares(differences, start).cost for start in starts)
    found = metrics.similarity_aligned_distances(estimated, true, mask)
    np.testing.assert_allclose(np.nansum(found**2), best, rtol=1e-4)


def test_an_alignment_that_nothing_fixes_is_refused() -> None:
    two = np.zeros(21, dtype=bool)
    two[:2] = True
    with pytest.raises(ValueError, match="3 joints"):
        metrics.similarity_aligned_distances(random_joints(0), random_joints(1), two)
    with pytest.raises(ValueError, match="3 joints"):
        metrics.similarity_aligned_distances(np.ones((21, 3)), random_joints(1), ALL)


@given(st.lists(st.floats(0, 80) | st.just(float("nan")), min_size=1, max_size=40))
def test_pck_counts_the_joints_within_each_threshold(errors: list[float]) -> None:
    thresholds = np.linspace(0, 80, 17)
    counted = [error for error in errors if not math.isnan(error)]
    curve = metrics.pck(np.array(errors), thresholds)
    if not counted:
        assert np.isnan(curve).all()
    else:
        np.testing.assert_allclose(curve, [sum(error <= t for error in counted) / len(counted) for t in thresholds])
        assert (np.diff(curve) >= 0).all()
        assert curve[-1] == 1


@given(st.lists(st.floats(0, 80), min_size=1, max_size=30))
def test_auc_is_the_area_under_the_pck_curve(errors: list[float]) -> None:
    thresholds = np.linspace(20, 50, 30_001)
    slow = metrics.pck(np.array(errors), thresholds).mean()
    assert metrics.auc(np.array(errors), 20.0, 50.0) == pytest.approx(slow, abs=1e-4)


def test_auc_at_its_ends_and_without_joints() -> None:
    assert metrics.auc(np.array([0.0, 20.0, np.nan]), 20.0, 50.0) == 1
    assert metrics.auc(np.array([50.0, 99.0]), 20.0, 50.0) == 0
    assert metrics.auc(np.array([35.0]), 20.0, 50.0) == 0.5
    assert np.isnan(metrics.auc(np.array([np.nan]), 20.0, 50.0))
    with pytest.raises(ValueError, match="low < high"):
        metrics.auc(np.array([1.0]), 50.0, 20.0)


def test_the_mean_leaves_out_what_does_not_count() -> None:
    assert metrics.mean(np.array([1.0, np.nan, 3.0])) == 2
    assert np.isnan(metrics.mean(np.array([np.nan])))
    assert np.isnan(metrics.mean(np.array([])))


JOINTS = random_joints(11)


def bones(joints: np.ndarray) -> np.ndarray:
    return np.array([np.linalg.norm(joint - joints[parent]) for joint, parent in zip(joints[1:], LANDMARK_PARENTS[1:], strict=True)])


def test_true_bone_lengths_keep_every_direction_and_the_wrist() -> None:
    estimated, true = JOINTS, 1.3 * JOINTS[::-1]
    given = metrics.with_true_bone_lengths(estimated, true)
    np.testing.assert_allclose(bones(given), bones(true))
    np.testing.assert_allclose(given[0], estimated[0])
    for joints in (given, estimated):
        directions = (joints[1:] - joints[list(LANDMARK_PARENTS[1:])]) / bones(joints)[:, None]
        np.testing.assert_allclose(directions, (estimated[1:] - estimated[list(LANDMARK_PARENTS[1:])]) / bones(estimated)[:, None])


def test_a_hand_of_another_size_is_without_error_once_its_size_is_given() -> None:
    smaller = 0.7 * JOINTS + np.array([5.0, -3.0, 90.0])
    everywhere = np.ones(21, dtype=bool)
    np.testing.assert_allclose(metrics.scale_aligned_distances(smaller, JOINTS, everywhere), 0, atol=1e-9)
    assert metrics.root_relative_distances(smaller, JOINTS, everywhere).max() > 1


def test_no_size_is_better_than_the_scale_aligned_one() -> None:
    generator = np.random.default_rng(3)
    estimated, mask = JOINTS + generator.normal(0, 9, JOINTS.shape), generator.random(21) > 0.2
    mask[0] = True
    best = np.nansum(np.square(metrics.scale_aligned_distances(estimated, JOINTS, mask)))
    own = estimated - estimated[0]
    for size in np.linspace(0.5, 1.5, 101):
        assert best <= np.nansum(np.square(metrics.joint_distances(size * own + JOINTS[0], JOINTS, mask))) + 1e-9


def test_without_a_wrist_or_without_a_size_nothing_is_scale_aligned() -> None:
    without_wrist = np.arange(21) > 0
    assert np.isnan(metrics.scale_aligned_distances(JOINTS, JOINTS, without_wrist)).all()
    with pytest.raises(ValueError, match="all lie on it"):
        metrics.scale_aligned_distances(np.zeros((21, 3)), JOINTS, np.ones(21, dtype=bool))


def test_median_leaves_out_what_does_not_count() -> None:
    assert metrics.median(np.array([1.0, np.nan, 9.0, 2.0])) == 2.0
    assert np.isnan(metrics.median(np.full(3, np.nan)))
