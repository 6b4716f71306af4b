"""What a hand did at a moment, from what was seen of it before and after: local lines through noisy states, on their manifold.

Each coordinate follows its own weighted line through the neighbouring frames. The weights are Gaussian in time and as wide as the motion
allows: a still hand is averaged over half a second, a fast one hardly at all (the idea of the One Euro filter, Casiez et al. 2012).
Since later frames count as much as earlier ones, nothing lags behind. Angles are taken as they are, rotations in the tangent space at
the frame's own, the place as direction and logarithmic distance of the palm's middle: what the image knows well apart from what it
knows badly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import roma
import torch
from jaxtyping import Float

from estimator.refinement import HandState
from estimator.refinement_kernel import rotation_of

PIVOT_MM = np.array([70.0, 0.0, 0.0])
"""The palm's middle in the hand frame: what a hand turns about without moving."""

GAUSSIAN_CUTOFF = math.sqrt(math.log(2)) / (2 * math.pi)
"""A Gaussian of this deviation in seconds, over a frequency in Hz, halves the power there."""


@dataclass(frozen=True)
class Steadiness:
    """How one kind of coordinate is steadied.

    Attributes:
        still_hz: motion slower than this is kept when the hand is still; the smaller, the steadier.
        hz_per_speed: how much this rises with speed (coordinates a second); the larger, the livelier.
        unfelt_speed: speed that noise alone suggests.
    """

    still_hz: float
    hz_per_speed: float
    unfelt_speed: float

    def deviation_s(self, speed: Float[np.ndarray, "*shape"] | float) -> Float[np.ndarray, "*shape"] | float:
        """Width in time of the weights at a speed."""
        return GAUSSIAN_CUTOFF / (self.still_hz + self.hz_per_speed * np.maximum(speed - self.unfelt_speed, 0.0))


@dataclass(frozen=True)
class Smoothing:
    """The steadiness of joint angles (radians), rotation (radians), direction (radians) and distance (logarithm).

    Attributes:
        pose: of each joint angle by its own speed.
        rotation: of the hand's rotation.
        direction: of the palm's middle in the image.
        distance: of the palm's middle from the camera.
        velocity_s: deviation of the weights with which the speed at a moment is measured.
        speed_s: deviation of the weights with which speeds around a moment count.
        line_share: how freely a line may slope where one side is missing: 0 means freely.
    """

    pose: Steadiness = Steadiness(1.0, 2.0, 0.4)
    rotation: Steadiness = Steadiness(1.0, 3.0, 0.3)
    direction: Steadiness = Steadiness(1.0, 60.0, 0.01)
    distance: Steadiness = Steadiness(0.5, 12.0, 0.1)
    velocity_s: float = 0.05
    speed_s: float = 0.1
    line_share: float = 0.3


def smoothed(seconds: Sequence[float], states: Sequence[HandState], at: int, smoothing: Smoothing) -> HandState:
    """The state at ``seconds[at]`` by all of ``states``, which belong to increasing times around it; its own proportions."""
    own = states[at]
    after = np.array(seconds) - seconds[at]
    x = _coordinates(states, own.rotation)
    deviation_s = _deviations_s(_speeds(after, x, smoothing), smoothing)
    return _state(_values(after, x, deviation_s, smoothing.line_share), own)


def _values(
    after: Float[np.ndarray, " frames"], x: Float[np.ndarray, "frames kinds"], deviation_s: Float[np.ndarray, " kinds"], share: float
) -> Float[np.ndarray, " kinds"]:
    """Value at 0 of each coordinate's weighted line."""
    weights = np.exp(-0.5 * (after[:, None] / deviation_s) ** 2)
    weights /= weights.sum(axis=0)
    middle, mean = after @ weights, (weights * x).sum(axis=0)
    spread = (weights * (after[:, None] - middle) ** 2).sum(axis=0) + share * deviation_s**2
    slope = (weights * (after[:, None] - middle) * (x - mean)).sum(axis=0) / np.maximum(spread, 1e-12)
    return mean - middle * slope


def _speeds(after: Float[np.ndarray, " frames"], x: Float[np.ndarray, "frames kinds"], smoothing: Smoothing) -> Float[np.ndarray, " kinds"]:
    """How fast each coordinate changes around 0: the root mean square of its lines' slopes, which a turning point does not hide."""
    away = after - after[:, None]
    weights = np.exp(-0.5 * (away / smoothing.velocity_s) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    away -= (weights * away).sum(axis=1, keepdims=True)
    spread = (weights * away**2).sum(axis=1, keepdims=True)
    slopes = (weights * away) @ x / np.maximum(spread, 1e-12)
    around = np.exp(-0.5 * (after / smoothing.speed_s) ** 2)
    return np.sqrt(around @ slopes**2 / around.sum())


def _deviations_s(speeds: Float[np.ndarray, " kinds"], smoothing: Smoothing) -> Float[np.ndarray, " kinds"]:
    theta, rotation, direction, distance = np.split(speeds, [-6, -3, -1])
    return np.concatenate(
        [
            smoothing.pose.deviation_s(theta),
            np.full(3, smoothing.rotation.deviation_s(np.linalg.norm(rotation))),
            np.full(2, smoothing.direction.deviation_s(np.linalg.norm(direction))),
            smoothing.distance.deviation_s(distance),
        ]
    )


def _coordinates(states: Sequence[HandState], reference: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "frames kinds"]:
    """Angles, rotation vector from ``reference``, direction and logarithmic distance of every state."""
    rotations = np.stack([state.rotation for state in states])
    turns = roma.rotmat_to_rotvec(torch.from_numpy(reference.T @ rotations)).numpy()
    middle = np.stack([state.translation for state in states]) + rotations @ PIVOT_MM
    depth = np.maximum(middle[:, 2:], 1.0)
    return np.hstack([np.stack([state.theta for state in states]), turns, middle[:, :2] / depth, np.log(depth)])


def _state(x: Float[np.ndarray, " kinds"], own: HandState) -> HandState:
    theta, turn, direction, distance = np.split(x, [-6, -3, -1])
    rotation = own.rotation @ rotation_of(turn)
    middle = np.append(direction, 1.0) * np.exp(distance)
    return HandState(theta, rotation, middle - rotation @ PIVOT_MM, own.proportions)


def between(before: HandState, after: HandState, share: float) -> HandState:
    """The state on the shortest way from one to another: 0 is ``before``, 1 is ``after``; the proportions of ``before``."""
    x = _coordinates([before, after], before.rotation)
    return _state((1 - share) * x[0] + share * x[1], before)
