"""VirtualStudio on a toy subject: what samples say about the hand is true, and the same seed says it again."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from datasets.virtual_studio import studio, studio_moments
from datasets.virtual_studio.studio import VirtualStudio
from datasets.virtual_studio.studio_moments import HAS_KEY_POINT, KEY_POINT_ERROR_MM, key_point_errors, moments_of
from estimator.hand.template import JOINT_NAMES
from tests.datasets.virtual_studio.balls import RADIUS, BallSubject, cast, toy_stances

MOTIONS = ("wave", "fist", "point")


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "load_subject", lambda number, cache: BallSubject())
    monkeypatch.setattr(studio_moments, "stances", toy_stances)
    monkeypatch.setattr(studio_moments, "TRAINING_MOTIONS", MOTIONS)
    monkeypatch.setattr(studio_moments, "TEST_MOTIONS", ("clap",))


def small_studio(cache: Path, seed: int = 0, moments: int = 7) -> VirtualStudio:
    return VirtualStudio(1, "training", size=40, target_views=3, moments=moments, views_per_moment=5, seed=seed, cache=cache)


def arrays(sample: object) -> list[np.ndarray]:
    return list(vars(sample).values())


def test_the_same_seed_gives_the_same_samples(tmp_path: Path) -> None:
    one, other = small_studio(tmp_path / "a"), small_studio(tmp_path / "b")
    different = small_studio(tmp_path / "a", seed=1)
    for index in range(len(one)):
        first, second = (made.sample(index, np.random.default_rng(index)) for made in (one, other))
        for a, b in zip(arrays(first), arrays(second), strict=True):
            np.testing.assert_array_equal(a, b)
        assert (first.joints != different.sample(index, np.random.default_rng(index)).joints).any()


def test_a_second_start_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = small_studio(tmp_path).sample(2, np.random.default_rng(0))
    monkeypatch.setattr(studio, "photograph", lambda *_: pytest.fail("recorded again"))
    monkeypatch.setattr(studio, "moments_of", lambda *_: pytest.fail("moved again"))
    for a, b in zip(arrays(first), arrays(small_studio(tmp_path).sample(2, np.random.default_rng(0))), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_code_records_anew_and_what_it_made_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_studio(tmp_path)
    before = {path.name for path in tmp_path.glob("recording_*") if path.is_dir()}
    monkeypatch.setattr(studio, "code_digest", lambda: "other code")
    small_studio(tmp_path)
    after = {path.name for path in tmp_path.glob("recording_*") if path.is_dir()}
    assert len(before) == len(after) == 1
    assert before != after


def test_damaged_moments_are_made_again(tmp_path: Path) -> None:
    first = small_studio(tmp_path).moment(5)
    (path,) = tmp_path.glob("moments_*.npz")
    for content in (path.read_bytes()[:200], b""):
        path.write_bytes(content)
        again = small_studio(tmp_path).moment(5)
        assert again.motion == first.motion
        np.testing.assert_array_equal(again.stance.R_world_hand, first.stance.R_world_hand)


def test_joints_lie_in_the_surface_that_every_target_view_measured(tmp_path: Path) -> None:
    made = small_studio(tmp_path)
    sample = made.sample(3, np.random.default_rng(0))
    joints = made.true_joints(3)
    for K, R, t, depth in zip(sample.K, sample.R, sample.t, sample.depth, strict=True):
        seen = joints @ R.T + t
        columns, rows = np.rint((seen @ K.T)[HAS_KEY_POINT, :2] / seen[HAS_KEY_POINT, 2:]).astype(int).T
        assert (seen[HAS_KEY_POINT, 2] - depth[rows, columns]).min() > 0.4 * RADIUS
        assert depth[rows, columns].min() > 500


def test_depth_is_what_a_ray_meets_first_on_the_scan(tmp_path: Path) -> None:
    made = small_studio(tmp_path)
    views, scan = made.views(4), made.scan(4)
    rows, columns = np.random.default_rng(0).integers(0, 40, (2, 12))
    rays = np.column_stack([columns, rows, np.ones(12)]) @ np.linalg.inv(views.K[1].astype(float)).T @ views.R[1].astype(float)
    expected = np.array(list(cast(scan.vertices, scan.faces, -(views.R[1].T @ views.t[1]).astype(float), rays)))
    np.testing.assert_allclose(views.depth[1, rows, columns], np.where(np.isfinite(expected), expected, 0), atol=0.05)


def test_key_points_miss_the_joints_by_what_the_release_misses_them(tmp_path: Path) -> None:
    errors = np.linalg.norm(key_point_errors((20_000,), KEY_POINT_ERROR_MM, np.random.default_rng(0)), axis=-1)
    assert errors.mean() == pytest.approx(2.78, rel=0.02)
    made = small_studio(tmp_path)
    sample = made.sample(0, np.random.default_rng(0))
    np.testing.assert_array_equal(sample.joints, made.sample(0, np.random.default_rng(1)).joints)
    missed = np.linalg.norm(sample.joints - made.true_joints(0), axis=1)[sample.valid]
    assert 1.5 < missed.mean() < 4.5


def test_thumb0_has_no_key_point_as_in_the_release(tmp_path: Path) -> None:
    sample = small_studio(tmp_path).sample(0, np.random.default_rng(0))
    assert [name for name, valid in zip(JOINT_NAMES, sample.valid, strict=True) if not valid] == ["thumb0"]
    assert (sample.joints[~sample.valid] == 0).all()


def test_the_input_image_alone_is_that_of_the_sample(tmp_path: Path) -> None:
    made = small_studio(tmp_path)
    for index in range(3):
        np.testing.assert_array_equal(
            made.input_image(index, np.random.default_rng(index)), made.sample(index, np.random.default_rng(index)).image
        )


def test_moments_are_spread_evenly_over_motions(tmp_path: Path) -> None:
    made = small_studio(tmp_path, moments=8)
    counts = [[made.moment(index).motion for index in range(len(made))].count(motion) for motion in MOTIONS]
    assert len(made) == sum(counts) == 8
    assert max(counts) - min(counts) <= 1
    assert len(moments_of("test", BallSubject.skeleton, 100, np.random.default_rng(0))) == 100


def test_samples_are_the_callers_own(tmp_path: Path) -> None:
    made = small_studio(tmp_path)
    for array in arrays(made.sample(0, np.random.default_rng(0))):
        array[...] = 0
    assert made.sample(0, np.random.default_rng(0)).depth.max() > 0
    assert made.sample(0, np.random.default_rng(0)).valid.any()


def test_it_travels_to_a_worker_process(tmp_path: Path) -> None:
    made = small_studio(tmp_path)
    copy = pickle.loads(pickle.dumps(made))  # noqa: S301 (our own, just written)
    np.testing.assert_array_equal(copy.sample(1, np.random.default_rng(0)).depth, made.sample(1, np.random.default_rng(0)).depth)


@pytest.mark.parametrize(("target_views", "views", "moments"), [(4, 3, 5), (0, 3, 5), (3, 81, 5), (3, 5, 0)])
def test_numbers_that_do_not_fit_are_named(tmp_path: Path, target_views: int, views: int, moments: int) -> None:
    with pytest.raises(ValueError, match=f"found {target_views}, {views}, {moments}"):
        VirtualStudio(1, "training", 40, target_views, moments, views, 0, tmp_path)


def test_target_views_come_with_their_pictures_where_asked_for(tmp_path: Path) -> None:
    made = small_studio(tmp_path)
    plain, pictured = made.sample(3, np.random.default_rng(4)), made.sample_with_pictures(3, np.random.default_rng(4))
    views = made.views(3)
    for name, value in vars(plain).items():
        np.testing.assert_array_equal(getattr(pictured, name), value)
    for K, R, picture in zip(pictured.K, pictured.R, pictured.pictures, strict=True):
        (view,) = (i for i in range(5) if (views.R[i] == R).all() and (views.K[i] == K).all())
        np.testing.assert_array_equal(picture, views.images[view])
    assert made.motion(3) == made.moment(3).motion
