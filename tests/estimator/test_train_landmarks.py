"""Training of the landmark encoder: what it is shown, and that it learns."""

from pathlib import Path

import numpy as np
import pytest
import torch

from estimator.crop import crop_hand
from estimator.encoder import LandmarkEncoder
from estimator.hand.camera import Camera
from estimator.hand.template import HandTemplate
from estimator.train_landmarks import DetectorErrors, LandmarkSampler, loss_of, main

PERFECT = DetectorErrors(pose=0.0, shared_pose=0.0, rotation=0.0, depth=(1.0, 1.0), space_mm=0.0, image=0.0, knuckle=0.0)


@pytest.fixture(scope="module")
def template() -> HandTemplate:
    return HandTemplate.load()


def sampler(template: HandTemplate, errors: DetectorErrors = DetectorErrors()) -> LandmarkSampler:
    return LandmarkSampler(template, 200, torch.Generator().manual_seed(0), errors)


def test_batch_is_what_the_crop_gives_at_inference(template: HandTemplate) -> None:
    """A hand before a real camera, cropped by the pipeline's code, is what the sampler's own projection draws."""
    batch = sampler(template, PERFECT).batch(8)
    camera = Camera.from_focal(800.0, 640, 480)
    for i in range(8):
        joints = batch.joints[i].double().numpy()
        ray_depth = np.ptp(joints[:, :2], axis=0).max()
        placed = joints - (joints.min(axis=0) + joints.max(axis=0)) / 2 + (0, 0, 50 * ray_depth)
        crop = crop_hand("right", camera.project(placed), placed, camera)
        np.testing.assert_allclose(crop.landmarks_normal, batch.landmarks_normal[i].numpy(), atol=0.25)
        np.testing.assert_allclose(crop.landmarks_mm, joints - joints.mean(axis=0), atol=8.0)


def test_without_errors_the_relative_landmarks_are_the_truth_at_the_templates_proportions(template: HandTemplate) -> None:
    batch = sampler(template, PERFECT).batch(16)
    seen = batch.landmarks_mm - batch.landmarks_mm.mean(dim=1, keepdim=True)
    # Only the proportions differ: another hand's by 6 percent.
    assert (seen - batch.joints).norm(dim=-1).mean() < 12


def test_errors_make_the_task_harder(template: HandTemplate) -> None:
    perfect, disturbed = (sampler(template, errors).batch(256) for errors in (PERFECT, DetectorErrors()))

    def misfit(batch: object) -> float:
        seen = batch.landmarks_mm - batch.landmarks_mm.mean(dim=1, keepdim=True)
        return float((seen - batch.joints).norm(dim=-1).mean())

    assert misfit(disturbed) > 1.3 * misfit(perfect)


def test_a_perfect_answer_costs_nothing(template: HandTemplate) -> None:
    from estimator.encoder import EncodedHand

    samples = sampler(template)
    batch = samples.batch(16)
    joints = batch.joints - batch.joints.mean(dim=1, keepdim=True)
    assert loss_of(samples, EncodedHand(batch.theta, batch.R_crop_hand, joints), batch) < 1e-3


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
