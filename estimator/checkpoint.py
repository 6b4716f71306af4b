"""Weights on disk: safetensors with the configuration and the identifier of what they were trained for. Loading is strict."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from estimator.errors import InputError
from estimator.files import write_file

_HEADER = "deephandmesh"


class WrongHandError(InputError):
    """Weights were made for another skeleton or template."""


@dataclass(frozen=True)
class Checkpoint:
    """What a file of weights holds.

    Attributes:
        kind: which network this is, for instance ``landmark-encoder``.
        made_for: identifier of the skeleton or template that the weights belong to.
        config: the network's configuration as plain JSON values.
        weights: the network's state.
    """

    kind: str
    made_for: str
    config: dict[str, object]
    weights: Mapping[str, Tensor]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write the file in one step: a reader never sees half of it."""
    header = {key: value for key, value in dataclasses.asdict(dataclasses.replace(checkpoint, weights={})).items() if key != "weights"}
    data = save({name: weight.contiguous() for name, weight in checkpoint.weights.items()}, {_HEADER: json.dumps(header)})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, data)


def checkpoint_kind(path: Path) -> str:
    """Which network a file's weights are for (see ``Checkpoint``).

    Raises:
        InputError: when the file is missing or damaged.
    """
    return _read(path).kind


def load_checkpoint(path: Path, kind: str, made_for: str) -> Checkpoint:
    """Read what ``save_checkpoint`` wrote.

    Raises:
        InputError: when the file is missing, damaged or of another kind; ``WrongHandError`` when it was made for another skeleton or
            template.
    """
    found = _read(path)
    if found.kind != kind:
        raise InputError(f"{path}: expected weights of kind {kind!r}, found {found.kind!r}; give a file of the right kind")
    if found.made_for != made_for:
        raise WrongHandError(
            f"{path}: these weights belong to hand {found.made_for}, the one in use is {made_for}; "
            "use the files of one release or train again"
        )
    for name, weight in found.weights.items():
        if not torch.isfinite(weight).all():
            raise InputError(f"{path}: {name} holds nan or infinity; restore the file or train it again")
    return found


def _read(path: Path) -> Checkpoint:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file of weights")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_HEADER, "null"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot read these weights ({reason}); restore the file or train it again") from error
    match header:
        case {"kind": str(kind), "made_for": str(made_for), "config": dict(config)}:
            return Checkpoint(kind, made_for, config, weights)
    raise InputError(f"{path}: these weights do not say what they are for (kind, made_for, config); train them with this program")
