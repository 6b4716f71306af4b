"""What the detector makes of bones: a linear map that people with known bones give, kept as a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from estimator.detector_response import DETECTOR_RESPONSE, DetectorResponse
from estimator.errors import InputError
from estimator.hand.template import HandTemplate
from estimator.profile import BONE_NAMES
from estimator.train_detector_response import main

COUNT = len(BONE_NAMES)


def people(count: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bones as they are and as they are seen through a map of our own, and that map and its habit."""
    random = np.random.default_rng(0)
    true = random.normal(0, 0.05, (count, COUNT))
    A, habit = 0.5 * np.eye(COUNT) + random.normal(0, 0.02, (COUNT, COUNT)), random.normal(0, 0.03, COUNT)
    return true, true @ A.T + habit + random.normal(0, noise, true.shape), A, habit


def test_a_map_without_noise_is_found_and_undone() -> None:
    true, seen, A, habit = people(60)
    response = DetectorResponse.fitted(seen, true, ridge=0.0)
    np.testing.assert_allclose(response.gain, np.linalg.inv(A), atol=1e-6)
    np.testing.assert_allclose(response.corrected(habit), 0.0, atol=1e-6)
    assert response.spread.max() < 1e-6


def test_without_evidence_bones_are_what_they_seem() -> None:
    true, seen, _, _ = people(60, noise=0.02)
    response = DetectorResponse.fitted(seen, true, ridge=1e9)
    np.testing.assert_allclose(response.gain, np.eye(COUNT), atol=1e-4)


def test_the_spread_is_that_of_people_it_was_not_made_from() -> None:
    true, seen, _, _ = people(400, noise=0.02)
    response = DetectorResponse.fitted(seen[:200], true[:200], ridge=20.0)
    others = np.stack([response.corrected(bones) for bones in seen[200:]])
    assert np.sqrt(np.square(others - true[200:]).mean()) == pytest.approx(np.sqrt(np.square(response.spread).mean()), rel=0.1)


def test_the_shipped_one_raises_what_the_detector_flattens(tmp_path: Path) -> None:
    template = HandTemplate.load()
    response = DetectorResponse.load(template.skeleton_id)
    assert json.loads(DETECTOR_RESPONSE.read_bytes()) == response.document(template.skeleton_id)
    assert np.abs(response.offset).max() < 0.1
    long_fingers = np.array([0.05 if bone[-1] in "23l" and not bone.startswith("thumb") else -0.03 for bone in BONE_NAMES])
    assert 1.0 < np.median((response.corrected(long_fingers) - response.offset) / long_fingers) < 2.0
    with pytest.raises(InputError, match=r"belongs to skeleton .*train_detector_response"):
        DetectorResponse.load("another")


@pytest.mark.parametrize(
    "content", ["", "[]", '{"gain": {}}', json.dumps(DetectorResponse.faithful().document("x")).replace("1.0", '"one"')]
)
def test_a_damaged_file_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "damaged.json").write_text(content)
    with pytest.raises(InputError, match=r"damaged\.json: cannot read"):
        DetectorResponse.load("x", tmp_path / "damaged.json")


@pytest.mark.parametrize("arguments", [["--people", "3"], ["--pictures", "0"], ["--ridge", "-1"], ["--ridge", "nan"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main(arguments) == 2
    assert "--people" in capsys.readouterr().err
