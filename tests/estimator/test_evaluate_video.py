"""Measures of how clips are followed."""

from pathlib import Path

import numpy as np
import pytest

from estimator import evaluate_strip
from estimator.evaluate_strip import POSES, PersonFilm, pose_at
from estimator.evaluate_video import lag_frames, main
from estimator.evaluation_motion import MOTIONS
from estimator.evaluation_sitters import Shot
from estimator.hand.poses import NAMED_POSES


@pytest.mark.parametrize("delay", [-2, 0, 1, 3])
def test_lag_is_the_delay(delay: int) -> None:
    motion = np.sin(np.arange(80) / 5.0)[:, None, None] * np.array([[[30.0, 5.0, 0.0]]])
    assert lag_frames(motion[10:60], motion[10 + delay : 60 + delay]) == delay


@pytest.mark.parametrize("name", sorted(MOTIONS))
def test_motions_are_smooth(name: str) -> None:
    before, after = MOTIONS[name](0.5), MOTIONS[name](0.501)
    for one, other in zip(before, after, strict=True):
        assert one.side == other.side
        assert np.linalg.norm(one.state.translation - other.state.translation) < 2
        assert np.abs(one.state.theta - other.state.theta).max() < 0.05
        np.testing.assert_allclose(one.state.rotation @ one.state.rotation.T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize(("arguments", "message"), [(["--motions", "dance"], "unknown 'dance'"), (["--seconds", "0.1"], "--seconds 0.1")])
def test_wrong_usage(arguments: list[str], message: str, capsys) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


class Nobody:
    """Shows nothing."""

    name, bone_lengths_mm = "nobody", {}

    def show(self, theta: np.ndarray, R: np.ndarray, distance_mm: float, generator: np.random.Generator) -> Shot:
        return Shot(np.zeros((320, 320, 3), np.uint8), np.zeros((22, 3)))


def test_a_strips_hand_rests_in_each_pose_and_jumps_nowhere() -> None:
    for passed, name in enumerate(POSES):
        np.testing.assert_allclose(pose_at(float(passed)), NAMED_POSES[name], atol=1e-12)
    passed = np.linspace(0, len(POSES) - 1, 200).tolist()
    assert np.abs(np.diff([pose_at(moment) for moment in passed], axis=0)).max() < 0.15


@pytest.mark.parametrize("count", [1, 5])
def test_a_strips_moments_lie_in_its_film(count: int) -> None:
    film = PersonFilm(Nobody(), seed=1)
    moments = film.moments(count)
    assert len(set(moments)) == count
    assert set(moments) <= {frame.index for frame in film.frames()}


def test_a_strip_of_more_moments_than_poses_is_refused(tmp_path: Path, capsys) -> None:
    assert evaluate_strip.main(["--out", str(tmp_path / "strip.jpg"), "--moments", "9"]) == 2
    assert "--moments 9" in capsys.readouterr().err
