"""Theta near a wanted one in which fingers touch as they should and do not run through one another: damped least squares."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from datasets.virtual_studio.touch import YIELD_MM, SpotPlace, Touch, place_spot
from datasets.virtual_studio.touch_capsules import Capsules, PosedBones, pose_bones
from datasets.virtual_studio.types import SubjectSkeleton
from estimator.hand.template import POSE_NAMES, POSE_SIZE

_STILL, _STUCK = 1e-3, 1e2
"""A step of fewer radians has arrived; so has a moment that only more damping would improve."""

Theta = Float[np.ndarray, "moments pose"]


@dataclass(frozen=True)
class Stiffness:
    """What one unit of cost is worth; smaller is stiffer.

    Attributes:
        bend_deg: of leaving the wanted pose, where joints bend and the thumb moves.
        tip_deg: the same, at the thumb's last joint, which would bend backwards for the least gain.
        aside_deg: the same, where fingers move aside.
        twist_deg: the same, where they twist.
        coupling_deg: of a last joint not following its middle one.
        gap_mm: of the distance between touching bones.
        pad_mm: of touching spots lying beside one another.
        depth_mm: of flesh overlapping more than allowed.
        allowed_mm: how deep flesh may overlap.
    """

    bend_deg: float = 8.0
    tip_deg: float = 5.0
    aside_deg: float = 4.0
    twist_deg: float = 2.0
    coupling_deg: float = 5.0
    gap_mm: float = 0.1
    pad_mm: float = 2.0
    depth_mm: float = 0.2
    allowed_mm: float = 1.0


@dataclass(frozen=True)
class Normal:
    """The least-squares problem around a theta of each moment.

    Attributes:
        cost: half the sum of squares.
        gradient: its slope.
        curvature: Gauss and Newton's.
    """

    cost: Float[np.ndarray, " moments"]
    gradient: Theta
    curvature: Float[np.ndarray, "moments pose pose"]

    def add(self, moment: Int[np.ndarray, " rows"], jacobian: Float[np.ndarray, "rows pose"], residual: Float[np.ndarray, " rows"]) -> None:
        """Any number of residuals a moment, of moments in rising order."""
        if len(moment):
            starts = np.flatnonzero(np.diff(moment, prepend=-1))
            which = moment[starts]
            self.cost[which] += np.add.reduceat(residual**2, starts) / 2
            self.gradient[which] += np.add.reduceat(jacobian * residual[:, None], starts)
            self.curvature[which] += np.add.reduceat(jacobian[:, :, None] * jacobian[:, None, :], starts)

    def add_each(
        self, moment: Int[np.ndarray, " some"], jacobian: Float[np.ndarray, "some rows pose"], residual: Float[np.ndarray, "some rows"]
    ) -> None:
        """The same residuals for each of some moments."""
        self.cost[moment] += (residual**2).sum(axis=1) / 2
        self.gradient[moment] += (residual[:, None] @ jacobian)[:, 0]
        self.curvature[moment] += jacobian.transpose(0, 2, 1) @ jacobian

    def at(self, moments: Bool[np.ndarray, " all"]) -> "Normal":
        """Some of the moments."""
        return Normal(self.cost[moments], self.gradient[moments], self.curvature[moments])

    def where(self, better: Bool[np.ndarray, " moments"], other: "Normal") -> "Normal":
        """The other one's problem where it is better."""
        return Normal(
            np.where(better, other.cost, self.cost),
            np.where(better[:, None], other.gradient, self.gradient),
            np.where(better[:, None, None], other.curvature, self.curvature),
        )


@dataclass(frozen=True)
class Wish:
    """What is asked of each moment.

    Attributes:
        theta: to stay near.
        held: how far each touch is closed.
        gap_mm: between the bones of touching spots in that theta.
        off_mm: from the second spot's skin to the first's in that theta.
    """

    theta: Theta
    held: Float[np.ndarray, "moments touches"]
    gap_mm: Float[np.ndarray, "moments touches"]
    off_mm: Float[np.ndarray, "moments touches 3"]

    def at(self, moments: Bool[np.ndarray, " all"]) -> "Wish":
        """What is asked of some of the moments."""
        return Wish(self.theta[moments], self.held[moments], self.gap_mm[moments], self.off_mm[moments])


class TouchSolver:
    """Solves many moments of a motion at once, each for itself, by Levenberg and Marquardt's method within limits."""

    def __init__(
        self,
        skeleton: SubjectSkeleton,
        lower: Float[np.ndarray, " pose"],
        upper: Float[np.ndarray, " pose"],
        stiffness: Stiffness = Stiffness(),
        rounds: int = 40,
    ) -> None:
        self.skeleton, self.lower, self.upper, self.stiffness, self.rounds = skeleton, lower, upper, stiffness, rounds
        self.capsules = Capsules.of(skeleton)
        self.stay = _stay(stiffness)

    def solve(self, wanted: Theta, touches: tuple[Touch, ...], held: Float[np.ndarray, "moments touches"]) -> Theta:
        """Theta nearest to the wanted one; ``held`` says how far each touch is closed: at 0 it asks nothing, at 1 the spots meet."""
        theta = np.clip(wanted, self.lower, self.upper)
        wish = self._wish(theta, touches, held)
        solved, moments = theta.copy(), np.arange(len(theta))
        damping, normal = np.full(len(theta), 1e-2), self._normal(theta, wish, touches)
        for _ in range(self.rounds):
            tried = np.clip(theta + self._step(theta, normal, damping), self.lower, self.upper)
            normal_tried = self._normal(tried, wish, touches)
            better = normal_tried.cost < normal.cost
            moved = np.where(better[:, None], np.abs(tried - theta), 0).max(axis=1)
            theta, normal = np.where(better[:, None], tried, theta), normal.where(better, normal_tried)
            damping = np.where(better, 0.3 * damping, 5 * damping)
            solved[moments] = theta
            going = np.where(better, moved > _STILL, damping < _STUCK)
            moments, theta, damping, normal, wish = moments[going], theta[going], damping[going], normal.at(going), wish.at(going)
            if not len(moments):
                break
        return solved

    def _wish(self, theta: Theta, touches: tuple[Touch, ...], held: Float[np.ndarray, "moments touches"]) -> Wish:
        places = self._places(touches, pose_bones(self.skeleton, theta))
        gap, off = np.zeros((len(theta), len(touches))), np.zeros((len(theta), len(touches), 3))
        for i, (first, second) in enumerate(places):
            gap[:, i], off[:, i] = np.linalg.norm(first.centre - second.centre, axis=-1), first.skin - second.skin
        return Wish(theta, held, gap, off)

    def _places(self, touches: tuple[Touch, ...], bones: PosedBones) -> list[tuple[SpotPlace, SpotPlace]]:
        return [(place_spot(touch.first, self.capsules, bones), place_spot(touch.second, self.capsules, bones)) for touch in touches]

    def _normal(self, theta: Theta, wish: Wish, touches: tuple[Touch, ...]) -> Normal:
        bones = pose_bones(self.skeleton, theta)
        away = theta - wish.theta
        normal = Normal(((away @ self.stay) * away).sum(axis=1) / 2, away @ self.stay, np.tile(self.stay, (len(theta), 1, 1)))
        self._add_overlaps(normal, bones)
        for i, (first, second) in enumerate(self._places(touches, bones)):
            self._add_touch(normal, bones, first, second, wish, i)
        return normal

    def _add_overlaps(self, normal: Normal, bones: PosedBones) -> None:
        overlaps = self.capsules.overlaps(bones)
        excess = overlaps.depth - self.stiffness.allowed_mm
        moment, pair = np.nonzero(excess > 0)
        points = [points[moment, pair] for points in (overlaps.on_first, overlaps.on_second)]
        joints = self.capsules.pair_joints[pair]
        between = _velocity_between(bones, moment, joints[:, 0], joints[:, 1], *points)
        jacobian = -_along(_unit(points[0] - points[1]), between) / self.stiffness.depth_mm
        normal.add(moment, jacobian, excess[moment, pair] / self.stiffness.depth_mm)

    def _add_touch(self, normal: Normal, bones: PosedBones, first: SpotPlace, second: SpotPlace, wish: Wish, touch: int) -> None:
        """The bones as far apart as flesh is thick, softly also skin on skin: a share of the way from where they were wanted."""
        moment = np.flatnonzero(wish.held[:, touch] > 1e-3)
        share = wish.held[moment, touch]
        joints = [np.full(len(moment), place.joint) for place in (first, second)]
        apart = (first.centre - second.centre)[moment]
        target = share * (first.radius + second.radius - YIELD_MM) + (1 - share) * wish.gap_mm[moment, touch]
        between = _velocity_between(bones, moment, *joints, first.centre[moment], second.centre[moment])
        stiffness = share / self.stiffness.gap_mm
        jacobian = _along(_unit(apart), between) * stiffness[:, None]
        normal.add_each(moment, jacobian[:, None], (stiffness * (np.linalg.norm(apart, axis=-1) - target))[:, None])
        between = _velocity_between(bones, moment, *joints, first.skin[moment], second.skin[moment])
        off = (first.skin - second.skin)[moment] - (1 - share)[:, None] * wish.off_mm[moment, touch]
        stiffness = share[:, None] / self.stiffness.pad_mm
        normal.add_each(moment, stiffness[..., None] * between.transpose(0, 2, 1), stiffness * off)

    def _step(self, theta: Theta, normal: Normal, damping: Float[np.ndarray, " moments"], longest: float = 0.25) -> Theta:
        """A damped step of the degrees of freedom that no limit holds."""
        stopped = ((theta <= self.lower) & (normal.gradient > 0)) | ((theta >= self.upper) & (normal.gradient < 0))
        free = (~stopped).astype(np.float64)
        diagonal = damping[:, None] * np.einsum("mpp->mp", normal.curvature) + (1 - free)
        curvature = normal.curvature * free[:, :, None] * free[:, None, :] + diagonal[:, :, None] * np.eye(POSE_SIZE)
        step = -np.linalg.solve(curvature, (normal.gradient * free)[..., None])[..., 0]
        return step * np.minimum(1, longest / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-12))


def _stay(stiffness: Stiffness) -> Float[np.ndarray, "pose pose"]:
    """Curvature of the cost of leaving the wanted pose."""
    worth = np.full(POSE_SIZE, stiffness.bend_deg)
    for i, name in enumerate(POSE_NAMES):
        if not name.startswith("thumb"):
            worth[i] = {"x": stiffness.twist_deg, "y": stiffness.aside_deg, "z": stiffness.bend_deg}[name[-1]]
    worth[POSE_NAMES.index("thumb3.z")] = stiffness.tip_deg
    curvature = np.diag(1 / np.radians(worth) ** 2)
    for finger in ("index", "middle", "ring", "pinky"):
        row = np.zeros(POSE_SIZE)
        row[POSE_NAMES.index(f"{finger}3.z")] = 1
        row[POSE_NAMES.index(f"{finger}2.z")] = -0.6
        curvature += np.outer(row, row) / np.radians(stiffness.coupling_deg) ** 2
    return curvature


def _velocity_between(
    bones: PosedBones, moment: np.ndarray, first: np.ndarray, second: np.ndarray, on_first: np.ndarray, on_second: np.ndarray
) -> Float[np.ndarray, "rows pose 3"]:
    """How the vector from a point of the second joint to one of the first changes with theta."""
    return bones.velocities(moment, first, on_first) - bones.velocities(moment, second, on_second)


def _along(unit: Float[np.ndarray, "rows 3"], velocity: Float[np.ndarray, "rows pose 3"]) -> Float[np.ndarray, "rows pose"]:
    return np.einsum("ri,rpi->rp", unit, velocity)


def _unit(vectors: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, "rows 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
