"""python -m estimator.evaluate_strip: moments of a simulated clip, as the camera saw them and with the hand drawn over them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import roma
import torch
from jaxtyping import Float, UInt8

from estimator.clip_source import ClipFrame, ClipInfo
from estimator.command import DONE, CommandOptions, run_in_checkout
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file
from estimator.hand.poses import NAMED_POSES

if TYPE_CHECKING:
    from estimator.clip import FrameResult
    from estimator.evaluation_sitters import Sitter

RATE, SECONDS_A_POSE = 20, 0.6
POSES = ("flat", "spread", "relaxed", "point", "three", "ok")
"""What the hand passes through; each moment of the strip is near one of them."""

TURN_RAD = (0.12, 0.45, 0.15)
"""How far the hand turns about the camera's axes."""

DISTANCE_MM = 380.0
GAP_PX, QUALITY = 6, 88


@dataclass(frozen=True)
class StripOptions(CommandOptions):
    """Film a simulated person's hand (virtual RHD), follow it as estimator.video does, and lay some moments side by side.

    Attributes:
        out: JPEG file to write.
        moments: how many.
        seed: of the person, the light and the background.
    """

    out: Path
    moments: int = 5
    seed: int = 22


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_in_checkout(_load, "estimator.evaluate_strip", argv)


def _load() -> tuple[type[StripOptions], Callable[[StripOptions], int]]:
    from estimator import evaluation_sitters  # noqa: F401 (to say at once when it cannot be imported)

    return StripOptions, _run


def _run(options: StripOptions) -> int:
    from datasets.sample_image import ASSETS
    from datasets.virtual_rhd.stream import VirtualRhd, VirtualRhdOptions
    from estimator.clip import ClipOptions, process_clip
    from estimator.evaluation_sitters import FOV_DEG, RandomSitter
    from estimator.lens import Lens
    from estimator.pipeline import HandEstimator

    if not 1 <= options.moments < len(POSES):
        raise InputError(f"--moments {options.moments}: expected 1 to {len(POSES) - 1}")
    require_writable_file(options.out)
    album = VirtualRhd(options.seed, VirtualRhdOptions(backgrounds=ASSETS))
    film = PersonFilm(RandomSitter(0, album, np.random.default_rng(options.seed)), options.seed)
    strip = _Strip(film.moments(options.moments))
    with HandEstimator() as estimator:
        process_clip(film, estimator, ClipOptions(lens=Lens(fov_deg=FOV_DEG)), [strip])
    content = cv2.imencode(".jpg", strip.picture()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    write_file(options.out, content)
    print(f"{len(strip.columns)} moments of a simulated clip, {len(content) // 1000} KB -> {options.out}")
    return DONE


class PersonFilm:
    """A clip source: a simulated person's right hand passes through ``POSES``, in one light, before one background."""

    def __init__(self, sitter: "Sitter", seed: int) -> None:
        from estimator.evaluation_sitters import SIDE_PX

        self._sitter, self._seed = sitter, seed
        count = round(RATE * SECONDS_A_POSE * (len(POSES) - 1)) + 1
        self.info = ClipInfo("simulated", None, SIDE_PX, SIDE_PX, Fraction(1, RATE), Fraction(RATE), count, origin_s=0.0)

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def moments(self, count: int) -> list[int]:
        """Frames that show the poses after the first."""
        steps = np.linspace(1, len(POSES) - 1, count)
        return [round(RATE * SECONDS_A_POSE * step) for step in steps.tolist()]

    def frames(self) -> Iterator[ClipFrame]:
        """The frames in order."""
        from estimator.evaluation_sitters import PALM

        assert self.info.frame_count is not None
        for index in range(self.info.frame_count):
            passed = index / (RATE * SECONDS_A_POSE)
            turn = np.array(TURN_RAD) * np.sin(2 * np.pi * passed / (len(POSES) - 1) + np.array([0.0, 0.4, 1.5]))
            R = roma.rotvec_to_rotmat(torch.tensor(turn)).numpy() @ PALM
            shot = self._sitter.show(pose_at(passed), R, DISTANCE_MM, np.random.default_rng(self._seed))
            yield ClipFrame(index, index, index / RATE, shot.image)

    def close(self) -> None:
        """Nothing is held."""


def pose_at(passed: float) -> Float[np.ndarray, " pose"]:
    """The pose when so many of ``POSES`` have been passed; the hand rests a moment in each."""
    poses = np.array([NAMED_POSES[name] for name in POSES])
    step = min(int(passed), len(poses) - 2)
    share = float(np.clip(1.4 * (passed - step) - 0.2, 0.0, 1.0))
    share = share * share * (3 - 2 * share)
    return (1 - share) * poses[step] + share * poses[step + 1]


class _Strip:
    """Keeps the wanted frames, and draws the hands over them."""

    def __init__(self, wanted: Sequence[int]) -> None:
        from estimator.clip_overlay import ClipOverlay

        self._wanted, self._overlay = set(wanted), ClipOverlay()
        self.columns: list[UInt8[np.ndarray, "height width 3"]] = []

    def write(self, result: "FrameResult") -> None:
        """Draw a frame, if it is wanted."""
        if result.frame.index in self._wanted:
            drawn = self._overlay(result.frame.pixels, [hand.identity for hand in result.hands], result.placed)
            self.columns.append(np.vstack([result.frame.pixels, np.full((GAP_PX, drawn.shape[1], 3), 255, np.uint8), drawn]))

    def picture(self) -> UInt8[np.ndarray, "height width 3"]:
        """The columns side by side."""
        gap = np.full((len(self.columns[0]), GAP_PX, 3), 255, np.uint8)
        return np.hstack([part for column in self.columns for part in (column, gap)][:-1])


if __name__ == "__main__":
    sys.exit(main())
