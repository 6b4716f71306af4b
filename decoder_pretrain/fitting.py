"""Theta fitted to known joints: what a decoder alone is worth, whatever its encoder sees."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from estimator.hand.alignment import align_rigid
from estimator.hand.decoder import HandDecoder
from estimator.hand.losses import pose_loss
from estimator.hand.template import ALIGNMENT_JOINTS, POSE_SIZE

_STEPS, _RATE, _PRIOR = 300, 0.05, 0.05
"""The prior, mm per radian squared, decides only what joints cannot tell: how fingertips twist."""


def fitted_theta(
    decoder: HandDecoder, joints: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"]
) -> Float[Tensor, "batch pose"]:
    """The poses whose joints, rigidly placed by wrist and finger roots, are nearest to the given ones (L1, as the pose loss)."""
    known = list(ALIGNMENT_JOINTS)
    offsets = decoder.personal_offsets().detach().expand(len(joints), -1, -1)
    at_rest = decoder.rest_frames(offsets).positions[:, known]
    place = align_rigid(at_rest, torch.where(valid[:, known, None], joints[:, known], 0.0), weights=valid[:, known].to(joints.dtype))
    R, t = place.rotation, place.translation
    target = (torch.where(valid[..., None], joints, 0.0) - t[:, None]) @ R
    theta = torch.zeros(len(joints), POSE_SIZE, dtype=joints.dtype, device=joints.device, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    with torch.enable_grad():
        for _ in range(_STEPS):
            loss = pose_loss(decoder.frames(theta, offsets).positions, target, valid) + _PRIOR * theta.square().sum(dim=-1)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            schedule.step()
    return theta.detach()
