"""Laws of kinematics, skinning and the decoder, on the toy hand."""

import pytest
import torch

from estimator.hand.decoder import HandDecoder
from estimator.hand.kinematics import joint_frames, joint_levels, pose_to_rotations
from estimator.hand.template import DEGREES_OF_FREEDOM, JOINT_COUNT, JOINT_NAMES, POSE_SIZE, WRIST
from estimator.hand.types import RestHand
from tests.toys import toy_placed_hand, toy_template

BATCHES = [(), (1,), (2, 3), (0,)]


@pytest.fixture(scope="module")
def decoder() -> HandDecoder:
    return HandDecoder(toy_template()).double()


def random_pose(*batch: int) -> torch.Tensor:
    return torch.rand(*batch, POSE_SIZE, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 2 - 0.7


def test_degrees_of_freedom_are_the_papers() -> None:
    assert POSE_SIZE == 28
    axes = {name: [axis for joint, axis in DEGREES_OF_FREEDOM if JOINT_NAMES[joint] == name] for name in JOINT_NAMES}
    assert axes["thumb0"] == axes["thumb1"] == axes["pinky1"] == [0, 1, 2]
    assert axes["thumb2"] == axes["index3"] == [2]
    assert axes["wrist"] == axes["ring_null"] == []


@pytest.mark.parametrize("batch", BATCHES)
def test_zero_pose_gives_the_template(decoder: HandDecoder, batch: tuple[int, ...]) -> None:
    mesh = decoder(torch.zeros(*batch, POSE_SIZE, dtype=torch.float64))
    assert mesh.vertices.shape == (*batch, *decoder.vertices.shape)
    torch.testing.assert_close(mesh.vertices, decoder.vertices.expand(*batch, -1, -1))


@pytest.mark.parametrize("batch", BATCHES)
def test_pose_keeps_bone_lengths(decoder: HandDecoder, batch: tuple[int, ...]) -> None:
    joints = decoder(random_pose(*batch)).joints.positions
    for joint, parent in enumerate(decoder.parents):
        if parent >= 0:
            length = (joints[..., joint, :] - joints[..., parent, :]).norm(dim=-1)
            torch.testing.assert_close(length, decoder.joint_offsets[joint].norm().expand(batch))


def test_batches_agree_with_single_samples(decoder: HandDecoder) -> None:
    theta = random_pose(2, 3)
    together = decoder(theta)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(together.vertices[i, j], decoder(theta[i, j]).vertices)


def test_rotation_order_is_z_y_x(decoder: HandDecoder) -> None:
    def about(axis: int, angle: float) -> torch.Tensor:
        generator = torch.zeros(3, 3, dtype=torch.float64)
        generator[(axis + 1) % 3, (axis + 2) % 3], generator[(axis + 2) % 3, (axis + 1) % 3] = -angle, angle
        return torch.matrix_exp(generator)

    theta = random_pose()
    R = pose_to_rotations(theta)
    for joint in range(JOINT_COUNT):
        x, y, z = (sum(theta[i].item() for i, degree in enumerate(DEGREES_OF_FREEDOM) if degree == (joint, axis)) for axis in range(3))
        torch.testing.assert_close(R[joint], about(2, z) @ about(1, y) @ about(0, x))


def test_positive_flexion_moves_only_the_joints_beyond_and_towards_the_palm(decoder: HandDecoder) -> None:
    theta = torch.zeros(POSE_SIZE, dtype=torch.float64)
    theta[DEGREES_OF_FREEDOM.index((JOINT_NAMES.index("index2"), 2))] = 0.5
    moved = decoder(theta).joints.positions - decoder(torch.zeros_like(theta)).joints.positions
    tip = JOINT_NAMES.index("index_null")
    assert moved[tip, 1] > 5
    changed = {JOINT_NAMES[j] for j in range(JOINT_COUNT) if moved[j].norm() > 1e-9}
    assert changed == {"index3", "index_null"}


def test_turning_the_root_turns_everything(decoder: HandDecoder) -> None:
    theta = random_pose()
    R = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))).Q
    R = R * torch.linalg.det(R)
    rotations = pose_to_rotations(theta)
    turned = rotations.clone()
    turned[WRIST] = R
    plain = joint_frames(rotations, decoder.joint_offsets, decoder.rest_rotations, decoder.parents)
    whole = joint_frames(turned, decoder.joint_offsets, decoder.rest_rotations, decoder.parents)
    torch.testing.assert_close(whole.positions, plain.positions @ R.T)
    torch.testing.assert_close(whole.rotations, R @ plain.rotations)


@pytest.mark.parametrize("batch", BATCHES)
def test_each_joint_follows_its_parent(decoder: HandDecoder, batch: tuple[int, ...]) -> None:
    """The slow definition: one joint after the other, from the wrist outwards."""
    rotations = pose_to_rotations(random_pose(*batch))
    offsets = decoder.joint_offsets + torch.rand(*batch, JOINT_COUNT, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    frames = joint_frames(rotations, offsets, decoder.rest_rotations, decoder.parents)
    R = {-1: torch.eye(3, dtype=torch.float64)}
    t = {-1: torch.zeros(3, dtype=torch.float64)}
    for joint in (joint for level in joint_levels(decoder.parents) for joint in level):
        parent = decoder.parents[joint]
        t[joint] = t[parent] + (R[parent] @ offsets[..., joint, :, None])[..., 0]
        R[joint] = R[parent] @ decoder.rest_rotations[joint] @ rotations[..., joint, :, :]
        torch.testing.assert_close(frames.rotations[..., joint, :, :], R[joint])
        torch.testing.assert_close(frames.positions[..., joint, :], t[joint])


def test_scaling_the_rest_hand_scales_the_posed_hand(decoder: HandDecoder) -> None:
    theta, rest = random_pose(2), decoder.rest_hand(random_pose())
    scaled = decoder(theta, RestHand(1.3 * rest.vertices, 1.3 * rest.joint_offsets, rest.skinning_weights))
    torch.testing.assert_close(scaled.vertices, 1.3 * decoder(theta).vertices)


def test_gradients_reach_theta_and_rest_hand(decoder: HandDecoder) -> None:
    theta = random_pose().requires_grad_()
    offsets = decoder.joint_offsets.clone().requires_grad_()

    def mean_vertex(theta: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return decoder(theta, RestHand(decoder.vertices, offsets, decoder.skinning_weights)).vertices[::17].mean(dim=0)

    assert torch.autograd.gradcheck(mean_vertex, (theta, offsets))


def test_gradient_is_finite_at_zero_pose(decoder: HandDecoder) -> None:
    theta = torch.zeros(POSE_SIZE, dtype=torch.float64, requires_grad=True)
    decoder(theta).vertices.square().sum().backward()
    assert theta.grad is not None
    assert theta.grad.isfinite().all()
    assert theta.grad.abs().max() > 0


def test_levels_name_every_joint_once_and_parents_first(decoder: HandDecoder) -> None:
    levels = joint_levels(decoder.parents)
    order = [joint for level in levels for joint in level]
    assert sorted(order) == list(range(JOINT_COUNT))
    assert all(order.index(parent) < order.index(joint) for joint, parent in enumerate(decoder.parents) if parent >= 0)


def test_theta_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="28 degrees of freedom, not 27"):
        pose_to_rotations(torch.zeros(27))


@pytest.mark.parametrize("side", ["left", "right"])
def test_placed_hand_is_its_rest_hand_skinned(side: str) -> None:
    hand = toy_placed_hand(side)
    R = hand.joint_rotations @ hand.rest_rotations.transpose(0, 2, 1)
    t = hand.joint_positions - (R @ hand.rest_positions[..., None])[..., 0]
    moved = torch.einsum("vj,jab,vb->va", *map(torch.tensor, (hand.template.skinning_weights, R, hand.rest_vertices)))
    moved = moved + torch.tensor(hand.template.skinning_weights @ t)
    torch.testing.assert_close(moved, torch.tensor(hand.vertices), atol=1e-4, rtol=0)
