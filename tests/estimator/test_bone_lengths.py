"""Laws of adjusting bone lengths, on the toy hand."""

import pytest
import torch

from estimator.bone_lengths import bone_stretch, with_joint_offsets
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_NAMES, WRIST
from tests.toys import toy_template

FLAT = torch.zeros(28, dtype=torch.float64)


@pytest.fixture(scope="module")
def decoder() -> HandDecoder:
    return HandDecoder(toy_template()).double()


@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_same_lengths_change_nothing(decoder: HandDecoder, batch: tuple[int, ...]) -> None:
    rest = decoder.rest_hand(FLAT)
    same = with_joint_offsets(decoder, rest, rest.joint_offsets.expand(*batch, -1, -1))
    torch.testing.assert_close(same.vertices, rest.vertices.expand(*batch, -1, -1))


def test_uniform_factor_on_the_palm_and_bones_moves_bone_ends_with_their_joints(decoder: HandDecoder) -> None:
    rest = decoder.rest_hand(FLAT)
    longer = with_joint_offsets(decoder, rest, 1.2 * rest.joint_offsets)
    zero = torch.zeros(28, dtype=torch.float64)
    old = decoder.frames(zero, rest.joint_offsets).positions
    new = decoder.frames(zero, longer.joint_offsets).positions
    torch.testing.assert_close(new, 1.2 * old)
    tip = JOINT_NAMES.index("middle_null")
    at_tip = (rest.vertices - old[tip]).norm(dim=-1).argsort()[:4]
    moved = (longer.vertices[at_tip] - new[tip]).mean(dim=0)
    torch.testing.assert_close(moved, (rest.vertices[at_tip] - old[tip]).mean(dim=0), atol=1.5, rtol=0)


def test_palm_grows_with_its_bones(decoder: HandDecoder) -> None:
    rest = decoder.rest_hand(FLAT)
    longer = with_joint_offsets(decoder, rest, 1.2 * rest.joint_offsets)
    palm = decoder.skinning_weights[:, WRIST] == 1
    assert palm.sum() > 10
    torch.testing.assert_close(longer.vertices[palm], 1.2 * rest.vertices[palm])


@pytest.mark.parametrize("aside_mm", [0.0, 5.0])
def test_stretch_takes_each_child_to_its_new_place(decoder: HandDecoder, aside_mm: float) -> None:
    old, generator = decoder.joint_offsets, torch.Generator().manual_seed(0)
    new = old * (1 + 0.1 * torch.rand(len(old), 1, dtype=torch.float64, generator=generator))
    new = new + aside_mm * torch.randn(new.shape, dtype=torch.float64, generator=generator)
    stretch = bone_stretch(old, new, decoder.parents)
    for joint, parent in enumerate(decoder.parents):
        if parent not in (-1, WRIST):
            torch.testing.assert_close(stretch[parent] @ old[joint], new[joint])


def test_thickness_is_kept_when_a_finger_grows(decoder: HandDecoder) -> None:
    rest = decoder.rest_hand(FLAT)
    offsets = rest.joint_offsets.clone()
    joint = JOINT_NAMES.index("index2")
    offsets[joint] *= 1.5
    longer = with_joint_offsets(decoder, rest, offsets)
    along_y = longer.vertices[:, 1] - rest.vertices[:, 1]
    torch.testing.assert_close(along_y, torch.zeros_like(along_y), atol=1e-9, rtol=0)


def test_gradient_reaches_the_lengths(decoder: HandDecoder) -> None:
    offsets = decoder.joint_offsets.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: with_joint_offsets(decoder, decoder.rest_hand(FLAT), x).vertices[::31], (offsets,))
