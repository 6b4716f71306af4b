"""Weights: round trip, strictness, errors that name the cure."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from estimator.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from estimator.encoder import LandmarkEncoder, LandmarkEncoderConfig
from estimator.errors import InputError

CHECKPOINT = Checkpoint("toy", "0123", {"width": 3}, {"a": torch.arange(6.0).reshape(2, 3).T})


def test_round_trip(tmp_path: Path) -> None:
    save_checkpoint(CHECKPOINT, tmp_path / "folder" / "toy.safetensors")
    loaded = load_checkpoint(tmp_path / "folder" / "toy.safetensors", "toy", "0123")
    assert loaded.config == {"width": 3}
    torch.testing.assert_close(loaded.weights["a"], CHECKPOINT.weights["a"])
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["toy.safetensors"]


@pytest.mark.parametrize(
    ("kind", "made_for", "message"),
    [("other", "0123", "expected weights of kind 'other', found 'toy'"), ("toy", "4567", "belong to hand 0123, the one in use is 4567")],
)
def test_wrong_pairing_is_refused(tmp_path: Path, kind: str, made_for: str, message: str) -> None:
    save_checkpoint(CHECKPOINT, tmp_path / "toy.safetensors")
    with pytest.raises(InputError, match=message):
        load_checkpoint(tmp_path / "toy.safetensors", kind, made_for)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 100])
def test_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "toy.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="cannot read these weights"):
        load_checkpoint(tmp_path / "toy.safetensors", "toy", "0123")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.safetensors: cannot read"):
        load_checkpoint(tmp_path / "absent.safetensors", "toy", "0123")


GOOD_HEADER = {"kind": "toy", "made_for": "0123", "config": {}}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "{",
        "[" * 100_000,
        "null",
        json.dumps(["toy", "0123"]),
        json.dumps({"kind": "toy", "config": {}}),
        json.dumps({"kind": "toy", "made_for": "0123"}),
        json.dumps({**GOOD_HEADER, "made_for": 123}),
        json.dumps({**GOOD_HEADER, "config": [3]}),
        json.dumps({**GOOD_HEADER, "kind": None}),
    ],
    ids=lambda header: str(header)[:40],
)
def test_a_damaged_header_is_one_line(tmp_path: Path, header: str | None) -> None:
    path = tmp_path / "toy.safetensors"
    path.write_bytes(save({"a": torch.zeros(2)}, None if header is None else {"deephandmesh": header}))
    with pytest.raises(InputError, match=r"toy\.safetensors: ") as caught:
        load_checkpoint(path, "toy", "0123")
    assert "\n" not in str(caught.value)
    path.write_bytes(save({"a": torch.zeros(2)}, {"deephandmesh": json.dumps(GOOD_HEADER)}))
    assert load_checkpoint(path, "toy", "0123").config == {}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, number: float) -> None:
    weights = {"sound": torch.zeros(2), "count": torch.arange(3), "sick": torch.tensor([0.0, number])}
    save_checkpoint(Checkpoint("toy", "0123", {}, weights), tmp_path / "toy.safetensors")
    with pytest.raises(InputError, match="sick holds nan or infinity"):
        load_checkpoint(tmp_path / "toy.safetensors", "toy", "0123")


def test_a_folder_is_no_file_of_weights(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        load_checkpoint(tmp_path, "toy", "0123")


def test_encoder_round_trip(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = LandmarkEncoder(LandmarkEncoderConfig(width=16, depth=2)).eval()
    encoder.save(tmp_path / "encoder.safetensors", "0123")
    loaded = LandmarkEncoder.load(tmp_path / "encoder.safetensors", "0123")
    landmarks = torch.randn(2, 21, 2), torch.randn(2, 21, 3)
    torch.testing.assert_close(loaded(*landmarks).theta, encoder(*landmarks).theta)


def test_encoder_of_another_shape_is_refused(tmp_path: Path) -> None:
    encoder = LandmarkEncoder(LandmarkEncoderConfig(width=16, depth=2))
    save_checkpoint(Checkpoint("landmark-encoder", "0123", {"width": 8, "depth": 2}, encoder.state_dict()), tmp_path / "e.safetensors")
    with pytest.raises(InputError, match="do not fit this version"):
        LandmarkEncoder.load(tmp_path / "e.safetensors", "0123")


@pytest.mark.parametrize("batch", [(), (1,), (2, 3), (0,)])
def test_encoder_gives_rotations_and_centred_joints(batch: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    encoded = LandmarkEncoder(LandmarkEncoderConfig(width=16, depth=2))(torch.randn(*batch, 21, 2), torch.randn(*batch, 21, 3))
    R = encoded.R_crop_hand
    torch.testing.assert_close(R @ R.mT, torch.eye(3).expand_as(R), atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.landmarks.mean(dim=-2), torch.zeros(*batch, 3), atol=1e-4, rtol=0)


def test_encoder_does_not_see_the_size_or_place_of_relative_landmarks() -> None:
    torch.manual_seed(0)
    encoder = LandmarkEncoder(LandmarkEncoderConfig(width=16, depth=2))
    normal, relative = torch.randn(21, 2), 50 * torch.randn(21, 3)
    torch.testing.assert_close(encoder(normal, 2 * relative + 9).theta, encoder(normal, relative).theta, atol=1e-5, rtol=1e-4)
