"""Measures of how clips are followed."""

import numpy as np
import pytest

from estimator.evaluate_video import lag_frames, main
from estimator.evaluation_motion import MOTIONS


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
