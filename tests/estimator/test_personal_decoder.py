"""A person's decoder on disk: what is read back poses the hand that was trained."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from estimator.checkpoint import load_checkpoint, save_checkpoint
from estimator.errors import InputError
from estimator.hand.correctives import Corrective, Correctives, CorrectivesConfig
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import LOW_RESOLUTION_TEMPLATE, POSE_SIZE, HandTemplate
from estimator.personal_decoder import load_personal_decoder, open_decoder, save_personal_decoder
from tests.toys import toy_template

ALL: tuple[Corrective, ...] = ("identity-skeleton", "identity-vertex", "pose-vertex", "skinning")


@pytest.fixture(scope="module")
def template() -> HandTemplate:
    return HandTemplate.load(LOW_RESOLUTION_TEMPLATE)


def trained(template: HandTemplate, parts: tuple[Corrective, ...]) -> HandDecoder:
    """Correctives of several millimetres, as training makes them."""
    torch.manual_seed(0)
    correctives = Correctives(CorrectivesConfig(2, parts), torch.tensor(template.skinning_weights, dtype=torch.float32))
    with torch.no_grad():
        for parameter in correctives.networks.parameters():
            parameter.mul_(6.0)
    return HandDecoder(template, correctives)


@pytest.mark.parametrize("parts", [ALL, ("identity-skeleton", "identity-vertex", "pose-vertex"), ("identity-vertex",), ()])
def test_what_is_read_back_is_the_same_hand(template: HandTemplate, tmp_path: Path, parts: tuple[Corrective, ...]) -> None:
    learned = trained(template, parts)
    save_personal_decoder(learned.correctives, template, "somebody (simulated)", tmp_path / "decoder.safetensors")
    person = load_personal_decoder(tmp_path / "decoder.safetensors", template)
    assert person.name == "somebody (simulated)"
    theta = 0.7 * torch.randn(20, POSE_SIZE, generator=torch.Generator().manual_seed(1))
    expected, found = learned(theta), person.decoder(theta)
    if "pose-vertex" in parts:
        assert learned.correctives.pose(theta).norm(dim=-1).max() > 1.0  # mm: there is something to lose
    assert (expected.vertices - found.vertices).norm(dim=-1).max() < 0.01
    assert (expected.joints.positions - found.joints.positions).norm(dim=-1).max() < 1e-3
    torch.testing.assert_close(torch.tensor(person.template.skinning_weights), learned.rest_hand(theta).skinning_weights, atol=1e-5, rtol=0)


def test_the_hand_that_ships_is_a_simulated_person_s_and_lent_to_strangers() -> None:
    template = HandTemplate.load()
    lent, nobody = open_decoder("default", template), open_decoder("template", template)
    assert "simulated" in lent.name
    assert torch.equal(lent.expected_offsets, nobody.expected_offsets)
    assert not torch.allclose(lent.decoder.personal_offsets(), lent.expected_offsets, atol=1.0)
    flat, bent = (lent.decoder.correctives.pose(theta) for theta in (torch.zeros(POSE_SIZE), torch.full((POSE_SIZE,), 0.4)))
    assert (bent - flat).norm(dim=-1).max() > 0.5  # mm: its skin changes with the pose


def test_a_decoder_of_another_template_is_refused_with_the_cure(template: HandTemplate, tmp_path: Path) -> None:
    path = tmp_path / "decoder.safetensors"
    save_personal_decoder(trained(template, ALL).correctives, template, "somebody", path)
    with pytest.raises(InputError, match=r"belong to hand .* use the files of one release or train again"):
        load_personal_decoder(path, toy_template())


def test_tables_that_do_not_fit_are_refused(template: HandTemplate, tmp_path: Path) -> None:
    path = tmp_path / "decoder.safetensors"
    save_personal_decoder(trained(template, ALL).correctives, template, "somebody", path)
    found = load_checkpoint(path, "hand-decoder", template.id)
    name = "pose_network.2.weight"
    save_checkpoint(replace(found, weights={**found.weights, name: found.weights[name][:-3]}), path)
    with pytest.raises(InputError, match=r"decoder\.safetensors: the tables do not fit"):
        load_personal_decoder(path, template)


def test_a_missing_or_damaged_file_is_refused(template: HandTemplate, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read these weights"):
        load_personal_decoder(tmp_path / "none.safetensors", template)
    path = tmp_path / "decoder.safetensors"
    save_personal_decoder(trained(template, ALL).correctives, template, "somebody", path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="cannot read these weights"):
        load_personal_decoder(path, template)
