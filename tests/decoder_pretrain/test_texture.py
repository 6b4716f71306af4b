"""Laws of textures: Poisson's equation, T* of a painted hand, fine-tuning towards it, and how much textures scatter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from decoder_pretrain import finetune_texture
from decoder_pretrain.batches import epoch_batches
from decoder_pretrain.build import build_model
from decoder_pretrain.config import Schedule, StudioData, TrainConfig
from decoder_pretrain.finetuning import WithPictures, finetuning, finetuning_trainer
from decoder_pretrain.finished_run import FinishedRun
from decoder_pretrain.gradient_blend import Steps, blend
from decoder_pretrain.moment_surface import moment_surface
from decoder_pretrain.objective import LossWeights, Objective
from decoder_pretrain.reference_texture import ReferenceTexture, agreeing_views, neutral_moments, reference_texture
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.studio_model import StudioModel
from decoder_pretrain.texel_graph import across_seams, neighbours
from decoder_pretrain.texture_consistency import TextureConsistency
from decoder_pretrain.texture_deviation import deviation, texture_deviation
from estimator.errors import InputError
from estimator.hand.correctives import CorrectivesConfig
from estimator.hand.decoder import HandDecoder
from estimator.hand.texture import Texture, Views, texels
from estimator.image_encoder import ImageEncoder, ImageEncoderConfig
from estimator.learning.training_log import SilentLog
from tests.decoder_pretrain.painted_studio import SIZE, TARGET_VIEWS, VIEWS, PaintedStudio, paint
from tests.toys import toy_template

TEXELS = 256


@pytest.fixture(scope="module")
def painted() -> ReferenceTexture:
    """T* of the painted hand."""
    studio = PaintedStudio()
    return reference_texture(perfect_model(), studio.template, studio, neutral_moments(studio), TEXELS)


def perfect_model() -> StudioModel:
    """Its encoder always answers the flat hand."""
    encoder = ImageEncoder(ImageEncoderConfig("tiny", "random"))
    nn.init.zeros_(encoder.head[2].weight)  # pyright: ignore[reportArgumentType]
    return StudioModel(encoder, HandDecoder(toy_template()))


def texel_points(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the template's texels, and where they lie on it."""
    template = toy_template()
    where = texels(template.uv, template.uv_faces, size)
    corners = template.vertices[template.faces[where.faces.numpy()]]
    return where.pixels.numpy(), np.einsum("tk,tki->ti", where.barycentrics.numpy(), corners)


# Poisson's equation


def dense_blend(steps: Steps, anchors: np.ndarray, hold: np.ndarray) -> np.ndarray:
    """The normal equations, entry by entry."""
    A, b = np.zeros((len(anchors), len(anchors))), np.zeros_like(anchors)
    for p, q, step in zip(steps.starts, steps.ends, steps.differences, strict=True):
        A[p, p] += 1
        A[q, q] += 1
        A[p, q] -= 1
        A[q, p] -= 1
        b[q] += step
        b[p] -= step
    for p, weight in enumerate(hold):
        A[p, p] += weight
        b[p] += weight * anchors[p]
    return np.linalg.solve(A, b)


def grid_steps(side: int, values: np.ndarray) -> Steps:
    node = np.arange(side * side).reshape(side, side)
    starts = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    ends = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    return Steps(starts, ends, values[ends] - values[starts])


def test_blend_is_the_dense_solution() -> None:
    generator = np.random.default_rng(0)
    steps = grid_steps(16, generator.random((256, 3)))
    steps = Steps(steps.starts, steps.ends, steps.differences + 0.1 * generator.standard_normal(steps.differences.shape))
    anchors, hold = generator.random((256, 3)), np.where(generator.random(256) < 0.5, 0.01, 1e-6)
    np.testing.assert_allclose(blend(steps, anchors, hold, anchors), dense_blend(steps, anchors, hold), atol=2e-3)


def test_true_steps_and_anchors_of_another_brightness_on_each_side_give_the_pattern_without_a_seam() -> None:
    truth = np.random.default_rng(1).random((256, 1))
    anchors = truth + np.where(np.arange(256) % 16 < 8, 0.2, -0.2)[:, None]
    found = blend(grid_steps(16, truth), anchors, np.full(256, 1e-6), anchors)
    np.testing.assert_allclose(found, truth, atol=1e-3)


# the texels' graph


def test_neighbours_lie_side_by_side_in_the_picture_and_on_the_surface_and_seams_apart_in_one_alone() -> None:
    template = toy_template()
    where = texels(template.uv, template.uv_faces, TEXELS)
    pixels, points = texel_points(TEXELS)
    starts, ends = neighbours(where, template)
    assert set(np.unique(pixels[ends] - pixels[starts])) == {1, TEXELS}
    usual = np.median(np.linalg.norm(points[ends] - points[starts], axis=1))
    assert np.linalg.norm(points[ends] - points[starts], axis=1).max() <= 4 * usual
    here, there = across_seams(where, template, starts, ends)
    far = np.abs(np.stack(np.divmod(pixels[here], TEXELS)) - np.stack(np.divmod(pixels[there], TEXELS))).max(axis=0)
    assert (far > 8).all()
    assert (np.linalg.norm(points[here] - points[there], axis=1) <= 2 * usual).all()


# T*


def test_a_painted_hand_comes_back_and_what_nobody_sees_is_said(painted: ReferenceTexture) -> None:
    pixels, points = texel_points(TEXELS)
    known = painted.known.reshape(-1)
    assert 0.6 < known[pixels].mean() < 1  # ends of the bones lie inside others
    assert not np.delete(known, pixels).any()
    errors = np.abs(painted.colours.reshape(-1, 3)[pixels] / 255 - paint(points))[known[pixels]]
    assert errors.mean() < 0.02
    assert np.percentile(errors, 95) < 0.06
    assert painted.colours.reshape(-1, 3)[pixels].any(axis=1).all()  # holes are filled


def test_steps_survive_light_that_changes_from_view_to_view() -> None:
    studio = PaintedStudio(light=0.25)
    found = reference_texture(perfect_model(), studio.template, studio, [0, 1], TEXELS)
    template = toy_template()
    starts, ends = neighbours(texels(template.uv, template.uv_faces, TEXELS), template)
    pixels, points = texel_points(TEXELS)
    known = found.known.reshape(-1)[pixels]
    both = known[starts] & known[ends]
    colours = found.colours.reshape(-1, 3)[pixels] / 255
    steps, truth = (values[ends[both]] - values[starts[both]] for values in (colours, paint(points)))
    assert np.abs(steps - truth).mean() < 0.35 * np.abs(truth).mean()


def test_reference_texture_is_kept_and_resized(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    texture = ReferenceTexture(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8), generator.random((16, 16)) < 0.6)
    texture.save(tmp_path / "t.png")
    again = ReferenceTexture.load(tmp_path / "t.png")
    np.testing.assert_array_equal(again.colours, texture.colours)
    np.testing.assert_array_equal(again.known, texture.known)
    small = texture.resized(4)
    for row, column in np.ndindex(4, 4):
        part = np.s_[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        known = texture.known[part]
        assert small.visible[row, column] == (known.sum() >= 8)
        np.testing.assert_allclose(small.colours[:, row, column], texture.colours[part][known].mean(axis=0) / 255, atol=1e-6)
    with pytest.raises(ValueError, match="cannot be resized"):
        texture.resized(5)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_damaged_reference_texture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.png").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.png: cannot be read"):
        ReferenceTexture.load(tmp_path / "t.png")


def test_without_a_neutral_moment_there_is_no_reference() -> None:
    studio = PaintedStudio()
    studio.motion = lambda index: "fist"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(InputError, match="no moment of neutral_relaxed"):
        neutral_moments(studio)


# fine-tuning


def painted_config(epochs: int = 2) -> TrainConfig:
    return TrainConfig(
        data="painted",
        encoder=ImageEncoderConfig("tiny", "random"),
        correctives=CorrectivesConfig(1),
        losses=LossWeights(penetration_rigid=0.0, penetration_nonrigid=0.0),
        schedule=Schedule(batch=2, epochs=epochs),
        studio=StudioData(size=SIZE, target_views=TARGET_VIEWS, moments=4, views_per_moment=VIEWS),
    )


def finished_run() -> FinishedRun:
    config, template = painted_config(), toy_template()
    return FinishedRun(config, template, build_model(config, template))


def begun(path: Path, config: TrainConfig) -> RunFolder:
    run = RunFolder(path)
    run.begin(config)
    return run


def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def test_the_paper_s_fine_tuning() -> None:
    tuned = finetuning(TrainConfig("virtual:1"))
    assert (tuned.losses.laplacian, tuned.losses.texture, tuned.losses.depth) == (1, 1, 1)
    assert (tuned.schedule.epochs, tuned.schedule.learning_rate, tuned.schedule.batch) == (15, 1e-4, 32)
    assert [round(tuned.schedule.factor(epoch), 6) for epoch in (0, 9, 10, 11, 12, 14)] == [1, 1, 0.1, 0.1, 0.01, 0.01]
    with pytest.raises(ValueError, match="texture"):
        finetuning(TrainConfig("virtual:1"), weight=-1.0)


def test_a_hand_that_slid_under_its_paint_slides_back(painted: ReferenceTexture) -> None:
    studio = PaintedStudio()
    loss_of = TextureConsistency(studio.template, painted.resized(TEXELS))
    recorded = studio.views(0)
    true_vertices = moment_surface(perfect_model(), studio, 0, recorded)
    slip = torch.tensor([1.5, 0.0, 0.0], requires_grad=True)
    optimizer = torch.optim.Adam([slip], lr=0.1)
    losses = []
    for _ in range(25):
        vertices = true_vertices + slip
        views = agreeing_views(vertices.detach(), loss_of.faces, recorded)
        loss = loss_of(vertices[None], Views(*(value[None] for value in vars(views).values()))).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert slip.detach().norm() < 0.5


def test_fine_tuning_lowers_the_texture_s_loss(painted: ReferenceTexture, tmp_path: Path) -> None:
    studio, finished = PaintedStudio(), finished_run()
    nn.init.constant_(finished.model.encoder.head[2].bias, 0.01)  # pyright: ignore[reportArgumentType]
    config = finetuning(replace(finished.config, losses=LossWeights(0.0, 0.0, 0.0, 0.0, 0.0)), epochs=16)
    run = begun(tmp_path / "run", replace(config, schedule=replace(config.schedule, batch=4, milestones=())))
    painted.save(run.reference_texture_file)
    trainer = finetuning_trainer(fabric(), finished, run, studio)
    batch = next(iter(epoch_batches(WithPictures(studio), 4, 0, 0)))

    def loss() -> float:
        with torch.no_grad():
            prediction = finished.model.eval()(batch.image, batch.truth.joints, batch.truth.valid)
            return trainer.objective(prediction, batch.truth, finished.model.decoder)["texture"].item()

    before = loss()
    assert trainer.train(WithPictures(studio), run, SilentLog()).finished
    assert loss() < 0.95 * before


def test_a_fine_tuning_goes_on_from_its_checkpoint_to_the_same_numbers(painted: ReferenceTexture, tmp_path: Path) -> None:
    studio = PaintedStudio()
    config = finetuning(finished_run().config, epochs=2)
    whole, parts = begun(tmp_path / "whole", config), begun(tmp_path / "parts", config)
    painted.save(parts.reference_texture_file)
    painted.save(whole.reference_texture_file)
    first = finetuning_trainer(fabric(), finished_run(), whole, studio)
    first.train(WithPictures(studio), whole, SilentLog())

    trainer = finetuning_trainer(fabric(), finished_run(), parts, studio)
    for batch in epoch_batches(WithPictures(studio), config.schedule.batch, config.seed, 0):
        trainer.plain_model.train()
        trainer.step(batch)
    trainer.progress = type(trainer.progress)(1, 0)
    trainer.save(parts)
    second = finetuning_trainer(fabric(), finished_run(), parts, studio)
    assert second.progress.epoch == 1
    second.train(WithPictures(studio), parts, SilentLog())
    for (name, expected), found in zip(first.plain_model.state_dict().items(), second.plain_model.state_dict().values(), strict=True):
        assert torch.equal(expected, found), name


def test_a_loss_of_texture_needs_a_reference() -> None:
    with pytest.raises(ValueError, match="needs a reference texture"):
        Objective(toy_template(), LossWeights(texture=1.0))


@pytest.mark.parametrize("state", ["missing", "unfinished", "not a run"])
def test_what_cannot_be_fine_tuned_is_refused_in_one_line(tmp_path: Path, state: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunFolder(tmp_path / "run")
    if state != "not a run":
        run.begin(painted_config())
    if state == "unfinished":
        finished, config = finished_run(), finetuning(painted_config(), weight=0.0)
        finetuning_trainer(fabric(), finished, begun(tmp_path / "other", config), PaintedStudio()).save(run)
    assert finetune_texture.main(["--run", str(run.path), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err.strip()
    expected = {"missing": "has no checkpoint yet", "unfinished": "is not finished (0 of 2 epochs)", "not a run": "holds no run"}
    assert expected[state] in message
    assert "\n" not in message
    assert not (tmp_path / "out").exists()


# Figure 12


def test_deviation_is_that_of_the_moments_which_show_a_texel() -> None:
    generator = torch.Generator().manual_seed(0)
    colours, visible = torch.rand((5, 3, 8, 8), generator=generator), torch.rand((5, 8, 8), generator=generator) < 0.5
    found = deviation(Texture(*pair) for pair in zip(colours, visible, strict=True))
    for row, column in np.ndindex(8, 8):
        shown = colours[visible[:, row, column], :, row, column].double().numpy()
        expected = shown.std(axis=0).mean() if len(shown) >= 2 else np.nan
        np.testing.assert_allclose(found[row, column], expected, atol=1e-6)
    with pytest.raises(ValueError, match="no texture"):
        deviation([])


def test_a_perfect_model_s_textures_hardly_differ_and_light_s_do() -> None:
    steady, flickering = (PaintedStudio(2, light) for light in (0.0, 0.2))
    calm, lively = (texture_deviation(perfect_model(), studio.template, studio, [0, 1], 64) for studio in (steady, flickering))
    assert np.nanmax(calm) == 0
    assert np.nanmean(lively) > 0.02
