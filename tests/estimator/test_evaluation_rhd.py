"""RHD's protocol through its command, on a toy RHD and with estimators whose errors are known."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.rhd import Rhd
from estimator import evaluate, evaluation
from estimator.command import BAD_INPUT, DONE, NO_HAND
from estimator.detector import Detection, HandDetector
from estimator.hand.camera import Camera
from estimator.hand.template import LANDMARK_NAMES
from estimator.pipeline import EstimatorOptions, HandEstimator
from estimator.placed_hand import PlacedHand
from tests.datasets.rhd_folder import sample_entry, write_rhd
from tests.toys import toy_placed_hand

COUNT = 4
TIP = LANDMARK_NAMES.index("pinky4")
TIP_ROWS = [20 - 3, 41 - 3]
"""Of the little fingers' tips among RHD's 42 key points."""

SIZE = 1.2
TIP_ERROR_MM = 80.0


def entry_with_hidden_tips(number: int) -> dict[str, np.ndarray]:
    entry = sample_entry(number)
    entry["uv_vis"][TIP_ROWS, 2] = 0
    return entry


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rhd(tmp_path_factory.mktemp("rhd"), COUNT, "evaluation", entry_with_hidden_tips)


def number_of(image: np.ndarray) -> int:
    return round(image[0, 0, 1] / 10)  # as ``picture_of`` paints it


@pytest.fixture
def toys(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Detector and estimators that know the truth."""
    hands = [Rhd(root, "evaluation").hand(number) for number in range(COUNT)]

    class ToyDetector(HandDetector):
        """Finds hands in a box alone, and takes all for right ones; of sample 3 it finds nothing."""

        def __init__(self) -> None:
            pass

        def __call__(self, image: np.ndarray) -> list[Detection]:
            return []

        def in_box(self, image: np.ndarray, box: tuple[float, float, float, float]) -> Detection | None:
            hand = hands[number_of(image)]
            np.testing.assert_allclose(box, (*hand.joints_px.min(axis=0), *np.ptp(hand.joints_px, axis=0)), atol=1e-2)
            return None if hand.number == 3 else Detection("right", 0.9, hand.joints_px, hand.joints_mm - hand.joints_mm.mean(axis=0))

    class ToyEstimator(HandEstimator):
        """Right in all but the hand's size; encoders alone miss the little finger's tip, too."""

        def __init__(self, options: EstimatorOptions = EstimatorOptions(), detector: HandDetector | None = None) -> None:
            self.options, self.detector = options, detector or ToyDetector()

        def place(self, detection: Detection, camera: Camera) -> PlacedHand:
            hand = next(hand for hand in hands if np.array_equal(hand.joints_px, detection.landmarks_px))
            assert detection.side == hand.side
            assert camera.fx == hand.K[0, 0]
            joints = hand.joints_mm[0] + SIZE * (hand.joints_mm - hand.joints_mm[0])
            if not self.options.refine:
                last = joints[TIP] - joints[TIP - 1]
                across = np.cross(last, (0.0, 0.0, 1.0))
                joints[TIP] += TIP_ERROR_MM * across / np.linalg.norm(across)
            return replace(toy_placed_hand(), side=detection.side, camera=camera, joints_mm=joints)

    monkeypatch.setattr(evaluation, "HandEstimator", ToyEstimator)


def run(root: Path, tmp_path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    out = tmp_path / "result.json"
    status = evaluate.main([str(root), "--dataset", "rhd", "--json", str(out), *options])
    return status, json.loads(out.read_text())


def protocol(document: dict[str, Any], method: str, joints: str) -> dict[str, Any]:
    (row,) = [row for row in document["protocol"] if (row["method"], row["joints"]) == (method, joints)]
    return row


@pytest.mark.usefixtures("toys")
def test_each_alignment_forgives_what_it_is_given(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, document = run(root, tmp_path)
    assert status == NO_HAND  # sample 3
    assert (document["split"], document["hand"], document["box"], document["left_out"]) == ("evaluation", "annotated", "annotated", [])
    full = protocol(document, "full", "all")
    assert (full["images"], full["found"]) == (COUNT, 0.75)
    for given in ("bone_lengths", "scale", "procrustes"):
        assert full[given]["mean_mm"] == pytest.approx(0, abs=1e-4)
        assert full[given]["auc"] == pytest.approx(1)
    ordinary = next(row for row in document["rows"] if (row["source"], row["method"]) == ("rhd", "full"))
    assert ordinary["rr_mm"] > 5  # nobody gave the size there
    assert ordinary["side_right"] == 1
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("joints", "bones", "scale", "pa", "median", "AUC", "visible"))


@pytest.mark.usefixtures("toys")
def test_hidden_joints_count_among_all_and_not_among_the_visible(root: Path, tmp_path: Path) -> None:
    _, document = run(root, tmp_path)
    everyone, visible = (protocol(document, "default", joints) for joints in ("all", "visible"))
    assert visible["bone_lengths"]["mean_mm"] == pytest.approx(0, abs=1e-4)
    assert everyone["bone_lengths"]["median_mm"] == pytest.approx(0, abs=1e-4)
    assert everyone["bone_lengths"]["auc"] < 1
    # the tip's last bone was 22 * SIZE mm long: TIP_ERROR_MM aside turn it by so much, and the true length is then given to it
    angle = np.arctan2(TIP_ERROR_MM, SIZE * last_bone_mm(root))
    chord = 2 * last_bone_mm(root) * np.sin(angle / 2)
    assert everyone["bone_lengths"]["mean_mm"] == pytest.approx(chord / 21, rel=1e-4)


def last_bone_mm(root: Path) -> float:
    joints = Rhd(root, "evaluation").hand(0).joints_mm
    return float(np.linalg.norm(joints[TIP] - joints[TIP - 1]))


@pytest.mark.usefixtures("toys")
def test_a_box_is_given_unless_the_detector_shall_look_for_itself(root: Path, tmp_path: Path) -> None:
    status, document = run(root, tmp_path, "--box", "detected")
    assert status == NO_HAND
    assert protocol(document, "full", "all")["found"] == 0
    assert protocol(document, "full", "all")["bone_lengths"] == {"mean_mm": None, "median_mm": None, "auc": None}


@pytest.mark.usefixtures("toys")
def test_a_limit_chooses_samples_evenly(root: Path, tmp_path: Path) -> None:
    status, document = run(root, tmp_path, "--limit", "2")
    assert status == DONE
    assert [Path(image["image"]).name for image in document["rows"][0]["per_image"]] == ["00000.png", "00002.png"]


@pytest.mark.usefixtures("toys")
def test_what_is_left_out_is_counted_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_rhd(tmp_path / "rhd", COUNT, "evaluation", entry_with_hidden_tips)
    (root / "evaluation/color/00001.png").unlink()
    _, document = run(root, tmp_path)
    assert document["left_out"] == [{"number": 1, "reason": "no picture"}]
    assert "evaluation: 1 of 4 samples left out; no picture: 1 (00001)" in capsys.readouterr().err


def test_a_split_that_is_not_there_is_refused_in_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(root), "--dataset", "rhd", "--split", "training"]) == BAD_INPUT
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "not an RHD folder, it has no training/anno_training.pickle" in line
