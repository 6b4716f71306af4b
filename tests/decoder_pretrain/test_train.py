"""The training command through its main(argv), on a small release written here: the low-resolution template before four cameras."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.virtual_studio.cameras import studio_cameras
from datasets.virtual_studio.studio_moments import Moment
from datasets.virtual_studio.subject import Subject
from datasets.virtual_studio.types import PosedSubject, Stance
from datasets.virtual_studio.writer import ReleaseSettings, write_release
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.train import main
from estimator.command import BAD_INPUT, DONE
from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import LOW_RESOLUTION_TEMPLATE, HandTemplate
from estimator.image_encoder import ImageEncoder
from estimator.learning.run_folder import Progress
from estimator.personal_decoder import load_personal_decoder

POSES = ("relaxed", "spread", "claws", "two")


class TemplateSubject(Subject):
    """Whoever the low-resolution template is."""

    number = 1

    def __init__(self) -> None:
        """There is nobody behind it."""
        self.template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
        self.decoder = HandDecoder(self.template)

    @property
    def faces(self) -> np.ndarray:
        return self.template.faces

    def pose(self, theta: np.ndarray) -> PosedSubject:
        mesh = self.decoder(torch.tensor(theta, dtype=torch.float32))
        skin = np.full((len(self.template.vertices), 3), 0.5, dtype=np.float32)
        return PosedSubject(mesh.vertices.numpy(), self.faces, skin, mesh.joints.positions.double().numpy())


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release") / "data"
    upright = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    moments = tuple(
        Moment(pose, Stance(np.array(NAMED_POSES[pose]), upright, np.array([0.0, -90.0 + 5 * i, 0.0]))) for i in range(2) for pose in POSES
    )
    write_release(root, TemplateSubject(), moments, ReleaseSettings(studio_cameras()[::20], 84, 128, 1.0, 0))
    return root


def arguments(release: Path, out: Path, *more: str) -> list[str]:
    small = ["--model", "low-resolution", "--backbone", "tiny", "--size", "48", "--batch", "4", "--epochs", "2"]
    return ["--data", str(release), "--subject", "1", "--out", str(out), *small, *more]


def test_a_run_leaves_weights_that_load_and_a_record_of_how_they_were_made(release: Path, tmp_path: Path) -> None:
    assert main(arguments(release, tmp_path / "run", "--without", "penetration", "pose-vertex", "--with", "skinning")) == DONE
    run = RunFolder(tmp_path / "run")
    record = json.loads(run.config_file.read_text())
    assert record["config"]["correctives"]["parts"] == ["identity-skeleton", "identity-vertex", "skinning"]
    assert record["config"]["losses"]["penetration_rigid"] == record["config"]["losses"]["penetration_nonrigid"] == 0
    assert {"commit", "version"} <= set(record)
    template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
    person = load_personal_decoder(run.decoder_file, template)
    theta = ImageEncoder.load(run.encoder_file, template.skeleton_id)(torch.rand(1, 3, 48, 48))
    assert person.decoder(theta).vertices.isfinite().all()


def test_a_finished_run_resumes_to_its_end_and_its_folder_is_not_used_twice(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(arguments(release, out)) == DONE
    before = RunFolder(out).decoder_file.read_bytes()
    assert main(["--out", str(out), "--resume"]) == DONE
    assert RunFolder(out).decoder_file.read_bytes() == before
    capsys.readouterr()
    assert main(arguments(release, out)) == BAD_INPUT
    assert "holds a run already; continue it with --resume" in capsys.readouterr().err


def test_two_processes_learn_what_one_does(release: Path, tmp_path: Path) -> None:
    """torchrun with two processes of two samples against one process of four (section 7's several devices).

    But for a weight in fifty: Adam takes whole steps along gradients that are nothing but rounding.
    """
    assert main(arguments(release, tmp_path / "one")) == DONE
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--master-port",
        "29641",
        "-m",
        "decoder_pretrain.train",
    ]
    done = subprocess.run(
        [*launch, *arguments(release, tmp_path / "two")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, [line for line in done.stderr.splitlines() if "error" in line]
    one, two = (torch.load(RunFolder(tmp_path / name).checkpoint_file, weights_only=True) for name in ("one", "two"))
    assert one["progress"] == two["progress"]
    for name, expected in one["model"].items():
        close = torch.isclose(two["model"][name], expected, atol=2e-4, rtol=1e-3)
        assert close.float().mean() > 0.98, name


def test_processes_that_one_is_told_to_stop_stop_together_and_one_process_goes_on(release: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    program = f"""
import os, signal
from decoder_pretrain import trainer
step, rank = trainer.Trainer.step, os.environ["RANK"]
def stepped(self, batch):
    if rank == "1" and self.progress.step == 1:
        signal.raise_signal(signal.SIGTERM)  # to this process alone
    return step(self, batch)
trainer.Trainer.step = stepped
from decoder_pretrain.train import main
assert main({arguments(release, out)!r}) == 130
"""
    (tmp_path / "told.py").write_text(program)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29642", str(tmp_path / "told.py")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(launch, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, [line for line in done.stderr.splitlines() if "rror" in line]
    _, progress = RunFolder(out).load_checkpoint()
    assert progress == Progress(0, 2)
    assert main(["--out", str(out), "--resume"]) == DONE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "virtual:9"], "no such simulated subject; there are virtual:1"),
        (["--data", "nowhere"], "no such folder"),
        (["--data", "virtual:1", "--subject", "2"], "does not fit"),
        (["--without", "gravity"], "gravity"),
        (["--epochs", "0"], "must be positive"),
        (["--batch", "0"], "must be positive"),
        (["--device", "abacus"], "--device abacus"),
        (["--resume"], "holds no run"),
    ],
)
def test_what_cannot_be_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert main(["--out", str(tmp_path / "run"), *options]) == BAD_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "run").exists()


def test_a_release_without_annotations_is_one_line(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "images").symlink_to(release / "images")
    assert main(arguments(root, tmp_path / "run")) == BAD_INPUT
    assert "KRT_512" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
