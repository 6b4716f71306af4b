"""RunFolder: what a run of training leaves behind: configuration, commit, checkpoint to resume from, metrics, weights."""

import dataclasses
import io
import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_type_hints

import torch

from estimator.checkout import checkout_commit
from estimator.errors import InputError
from estimator.files import require_writable_folder, write_file
from estimator.version import VERSION

Config = TypeVar("Config")


@dataclass(frozen=True)
class Progress:
    """How far a run has come: ``step`` steps of epoch ``epoch`` are done, both counted from 0."""

    epoch: int = 0
    step: int = 0


class RunFolder(Generic[Config]):
    """The files of one run; each is whole or absent, whatever interrupts, but for the last line of metrics.

    Args:
        config_type: the frozen dataclass, of plain values and of more such dataclasses, that decides a run.
        program: the command that makes such runs.
    """

    def __init__(self, path: Path, config_type: type[Config], program: str) -> None:
        self.path, self._config_type, self._program = path, config_type, program
        self.config_file = path / "config.json"
        self.checkpoint_file = path / "checkpoint.pt"
        self.metrics_file = path / "metrics.jsonl"
        self.encoder_file = path / "encoder.safetensors"

    def begin(self, config: Config) -> None:
        """Note what is run.

        Raises:
            InputError: when the folder holds another run or cannot be written.
        """
        if self.config_file.exists():
            raise InputError(f"{self.path}: holds a run already; continue it with --resume or name another folder")
        require_writable_folder(self.path)
        record = {"config": dataclasses.asdict(config), "commit": checkout_commit(), "version": VERSION}  # pyright: ignore[reportArgumentType]
        write_file(self.config_file, json.dumps(record, indent=1).encode())

    def config(self) -> Config:
        """What ``begin`` noted.

        Raises:
            InputError: when there is no run here, or its note is damaged.
        """
        try:
            return _typed(self._config_type, json.loads(self.config_file.read_text(encoding="utf-8"))["config"])
        except FileNotFoundError as error:
            raise InputError(f"{self.path}: holds no run of {self._program}; start one with --out {self.path}") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.config_file}: damaged ({error}); start the run again in another folder") from error

    def save_checkpoint(self, state: dict[str, Any], progress: Progress) -> None:
        """Everything that the next step depends on."""
        content = io.BytesIO()
        torch.save({**state, "progress": dataclasses.asdict(progress)}, content)
        write_file(self.checkpoint_file, content.getvalue())

    def load_checkpoint(self) -> tuple[dict[str, Any], Progress]:
        """What ``save_checkpoint`` wrote, on the CPU.

        Raises:
            InputError: when there is none or it is damaged.
        """
        try:
            state = torch.load(self.checkpoint_file, map_location="cpu", weights_only=True)
            return state, Progress(**state.pop("progress"))
        except FileNotFoundError as error:
            raise InputError(f"{self.path}: has no checkpoint yet; start the run again in another folder") from error
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(f"{self.checkpoint_file}: cannot be read ({_line(error)}); start the run again in another folder") from error

    def log(self, metrics: dict[str, float | int]) -> None:
        """One more line of metrics."""
        try:
            with self.metrics_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(metrics) + "\n")
        except OSError as error:
            raise InputError(f"{self.metrics_file}: cannot be written ({error.strerror or error}); make room there") from error

    def forget_metrics_after(self, step: int) -> None:
        """Drop lines of steps that a resumed run will do again."""
        kept = [json.dumps(line) + "\n" for line in self.metrics() if line["step"] <= step]
        write_file(self.metrics_file, "".join(kept).encode())

    def metrics(self) -> list[dict[str, float | int]]:
        """The lines so far, up to the first that cannot be read: an interruption may have left half of one."""
        try:
            lines = self.metrics_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:  # nothing is logged yet
            return []
        sound: list[dict[str, float | int]] = []
        for line in lines:
            try:
                values = json.loads(line)
                sound.append({**values, "step": int(values["step"]), "epoch": float(values["epoch"])})
            except (ValueError, KeyError, TypeError):
                break
        return sound


def _typed(kind: type[Config], values: dict[str, object]) -> Config:
    """A dataclass of JSON's values, and the dataclasses in it. JSON knows lists alone; configurations have tuples."""
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in values.items()})


def _value(kind: object, value: object) -> object:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _typed(kind, value)
    return tuple(value) if isinstance(value, list) else value


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
