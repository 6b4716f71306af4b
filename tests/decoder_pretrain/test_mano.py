"""A user's own MANO, as a linear hand, gives MANO's numbers: checked on a made-up hand with MANO's layout."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from decoder_pretrain.mano import MANO_FINGERTIPS, MANO_JOINTS, linear_hand_of, main
from decoder_pretrain.objective import Objective
from estimator.hand.decoder import HandDecoder
from estimator.hand.linear_correctives import LinearCorrectives
from estimator.hand.losses import bone_spheres, pose_spheres
from estimator.hand.template import FINGERS, JOINT_NAMES, POSE_SIZE, HandTemplate
from tests.toys import toy_template

VERTICES, SHAPES = 778, 10
PARENTS = [0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14]
"""Of MANO's joints."""


@dataclass(frozen=True)
class MadeUpMano:
    """Random numbers in the place of MANO's; its joints are where a hand has them."""

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor
    J_regressor: Tensor
    lbs_weights: Tensor
    faces: np.ndarray


@pytest.fixture(scope="module")
def mano() -> MadeUpMano:
    generator = torch.Generator().manual_seed(0)
    like = HandDecoder(toy_template())
    ours = like.rest_frames(like.joint_offsets).positions.double() / 1000
    turned = ours @ torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4))).Q.T
    joints = turned[[JOINT_NAMES.index(name) for name in MANO_JOINTS]]
    owner = torch.randint(16, (VERTICES,), generator=generator)
    owner[:16] = torch.arange(16)
    vertices = joints[owner] + 0.01 * torch.randn(VERTICES, 3, generator=generator, dtype=torch.float64)
    vertices[:16] = joints
    for finger in FINGERS:
        vertices[MANO_FINGERTIPS[finger]] = turned[JOINT_NAMES.index(f"{finger}_null")]
    weights = 0.1 * torch.rand(VERTICES, 16, generator=generator, dtype=torch.float64)
    weights[torch.arange(VERTICES), owner] += 1
    return MadeUpMano(
        v_template=vertices,
        shapedirs=0.002 * torch.randn(VERTICES, 3, SHAPES, generator=generator, dtype=torch.float64),
        posedirs=0.001 * torch.randn(135, 3 * VERTICES, generator=generator, dtype=torch.float64),
        J_regressor=torch.eye(16, VERTICES, dtype=torch.float64),
        lbs_weights=weights / weights.sum(dim=1, keepdim=True),
        faces=torch.randint(VERTICES, (40, 3), generator=generator).numpy().astype(np.uint32),
    )


def posed_by_the_book(mano: MadeUpMano, shape: Tensor, turns: Tensor) -> Tensor:
    """SMPL's formulation, joint by joint (metres, MANO's axes); ``turns`` are the joints' rotations against their parents."""
    v = mano.v_template + mano.shapedirs @ shape
    joints = mano.J_regressor @ v
    v = v + ((turns[1:] - torch.eye(3)).flatten() @ mano.posedirs).reshape(-1, 3)
    R, t = [turns[0]], [joints[0]]
    for joint in range(1, 16):
        parent = PARENTS[joint]
        R.append(R[parent] @ turns[joint])
        t.append(t[parent] + R[parent] @ (joints[joint] - joints[parent]))
    each = torch.stack([(v - joints[j]) @ R[j].T + t[j] for j in range(16)], dim=1)
    return (mano.lbs_weights[..., None] * each).sum(dim=1)


def test_mano_as_a_linear_hand_is_mano(mano: MadeUpMano) -> None:
    template, hand = linear_hand_of(mano, toy_template())
    correctives = LinearCorrectives(hand, 1, torch.tensor(template.skinning_weights, dtype=torch.float32))
    shape = torch.linspace(-1, 1, SHAPES)
    correctives.shape = lambda: shape
    decoder = HandDecoder(template, correctives)
    theta = 0.7 * torch.rand(POSE_SIZE, generator=torch.Generator().manual_seed(1))
    mesh, rest = decoder(theta), decoder.rest_frames(decoder.joint_offsets).rotations.double()
    turn = mesh.joints.rotations.double() @ rest.mT  # of each joint in the hand frame
    ours = [JOINT_NAMES.index(name) for name in MANO_JOINTS]
    wrist_to_hand = _turn_between(mano, template)
    turns = torch.stack(
        [wrist_to_hand.T @ turn[ours[PARENTS[j]]].T @ turn[ours[j]] @ wrist_to_hand if j else torch.eye(3).double() for j in range(16)]
    )
    expected = 1000 * posed_by_the_book(mano, shape.double(), turns)
    wrist = 1000 * (mano.J_regressor @ (mano.v_template + mano.shapedirs @ shape.double()))[0]
    own_wrist = mesh.joints.positions[JOINT_NAMES.index("wrist")].double()
    found = mesh.vertices.double() - own_wrist
    assert ((expected - wrist) @ wrist_to_hand.T - found).norm(dim=-1).max() < 0.01


def _turn_between(mano: MadeUpMano, template: HandTemplate) -> Tensor:
    """From MANO's axes to the template's, by their vertices."""
    a, b = (x - x.mean(dim=0) for x in (mano.v_template, torch.tensor(template.vertices)))
    u, _, vh = torch.linalg.svd(b.T.double() @ a)
    return u @ torch.diag(torch.tensor([1.0, 1.0, float(torch.sign(torch.det(u @ vh)))], dtype=torch.float64)) @ vh


def test_the_losses_can_live_with_two_joints_in_one_place(mano: MadeUpMano) -> None:
    template, _ = linear_hand_of(mano, toy_template())
    decoder = HandDecoder(template)
    objective = Objective(template)
    rest = decoder.rest_frames(decoder.joint_offsets).positions
    spheres = pose_spheres(bone_spheres(rest, decoder.vertices), decoder(torch.zeros(POSE_SIZE)).joints.positions)
    assert all(value.isfinite().all() for value in vars(spheres).values() if isinstance(value, Tensor) and value.is_floating_point())
    assert objective.counted.any()


def test_missing_file_or_missing_reader_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--mano", str(tmp_path / "none.pkl"), "--out", str(tmp_path / "out")]) == 2
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "MANO_RIGHT.pkl").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "smplx", None)
    assert main(["--mano", str(tmp_path / "MANO_RIGHT.pkl"), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert "pip install smplx" in message
    assert message.count("\n") == 1
