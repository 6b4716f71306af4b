"""Laws of training: it learns, it can be stopped anywhere, shared out, and it does not go on with numbers that are none."""

import dataclasses
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from datasets.studio_sample import StudioFrames, StudioSample
from decoder_pretrain.batches import epoch_batches
from decoder_pretrain.build import build_model
from decoder_pretrain.config import TrainConfig, without
from decoder_pretrain.objective import Objective
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.trainer import Trainer
from decoder_pretrain.training_log import RunLog
from estimator.errors import InputError
from estimator.hand.template import JOINT_NAMES
from estimator.learning.batches import Share
from estimator.learning.run_folder import Progress
from estimator.learning.trainer import Outcome
from estimator.learning.training_log import SilentLog
from tests.decoder_pretrain.toy_studio import SCALE, ToyStudio, toy_config
from tests.toys import toy_template

PALM = [JOINT_NAMES.index(name) for name in ("index1", "middle1", "ring1", "pinky1")]

FINGER_BONES = [JOINT_NAMES.index(f"{finger}{k}") for finger in ("index", "middle", "ring", "pinky") for k in (2, 3)]

TIP = JOINT_NAMES.index("index_null")


@pytest.fixture(scope="module")
def studio() -> ToyStudio:
    return ToyStudio()


def trainer_for(config: TrainConfig) -> Trainer:
    template = toy_template()
    return Trainer(Fabric(accelerator="cpu", devices=1), config, build_model(config, template, 12), Objective(template, config.losses))


def forgetful_trainer_for(config: TrainConfig) -> Trainer:
    """One whose encoder hides features at random."""
    trainer = trainer_for(config)
    backbone = trainer.plain_model.encoder.backbone
    assert isinstance(backbone, torch.nn.Sequential)
    backbone.append(torch.nn.Dropout(0.3))
    return trainer


def begin(path: Path, config: TrainConfig) -> RunFolder:
    run = RunFolder(path)
    run.begin(config)
    return run


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.plain_model.state_dict().items()}


def test_training_lowers_every_error_and_learns_the_bone_lengths(studio: ToyStudio, tmp_path: Path) -> None:
    # the toy's few vertices make spheres that no hand has, and it would fold up to be smooth
    config = without(without(toy_config(epochs=40, rate=3e-3), "penetration"), "laplacian")
    trainer = trainer_for(config)
    truth = next(iter(epoch_batches(studio, 12, 0, 0))).truth
    outcome = trainer.train(studio, begin(tmp_path / "run", config), SilentLog())
    assert outcome == Outcome(True, Progress(40, 0))
    batch = next(iter(epoch_batches(studio, 12, 0, 0)))
    trained, fresh = trainer.plain_model.eval(), trainer_for(config).plain_model.eval()
    with torch.no_grad():
        after, before = (model(batch.image, truth.joints, truth.valid) for model in (trained, fresh))
    errors = [(prediction.joints - truth.joints).norm(dim=-1).mean() for prediction in (after, before)]
    assert errors[0] < 0.4 * errors[1]
    grown = trained.decoder.personal_offsets().norm(dim=-1)[PALM] / trained.decoder.joint_offsets.norm(dim=-1)[PALM]
    torch.testing.assert_close(grown, torch.full_like(grown, SCALE), atol=0.03, rtol=0)


def test_in_fitted_poses_an_encoder_that_learns_nothing_spoils_no_hand(studio: ToyStudio, tmp_path: Path) -> None:
    config = without(without(toy_config(epochs=25, rate=3e-3), "penetration"), "laplacian")
    trainer = trainer_for(dataclasses.replace(config, pose="fitted", schedule=dataclasses.replace(config.schedule, learning_rate=1e-12)))
    trainer.train(studio, begin(tmp_path / "run", config), SilentLog())
    decoder = trainer.plain_model.decoder
    grown = decoder.personal_offsets().norm(dim=-1)[FINGER_BONES] / decoder.joint_offsets.norm(dim=-1)[FINGER_BONES]
    torch.testing.assert_close(grown, torch.full_like(grown, SCALE), atol=0.03, rtol=0)


def test_in_fitted_poses_encoder_and_decoder_are_reached_by_their_own_losses_alone(studio: ToyStudio) -> None:
    trainer = trainer_for(dataclasses.replace(toy_config(), pose="fitted"))
    model, batch = trainer.plain_model, next(iter(epoch_batches(studio, 4, 0, 0)))

    def reached(*names: str) -> tuple[bool, bool]:
        watched = trainer.losses(batch).watched
        model.zero_grad()
        torch.stack([watched[name] for name in names]).sum().backward()
        encoder, decoder = ((p.grad for p in part.parameters()) for part in (model.encoder, model.decoder))
        return tuple(any(slope is not None and bool(slope.any()) for slope in part) for part in (encoder, decoder))

    assert reached("encoder_pose") == (True, False)
    assert reached("pose", "depth", "laplacian", "penetration_rigid") == (False, True)


@pytest.mark.parametrize(("stop_after", "pose"), [(1, "encoder"), (3, "fitted"), (5, "encoder"), (5, "fitted")])
def test_a_run_that_was_told_to_stop_and_resumed_ends_with_the_same_numbers(
    studio: ToyStudio, tmp_path: Path, stop_after: int, pose: str
) -> None:
    """Whatever the encoder hides at random, and with the moments' own poses."""
    config = dataclasses.replace(toy_config(epochs=3), pose=pose)
    whole = forgetful_trainer_for(config)
    whole.train(studio, begin(tmp_path / "whole", config), SilentLog())

    run, first = begin(tmp_path / "parts", config), forgetful_trainer_for(config)
    outcome = first.train(Interrupting(4 * stop_after), run, SilentLog())
    assert outcome == Outcome(False, Progress((stop_after - 1) // 3, (stop_after - 1) % 3 + 1))
    second = forgetful_trainer_for(config)
    second.resume(run)
    assert second.steps_done(studio) == stop_after
    assert second.train(studio, run, SilentLog()).finished
    for (name, expected), found in zip(weights_of(whole).items(), weights_of(second).values(), strict=True):
        assert torch.equal(expected, found), name


class Interrupting(ToyStudio):
    """Sends this process the signal to end while its sample number ``last`` is read."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.left = last

    def sample(self, index: int, generator: np.random.Generator) -> StudioSample:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGTERM)
        return super().sample(index, generator)


def test_two_processes_see_together_what_one_sees(studio: ToyStudio) -> None:
    whole = next(iter(epoch_batches(studio, 4, 5, 1)))
    parts = [next(iter(epoch_batches(studio, 4, 5, 1, share=Share(rank, 2)))) for rank in range(2)]
    together = torch.stack([part.pixels for part in parts], dim=1).flatten(0, 1)
    assert torch.equal(whole.pixels, together)


def test_an_epoch_sees_every_moment_once_and_the_next_in_another_order(studio: ToyStudio) -> None:
    def seen(epoch: int) -> list[float]:
        joints = torch.cat([batch.truth.joints for batch in epoch_batches(studio, 4, 0, epoch)])
        return joints[:, TIP, 1].tolist()

    assert sorted(seen(0)) == sorted(seen(1)) == sorted(float(studio.sample(i, np.random.default_rng(0)).joints[TIP, 1]) for i in range(12))
    assert seen(0) != seen(1)
    assert seen(0)[4:] == torch.cat([batch.truth.joints for batch in epoch_batches(studio, 4, 0, 0, first_step=1)])[:, TIP, 1].tolist()


class Broken(ToyStudio):
    """Yields one sample that is not sound."""

    def __init__(self, damage: str) -> None:
        super().__init__()
        self.damage = damage

    def sample(self, index: int, generator: np.random.Generator) -> StudioSample:
        sample = super().sample(index, generator)
        if index != 3:
            return sample
        if self.damage == "missing":
            raise ValueError("depthmap400042.pkl: cannot be read (No such file or directory); download the release again")
        return dataclasses.replace(sample, joints=np.full_like(sample.joints, np.nan))


@pytest.mark.parametrize(("damage", "message"), [("missing", "depthmap400042.pkl"), ("nan", "not a number")])
def test_bad_data_stops_the_run_with_one_line_and_keeps_the_checkpoint(tmp_path: Path, damage: str, message: str) -> None:
    frames: StudioFrames = Broken(damage)
    config = toy_config()
    run = begin(tmp_path / "run", config)
    trainer = trainer_for(config)
    trainer.save(run)
    before = run.checkpoint_file.read_bytes()
    with pytest.raises(InputError, match=message) as error:
        trainer.train(frames, run, SilentLog())
    assert "\n" not in str(error.value)
    assert run.checkpoint_file.read_bytes() == before


def test_too_little_data_is_refused(tmp_path: Path) -> None:
    config = toy_config(batch=64)
    with pytest.raises((InputError, ValueError), match="fewer than a batch of 64"):
        trainer_for(config).train(ToyStudio(), begin(tmp_path / "run", config), SilentLog())


def test_a_batch_that_cannot_be_shared_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fabric = Fabric(accelerator="cpu", devices=1)
    monkeypatch.setattr(type(fabric), "world_size", property(lambda _: 3))
    config, template = toy_config(batch=4), toy_template()
    with pytest.raises(InputError, match="evenly over 3 processes"):
        Trainer(fabric, config, build_model(config, template), Objective(template))


def test_run_folder_keeps_what_was_asked_for_and_refuses_a_second_run(tmp_path: Path) -> None:
    config = toy_config()
    run = begin(tmp_path / "run", config)
    assert run.config() == config
    with pytest.raises(InputError, match="holds a run already; continue it with --resume"):
        run.begin(config)
    with pytest.raises(InputError, match="has no checkpoint yet"):
        run.load_checkpoint()
    with pytest.raises(InputError, match="holds no run"):
        RunFolder(tmp_path / "elsewhere").config()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a checkpoint", b"\x80\x04cos\nsystem\n(S'touch pwned'\ntR."])
def test_a_damaged_or_malicious_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    run = begin(tmp_path / "run", toy_config())
    run.checkpoint_file.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        run.load_checkpoint()
    assert not (tmp_path / "pwned").exists()


def test_damaged_notes_are_refused(tmp_path: Path) -> None:
    run = begin(tmp_path / "run", toy_config())
    run.config_file.write_text(run.config_file.read_text().replace('"batch": 4', '"batch": 0'))
    with pytest.raises(InputError, match="damaged"):
        run.config()
    run.config_file.write_text("{")
    with pytest.raises(InputError, match="damaged"):
        run.config()


def test_metrics_and_pictures_are_written(studio: ToyStudio, tmp_path: Path) -> None:
    config = toy_config(epochs=8)
    run = begin(tmp_path / "run", config)
    log = RunLog(run, toy_template())
    trainer_for(config).train(studio, run, log)
    log.close()
    (line,) = run.metrics()
    assert line["step"] == 20
    assert {"pose", "depth", "laplacian", "penetration_rigid", "penetration_nonrigid", "total", "joint_error_mm"} < set(line)
    run.forget_metrics_after(19)
    assert run.metrics() == []
    assert list((run.path / "tensorboard").iterdir())
    assert json.loads(run.config_file.read_text())["config"]["seed"] == 0
