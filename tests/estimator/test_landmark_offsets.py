"""Where the detector's landmarks lie: reading the measured offsets, and measuring them."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import roma
import torch

from estimator import training_landmark_offsets
from estimator.detector import Detection, HandDetector
from estimator.errors import InputError
from estimator.hand.camera import Camera
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import LANDMARK_NAMES, HandTemplate
from estimator.landmark_offsets import LandmarkOffsets
from estimator.train_landmark_offsets import main
from estimator.training_landmark_offsets import SIDE_PX, SeenHand, VirtualCamera, fit_offsets

PALM_TO_CAMERA = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def offsets(seed: int = 0) -> LandmarkOffsets:
    return LandmarkOffsets(np.random.default_rng(seed).uniform(-12, 12, (21, 3)))


def test_round_trip(tmp_path: Path) -> None:
    (tmp_path / "offsets.json").write_text(json.dumps(offsets().document("0123")))
    np.testing.assert_allclose(LandmarkOffsets.load("0123", tmp_path / "offsets.json").mm, offsets().mm, atol=6e-4)


def test_offsets_of_another_skeleton_are_refused(tmp_path: Path) -> None:
    (tmp_path / "offsets.json").write_text(json.dumps(offsets().document("0123")))
    with pytest.raises(InputError, match="belong to skeleton 0123, the one in use is 4567"):
        LandmarkOffsets.load("4567", tmp_path / "offsets.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"skeleton": "0123", "offsets_mm": {"wrist": "x"}}'])
def test_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "offsets.json").write_text(content)
    with pytest.raises(InputError, match="cannot read the landmark offsets"):
        LandmarkOffsets.load("0123", tmp_path / "offsets.json")


def test_shipped_offsets_belong_to_the_shipped_skeleton() -> None:
    shipped = LandmarkOffsets.load(HandTemplate.load().skeleton_id).mm
    tips = [LANDMARK_NAMES.index(name) for name in LANDMARK_NAMES if name.endswith("4")]
    assert shipped.shape == (21, 3)
    assert (shipped[tips, 0] < 0).all()  # on the pad, short of the tip
    assert np.linalg.norm(shipped, axis=1).max() < 25


def test_known_offsets_are_found_in_spite_of_noise_and_outliers() -> None:
    random, truth, camera = np.random.default_rng(1), offsets(2), Camera.from_fov(45.0, SIDE_PX, SIDE_PX)
    torch.manual_seed(0)
    hands = []
    for _ in range(80):
        rotations = roma.random_rotmat(21).double().numpy()
        positions = random.normal((0.0, 0.0, 450.0), 50.0, (21, 3))
        marks = positions + (rotations @ truth.mm[..., None])[..., 0]
        noise = random.normal(0, 1.0, (21, 2)) + np.where(random.uniform(size=(21, 1)) < 0.05, 60.0, 0.0)
        hands.append(SeenHand(rotations, positions, camera.project(marks) + noise))
    np.testing.assert_allclose(fit_offsets(hands, camera).mm, truth.mm, atol=1.5)


class ShiftedTruth(HandDetector):
    """Sees landmarks that a test sets."""

    def __init__(self) -> None:
        self.detections: list[Detection] = []

    def __call__(self, image: np.ndarray) -> list[Detection]:
        assert image.shape == (SIDE_PX, SIDE_PX, 3)
        return self.detections


@pytest.mark.parametrize(("shift", "side", "seen"), [(2.0, "right", True), (60.0, "right", False), (2.0, "left", False)])
def test_a_hand_the_detector_gets_wrong_is_left_out(shift: float, side: str, seen: bool) -> None:
    detector = ShiftedTruth()
    studio = VirtualCamera(HandTemplate.load(), detector)
    theta = torch.tensor(NAMED_POSES["spread"], dtype=torch.float32)
    truth = studio._placed(theta, PALM_TO_CAMERA, 450.0)
    detector.detections = [Detection(side, 0.9, truth.joints_px + shift, truth.joints_mm)]
    hand = studio.look(theta, PALM_TO_CAMERA, 450.0)
    assert (hand is not None) == seen
    if hand is not None:
        np.testing.assert_allclose(hand.landmarks_px, truth.joints_px + shift)
        np.testing.assert_allclose(studio.camera.project(hand.positions), truth.joints_px, atol=1e-6)


def test_no_hands_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--hands", "0", "--out", str(tmp_path / "offsets.json")]) == 2
    assert "--hands 0" in capsys.readouterr().err


def test_a_detector_that_sees_nothing_is_told_of_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_landmark_offsets, "HandDetector", lambda max_hands: nullcontext(ShiftedTruth()))
    assert main(["--hands", "1", "--out", str(tmp_path / "offsets.json")]) == 2
    assert "saw none of 1 simulated hands" in capsys.readouterr().err
