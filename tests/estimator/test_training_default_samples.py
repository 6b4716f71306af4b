"""Simulated hands as samples: left ones are right ones in the mirror, in the encoder's frames, and shards that come back."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.virtual_rhd.types import VirtualHand, VirtualRhdSample
from estimator.errors import InputError
from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import LANDMARK_JOINTS, HandTemplate
from estimator.landmark_network import LandmarkNetwork
from estimator.placed_hand import Side
from estimator.training_default import PosedLandmarks
from estimator.training_default_samples import FeatureSamples, SampleMaker, make_shard, read_shards

TEMPLATE = HandTemplate.load()
FACING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
K = np.array([[400.0, 0.0, 160.0], [0.0, 400.0, 160.0], [0.0, 0.0, 1.0]])


def picture(side: Side, size: float = 1.0) -> VirtualRhdSample:
    """Noise for an image, a true hand before the camera."""
    theta = np.array(NAMED_POSES["relaxed"])
    decoder = HandDecoder(TEMPLATE)
    joints = decoder.frames(torch.tensor(theta, dtype=torch.float32), size * decoder.joint_offsets).positions.double().numpy()
    joints = joints @ FACING.T + (10.0, 60.0, 500.0)
    mirrored = joints * (-1, 1, 1) if side == "left" else joints
    landmarks = mirrored[list(LANDMARK_JOINTS)]
    pixels = (landmarks @ K.T)[:, :2] / landmarks[:, 2:]
    hand = VirtualHand(side, theta, FACING, mirrored, landmarks, pixels, np.ones(21, bool))
    mask = np.full((320, 320), 2 if side == "left" else 18, np.uint8)
    image = np.random.default_rng(0).integers(0, 256, (320, 320, 3), dtype=np.uint8)
    return VirtualRhdSample(image, mask, np.full((320, 320), 500.0, np.float32), K, (hand, hand))


@pytest.fixture(scope="module")
def maker() -> SampleMaker:
    return SampleMaker(TEMPLATE, LandmarkNetwork.open(), seed=0)


def test_a_left_hand_teaches_what_its_mirror_image_does(maker: SampleMaker) -> None:
    right = picture("right")
    in_mirror = np.array([[400.0, 0.0, 159.0], [0.0, 400.0, 160.0], [0.0, 0.0, 1.0]])
    left = replace(picture("left"), image=np.ascontiguousarray(right.image[:, ::-1]), K=in_mirror)
    one, other = maker.look(3, right), maker.look(3, left)
    for field in fields(FeatureSamples):
        np.testing.assert_allclose(getattr(one, field.name), getattr(other, field.name), atol=1e-3)


@pytest.mark.parametrize("size", [0.8, 1.0])
def test_the_true_pose_gives_the_true_landmarks_at_the_templates_size(maker: SampleMaker, size: float) -> None:
    sample = maker.look(0, picture("right", size))
    theta, R = (torch.tensor(array, dtype=torch.float32) for array in (sample.theta, sample.R_square_hand))
    np.testing.assert_allclose(PosedLandmarks(TEMPLATE)(theta, R).numpy(), sample.true_mm, atol=0.2)


def test_the_truth_lies_in_the_square_as_in_the_image(maker: SampleMaker) -> None:
    """From far away the landmarks in space are those in the square but for scale and place."""
    sample = maker.look(1, picture("right"))
    flat, solid = sample.true_landmarks[0], sample.true_mm[0][:, :2]
    flat, solid = flat - flat.mean(axis=0), solid - solid.mean(axis=0)
    assert np.corrcoef(flat.ravel(), solid.ravel())[0, 1] > 0.98


def test_shards_come_back_and_damaged_ones_are_named(maker: SampleMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("estimator.training_default_samples.SHARD", 2)
    path = tmp_path / "shard.npz"
    make_shard([picture("left"), picture("right")], 0, maker, path)
    found, expected = read_shards([path]), maker.look(1, picture("right"))
    assert len(found) == 2
    for field in fields(FeatureSamples):
        np.testing.assert_array_equal(getattr(found, field.name)[1:], getattr(expected, field.name))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="delete it"):
        read_shards([path])
