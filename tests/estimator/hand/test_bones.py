"""Laws of setting bone lengths: lengths come out exact, directions stay, gradients are right."""

import pytest
import torch

from estimator.hand.bones import bone_lengths, with_bone_lengths
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_COUNT, LANDMARK_JOINTS, LANDMARK_NAMES, LANDMARK_PARENTS, POSE_SIZE
from tests.toys import toy_template

BATCHES = [(), (1,), (2, 3), (0,)]


def posed(batch: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    decoder = HandDecoder(toy_template()).double()
    theta = 0.5 * torch.randn(*batch, POSE_SIZE, generator=generator, dtype=torch.float64)
    return decoder.frames(theta, decoder.joint_offsets.expand(*batch, -1, -1)).positions[..., list(LANDMARK_JOINTS), :]


def lengths_of(batch: tuple[int, ...]) -> torch.Tensor:
    return 10 + 60 * torch.rand(*batch, 21, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def directions(joints: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(joints[..., 1:, :] - joints[..., list(LANDMARK_PARENTS[1:]), :], dim=-1)


def test_a_landmarks_parent_is_the_one_before_it_on_its_finger() -> None:
    for name, parent in zip(LANDMARK_NAMES, LANDMARK_PARENTS, strict=True):
        if name == "wrist":
            assert parent == -1
        else:
            finger, joint = name[:-1], int(name[-1])
            assert LANDMARK_NAMES[parent] == ("wrist" if joint == 1 else f"{finger}{joint - 1}")


@pytest.mark.parametrize("batch", BATCHES)
def test_lengths_are_exact_and_directions_kept(batch: tuple[int, ...]) -> None:
    joints, lengths = posed(batch), lengths_of(batch)
    moved = with_bone_lengths(joints, lengths, LANDMARK_PARENTS)
    torch.testing.assert_close(bone_lengths(moved, LANDMARK_PARENTS)[..., 1:], lengths[..., 1:])
    torch.testing.assert_close(directions(moved), directions(joints))
    assert torch.equal(moved[..., 0, :], joints[..., 0, :])


@pytest.mark.parametrize("batch", BATCHES)
def test_own_lengths_change_nothing_and_one_persons_fit_a_batch(batch: tuple[int, ...]) -> None:
    joints = posed(batch)
    torch.testing.assert_close(with_bone_lengths(joints, bone_lengths(joints, LANDMARK_PARENTS), LANDMARK_PARENTS), joints)
    everyone, each = lengths_of(()), lengths_of(()).expand(*batch, -1)
    assert torch.equal(with_bone_lengths(joints, everyone, LANDMARK_PARENTS), with_bone_lengths(joints, each, LANDMARK_PARENTS))


def test_it_turns_with_the_hand_and_only_what_hangs_on_a_bone_moves_with_it() -> None:
    joints, lengths = posed(()), lengths_of(())
    R = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)).Q
    turned = with_bone_lengths(joints @ R.T + 7, lengths, LANDMARK_PARENTS)
    torch.testing.assert_close(turned, with_bone_lengths(joints, lengths, LANDMARK_PARENTS) @ R.T + 7)
    own = bone_lengths(joints, LANDMARK_PARENTS)
    root = LANDMARK_NAMES.index("ring2")
    own[root] += 5
    moved = (with_bone_lengths(joints, own, LANDMARK_PARENTS) - joints).norm(dim=-1)
    expected = torch.tensor([5.0 if name in ("ring2", "ring3", "ring4") else 0.0 for name in LANDMARK_NAMES], dtype=torch.float64)
    torch.testing.assert_close(moved, expected)


def test_it_works_on_the_skeleton_too() -> None:
    decoder = HandDecoder(toy_template()).double()
    joints = decoder.rest_frames(decoder.joint_offsets).positions
    doubled = with_bone_lengths(joints, 2 * bone_lengths(joints, decoder.parents), decoder.parents)
    assert len(doubled) == JOINT_COUNT
    torch.testing.assert_close(bone_lengths(doubled, decoder.parents), 2 * bone_lengths(joints, decoder.parents))


def test_gradients_are_right_in_joints_and_lengths() -> None:
    joints, lengths = posed((2,)).requires_grad_(), lengths_of((2,)).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: with_bone_lengths(a, b, LANDMARK_PARENTS), (joints, lengths))


def test_a_bone_of_no_length_gives_no_nan_to_the_gradient() -> None:
    joints = posed(()).detach()
    joints[LANDMARK_NAMES.index("index2")] = joints[LANDMARK_NAMES.index("index1")]
    joints.requires_grad_()
    with_bone_lengths(joints, lengths_of(()), LANDMARK_PARENTS).sum().backward()
    assert joints.grad is not None
    assert joints.grad.isfinite().all()
