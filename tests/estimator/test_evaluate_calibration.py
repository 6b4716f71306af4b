"""Simulated people whose bones are known, and the commands that measure with them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from datasets.virtual_rhd.types import SIDE_PX
from estimator.evaluate_calibration import main
from estimator.evaluation_calibration import JointErrors, true_bones
from estimator.evaluation_sitters import FARTHEST_MM, NEAREST_MM, RandomSitter, bone_lengths, camera, shown_poses, take_shots
from estimator.hand.template import HandTemplate
from estimator.refinement import Skeleton

TEMPLATE = HandTemplate.load()


class BlackAlbum:
    """Takes black pictures."""

    def photograph(self, person: object, cast: object, K: np.ndarray, generator: np.random.Generator) -> SimpleNamespace:
        return SimpleNamespace(image=np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))


@pytest.fixture
def sitter() -> RandomSitter:
    return RandomSitter(0, BlackAlbum(), np.random.default_rng(3))


def test_a_sitters_bones_are_the_same_in_every_picture_and_in_its_middle(sitter: RandomSitter) -> None:
    shots = take_shots(sitter, shown_poses(TEMPLATE, 4, torch.Generator().manual_seed(0)), np.random.default_rng(0))
    for shot in shots:
        assert bone_lengths(shot.joints_mm) == pytest.approx(sitter.bone_lengths_mm)
        box = np.stack([shot.joints_mm.min(axis=0), shot.joints_mm.max(axis=0)]).mean(axis=0)
        assert NEAREST_MM <= box[2] <= FARTHEST_MM
        np.testing.assert_allclose(camera().project(box[None])[0], (SIDE_PX - 1) / 2, atol=1e-6)


def test_true_bones_are_free_of_size(sitter: RandomSitter) -> None:
    skeleton = Skeleton.of(TEMPLATE)
    own = true_bones(skeleton, sitter)
    sitter.bone_lengths_mm = {bone: 1.3 * mm for bone, mm in sitter.bone_lengths_mm.items()}
    np.testing.assert_allclose(true_bones(skeleton, sitter), own)
    assert 0.02 < np.abs(own).max() < 0.3


def test_poses_that_are_shown_are_possible() -> None:
    poses = shown_poses(TEMPLATE, 50, torch.Generator().manual_seed(1)).numpy()
    assert (poses >= np.float32(TEMPLATE.pose_lower) - 1e-6).all()
    assert (poses <= np.float32(TEMPLATE.pose_upper) + 1e-6).all()


def test_errors_of_no_picture_are_unknown() -> None:
    assert np.isnan(JointErrors.mean([]).aligned_mm)
    assert JointErrors.mean([JointErrors(2.0, 1.0), JointErrors(4.0, 2.0)]) == JointErrors(3.0, 1.5)


@pytest.mark.parametrize(
    "arguments", [["--subjects", "5"], ["--subjects", "one"], ["--people", "0"], ["--judged", "0"], ["--pictures", "0"]]
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main(arguments) == 2
    assert arguments[0] in capsys.readouterr().err
