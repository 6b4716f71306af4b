"""Theta fitted to known joints: what a decoder learns from, or is worth, whatever its encoder sees."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from estimator.hand.alignment import align_rigid
from estimator.hand.decoder import HandDecoder
from estimator.hand.kinematics import joint_jacobian
from estimator.hand.template import ALIGNMENT_JOINTS, POSE_SIZE
from estimator.hand.types import JointFrames

_START = 0.5
"""Where the fit starts, as a share of the way from theta = 0 to the middle of the limits. From a flat hand the way to a fist is long, and
may end in fingers that are bent elsewhere."""

_STEPS = 12
"""From there any pose of a hand is reached in ten."""

_PRIOR = 2.0
"""mm per radian: decides what joints cannot tell, how fingertips twist."""

_LIMIT = 40.0
"""mm per radian beyond the anatomical limits. Without it, key points that err by 3 mm turn nearly straight fingers over: twisted by half a
turn and bent backwards they meet the points as well."""

_FIRST_DAMPING, _LEAST_DAMPING, _EASED, _HARDENED = 1.0, 1e-4, 0.2, 5.0
"""Of a step, as a share of each angle's own curvature, and what a step that helps, or does not, makes of it."""


@dataclass(frozen=True)
class _Target:
    """Joints to be met, in the hand frame.

    Attributes:
        joints: mm.
        valid: which of them are known.
        offsets: the person's skeleton.
        lower: smallest angles of a hand, radians.
        upper: largest ones.
    """

    joints: Float[Tensor, "batch joints 3"]
    valid: Bool[Tensor, "batch joints"]
    offsets: Float[Tensor, "batch joints 3"]
    lower: Float[Tensor, " pose"]
    upper: Float[Tensor, " pose"]


def fitted_theta(
    decoder: HandDecoder, joints: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"], steps: int = _STEPS
) -> Float[Tensor, "batch pose"]:
    """The poses of a hand whose joints, rigidly placed by wrist and finger roots, are nearest to the given ones in least squares.

    Levenberg and Marquardt's method, each sample with a damping of its own; nothing is differentiated through it.

    Args:
        joints: world frame, mm; those that are not valid may be anything, NaN included.
        steps: how often the poses are bettered, from a hand half bent on.
    """
    with torch.no_grad():
        target = _in_hand_frame(decoder, joints, valid)
        theta = (_START * (target.lower + target.upper) / 2).expand(len(joints), -1)
        frames = decoder.frames(theta, target.offsets)
        residuals = _residuals(frames, target, theta)
        damping = torch.full_like(theta[:, :1], _FIRST_DAMPING)
        for _ in range(steps):
            J = _jacobian(frames, target, decoder, theta)
            curvature = J @ J.mT
            eased = torch.diag_embed(damping * curvature.diagonal(dim1=-2, dim2=-1))
            trial = theta - torch.linalg.solve(curvature + eased, J @ residuals[..., None])[..., 0]
            found = _residuals(decoder.frames(trial, target.offsets), target, trial)
            better = (found.square().sum(dim=-1) < residuals.square().sum(dim=-1))[:, None]
            theta, residuals = torch.where(better, trial, theta), torch.where(better, found, residuals)
            frames = decoder.frames(theta, target.offsets)
            damping = (damping * torch.where(better, _EASED, _HARDENED)).clamp(min=_LEAST_DAMPING)
        return theta


def _in_hand_frame(decoder: HandDecoder, joints: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"]) -> _Target:
    """Wrist and finger roots are where they are in any pose, so the placement is known before the pose is."""
    known = list(ALIGNMENT_JOINTS)
    offsets = decoder.personal_offsets().expand(len(joints), -1, -1)
    at_rest = decoder.rest_frames(offsets).positions[:, known]
    seen = torch.where(valid[..., None], joints, 0.0)
    place = align_rigid(at_rest, seen[:, known], weights=valid[:, known].to(joints.dtype))
    return _Target((seen - place.translation[:, None]) @ place.rotation, valid, offsets, decoder.pose_lower, decoder.pose_upper)


def _residuals(frames: JointFrames, target: _Target, theta: Float[Tensor, "batch pose"]) -> Float[Tensor, "batch residuals"]:
    """Of each known joint's coordinates, mm, of the prior and of the limits."""
    missed = torch.where(target.valid[..., None], frames.positions - target.joints, 0.0)
    return torch.cat([missed.flatten(1), _PRIOR * theta, _LIMIT * _beyond(target, theta)], dim=-1)


def _beyond(target: _Target, theta: Float[Tensor, "batch pose"]) -> Float[Tensor, "batch pose"]:
    """By how much angles exceed their limits, radians."""
    return theta - theta.clamp(target.lower, target.upper)


def _jacobian(
    frames: JointFrames, target: _Target, decoder: HandDecoder, theta: Float[Tensor, "batch pose"]
) -> Float[Tensor, "batch pose residuals"]:
    """How the residuals change with each angle."""
    moved = torch.where(target.valid[:, None, :, None], joint_jacobian(theta, frames, decoder.parents), 0.0)
    prior = _PRIOR * torch.eye(POSE_SIZE, dtype=theta.dtype, device=theta.device)
    limits = _LIMIT * torch.diag_embed((_beyond(target, theta) != 0).to(theta.dtype))
    return torch.cat([moved.flatten(2), prior.expand(len(theta), -1, -1), limits], dim=-1)
