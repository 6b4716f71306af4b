"""Laws of the linear baseline: it is linear, it is fixed but for the shape vector, and what it was taught comes back."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from datasets.makehuman.source import Body
from datasets.virtual_studio.people import Build
from decoder_pretrain.build import build_model
from decoder_pretrain.config import TrainConfig, linear, preset, with_skinning, without
from decoder_pretrain.evaluate import load_any_resolution
from decoder_pretrain.linear_hand_file import DEFAULT_LINEAR_HAND, OWN_TEMPLATE, load_linear_hand, save_linear_hand
from decoder_pretrain.linear_poses import PoseExamples, joint_distances, pose_directions
from decoder_pretrain.linear_shapes import YOUNGEST, RestShape, drawn_people, rest_shapes, shape_space
from decoder_pretrain.objective import Objective
from decoder_pretrain.run_folder import RunFolder
from decoder_pretrain.train import TrainOptions, config_of
from decoder_pretrain.trainer import Trainer
from estimator.errors import InputError
from estimator.hand.decoder import HandDecoder
from estimator.hand.kinematics import pose_to_rotations
from estimator.hand.linear_correctives import LinearCorrectives, LinearHand, turn_features, turns_of
from estimator.hand.template import DEGREES_OF_FREEDOM, JOINT_COUNT, JOINT_NAMES, LOW_RESOLUTION_TEMPLATE, POSE_SIZE, HandTemplate
from estimator.learning.training_log import SilentLog
from estimator.personal_decoder import load_personal_decoder, save_personal_decoder
from tests.decoder_pretrain.toy_studio import ToyStudio, toy_config
from tests.toys import toy_template

COMPONENTS = 3


def weights_of(template: HandTemplate) -> Tensor:
    return torch.tensor(template.skinning_weights, dtype=torch.float32)


def toy_hand(template: HandTemplate, seed: int = 0) -> LinearHand:
    generator = torch.Generator().manual_seed(seed)
    features = 9 * len(turns_of(weights_of(template).any(dim=0)))

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, 3, generator=generator)

    count = len(template.vertices)
    return LinearHand(draw(count), draw(JOINT_COUNT), draw(COMPONENTS, count), draw(COMPONENTS, JOINT_COUNT), draw(features, count))


def toy_correctives(subject: int = 1) -> LinearCorrectives:
    torch.manual_seed(3)
    template = toy_template()
    return LinearCorrectives(toy_hand(template), subject, weights_of(template))


def some_poses(*batch: int) -> Tensor:
    return 0.8 * torch.rand(*batch, POSE_SIZE, generator=torch.Generator().manual_seed(5))


def test_zero_pose_and_zero_shape_give_the_mean_hand() -> None:
    correctives = toy_correctives()
    mean = correctives.identity_at(torch.zeros(COMPONENTS))
    assert torch.equal(mean.vertices, correctives.mean_vertices)
    assert torch.equal(mean.joint_offsets, correctives.mean_joint_offsets)
    assert correctives.pose(torch.zeros(POSE_SIZE)).abs().max() == 0


def test_shapes_superpose() -> None:
    correctives = toy_correctives()
    a, b = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.3, 0.2, -1.0])
    for name in ("vertices", "joint_offsets"):
        zero, one, other, both = (getattr(correctives.identity_at(shape), name) for shape in (0 * a, a, b, a + b))
        torch.testing.assert_close(both - zero, (one - zero) + (other - zero), atol=1e-4, rtol=0)


@pytest.mark.parametrize("batch", [(), (1,), (2, 3), (0,)])
def test_the_pose_corrective_is_the_sum_of_what_each_turning_joint_adds(batch: tuple[int, ...]) -> None:
    correctives, theta = toy_correctives(), some_poses(*batch)
    alone = torch.zeros(*batch, len(correctives.mean_vertices), 3)
    for joint in {joint for joint, _ in DEGREES_OF_FREEDOM}:
        own = torch.tensor([float(joint == each) for each, _ in DEGREES_OF_FREEDOM])
        alone += correctives.pose(theta * own)
    torch.testing.assert_close(correctives.pose(theta), alone, atol=1e-3, rtol=0)


def test_joints_that_move_no_skin_pass_their_turn_on() -> None:
    moves = torch.ones(JOINT_COUNT, dtype=torch.bool)
    thumb0, thumb1 = JOINT_NAMES.index("thumb0"), JOINT_NAMES.index("thumb1")
    assert (thumb0,) in turns_of(moves)
    moves[thumb0] = False
    turns = turns_of(moves)
    assert (thumb0, thumb1) in turns
    assert (thumb0,) not in turns
    R = pose_to_rotations(some_poses())
    found = turn_features(R, turns).unflatten(0, (-1, 3, 3))[turns.index((thumb0, thumb1))]
    torch.testing.assert_close(found, R[thumb0] @ R[thumb1] - torch.eye(3))


def test_only_the_two_layers_learn() -> None:
    correctives = toy_correctives()
    decoder = HandDecoder(toy_template(), correctives)
    decoder(some_poses(2)).vertices.square().sum().backward()
    learned = {name for name, parameter in decoder.named_parameters() if parameter.grad is not None and parameter.grad.abs().sum() > 0}
    layers = {f"correctives.shape_layers.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
    assert learned == layers == {name for name, _ in decoder.named_parameters()}


def test_people_differ_by_their_code_and_nothing_else() -> None:
    one, other = toy_correctives(1), toy_correctives(2)
    assert not torch.equal(one.shape(), other.shape())
    assert torch.equal(one.pose(some_poses()), other.pose(some_poses()))


def test_what_is_baked_is_what_was_learned(tmp_path: Path) -> None:
    template, correctives = toy_template(), toy_correctives()
    with torch.no_grad():
        correctives.shape_layers[2].bias.copy_(torch.tensor([1.0, -2.0, 0.5]))
    theta, path = some_poses(4), tmp_path / "decoder.safetensors"
    learned = HandDecoder(template, correctives)(theta)
    save_personal_decoder(correctives, template, "somebody", path)
    person = load_personal_decoder(path, template)
    torch.testing.assert_close(HandDecoder(template, correctives.baked())(theta).vertices, learned.vertices, atol=1e-3, rtol=0)
    found = person.decoder(theta)
    assert (found.vertices - learned.vertices).norm(dim=-1).max() < 0.01
    assert (found.joints.positions - learned.joints.positions).norm(dim=-1).max() < 1e-4
    assert person.name == "somebody"


def test_a_file_holds_what_was_saved_and_fits_one_template(tmp_path: Path) -> None:
    template, path = toy_template(), tmp_path / "hand.safetensors"
    hand = toy_hand(template)
    save_linear_hand(hand, template, "toys", path)
    found = load_linear_hand(path, template)
    for name, table in vars(hand).items():
        torch.testing.assert_close(getattr(found, name), table, atol=2e-3, rtol=0)
    other = dataclasses.replace(template, vertices=template.vertices + 1)
    with pytest.raises(InputError, match="belong to hand"):
        load_linear_hand(path, other)
    save_linear_hand(dataclasses.replace(hand, pose_directions=hand.pose_directions[9:]), template, "toys", path)
    with pytest.raises(InputError, match="not a linear hand of this version"):
        load_linear_hand(path, template)


def test_the_regression_finds_planted_directions() -> None:
    template, generator = toy_template(), np.random.default_rng(0)
    hand = toy_hand(template)
    correctives = LinearCorrectives(hand, 1, weights_of(template))
    theta = torch.tensor(generator.uniform(-1, 1, (400, POSE_SIZE)), dtype=torch.float32)
    R = pose_to_rotations(theta)
    trust = generator.uniform(0.3, 1, (400, len(template.vertices)))
    features = turn_features(R, turns_of(weights_of(template).any(dim=0))).double().numpy()
    examples = PoseExamples(features, correctives.pose(theta).double().numpy(), trust)
    halves = [PoseExamples(*(value[part] for value in vars(examples).values())) for part in (slice(0, 150), slice(150, 400))]
    found = pose_directions(halves, 0 * joint_distances(template))
    residual = examples.corrections - np.einsum("pf,fvc->pvc", features, found)
    assert np.linalg.norm(residual, axis=2).mean() < 0.02 * np.linalg.norm(examples.corrections, axis=2).mean()


def test_far_skin_follows_less() -> None:
    generator = np.random.default_rng(1)
    examples = PoseExamples(generator.normal(size=(200, 9)), np.ones((200, 2, 3)) * generator.normal(size=(200, 1, 1)), np.ones((200, 2)))
    near, far = np.abs(pose_directions([examples], np.array([[0.0], [200.0]]))).sum(axis=(0, 2))
    assert far < 0.5 * near


def test_the_shape_space_spans_the_hands_that_it_is_made_from() -> None:
    generator = np.random.default_rng(2)
    plan = generator.normal(size=(2, 15, 3))
    hands = [RestShape(*np.split(sum(c * d for c, d in zip(generator.normal(size=2), plan, strict=True)), [12])) for _ in range(30)]
    space = shape_space(hands)
    assert space.explained == pytest.approx(1)
    sizes = [np.linalg.norm(component.vertices) + np.linalg.norm(component.joints) for component in space.components]
    assert sizes[1] > 1e-3
    assert max(sizes[2:]) < 1e-9


def test_makehumans_default_body_is_the_template_and_built_hands_are_as_long_as_asked_for() -> None:
    template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
    own, longer = rest_shapes(template, [(Body(), Build()), (Body(), Build(lengths=(1.0, 1.0, 1.1, 1.0, 1.0)))])
    decoder = HandDecoder(template)
    np.testing.assert_allclose(own.vertices, template.vertices, atol=1e-6)
    np.testing.assert_allclose(own.joints, decoder.rest_frames(decoder.joint_offsets).positions.numpy(), atol=1e-3)
    middle = [JOINT_NAMES.index(name) for name in ("middle1", "middle_null")]
    lengths = [np.linalg.norm(np.subtract(*shape.joints[middle])) for shape in (own, longer)]
    assert lengths[1] / lengths[0] == pytest.approx(1.1, abs=1e-3)


def test_people_are_drawn_as_often_as_asked_for_and_none_is_a_child() -> None:
    people = drawn_people(4, 3, np.random.default_rng(0))
    assert len(set(people)) == 12
    assert len({body for body, _ in people}) == 4
    assert all(body.age >= YOUNGEST and 130 < body.hand_length_mm < 240 for body, _ in people)


def linear_toy_config(folder: Path) -> TrainConfig:
    template = toy_template()
    template.save(folder / OWN_TEMPLATE)
    save_linear_hand(toy_hand(template), HandTemplate.load(folder / OWN_TEMPLATE), "toys", folder / "hand.safetensors")
    return dataclasses.replace(linear(toy_config(epochs=2)), linear_hand=str(folder / "hand.safetensors"))


def test_training_moves_the_shape_and_leaves_the_hand_alone(tmp_path: Path) -> None:
    config = linear_toy_config(tmp_path)
    template = HandTemplate.load(tmp_path / OWN_TEMPLATE)
    run = RunFolder(tmp_path / "run")
    run.begin(config)
    trainer = Trainer(Fabric(accelerator="cpu", devices=1), config, build_model(config, template), Objective(template, config.losses))
    before = {name: table.clone() for name, table in trainer.plain_model.decoder.state_dict().items()}
    assert trainer.train(ToyStudio(), run, SilentLog()).finished
    after = trainer.plain_model.decoder.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if "shape_layers" in name}
    assert run.config() == config

    save_personal_decoder(trainer.plain_model.decoder.correctives, template, "toy", run.decoder_file)
    template.save(run.path / OWN_TEMPLATE)
    person = load_any_resolution(run.decoder_file)
    theta = some_poses(2)
    assert (person.decoder(theta).vertices - trainer.plain_model.decoder(theta).vertices).norm(dim=-1).max() < 0.01


def test_what_ships_trains_at_once_and_is_small() -> None:
    template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
    hand = load_linear_hand(DEFAULT_LINEAR_HAND, template)
    assert DEFAULT_LINEAR_HAND.stat().st_size < 3_000_000
    assert len(hand.shape_vertices) == 10
    assert hand.mean_vertices.norm(dim=-1).mean() < 10
    decoder = HandDecoder(template, LinearCorrectives(hand, 1, weights_of(template)))
    assert decoder(torch.zeros(2, POSE_SIZE)).vertices.isfinite().all()


def test_a_fixed_hand_takes_no_changes() -> None:
    config = linear(preset("cpu", "virtual:1", 1))
    for change in (with_skinning, lambda some: without(some, "pose-vertex")):
        with pytest.raises(ValueError, match="linear hand is fixed"):
            change(config)
    assert without(config, "penetration").losses.penetration_rigid == 0
    with pytest.raises(InputError, match="choose the model linear"):
        config_of(TrainOptions(out=Path("run"), linear_hand=Path("hand.safetensors")))
    losses = config_of(TrainOptions(out=Path("run"), model="linear")).losses
    assert losses == dataclasses.replace(preset("cpu", "virtual:1", 1).losses, drift=0.0)
