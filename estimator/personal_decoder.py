"""A person's decoder on disk: what depends on identity alone as tables, the pose corrective in half precision."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from estimator.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from estimator.errors import InputError
from estimator.hand.correctives import BakedCorrectives, Correctives, IdentityCorrectives, two_layers
from estimator.hand.decoder import HandDecoder
from estimator.hand.linear_correctives import LinearCorrectives, PoseDirections, turns_of
from estimator.hand.template import POSE_SIZE, HandTemplate

DEFAULT_DECODER = Path(__file__).parent / "assets" / "hand_decoder.safetensors"
STUDIO_ENCODER = DEFAULT_DECODER.with_name("studio_encoder.safetensors")
"""The encoder that was trained with it in the studio (stage 1)."""

SHIPPED = ("default", "template")
"""Names of hands that are no files: see ``open_decoder``."""

_KIND = "hand-decoder"
_WEIGHTS = "skinning_weights"
_DIRECTIONS = "pose_network.directions"
_EXACT = ("joint_offsets", _WEIGHTS)
"""Kept in 32 bits: they are small, and bone lengths are measured on them."""


@dataclass(frozen=True)
class PersonalDecoder:
    """A decoder refined to one person.

    Attributes:
        decoder: ready to be called.
        template: the hand that it refines, with the person's skinning weights where these were learned.
        name: whose hand it is, and where the training data came from; for result files.
        borrowed: a stranger's hand is posed with this skin. His bones are nearer to the average than to this person's.
    """

    decoder: HandDecoder
    template: HandTemplate
    name: str
    borrowed: bool = False

    @property
    def expected_offsets(self) -> Float[Tensor, "joints 3"]:
        """The skeleton to begin with when a hand is measured in pictures: joint offsets, mm."""
        return self.decoder.joint_offsets if self.borrowed else self.decoder.personal_offsets().detach()


def save_personal_decoder(correctives: Correctives | LinearCorrectives, template: HandTemplate, name: str, path: Path) -> None:
    """Bake trained correctives and write them, bound to the template."""
    baked = BakedCorrectives.of(correctives) if isinstance(correctives, Correctives) else correctives.baked()
    tables: dict[str, Tensor] = dict(baked.state_dict())
    if isinstance(correctives, Correctives) and "skinning" in correctives.networks:
        tables[_WEIGHTS] = baked.skinning_weights[torch.tensor(template.skinning_weights != 0)]
    halved = {key: table if key in _EXACT else table.half() for key, table in tables.items()}
    save_checkpoint(Checkpoint(_KIND, template.id, {"name": name}, halved), path)


def load_personal_decoder(path: Path, template: HandTemplate) -> PersonalDecoder:
    """Read what ``save_personal_decoder`` wrote.

    Raises:
        InputError: when the file is missing, damaged, or made for another template.
    """
    checkpoint = load_checkpoint(path, _KIND, template.id)
    tables = {key: table.float() for key, table in checkpoint.weights.items()}
    try:
        if _WEIGHTS in tables:
            template = _with_weights(template, tables.pop(_WEIGHTS).numpy())
        W = torch.tensor(template.skinning_weights, dtype=torch.float32)
        correctives = BakedCorrectives(IdentityCorrectives(tables["joint_offsets"], tables["vertices"], W), _pose_network(tables, template))
        correctives.load_state_dict(tables)
        return PersonalDecoder(HandDecoder(template, correctives).eval(), template, str(checkpoint.config["name"]))
    except (KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: the tables do not fit this version ({reason}); restore the file or train it again") from error


def open_decoder(name: str, template: HandTemplate) -> PersonalDecoder:
    """Whose hand is posed: ``default`` is the skin that ships on average bones, ``template`` nobody's hand, anything else a file.

    Raises:
        InputError: when the name is empty, and as ``load_personal_decoder``.
    """
    if not name:
        raise InputError("--decoder is empty; give default, template or a file that decoder_pretrain.train has written")
    if name == "template":
        return PersonalDecoder(HandDecoder(template).eval(), template, "template")
    if name == "default":
        return replace(load_personal_decoder(DEFAULT_DECODER, template), borrowed=True)
    return load_personal_decoder(Path(name), template)


def load_template() -> HandTemplate:
    """The template that ships.

    Raises:
        InputError: when it is damaged.
    """
    try:
        return HandTemplate.load()
    except ValueError as error:
        raise InputError(str(error)) from error


def _pose_network(tables: dict[str, Tensor], template: HandTemplate) -> nn.Module | None:
    """The pose corrective that the tables are of, yet without its numbers."""
    if _DIRECTIONS in tables:
        turns = turns_of(torch.tensor(template.skinning_weights.any(axis=0)))
        return PoseDirections(turns, torch.zeros(9 * len(turns), template.vertices.size))
    return two_layers(POSE_SIZE, template.vertices.size) if any(key.startswith("pose_network") for key in tables) else None


def _with_weights(template: HandTemplate, values: np.ndarray) -> HandTemplate:
    """The template with the person's weights in the places where it has some."""
    weights = np.array(template.skinning_weights)
    weights[weights != 0] = values
    return replace(template, skinning_weights=weights / weights.sum(axis=1, keepdims=True))
