"""The runs that a report is made from: recognised by their configuration, whatever their folders are called."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

from decoder_pretrain.build import virtual_subject
from decoder_pretrain.config import TrainConfig, Without, without
from decoder_pretrain.evaluate import load_any_resolution
from decoder_pretrain.finetuning import LAPLACIAN_WEIGHT
from decoder_pretrain.run_folder import RunFolder
from estimator.errors import InputError
from estimator.image_encoder import ImageEncoder
from estimator.personal_decoder import PersonalDecoder

OURS, LOW_RESOLUTION, LINEAR = "deephandmesh", "low-resolution", "linear"
MODEL_WORDS = {OURS: "DeepHandMesh (ours)", LOW_RESOLUTION: "ours, low resolution", LINEAR: "linear baseline"}
PART_WORDS = {
    "pose": "pose loss",
    "depth": "depth map loss",
    "penetration": "penetration loss",
    "laplacian": "Laplacian loss",
    "identity-skeleton": "skeleton corrective",
    "identity-vertex": "identity's vertex corrective",
    "pose-vertex": "pose's vertex corrective",
}
_ADDED_WORDS = {"skinning": "skinning corrective", "texture": "texture loss", "fine-tuning": "fine-tuning without the texture loss"}


@dataclass(frozen=True)
class Data:
    """Where a person's recordings come from.

    Attributes:
        source: ``virtual:N`` or a release's folder.
        subject: number of the person.
    """

    source: str
    subject: int

    @property
    def simulated(self) -> bool:
        """Whether nobody real was recorded."""
        return virtual_subject(self.source) is not None

    @property
    def words(self) -> str:
        """For headings and captions."""
        return f"simulated subject {self.subject}" if self.simulated else f"subject {self.subject} of {Path(self.source).name} (real)"


@dataclass(frozen=True)
class Variant:
    """What was trained, apart from how long.

    Attributes:
        data: on whom.
        model: as ``TrainConfig.model``.
        left_out: losses and correctives that the whole model has and this one lacks.
        added: what it learns beyond the whole model.
    """

    data: Data
    model: str = OURS
    left_out: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """For tables."""
        lacks = [f"without {PART_WORDS[part]}" for part in self.left_out]
        return ", ".join([MODEL_WORDS[self.model], *lacks, *(f"with {_ADDED_WORDS[part]}" for part in self.added)])

    @property
    def command(self) -> str:
        """What trains it."""
        if "fine-tuning" in self.added:
            return "python -m decoder_pretrain.finetune_texture --run RUNS/NAME --out RUNS/NAME/without-texture --weight 0"
        words = ["python -m decoder_pretrain.train", f"--data {self.data.source}"]
        words += [] if self.data.simulated else [f"--subject {self.data.subject}"]
        words += [f"--model {self.model}"] if self.model != OURS else []
        words += [f"--without {' '.join(self.left_out)}"] if self.left_out else []
        words += [f"--with {' '.join(self.added)}"] if self.added else []
        name = "-".join(
            [
                *([self.model] if self.model != OURS else []),
                *(f"without-{part}" for part in self.left_out),
                *(f"with-{part}" for part in self.added),
            ]
        )
        whom = Path(self.data.source).name.replace(":", "-")
        return " ".join([*words, f"--out RUNS/{whom}-{name or 'whole'}"])


@dataclass(frozen=True)
class Refusal:
    """A run that the report cannot use.

    Attributes:
        path: its folder.
        reason: one line, with the cure.
        unfinished: nothing is wrong with it, it only has no weights yet.
    """

    path: Path
    reason: str
    unfinished: bool = False


class Run:
    """A finished run; ``name`` is its folder's, within the folder of all runs."""

    def __init__(self, folder: RunFolder, config: TrainConfig, name: str) -> None:
        self.folder, self.config, self.name = folder, config, name
        self.variant = variant_of(config)

    @cached_property
    def person(self) -> PersonalDecoder:
        """The decoder that was trained; whoever is done with it lets go by ``forget``."""
        return load_any_resolution(self.folder.decoder_file)

    def encoder(self) -> ImageEncoder:
        """The encoder that was trained with it."""
        return ImageEncoder.load(self.folder.encoder_file, self.person.template.skeleton_id)

    def forget(self) -> None:
        """Keep no weights in memory."""
        self.__dict__.pop("person", None)

    @property
    def effort(self) -> tuple[int, str]:
        """Samples seen, for choosing among runs of one variant; the name decides between equals."""
        return self.config.schedule.epochs * self.config.studio.moments, self.name

    @property
    def settings(self) -> str:
        """How it was trained, in few words."""
        studio, schedule = self.config.studio, self.config.schedule
        return f"{schedule.epochs} epochs, {studio.moments} moments, {studio.size} px, {self.config.encoder.backbone}"


def variant_of(config: TrainConfig) -> Variant:
    """What a configuration trains."""
    left_out = tuple(part for part in get_args(Without) if without(config, part) == config)
    added = ["skinning"] if "skinning" in config.correctives.parts else []
    if config.losses.texture > 0:
        added.append("texture")
    elif config.losses.laplacian == LAPLACIAN_WEIGHT:  # no other training has this weight
        added.append("fine-tuning")
    return Variant(Data(config.data, config.subject), config.model, left_out, tuple(added))


@dataclass(frozen=True)
class Runs:
    """All runs of a folder.

    Attributes:
        usable: finished and sound, by name.
        refused: all others, with the reason.
    """

    usable: tuple[Run, ...]
    refused: tuple[Refusal, ...]

    @property
    def data(self) -> tuple[Data, ...]:
        """On whom runs were trained; the one with most runs, whom figures show, is the first."""
        counts: dict[Data, int] = {}
        for run in self.usable:
            counts[run.variant.data] = counts.get(run.variant.data, 0) + 1
        return tuple(sorted(counts, key=lambda data: (-counts[data], data.source, data.subject)))

    def best(self, variant: Variant) -> Run | None:
        """The longest trained run of a variant."""
        return max((run for run in self.usable if run.variant == variant), key=lambda run: run.effort, default=None)


def find_runs(folder: Path) -> Runs:
    """The runs in a folder's folders, the fine-tunings in these, and the one that the folder itself is.

    Raises:
        InputError: when it is no folder, or there is no run in it.
    """
    try:
        inside = sorted(path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_dir())
        if not folder.is_dir():
            raise NotADirectoryError(None, "no such folder")
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error}); name a folder that holds runs") from error
    usable: list[Run] = []
    refused: list[Refusal] = []
    for path in [folder, *inside]:
        if _is_run(path):
            name = path.relative_to(folder).as_posix() if path != folder else path.resolve().name
            found = _open(RunFolder(path), name)
            (usable if isinstance(found, Run) else refused).append(found)  # pyright: ignore
    if not usable and not refused:
        raise InputError(f"{folder}: holds no run of decoder_pretrain.train; start one with --out {folder / 'NAME'}")
    return Runs(tuple(usable), tuple(refused))


def _is_run(path: Path) -> bool:
    run = RunFolder(path)
    return any(file.exists() for file in (run.config_file, run.checkpoint_file, run.metrics_file, run.decoder_file))


def _open(folder: RunFolder, name: str) -> Run | Refusal:
    if not folder.config_file.exists():
        return Refusal(folder.path, "has no config.json, which says what was trained; restore the file or train it again")
    try:
        run = Run(folder, folder.config(), name)
        virtual_subject(run.config.data)
        if not folder.decoder_file.exists():
            return _unfinished(run)
        run.encoder()
        run.forget()
    except (InputError, ValueError) as error:
        return Refusal(folder.path, " ".join(str(error).split()).removeprefix(f"{folder.path}/"))
    return run


def _unfinished(run: Run) -> Refusal:
    lines = run.folder.metrics()
    done = f"{lines[-1]['epoch']:.1f}" if lines else "0"
    path = run.folder.path
    tuned = {"texture", "fine-tuning"} & set(run.variant.added)
    command = f"finetune_texture --run {path.parent} --out {path}" if tuned else f"train --out {path}"
    cure = f"go on with: python -m decoder_pretrain.{command} --resume"
    return Refusal(run.folder.path, f"{run.variant.words}: {done} of {run.config.schedule.epochs} epochs are logged; {cure}", True)
