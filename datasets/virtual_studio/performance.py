"""From a script to one performance of it: smooth curves, a person's own life in them, touching where the script says so."""

from dataclasses import replace
from functools import cache

import numpy as np
import roma
import torch
from jaxtyping import Float

from datasets.virtual_studio.motion_facing import KNUCKLE_MM
from datasets.virtual_studio.motion_life import Life, hand_sway, hand_turn, joint_life
from datasets.virtual_studio.motion_script import Script, theta_curve, touch_curves, turn_curve
from datasets.virtual_studio.touch_solver import TouchSolver
from datasets.virtual_studio.types import Stance, SubjectSkeleton
from estimator.hand.template import HandTemplate


def perform(script: Script, skeleton: SubjectSkeleton, count: int, generator: np.random.Generator, life: Life = Life()) -> list[Stance]:
    """``count`` moments of one performance, evenly from its first to its last."""
    seconds = np.linspace(0, script.seconds, count)
    solver = TouchSolver(skeleton, *_limits())
    script = _settled(script, solver)
    theta = theta_curve(script, seconds) + joint_life(generator, seconds, script.tension, life)
    theta = solver.solve(theta, script.touches, touch_curves(script, seconds))
    R = rotations(hand_turn(generator, seconds, life)) @ rotations(turn_curve(script, seconds)) @ script.R_world_hand
    still, pivot = script.R_world_hand[:, 0] * (script.pivot_mm - KNUCKLE_MM), script.pivot_mm * R[:, :, 0]
    position = still - pivot + hand_sway(generator, seconds, life)
    return [Stance(*moment) for moment in zip(theta, R, position, strict=True)]


@cache
def _limits() -> tuple[Float[np.ndarray, " pose"], Float[np.ndarray, " pose"]]:
    """Smallest and largest theta that anatomy allows."""
    template = HandTemplate.load()
    return template.pose_lower, template.pose_upper


def _settled(script: Script, solver: TouchSolver) -> Script:
    """The script with keys in which this subject's fingers touch already."""
    held = np.array([[float(touch in key.touches) for touch in script.touches] for key in script.keys]).reshape(len(script.keys), -1)
    settled = solver.solve(np.array([key.theta for key in script.keys]), script.touches, held)
    return replace(script, keys=tuple(replace(key, theta=theta) for key, theta in zip(script.keys, settled, strict=True)))


def rotations(vectors: Float[np.ndarray, "moments 3"]) -> Float[np.ndarray, "moments 3 3"]:
    """Rotations from rotation vectors."""
    return roma.rotvec_to_rotmat(torch.tensor(vectors)).numpy()
