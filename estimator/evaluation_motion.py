"""Simulated clips with known truth: our own hands, moved by formulas, drawn over a picture with the noise of a camera."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float, UInt8

from estimator.clip_source import ClipFrame, ClipInfo
from estimator.detector import Detection
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import POSE_NAMES, Side
from estimator.pipeline import HandEstimator
from estimator.placed_hand import PlacedHand
from estimator.refinement import PROPORTIONS, HandState
from estimator.refinement_kernel import rotation_of
from estimator.render import render_overlay

FACING = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Takes the hand frame to a camera that sees the palm, fingers up."""

DISTANCE_MM = 480.0


@dataclass(frozen=True)
class MovedHand:
    """A hand at a moment: its state as a right hand's (that of a left one before the mirrored camera)."""

    side: Side
    state: HandState


Motion = Callable[[float], list[MovedHand]]
"""The hands at a time in seconds."""


def still(seconds: float) -> list[MovedHand]:
    """A relaxed hand that drifts by two millimetres a second, so that it falls on other pixels."""
    drift = np.array([2.0 * seconds, 1.0 * seconds, 2.0 * seconds])
    return [MovedHand("right", _state("relaxed", np.array([0.2, -0.3, 0.1]), drift))]


def wave(seconds: float) -> list[MovedHand]:
    """A hand that waves twice a second, by 25 degrees and 60 millimetres either way."""
    swing = np.sin(2 * np.pi * 2.0 * seconds)
    return [MovedHand("right", _state("flat", np.array([0.1, -0.2, 0.44 * swing]), np.array([60.0 * swing, 0.0, 0.0])))]


def fingers(seconds: float) -> list[MovedHand]:
    """A hand whose long fingers bend and stretch one and a half times a second."""
    bent = 0.5 - 0.5 * np.cos(2 * np.pi * 1.5 * seconds)
    theta = np.array(NAMED_POSES["relaxed"])
    for index, name in enumerate(POSE_NAMES):
        if name.endswith(".z") and not name.startswith("thumb"):
            theta[index] = 0.1 + 0.9 * bent
    return [MovedHand("right", _with_pose(theta, np.array([0.1, -0.3, 0.0]), np.zeros(3)))]


def crossing(seconds: float) -> list[MovedHand]:
    """A left and a right hand that pass before each other and come back, in four seconds."""
    away = 120.0 * np.cos(2 * np.pi * seconds / 4.0)
    right = _state("flat", np.array([0.0, 0.3, 0.0]), np.array([away, 0.0, 120.0]))
    left = _state("relaxed", np.array([0.0, 0.3, 0.0]), np.array([away, 20.0, 0.0]))
    return [MovedHand("right", right), MovedHand("left", left)]


def four(seconds: float) -> list[MovedHand]:
    """Two people's hands side by side, each of which nods to its own time."""
    places = {-255.0: "left", -85.0: "right", 85.0: "left", 255.0: "right"}
    nods = [0.2 * np.sin(2 * np.pi * 0.5 * seconds + place) for place in range(len(places))]
    return [
        MovedHand(side, _state("flat", np.array([nod, 0.0, 0.0]), np.array([-x if side == "left" else x, 0.0, 320.0])))
        for nod, (x, side) in zip(nods, places.items(), strict=True)
    ]


MOTIONS: dict[str, Motion] = {"still": still, "wave": wave, "fingers": fingers, "crossing": crossing, "four": four}


@dataclass(frozen=True)
class Studio:
    """How a simulated clip is made.

    Attributes:
        seconds: length.
        rate: frames a second.
        width: pixels.
        height: pixels.
        noise: deviation of each pixel's noise, of 255 levels.
        seed: of the noise.
    """

    seconds: float = 2.0
    rate: int = 30
    width: int = 640
    height: int = 480
    noise: float = 3.0
    seed: int = 1


class SimulatedClip:
    """A clip source: the frames of a motion, drawn as they are asked for."""

    def __init__(
        self, name: str, motion: Motion, backdrop: UInt8[np.ndarray, "height width 3"], studio: Studio, artist: HandEstimator
    ) -> None:
        self._motion, self._backdrop, self._studio, self._artist = motion, backdrop, studio, artist
        count = round(studio.seconds * studio.rate)
        self.info = ClipInfo(name, None, studio.width, studio.height, Fraction(1, studio.rate), Fraction(studio.rate), count, origin_s=0.0)
        self.camera = Camera.from_fov(DEFAULT_FOV_DEG, studio.width, studio.height)

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def truth(self, index: int) -> list[PlacedHand]:
        """The hands of a frame as they are."""
        return [_placed(hand, self.camera, self._artist) for hand in self._motion(index / self._studio.rate)]

    def frames(self) -> Iterator[ClipFrame]:
        """The frames in order."""
        random = np.random.default_rng(self._studio.seed)
        assert self.info.frame_count is not None
        for index in range(self.info.frame_count):
            picture = self._drawn(index / self._studio.rate).astype(np.float32)
            picture += self._studio.noise * random.standard_normal(picture.shape, dtype=np.float32)
            yield ClipFrame(index, index, index / self._studio.rate, np.clip(picture + 0.5, 0, 255).astype(np.uint8))

    def close(self) -> None:
        """Nothing is held."""

    def _drawn(self, seconds: float) -> UInt8[np.ndarray, "height width 3"]:
        """Farther hands first; a left hand is a right one in the mirrored picture, so that both have a right hand's colour."""
        picture = self._backdrop
        for hand in sorted(self._motion(seconds), key=lambda hand: -hand.state.translation[2]):
            turn = -1 if hand.side == "left" else 1
            placed = _placed(MovedHand("right", hand.state), self.camera, self._artist)
            drawn = render_overlay(np.ascontiguousarray(picture[:, ::turn]), [placed])
            picture = np.ascontiguousarray(drawn[:, ::turn])
        return picture


def _state(pose: str, turn: Float[np.ndarray, "3"], moved: Float[np.ndarray, "3"]) -> HandState:
    return _with_pose(np.array(NAMED_POSES[pose]), turn, moved)


def _with_pose(theta: Float[np.ndarray, " pose"], turn: Float[np.ndarray, "3"], moved: Float[np.ndarray, "3"]) -> HandState:
    wrist = np.array([0.0, 80.0, DISTANCE_MM]) + moved
    return HandState(theta, rotation_of(turn) @ FACING, wrist, np.ones(len(PROPORTIONS)))


def _placed(hand: MovedHand, camera: Camera, artist: HandEstimator) -> PlacedHand:
    return artist.mesh(Detection(hand.side, 1.0, np.zeros((21, 2)), np.zeros((21, 3))), camera, hand.state)
