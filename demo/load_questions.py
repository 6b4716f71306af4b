"""What the visitors of a load test ask, and how an answer is told from every other visitor's."""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

_SAMPLE = Path(__file__).parent.parent / "estimator" / "assets" / "sample.jpg"
_SIZES = ((640, 480), (480, 360))
_BENDS = range(0, 91, 15)
_CLOSE = 0.05
"""The table of hands is rounded to hundredths; two of our photographs differ by far more."""


@dataclass(frozen=True)
class Answer:
    """What is compared: alike for one question whoever asks it, unlike that of every other question.

    Attributes:
        exact: names, sides, checksums.
        close: numbers of the tables.
    """

    exact: tuple[str, ...]
    close: tuple[float, ...] = ()

    def fault(self, expected: "Answer") -> str:
        """What is wrong where ``expected`` is right; empty where nothing is."""
        if self.exact != expected.exact:
            return f"{self.exact} came instead of {expected.exact}"
        if len(self.close) != len(expected.close) or not np.allclose(self.close, expected.close, rtol=0, atol=_CLOSE):
            return f"{self.close} came instead of {expected.close}"
        return ""


class Question(Protocol):
    """Something to ask a demo."""

    @property
    def endpoint(self) -> str:
        """Where it is asked."""
        ...

    def ask(self, client: Client) -> Answer:
        """What the demo says to it.

        Raises:
            AppError: when it refuses.
            httpx.HTTPError: when it does not answer.
        """
        ...


@dataclass(frozen=True)
class PhotographQuestion:
    """The hands of a photograph."""

    path: Path
    endpoint: str = "/image"

    def ask(self, client: Client) -> Answer:
        """Sides and numbers of the hands, and of whose photograph the files were made."""
        _, overlay, _, hands, _, archive = client.predict(handle_file(self.path), api_name=self.endpoint)
        with zipfile.ZipFile(archive) as content:
            image = json.loads(content.read("result.json"))["image"]
        with Image.open(overlay) as picture:
            size = f"{picture.width}x{picture.height}"
        rows = hands["data"]
        numbers = tuple(float(value) for row in rows for value in row[2:])
        return Answer((Path(archive).name, image["path"], image["sha256"], size, *(str(row[1]) for row in rows)), numbers)


@dataclass(frozen=True)
class PoseQuestion:
    """The hand with its index finger bent by so many degrees at two joints."""

    bend_deg: float
    endpoint: str = "/pose"

    def ask(self, client: Client) -> Answer:
        """A checksum of the surface."""
        scene, _, _ = client.predict(index1_z=self.bend_deg, index2_z=self.bend_deg, api_name=self.endpoint)
        return Answer(tuple(hashlib.sha256(mesh["points"].encode()).hexdigest() for mesh in scene["meshes"]))


def questions(folder: Path) -> dict[str, Sequence[Question]]:
    """By endpoint: four photographs, written to ``folder``, of a right and a left hand at two sizes; and seven poses."""
    photographs = [_photograph(folder, side, size) for side in ("right", "left") for size in _SIZES]
    return {"/image": photographs, "/pose": [PoseQuestion(float(bend)) for bend in _BENDS]}


def _photograph(folder: Path, side: str, size: tuple[int, int]) -> PhotographQuestion:
    with Image.open(_SAMPLE) as sample:
        pixels = np.asarray(sample.convert("RGB").resize(size))
    path = folder / f"{side}_{size[0]}.jpg"
    Image.fromarray(pixels if side == "right" else pixels[:, ::-1]).save(path, quality=95)
    return PhotographQuestion(path)
