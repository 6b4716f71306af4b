"""Laws of the correctives and of the decoder that carries them, on the toy hand."""

import pytest
import torch

from estimator.hand.correctives import BakedCorrectives, Corrective, Correctives, CorrectivesConfig, identity_code
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_COUNT, POSE_SIZE
from tests.toys import toy_template

ALL: tuple[Corrective, ...] = ("identity-skeleton", "identity-vertex", "pose-vertex", "skinning")


def personal_decoder(*parts: Corrective, strength: float = 20.0) -> HandDecoder:
    """A decoder whose correctives are as large as a trained one's."""
    torch.manual_seed(0)
    template = toy_template()
    correctives = Correctives(CorrectivesConfig(subject=3, parts=parts), torch.tensor(template.skinning_weights, dtype=torch.float32))
    with torch.no_grad():
        for parameter in correctives.networks.parameters():
            parameter.copy_(strength * (parameter + 0.002 * torch.randn(parameter.shape)))
    return HandDecoder(template, correctives)


def some_pose(*batch: int) -> torch.Tensor:
    return 0.5 * torch.randn(*batch, POSE_SIZE, generator=torch.Generator().manual_seed(1))


def test_identity_code_is_gaussian_and_fixed_for_each_person() -> None:
    assert torch.equal(identity_code(2), identity_code(2))
    assert not torch.equal(identity_code(1), identity_code(2))
    codes = torch.stack([identity_code(subject) for subject in range(400)])
    assert codes.shape[1] == 32
    assert codes.mean().abs() < 0.05
    assert abs(codes.std() - 1) < 0.05


def test_a_new_decoder_is_nearly_the_template() -> None:
    decoder = personal_decoder(*ALL, strength=1.0)
    plain = HandDecoder(toy_template())
    for theta in (torch.zeros(POSE_SIZE), some_pose()):
        torch.testing.assert_close(decoder(theta).vertices, plain(theta).vertices, atol=1.0, rtol=0)
    assert not torch.equal(decoder(some_pose()).vertices, plain(some_pose()).vertices)


@pytest.mark.parametrize("batch", [(), (1,), (2, 3), (0,)])
def test_refinement_is_a_sum(batch: tuple[int, ...]) -> None:
    decoder, theta = personal_decoder(*ALL), some_pose(*batch)
    identity = decoder.correctives.identity()
    rest = decoder.rest_hand(theta)
    torch.testing.assert_close(rest.vertices, decoder.vertices + identity.vertices + decoder.correctives.pose(theta))
    torch.testing.assert_close(rest.joint_offsets, (decoder.joint_offsets + identity.joint_offsets).expand(*batch, JOINT_COUNT, 3))
    torch.testing.assert_close(decoder.personal_offsets(), decoder.joint_offsets + identity.joint_offsets)


@pytest.mark.parametrize("left_out", ALL)
def test_a_part_left_out_is_zero_and_leaves_the_others(left_out: Corrective) -> None:
    decoder = personal_decoder(*(part for part in ALL if part != left_out))
    identity, pose = decoder.correctives.identity(), decoder.correctives.pose(some_pose())
    sizes = {
        "identity-skeleton": identity.joint_offsets.abs().max(),
        "identity-vertex": identity.vertices.abs().max(),
        "pose-vertex": pose.abs().max(),
        "skinning": (identity.skinning_weights - decoder.skinning_weights).abs().max(),
    }
    assert {part for part, size in sizes.items() if size == 0} == {left_out}


def test_identity_correctives_do_not_change_with_pose_and_pose_correctives_do() -> None:
    decoder = personal_decoder(*ALL)
    one, other = decoder.rest_hand(torch.zeros(POSE_SIZE)), decoder.rest_hand(some_pose())
    assert torch.equal(one.joint_offsets, other.joint_offsets)
    assert (one.vertices - other.vertices).abs().max() > 0.1


def test_the_pose_corrective_counts_from_the_open_hand() -> None:
    correctives = personal_decoder(*ALL).correctives
    assert not correctives.pose(torch.zeros(2, POSE_SIZE)).any()
    assert BakedCorrectives.of(correctives).pose(torch.zeros(POSE_SIZE)).abs().max() < 1e-5
    assert correctives.pose(some_pose()).abs().max() > 0.1


def test_pose_corrective_sends_no_gradient_to_theta() -> None:
    decoder, theta = personal_decoder("pose-vertex"), some_pose().requires_grad_()
    rest = decoder.rest_hand(theta)
    (gradient,) = torch.autograd.grad(rest.vertices.sum(), [decoder.correctives.networks["pose-vertex"][2].weight], retain_graph=True)
    assert gradient.abs().max() > 0
    assert theta.grad is None
    assert torch.autograd.grad(rest.vertices.sum(), [theta], allow_unused=True)[0] is None


def test_refined_skinning_weights_are_weights_and_stay_local() -> None:
    decoder = personal_decoder("skinning", strength=15.0)
    refined, template = decoder.correctives.identity().skinning_weights, decoder.skinning_weights
    torch.testing.assert_close(refined.sum(dim=-1), torch.ones(len(refined)))
    assert refined.min() >= 0
    assert not refined[template == 0].any()


def test_skinning_corrective_matches_its_definition() -> None:
    decoder = personal_decoder("skinning", strength=15.0)
    correctives, W = decoder.correctives, decoder.skinning_weights
    changes = iter(correctives.networks["skinning"](correctives.identity_code).tolist())
    expected = torch.zeros_like(W)
    for vertex, row in enumerate(W.tolist()):
        refined = [max(weight + next(changes), 0.0) if weight else 0.0 for weight in row]
        expected[vertex] = torch.tensor(refined) / sum(refined) if sum(refined) > 1e-3 else W[vertex]
    torch.testing.assert_close(correctives.identity().skinning_weights, expected)


@pytest.mark.parametrize("parts", [ALL, ("identity-vertex",)])
def test_baking_changes_nothing(parts: tuple[Corrective, ...]) -> None:
    learned = personal_decoder(*parts)
    baked = HandDecoder(toy_template(), BakedCorrectives.of(learned.correctives))
    for theta in (torch.zeros(POSE_SIZE), some_pose(2, 3)):
        torch.testing.assert_close(baked(theta).vertices, learned(theta).vertices, atol=1e-4, rtol=1e-5)  # mm
        torch.testing.assert_close(baked(theta).joints.positions, learned(theta).joints.positions)


def test_a_vertex_keeps_its_joints_when_the_corrective_would_take_all() -> None:
    decoder = personal_decoder("skinning", strength=1.0)
    with torch.no_grad():
        decoder.correctives.networks["skinning"][2].bias.fill_(-2.0)
    torch.testing.assert_close(decoder.correctives.identity().skinning_weights, decoder.skinning_weights)


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="identity-skeleton, identity-vertex, pose-vertex, skinning"):
        CorrectivesConfig(parts=("tattoo",))
    with pytest.raises(ValueError, match="each once"):
        CorrectivesConfig(parts=("skinning", "skinning"))
