"""Stage 2 on a toy RHD: it learns, resumes exactly, leaves the decoder alone, and says in one line what it cannot use."""

import dataclasses
import json
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from datasets.rhd import Rhd
from estimator import train
from estimator.command import BAD_INPUT, DONE, INTERRUPTED
from estimator.errors import InputError
from estimator.hand.bones import bone_lengths
from estimator.hand.correctives import Correctives, CorrectivesConfig
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import LANDMARK_PARENTS, LOW_RESOLUTION_TEMPLATE, HandTemplate
from estimator.image_encoder import INPUT_SIZES, ImageEncoder, ImageEncoderConfig
from estimator.learning import index_place
from estimator.learning.batches import Share
from estimator.learning.run_folder import Progress
from estimator.learning.training_log import SilentLog
from estimator.personal_decoder import save_personal_decoder
from estimator.training_rhd import run_folder
from estimator.training_rhd_augmentation import Augmentation, augmented
from estimator.training_rhd_config import RhdConfig, RhdSchedule, preset
from estimator.training_rhd_data import HandCropSample, RhdCrops, crop_camera, epoch_batches, open_rhd
from estimator.training_rhd_model import EncoderBeforeDecoder, placed_by_palm, weights_sha256
from estimator.training_rhd_trainer import EVALUATION_ERROR, RhdTrainer, joint_error_mm
from tests.datasets.rhd_folder import sample_entry, write_pickle, write_rhd
from tests.toys import toy_template

TINY = ImageEncoderConfig("tiny", "random")
SIZE = INPUT_SIZES["tiny"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_rhd(tmp_path_factory.mktemp("rhd") / "RHD_published_v2", 12)
    write_rhd(root, 4, "evaluation")
    (root / "evaluation/color/00003.png").unlink()
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "RHD_published_v2"))


@pytest.fixture(scope="module")
def crops(written: Path) -> RhdCrops:
    return RhdCrops(Rhd(written), SIZE)


def config_for(epochs: int = 3, rate: float = 1e-3) -> RhdConfig:
    return RhdConfig("toy", encoder=TINY, schedule=RhdSchedule(4, epochs, rate, (1.0,)))


def trainer_for(config: RhdConfig) -> RhdTrainer:
    torch.manual_seed(config.seed)
    model = EncoderBeforeDecoder(ImageEncoder(config.encoder), HandDecoder(toy_template()))
    return RhdTrainer(Fabric(accelerator="cpu", devices=1), config, model)


def arguments(root: Path, out: Path, *more: str) -> list[str]:
    tiny = ["--backbone", "tiny", "--initial", "random", "--batch", "4", "--epochs", "2", "--learning-rate", "1e-3"]
    return ["--data", str(root), "--out", str(out), *tiny, *more]


def test_training_lowers_the_error_and_leaves_the_decoder_alone(crops: RhdCrops, tmp_path: Path) -> None:
    trainer = trainer_for(config_for(epochs=15, rate=5e-3))
    fresh, decoder = joint_error_mm(trainer.model, crops, 4), weights_sha256(trainer.model.decoder)
    run = run_folder(tmp_path)
    run.begin(trainer.config)
    assert trainer.train(Unchanged(crops), run, SilentLog()).finished
    assert joint_error_mm(trainer.model, crops, 4) < 0.75 * fresh
    assert weights_sha256(trainer.model.decoder) == decoder


def test_any_change_of_a_weight_changes_its_hash() -> None:
    encoder = ImageEncoder(TINY)
    before = weights_sha256(encoder)
    assert weights_sha256(encoder) == before
    with torch.no_grad():
        encoder.head[2].bias[5] += 1e-6
    assert weights_sha256(encoder) != before


@pytest.mark.parametrize("stop_after", [2, 3])
def test_a_run_that_was_told_to_stop_and_resumed_ends_with_the_same_numbers(crops: RhdCrops, tmp_path: Path, stop_after: int) -> None:
    config = config_for(epochs=2)
    whole = trainer_for(config)
    whole.train(crops, begun(tmp_path / "whole", config), SilentLog())

    run, first = begun(tmp_path / "parts", config), trainer_for(config)
    outcome = first.train(Interrupting(crops, 4 * stop_after), run, SilentLog())
    assert not outcome.finished
    second = trainer_for(config)
    second.resume(run)
    assert second.progress == Progress((stop_after - 1) // 3, (stop_after - 1) % 3 + 1)
    assert second.train(crops, run, SilentLog()).finished
    for (name, expected), found in zip(whole.plain_model.state_dict().items(), second.plain_model.state_dict().values(), strict=True):
        assert torch.equal(expected, found), name


class Unchanged(RhdCrops):
    """Crops as they are, kept."""

    def __init__(self, crops: RhdCrops) -> None:
        super().__init__(crops.rhd, crops.size)
        self.kept = [crops.crop(row) for row in range(len(crops))]

    def sample(self, row: int, generator: np.random.Generator) -> HandCropSample:
        return self.kept[row]


def begun(path: Path, config: RhdConfig) -> Any:
    run = run_folder(path)
    run.begin(config)
    return run


class Interrupting(RhdCrops):
    """Sends this process the signal to end while its sample number ``last`` is drawn."""

    def __init__(self, crops: RhdCrops, last: int) -> None:
        super().__init__(crops.rhd, crops.size)
        self.left = last

    def sample(self, row: int, generator: np.random.Generator) -> HandCropSample:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGTERM)
        return super().sample(row, generator)


class Broken(RhdCrops):
    """Yields one sample with a joint that is no number."""

    def sample(self, row: int, generator: np.random.Generator) -> HandCropSample:
        sample = super().sample(row, generator)
        return sample if row != 3 else dataclasses.replace(sample, joints=np.where(np.arange(21)[:, None] == 8, np.nan, sample.joints))


def test_a_loss_that_is_no_number_stops_the_run_with_one_line_and_keeps_the_checkpoint(crops: RhdCrops, tmp_path: Path) -> None:
    config = config_for()
    run, trainer = begun(tmp_path, config), trainer_for(config)
    with pytest.raises(InputError, match="not a number") as error:
        trainer.train(Broken(crops.rhd, crops.size), run, SilentLog())
    assert "\n" not in str(error.value)
    assert run.load_checkpoint()[1].step < 3


def test_two_processes_see_together_what_one_sees(crops: RhdCrops) -> None:
    whole = next(iter(epoch_batches(crops, 4, 5, 1)))
    parts = [next(iter(epoch_batches(crops, 4, 5, 1, share=Share(rank, 2)))) for rank in range(2)]
    assert torch.equal(whole.pixels, torch.stack([part.pixels for part in parts], dim=1).flatten(0, 1))


def test_the_model_gives_the_true_bone_lengths_and_gradients_reach_the_encoder_alone(crops: RhdCrops) -> None:
    model = trainer_for(config_for()).model
    batch = next(iter(epoch_batches(crops, 4, 0, 0)))
    found = model(batch.image, batch.joints)
    expected = bone_lengths(batch.joints, LANDMARK_PARENTS)
    torch.testing.assert_close(bone_lengths(found, LANDMARK_PARENTS), expected, atol=1e-3, rtol=0)
    found.square().sum().backward()
    assert all(weight.grad is not None for weight in model.encoder.parameters())
    assert all(not weight.requires_grad for weight in model.decoder.parameters())


def test_a_decoder_with_correctives_is_frozen() -> None:
    template = toy_template()
    decoder = HandDecoder(template, Correctives(CorrectivesConfig(1), torch.tensor(template.skinning_weights, dtype=torch.float32)))
    model = EncoderBeforeDecoder(ImageEncoder(TINY), decoder)
    model(torch.rand(2, 3, SIZE, SIZE), 50 * torch.rand(2, 21, 3)).sum().backward()
    assert list(decoder.parameters())
    assert all(weight.grad is None for weight in decoder.parameters())


def test_a_moved_copy_is_placed_exactly() -> None:
    generator = torch.Generator().manual_seed(0)
    own = 50 * torch.randn(3, 21, 3, generator=generator, dtype=torch.float64)
    R = torch.linalg.qr(torch.randn(3, 3, 3, generator=generator, dtype=torch.float64)).Q
    R = R * torch.linalg.det(R)[:, None, None]
    target = own @ R.mT + 300
    torch.testing.assert_close(placed_by_palm(own, target), target)


def test_crops_hold_right_hands_where_their_joints_are(crops: RhdCrops) -> None:
    for row in (0, 1):  # a left hand, mirrored, and a right one
        crop = crops.crop(row)
        pictured = crops.rhd.pictured(row).as_right()
        camera = crop_camera(pictured, SIZE)
        np.testing.assert_allclose(camera.project(crop.joints.astype(float)), crop.joints_px, atol=1e-3)
        spans = np.ptp(crop.joints_px, axis=0)
        assert spans.max() == pytest.approx(SIZE / 1.5, abs=1e-6)
        middle = (crop.joints_px.min(axis=0) + crop.joints_px.max(axis=0)) / 2
        np.testing.assert_allclose(middle, (SIZE - 1) / 2, atol=1e-6)
        inside = pictured.hand.joints_px.round().astype(int)[0]
        at = crop.joints_px.round().astype(int)[0]
        red, expected = int(crop.image[at[1], at[0], 0]), int(pictured.image[inside[1], inside[0], 0])
        assert abs(red - expected) < 8


def test_points_move_with_the_pixels_and_the_generator_decides() -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    point = np.array([[40.0, 22.0]])
    image[20:25, 38:43] = 255
    geometry_alone = Augmentation(light=0.0, hue=0.0, noise=0.0, least_quality=95)
    for seed in range(8):
        changed, moved = augmented(image, point, np.random.default_rng(seed), geometry_alone)
        bright = np.argwhere(changed.mean(axis=2) > 100)[:, ::-1]
        np.testing.assert_allclose(bright.mean(axis=0), moved[0], atol=0.8)
        again, same = augmented(image, point, np.random.default_rng(seed), geometry_alone)
        np.testing.assert_array_equal(again, changed)
        np.testing.assert_array_equal(same, moved)
    others = [augmented(image, point, np.random.default_rng(seed))[1] for seed in range(8)]
    assert np.ptp(np.concatenate(others), axis=0).min() > 1


def test_presets_are_the_papers_and_one_for_a_quarter_of_an_hour() -> None:
    paper, cpu = preset("paper", "x"), preset("cpu", "x")
    assert (paper.encoder.backbone, paper.encoder.initial, paper.size) == ("resnet50", "random", 256)
    assert [paper.schedule.factor(epoch) for epoch in (0, 29, 30, 31, 32, 34)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert (cpu.encoder.backbone, cpu.size) == ("efficientnet_lite0", 128)
    assert cpu.schedule.factor(0) == 1
    assert cpu.schedule.factor(cpu.schedule.epochs - 1) == pytest.approx(0.01)


@pytest.mark.parametrize(("option", "value"), [("batch", 0), ("epochs", 0), ("learning_rate", 0.0), ("learning_rate", float("nan"))])
def test_a_schedule_out_of_range_is_refused_by_its_options_name(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"--{option.replace('_', '-')}"):
        RhdSchedule(**{option: value})


def test_a_run_leaves_an_encoder_that_loads_and_a_record_of_how_it_was_made(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train.main(arguments(root, out)) == DONE
    shown = capsys.readouterr()
    run = run_folder(out)
    assert "joint error" in shown.out
    assert str(run.encoder_file) in shown.out
    assert "evaluation: 1 of 4 samples left out; no picture: 1 (00003)" in shown.err
    assert json.loads((out / "skipped.json").read_text()) == {"training": [], "evaluation": [{"number": 3, "reason": "no picture"}]}
    record = json.loads(run.config_file.read_text())
    assert {"commit", "version"} <= set(record)
    assert record["config"]["seed"] == 0
    assert len(record["config"]["decoder_sha256"]) == 64
    errors = [line[EVALUATION_ERROR] for line in run.metrics() if EVALUATION_ERROR in line]
    assert len(errors) == 3
    assert list((out / "tensorboard").iterdir())
    template = HandTemplate.load()
    theta = ImageEncoder.load(run.encoder_file, template.skeleton_id)(torch.rand(1, 3, SIZE, SIZE))
    assert theta.isfinite().all()

    before = run.encoder_file.read_bytes()
    assert train.main(["--out", str(out), "--resume"]) == DONE  # it is finished: nothing is left to do
    assert run.encoder_file.read_bytes() == before
    assert train.main(arguments(root, out)) == BAD_INPUT
    assert "holds a run already; continue it with --resume" in capsys.readouterr().err

    went_on = tmp_path / "went_on"
    more = ["--data", str(root), "--out", str(went_on), "--init", str(run.encoder_file), "--batch", "4", "--epochs", "1"]
    assert train.main(more) == DONE
    first = next(line[EVALUATION_ERROR] for line in run_folder(went_on).metrics() if EVALUATION_ERROR in line)
    assert first == pytest.approx(errors[-1], abs=0.05)  # weights are kept in half precision
    assert run_folder(went_on).config().encoder == TINY

    run.config_file.write_text(run.config_file.read_text().replace(record["config"]["decoder_sha256"], "0" * 64))
    assert train.main(["--out", str(out), "--resume"]) == BAD_INPUT
    assert "is not the one that this run began with" in capsys.readouterr().err


def test_an_interrupted_command_says_how_to_go_on(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    stepped = RhdTrainer.step
    monkeypatch.setattr(RhdTrainer, "step", lambda self, batch: (signal.raise_signal(signal.SIGTERM), stepped(self, batch))[1])
    assert train.main(arguments(root, tmp_path / "run")) == INTERRUPTED
    assert f"go on with: python -m estimator.train --out {tmp_path / 'run'} --resume" in capsys.readouterr().err


def foreign_decoder(folder: Path) -> Path:
    """Of a person on the small template."""
    template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
    correctives = Correctives(CorrectivesConfig(1), torch.tensor(template.skinning_weights, dtype=torch.float32))
    save_personal_decoder(correctives, template, "toy", folder / "small.safetensors")
    return folder / "small.safetensors"


def foreign_encoder(folder: Path) -> Path:
    ImageEncoder(TINY).save(folder / "foreign.safetensors", "another skeleton")
    return folder / "foreign.safetensors"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--data", "{tmp}/absent"], "absent: not an RHD folder"),
        (["--data", "{tmp}"], "not an RHD folder.*name RHD_published_v2"),
        (["--decoder", "{tmp}/absent.safetensors"], "absent.safetensors: cannot read"),
        (["--decoder", "{decoder}"], "these weights belong to hand .* train again"),
        (["--init", "{encoder}"], "leave --backbone and --initial out"),
        (["--batch", "0"], "--batch 0: at least 1"),
        (["--batch", "64"], "holds 12 samples, fewer than a batch of 64"),
        (["--learning-rate", "-1"], "--learning-rate -1"),
        (["--device", "toaster"], "--device toaster: cannot be used"),
        (["--resume"], "holds no run of estimator.train"),
        (["--out", "/proc/none"], "/proc/none: cannot be written"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    root: Path, tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"tmp": tmp_path, "decoder": "", "encoder": ""}
    if "{decoder}" in options:
        places["decoder"] = foreign_decoder(tmp_path)
    if "{encoder}" in options:
        places["encoder"] = foreign_encoder(tmp_path)
    given = [option.format(**places) for option in options]
    assert train.main([*arguments(root, tmp_path / "run"), *given]) == BAD_INPUT
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert re.search(words, line)


def test_weights_of_another_skeleton_are_refused_with_the_cure(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--data", str(root), "--out", str(tmp_path / "run"), "--init", str(foreign_encoder(tmp_path))]) == BAD_INPUT
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "these weights belong to hand another skeleton" in line
    assert "train again" in line


def test_a_picture_that_breaks_while_it_trains_is_named(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Rhd(root)  # indexed while all was well
    for name in ("00000.png", "00001.png"):
        path = root / "training/color" / name
        path.write_bytes(path.read_bytes()[:200])
    assert train.main(arguments(root, tmp_path / "run")) == BAD_INPUT
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(r"0000[01]\.png: cannot be read .*; copy it from RHD_published_v2 again", last)


def test_a_pickle_that_runs_code_is_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pickle(root, "training", {0: sample_entry(0), 1: Path})
    assert train.main(arguments(root, tmp_path / "run")) == BAD_INPUT
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "refused" in line


def test_data_that_cannot_be_written_to_is_indexed_in_the_users_cache(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPHANDMESH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(index_place.os, "access", lambda *_: False)
    before = sorted(root.rglob("*"))
    assert len(open_rhd(root, "training")) == 12
    assert sorted(root.rglob("*")) == before
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(option in text for option in ("--data", "--decoder", "--preset", "--out", "--resume", "--init", "--seed", "--workers"))
