"""Bone lengths of one person from many pictures: one skeleton, a pose in each picture, damped Gauss-Newton over all of them at once.

Each picture has unknowns of its own (rotation, translation, theta); the factors of all bones are shared. The pictures' unknowns are
eliminated one picture at a time (Schur complement), so that the cost grows with the number of pictures and not faster. The prior on
bones is that of people: a hand's size, the length of its palm and of each finger, and each bone vary around the template's. Absolute
size cannot be seen: a larger hand farther away makes the same picture. So the answer is in proportion to the hand's length.
What the detector makes of people's bones is undone at the end (``DetectorResponse``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from estimator.detector_response import DetectorResponse
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, WRIST
from estimator.placement import Sight
from estimator.profile import BONE_NAMES
from estimator.refinement import HandState, RefinementSettings, Skeleton, kernel_bones, kernel_evidence, kernel_state, refine
from estimator.refinement_kernel import SMALLEST_PROPORTION, Bones, Evidence, State, cost, landmark_moves, moved, normal_equations, posed

_BONES = [JOINT_NAMES.index(name) for name in BONE_NAMES]
_FREE = 1e6
"""Deviation of what the kernel shall leave to the prior here."""


@dataclass(frozen=True)
class CalibrationSettings:
    """How far each piece of evidence is trusted.

    Attributes:
        evidence: of one picture; nearly the refinement's, but what is known of average hands is trusted less.
        size_sigma: standard deviation of people's hand size, as a share.
        part_sigma: of palm and fingers around the hand's size.
        bone_sigma: of each bone around its palm or finger.
        iterations: Gauss-Newton steps.
        worst_cost: pictures that cost this many robust deviations more than the median one are left out.
        known_share: a bone is known when the pictures have brought its deviation below this share of people's.
    """

    evidence: RefinementSettings = RefinementSettings(space_sigma_mm=16.0, pose_sigma=0.35)
    size_sigma: float = 0.10
    part_sigma: float = 0.05
    bone_sigma: float = 0.03
    iterations: int = 15
    worst_cost: float = 4.0
    known_share: float = 0.7


@dataclass(frozen=True)
class BoneEstimate:
    """What pictures say of one person's bones.

    Attributes:
        factors: on the skeleton's bones, for the bone that ends in each joint; those of the wrist and of the hand's length are one.
        spread: standard deviation of each factor: pictures chosen anew, and people where the pictures say little.
        known: bones of which the pictures say more than the average hand does.
        used: pictures that were used.
    """

    factors: Float[np.ndarray, " joints"]
    spread: Float[np.ndarray, " joints"]
    known: Bool[np.ndarray, " joints"]
    used: Bool[np.ndarray, " pictures"]


def estimate_bones(
    skeleton: Skeleton, sights: Sequence[Sight], response: DetectorResponse, settings: CalibrationSettings = CalibrationSettings()
) -> BoneEstimate:
    """The bones that explain all pictures best; pictures that do not fit the others are left out.

    Raises:
        ValueError: when there is no picture.
    """
    if not sights:
        raise ValueError("bone lengths need at least one picture of the hand")
    solver = _Solver(skeleton, sights, settings)
    everything = np.ones(len(sights), dtype=bool)
    solution = solver.solve(everything)
    used = _fitting(solution.costs, settings.worst_cost)
    if not used.all():
        solution = solver.solve(used)
    return _undone(_in_proportion(skeleton, solution, solver.precision, used, settings), skeleton, response)


@dataclass(frozen=True)
class _Solution:
    """Where the iteration ended: factors, the cost of each picture, and what each says about the factors with its pose free."""

    factors: Float[np.ndarray, " joints"]
    costs: Float[np.ndarray, " pictures"]
    curvatures: Float[np.ndarray, "used joints joints"]
    gradients: Float[np.ndarray, "used joints"]


class _Solver:
    """The pictures in the kernel's form, and their states as they improve."""

    def __init__(self, skeleton: Skeleton, sights: Sequence[Sight], settings: CalibrationSettings) -> None:
        single = replace(skeleton, groups=np.arange(JOINT_COUNT))
        self._bones: Bones = kernel_bones(single)
        self._settings = settings
        free = replace(settings.evidence, proportion_sigma=_FREE)
        self._evidence: list[Evidence] = []
        self._starts: list[State] = []
        self._states: list[State] = []
        for sight in sights:
            begin = refine(
                skeleton, sight.start, sight.landmarks_px, sight.relative_mm, sight.camera, replace(settings.evidence, proportion_sigma=0.0)
            )
            self._evidence.append(kernel_evidence(skeleton, begin, sight.landmarks_px, sight.relative_mm, sight.camera, free))
            self._starts.append(_with_factors(sight.start))
            self._states.append(_with_factors(begin))
        self.precision = np.linalg.inv(people_covariance(settings))

    def solve(self, used: Bool[np.ndarray, " pictures"]) -> _Solution:
        """Levenberg-Marquardt over the chosen pictures, from where the last call ended."""
        chosen: list[int] = np.flatnonzero(used).tolist()
        damping, total = 1e-3, self._total(self._states, chosen)
        for _ in range(self._settings.iterations):
            pictures = [self._equations(i, damping) for i in chosen]
            curvature, gradient = self._prior(self._states[0].proportions)
            curvature = curvature + sum(picture.curvature for picture in pictures)
            gradient = gradient + sum(picture.gradient for picture in pictures)
            step = -np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), gradient)
            trial = list(self._states)
            for i, picture in zip(chosen, pictures, strict=True):
                trial[i] = moved(self._states[i], np.concatenate([picture.own_step(step), step]))
            for i in set(range(len(trial))) - set(chosen):
                trial[i] = moved(self._states[i], np.concatenate([np.zeros(len(pictures[0].own)), step]))
            after = self._total(trial, chosen)
            if after < total:
                improvement, self._states, total, damping = total - after, trial, after, damping / 5
                if improvement < 1e-5 * after:
                    break
            else:
                damping *= 10
        final = [self._equations(i, 0.0) for i in chosen]
        return _Solution(
            factors=self._states[0].proportions,
            costs=np.array([self._cost(state, i) for i, state in enumerate(self._states)]),
            curvatures=np.stack([picture.curvature for picture in final]),
            gradients=np.stack([picture.gradient for picture in final]),
        )

    def _prior(self, factors: Float[np.ndarray, " joints"]) -> tuple[Float[np.ndarray, "joints joints"], Float[np.ndarray, " joints"]]:
        return self.precision, self.precision @ (factors - 1)

    def _total(self, states: Sequence[State], chosen: Sequence[int]) -> float:
        away = states[0].proportions - 1
        return float(sum(self._cost(states[i], i) for i in chosen) + away @ self.precision @ away / 2)

    def _cost(self, state: State, i: int) -> float:
        return cost(self._bones, state, posed(self._bones, state), self._starts[i], self._evidence[i])

    def _equations(self, i: int, damping: float) -> "_Reduced":
        state, bones = self._states[i], self._bones
        pose = posed(bones, state)
        moves = landmark_moves(bones, state, pose, JOINT_COUNT)
        return _Reduced.of(normal_equations(bones, state, pose, moves, self._starts[i], self._evidence[i]), damping)


@dataclass(frozen=True)
class _Reduced:
    """A picture's normal equations with its own unknowns eliminated.

    Attributes:
        curvature: of its cost in the factors.
        gradient: of its cost in the factors.
        own: the step of its own unknowns where the factors stay.
        coupling: how that step changes with the factors'.
    """

    curvature: Float[np.ndarray, "joints joints"]
    gradient: Float[np.ndarray, " joints"]
    own: Float[np.ndarray, " own"]
    coupling: Float[np.ndarray, "own joints"]

    @classmethod
    def of(cls, equations: Float[np.ndarray, "unknowns columns"], damping: float) -> "_Reduced":
        upper, right = equations[:, :-1], equations[:, -1]
        H = upper + np.triu(upper, 1).T
        own = len(H) - JOINT_COUNT
        A = H[:own, :own] + damping * np.diag(np.diag(H[:own, :own]))
        solved = np.linalg.solve(A, np.column_stack([H[:own, own:], right[:own]]))
        coupling, toward = solved[:, :-1], solved[:, -1]
        B = H[own:, :own]
        return cls(H[own:, own:] - B @ coupling, right[own:] - B @ toward, -toward, -coupling)

    def own_step(self, step: Float[np.ndarray, " joints"]) -> Float[np.ndarray, " own"]:
        """The step of the picture's own unknowns that belongs to one of the factors."""
        return self.own + self.coupling @ step


def people_covariance(settings: CalibrationSettings) -> Float[np.ndarray, "joints joints"]:
    """How people's bones vary together around the template's, as shares."""
    parts = np.array([_part(joint) for joint in range(JOINT_COUNT)])
    alike = parts[:, None] == parts[None]
    return settings.size_sigma**2 + settings.part_sigma**2 * alike + settings.bone_sigma**2 * np.eye(JOINT_COUNT)


def _part(joint: int) -> str:
    """The palm or the finger that the bone ending in a joint belongs to."""
    name = JOINT_NAMES[joint]
    return "palm" if PARENT_NAMES.get(name, "wrist") == "wrist" else name.rstrip("0123").removesuffix("_null")


def _fitting(costs: Float[np.ndarray, " pictures"], worst: float) -> Bool[np.ndarray, " pictures"]:
    """Pictures that fit as well as the others do."""
    middle = np.median(costs)
    deviation = 1.4826 * np.median(np.abs(costs - middle))
    return costs <= middle + worst * max(float(deviation), 0.05 * float(middle))


def _in_proportion(
    skeleton: Skeleton,
    solution: _Solution,
    precision: Float[np.ndarray, "joints joints"],
    used: Bool[np.ndarray, " pictures"],
    settings: CalibrationSettings,
) -> BoneEstimate:
    """Factors and deviations in a hand as long as the skeleton's.

    The deviation is the sandwich estimate, which is what drawing the pictures anew would give to first order, with the prior's share.
    """
    share = _share(skeleton)
    size = float(share @ solution.factors)
    factors = solution.factors / size
    relative = (np.eye(JOINT_COUNT) - np.outer(factors, share)) / size
    covariance = np.linalg.inv(solution.curvatures.sum(axis=0) + precision)
    scatter = solution.gradients.T @ solution.gradients + precision
    spread = _deviations(relative @ covariance @ scatter @ covariance @ relative.T)
    people = _deviations(relative @ people_covariance(settings) @ relative.T)
    left = _deviations(relative @ covariance @ relative.T)
    factors[WRIST] = 1.0
    return BoneEstimate(np.maximum(factors, SMALLEST_PROPORTION), spread, left < settings.known_share * people, used)


def _deviations(covariance: Float[np.ndarray, "joints joints"]) -> Float[np.ndarray, " joints"]:
    return np.sqrt(np.maximum(np.diag(covariance), 0.0))


def _undone(seen: BoneEstimate, skeleton: Skeleton, response: DetectorResponse) -> BoneEstimate:
    """The person's bones, of those that the detector shows; what simulated people's bones leave open adds to the deviation."""
    factors, spread = np.ones(JOINT_COUNT), np.zeros(JOINT_COUNT)
    factors[_BONES] = np.exp(response.corrected(np.log(seen.factors[_BONES])))
    factors[_BONES] /= _share(skeleton) @ factors
    relative = np.sqrt(np.square(response.gain * (seen.spread / seen.factors)[_BONES]).sum(axis=1) + response.spread**2)
    spread[_BONES] = factors[_BONES] * relative
    return replace(seen, factors=factors, spread=spread)


def _share(skeleton: Skeleton) -> Float[np.ndarray, " joints"]:
    """Of the hand's length, from the wrist to the middle fingertip, that of each bone."""
    tip = JOINT_NAMES.index("middle_null")
    chain = skeleton.above[:, tip].copy()
    chain[tip], chain[WRIST] = True, False
    lengths = np.linalg.norm(skeleton.joint_offsets, axis=1) * chain
    return lengths / lengths.sum()


def _with_factors(state: HandState) -> State:
    """A state whose proportions are factors of single bones, from one with those of palm and fingers at one."""
    return kernel_state(replace(state, proportions=np.ones(JOINT_COUNT)))
