"""A linear hand on disk: its own template or one that ships, and the model that is bound to it."""

from pathlib import Path

import torch

from estimator.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from estimator.errors import InputError
from estimator.hand.linear_correctives import LinearHand, turns_of
from estimator.hand.template import JOINT_COUNT, HandTemplate

DEFAULT_LINEAR_HAND = Path(__file__).parent / "assets" / "linear_baseline.safetensors"

OWN_TEMPLATE = "template.npz"
"""Beside a linear hand or a decoder whose template does not ship."""

_KIND = "linear-hand"
_HALVED = "pose_directions"


def save_linear_hand(hand: LinearHand, template: HandTemplate, name: str, path: Path) -> None:
    """Write it, bound to the template; the many pose directions in 16 bits."""
    tables = {key: table.half() if key == _HALVED else table.float() for key, table in vars(hand).items()}
    save_checkpoint(Checkpoint(_KIND, template.id, {"name": name}, tables), path)


def load_linear_hand(path: Path, template: HandTemplate) -> LinearHand:
    """Read what ``save_linear_hand`` wrote.

    Raises:
        InputError: when the file is missing, damaged, or made for another template.
    """
    tables = {key: table.float() for key, table in load_checkpoint(path, _KIND, template.id).weights.items()}
    vertices, joints = template.vertices.shape, (JOINT_COUNT, 3)
    components = len(tables.get("shape_vertices", ()))
    features = 9 * len(turns_of(torch.tensor(template.skinning_weights.any(axis=0))))
    expected = {
        "mean_vertices": vertices,
        "mean_joint_offsets": joints,
        "shape_vertices": (components, *vertices),
        "shape_joint_offsets": (components, *joints),
        "pose_directions": (features, *vertices),
    }
    found = {key: tuple(table.shape) for key, table in tables.items()}
    if found != expected:
        raise InputError(
            f"{path}: not a linear hand of this version (expected {expected}, found {found}); restore the file or build it again"
        )
    return LinearHand(**tables)


def own_template(folder: Path) -> HandTemplate:
    """The template that lies in a folder beside what is bound to it.

    Raises:
        InputError: when there is none or it is damaged.
    """
    try:
        return HandTemplate.load(folder / OWN_TEMPLATE)
    except ValueError as error:
        raise InputError(str(error)) from error
