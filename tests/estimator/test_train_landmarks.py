"""Training of the landmark encoder: what it is shown, and that it learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from estimator import training_landmarks
from estimator.crop import crop_hand
from estimator.encoder import EncodedHand, LandmarkEncoder
from estimator.hand.camera import Camera
from estimator.hand.template import FINGERS, LANDMARK_NAMES, POSE_SIZE, HandTemplate
from estimator.landmark_offsets import LandmarkOffsets
from estimator.train_landmarks import main
from estimator.training_landmarks import DetectorErrors, LandmarkBatch, LandmarkSampler, _upright, loss_of
from tests.procrustes import similarity_error

PERFECT = DetectorErrors(pose=0.0, shared_pose=0.0, rotation=0.0, depth=(1.0, 1.0), space_mm=0.0, image=0.0, knuckle=0.0)


@pytest.fixture(scope="module")
def template() -> HandTemplate:
    return HandTemplate.load()


def sampler(template: HandTemplate, errors: DetectorErrors = DetectorErrors(), seed: int = 0) -> LandmarkSampler:
    marks = LandmarkOffsets.load(template.skeleton_id)
    return LandmarkSampler(template, marks, 200, torch.Generator().manual_seed(seed), errors)


def test_same_generator_same_batch(template: HandTemplate) -> None:
    first, second = (sampler(template).batch(4) for _ in range(2))
    torch.testing.assert_close(first.landmarks_normal, second.landmarks_normal, rtol=0, atol=0)
    assert not torch.equal(first.theta, sampler(template, seed=1).batch(4).theta)


@pytest.mark.parametrize("distance", [280.0, 900.0])
def test_what_is_drawn_is_what_the_crop_gives_at_inference(template: HandTemplate, distance: float) -> None:
    """A hand before a real camera, cropped by the pipeline's code, is what the sampler's own projection draws."""
    batch = sampler(template, PERFECT).batch(16)
    pixels, R, landmarks = _upright(batch.landmarks, torch.eye(3).expand(16, 3, 3), torch.full((16,), distance))
    camera = Camera.from_focal(800.0, 640, 480)
    flattest = 0.0
    for i in range(16):
        points = batch.landmarks[i].double().numpy()
        placed = points - (points.min(axis=0) + points.max(axis=0)) / 2 + (0, 0, distance)
        crop = crop_hand("right", camera.project(placed), placed, camera)
        drawn = normalised(pixels[i].double().numpy())
        np.testing.assert_allclose(crop.landmarks_normal, drawn, atol=0.08)
        np.testing.assert_allclose(crop.landmarks_mm, landmarks[i].numpy(), atol=6.0)
        np.testing.assert_allclose(crop.R_camera_crop.T, R[i].numpy(), atol=0.08)
        flattest = max(flattest, np.abs(normalised(landmarks[i].double().numpy()[:, :2]) - drawn).max())
    # The test would notice a projection without perspective.
    assert flattest > 0.1 or distance > 500


def normalised(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low + high) / 2) / ((high - low).max() / 2)


def test_knuckles_shift_along_the_first_bone_in_image_and_space(template: HandTemplate) -> None:
    plain, shifted = (sampler(template, replace(PERFECT, knuckle=knuckle)).batch(32).landmarks_mm for knuckle in (0.0, 0.3))
    roots = [LANDMARK_NAMES.index(f"{finger}1") for finger in FINGERS[1:]]
    others = [k for k in range(21) if k not in roots]
    torch.testing.assert_close(shifted[:, others], plain[:, others])
    moved, bone = shifted[:, roots] - plain[:, roots], plain[:, [root + 1 for root in roots]] - plain[:, roots]
    assert moved.norm(dim=-1).mean() > 5
    torch.testing.assert_close(torch.linalg.cross(moved, bone), torch.zeros_like(bone), atol=0.5, rtol=0)


def test_without_errors_the_relative_landmarks_are_the_truth_at_the_templates_proportions(template: HandTemplate) -> None:
    batch = sampler(template, PERFECT).batch(16)
    seen = batch.landmarks_mm - batch.landmarks_mm.mean(dim=1, keepdim=True)
    # Only the proportions differ: another hand's by 6 percent; and the crop's roll, which turns the truth alone.
    sizes = [points.norm(dim=-1).mean(dim=-1) for points in (seen, batch.landmarks)]
    torch.testing.assert_close(*sizes, rtol=0.15, atol=0.0)


def test_errors_make_the_task_harder(template: HandTemplate) -> None:
    perfect, disturbed = (sampler(template, errors).batch(256) for errors in (PERFECT, DetectorErrors()))

    def misfit(batch: LandmarkBatch) -> float:
        return float(
            np.mean([similarity_error(seen, true) for seen, true in zip(batch.landmarks_mm.numpy(), batch.landmarks.numpy(), strict=True)])
        )

    assert misfit(disturbed) > 1.3 * misfit(perfect)


def test_a_perfect_answer_costs_nothing(template: HandTemplate) -> None:
    samples = sampler(template)
    batch = samples.batch(16)
    landmarks = batch.landmarks - batch.landmarks.mean(dim=1, keepdim=True)
    assert loss_of(samples, EncodedHand(batch.theta, batch.R_crop_hand, landmarks), batch) < 1e-3


def test_command_trains_and_writes_weights_bound_to_the_skeleton(tmp_path: Path, template: HandTemplate) -> None:
    out = tmp_path / "encoder.safetensors"
    assert main(["--out", str(out), "--steps", "60", "--batch", "64", "--poses", "400"]) == 0
    trained, samples = LandmarkEncoder.load(out, template.skeleton_id), sampler(template)
    batch = samples.batch(256)
    torch.manual_seed(0)
    untrained = LandmarkEncoder().eval()
    with torch.inference_mode():
        losses = [float(loss_of(samples, encoder(batch.landmarks_normal, batch.landmarks_mm), batch)) for encoder in (trained, untrained)]
    assert losses[0] < 0.7 * losses[1]


class FlatHands:
    """Draws one pose."""

    def __init__(self, template: HandTemplate) -> None:
        pass

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.zeros(count, POSE_SIZE)


def test_a_loss_that_is_no_number_is_one_line_that_names_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_landmarks, "PoseSampler", FlatHands)
    monkeypatch.setattr(training_landmarks, "loss_of", lambda *_: torch.tensor(float("nan")))
    out = tmp_path / "new" / "encoder.safetensors"
    assert main(["--out", str(out), "--steps", "1", "--batch", "2", "--poses", "4"]) == 2
    error = capsys.readouterr().err
    assert "lower --learning-rate" in error
    assert "Traceback" not in error
    assert not out.exists()
