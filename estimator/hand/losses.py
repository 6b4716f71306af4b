"""The losses of section 6 as pure functions: one value for each sample of the batch, in mm unless said; the caller averages and weighs."""

from dataclasses import dataclass
from itertools import combinations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from estimator.hand.nearest import nearest_vertices
from estimator.hand.template import FINGERS, JOINT_NAMES, PARENT_NAMES

SPHERES_A_BONE = 10
"""The paper's K."""

PALM_JOINTS = tuple(JOINT_NAMES.index(name) for name in ("wrist", "thumb1"))
"""A vertex belongs to the palm when one of these moves it most (the public code's choice; thumb1 carries the thumb's ball)."""

FINGER_BONES = tuple(
    (JOINT_NAMES.index(PARENT_NAMES[name]), JOINT_NAMES.index(name))
    for name in JOINT_NAMES
    if name != "wrist" and PARENT_NAMES[name] not in ("wrist", "thumb0", "thumb1")
)
"""(parent, joint) of each bone that has spheres: the finger segments, two in the thumb and three in any other finger.

Equation 2 names every bone, its text only fingers. Bones inside the palm meet at the wrist, so their spheres overlap in every pose.
"""

FINGERTIP_BONES = tuple(
    bone
    for bone, (_, joint) in enumerate(FINGER_BONES)
    if JOINT_NAMES[joint] in {f"{finger}_null" for finger in FINGERS if finger != "thumb"}
)
"""Rows of ``FINGER_BONES`` that are tested against the palm. The thumb is left out: its ball is part of the palm."""

SEPARATE_BONES = tuple(
    (first, second)
    for first, second in combinations(range(len(FINGER_BONES)), 2)
    if not set(FINGER_BONES[first]) & set(FINGER_BONES[second])
)
"""Pairs of rows of ``FINGER_BONES`` without a joint in common: those that must not touch."""


@dataclass(frozen=True)
class BoneSpheres:
    """Spheres that fill the fingers, a row for each of ``FINGER_BONES``, from the parent joint to the joint itself.

    Attributes:
        centres: in the hand frame, mm.
        radii: mm; may be one hand's for a whole batch of poses.
    """

    centres: Float[Tensor, "*batch bones spheres 3"]
    radii: Float[Tensor, "*#batch bones spheres"]


def pose_loss(
    positions: Float[Tensor, "*batch joints 3"], target: Float[Tensor, "*batch joints 3"], valid: Bool[Tensor, "*#batch joints"]
) -> Float[Tensor, "*batch"]:
    """Mean L1 distance of the valid joints (section 6, pose loss); zero when none is valid.

    The target of an invalid joint may be anything, NaN included.
    """
    distances = torch.where(valid[..., None], positions - target, 0.0).abs().sum(dim=-1)
    return distances.sum(dim=-1) / valid.sum(dim=-1).clamp(min=1)


def depth_loss(depth: Float[Tensor, "*batch height width"], target: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch"]:
    """Mean Smooth-L1 distance (quadratic below 1 mm) over the pixels seen in both maps (section 6, depth map loss).

    A pixel without surface is 0. Views are a batch axis. The paper leaves open how pixels are reduced; their mean does not depend on
    the size of the picture. It is zero where the maps have no pixel in common, so this loss alone cannot bring them together.
    """
    seen = (depth > 0) & (target > 0)
    # Unseen pixels are cut off before the difference, so that no NaN among them reaches the gradient.
    distances = torch.nn.functional.smooth_l1_loss(torch.where(seen, depth, 0.0), torch.where(seen, target, 0.0), reduction="none")
    return distances.sum(dim=(-2, -1)) / seen.sum(dim=(-2, -1)).clamp(min=1)


def bone_spheres(rest_joints: Float[Tensor, "*batch joints 3"], rest_vertices: Float[Tensor, "*batch vertices 3"]) -> BoneSpheres:
    """The spheres of a hand at theta = 0: each radius is the distance from the centre to the closest vertex (section 6).

    ``rest_vertices`` is the refined surface at theta = 0; gradients reach it through the radii.
    """
    centres = _sphere_centres(rest_joints)
    return BoneSpheres(centres, _nearest_distance(centres, rest_vertices))


def pose_spheres(spheres: BoneSpheres, joints: Float[Tensor, "*batch joints 3"]) -> BoneSpheres:
    """The same spheres on the posed joints: bones are rigid, so radii stay and centres divide the bone as before."""
    return BoneSpheres(_sphere_centres(joints), spheres.radii)


def overlapping(spheres: BoneSpheres) -> Bool[Tensor, "*batch pairs spheres spheres"]:
    """Which spheres of separate finger bones overlap, for each of ``SEPARATE_BONES``."""
    return _overlap(spheres) > 0


def penetration_rigid(
    spheres: BoneSpheres, counted: Bool[Tensor, "*#batch pairs spheres spheres"] | None = None
) -> Float[Tensor, "*batch"]:
    """Summed depth by which spheres of separate finger bones overlap (equation 2).

    Two spheres count twice, as in the paper's sum over ordered pairs. Spheres of one bone or of bones that share a joint do not count.
    ``counted`` leaves out more: in the webs between open fingers spheres overlap where no skin does (see ``overlapping``).
    """
    overlap = _overlap(spheres).clamp(min=0)
    if counted is not None:
        overlap = torch.where(counted, overlap, 0.0)
    return 2 * overlap.sum(dim=(-3, -2, -1))


def _overlap(spheres: BoneSpheres) -> Float[Tensor, "*batch pairs spheres spheres"]:
    """Sum of the radii less the distance of the centres; negative where two spheres are apart."""
    first, second = (list(bones) for bones in zip(*SEPARATE_BONES, strict=True))
    between = spheres.centres[..., first, :, None, :] - spheres.centres[..., second, None, :, :]
    reach = spheres.radii[..., first, :, None] + spheres.radii[..., second, None, :]
    return reach - torch.linalg.vector_norm(between, dim=-1)


def palm_vertices(skinning_weights: Float[Tensor, "vertices joints"]) -> Int[Tensor, " palm"]:
    """Indices of the vertices whose dominant joint is one of ``PALM_JOINTS`` (section 6).

    Raises:
        ValueError: when there is none.
    """
    dominant = skinning_weights.argmax(dim=-1)
    palm = torch.nonzero(torch.isin(dominant, dominant.new_tensor(PALM_JOINTS)))[:, 0]
    if not len(palm):
        names = " or ".join(JOINT_NAMES[joint] for joint in PALM_JOINTS)
        raise ValueError(f"the hand has no palm: expected vertices that {names} moves most, found none; check the skinning weights")
    return palm


def penetration_nonrigid(spheres: BoneSpheres, palm: Float[Tensor, "*batch palm 3"]) -> Float[Tensor, "*batch"]:
    """How far fingertips are from just touching the palm, summed over their penetrating spheres (equations 3 and 4).

    ``palm`` are the posed vertices that ``palm_vertices`` names, mm. Counted from the parent joint, the first sphere that is nearer to
    a palm vertex than its radius, and all after it to the tip, penetrate: deep ones are far from the surface again, on its wrong side.
    The gradient moves the finger and the palm; which sphere is the first and which vertex the nearest are held fixed in it.
    """
    tips = list(FINGERTIP_BONES)
    radii = spheres.radii[..., tips, :]
    distances = _nearest_distance(spheres.centres[..., tips, :, :], palm)
    penetrating = (distances < radii).cumsum(dim=-1) > 0
    return torch.where(penetrating, (distances - radii).abs(), 0.0).sum(dim=(-2, -1))


def laplacian_loss(vertices: Float[Tensor, "*batch vertices 3"], laplacian: Float[Tensor, "vertices vertices"]) -> Float[Tensor, "*batch"]:
    """Mean squared length of each vertex's difference from its neighbours' mean, mm^2 (section 6, Laplacian loss).

    ``laplacian`` is the sparse ``surface.uniform_laplacian`` in the dtype of ``vertices``. The paper's formula lacks a norm. The square is
    that of the regulariser it cites; it has a gradient everywhere, which the length has not where the surface is already smooth.
    """
    samples = vertices.reshape(vertices.shape[:-2].numel(), *vertices.shape[-2:])
    columns = samples.movedim(0, 1).flatten(1)  # one sparse product for the whole batch
    differences = laplacian @ columns
    squared = differences.unflatten(1, (len(samples), 3)).square().sum(dim=-1)
    return squared.mean(dim=0).reshape(vertices.shape[:-2])


def l2_regulariser(corrective: Float[Tensor, "*batch points 3"]) -> Float[Tensor, "*batch"]:
    """Mean squared length of a corrective's offsets, mm^2 (section 15: delta S, delta M of the low-resolution model).

    Squared, because correctives start near zero, where the length has no gradient.
    """
    return corrective.square().sum(dim=-1).mean(dim=-1)


def drift_loss(
    vertices: Float[Tensor, "*batch vertices 3"], template: Float[Tensor, "vertices 3"], normals: Float[Tensor, "vertices 3"]
) -> Float[Tensor, "*batch"]:
    """Mean squared way that resting vertices have gone along the template's surface, mm^2; ways along its unit ``normals`` are free.

    Not in the paper. Depth maps say how far away the surface is and not which of its points lies where, so vertices wander along it. Where
    they crowd, at nails above all, it folds.
    """
    moved = vertices - template
    across = (moved * normals).sum(dim=-1, keepdim=True) * normals
    return l2_regulariser(moved - across)


def _sphere_centres(joints: Float[Tensor, "*batch joints 3"]) -> Float[Tensor, "*batch bones spheres 3"]:
    """Points that divide each finger bone evenly, the first on the parent joint, the last on the joint."""
    parents, children = (list(ends) for ends in zip(*FINGER_BONES, strict=True))
    share = torch.linspace(0.0, 1.0, SPHERES_A_BONE, dtype=joints.dtype, device=joints.device)[:, None]
    return torch.lerp(joints[..., parents, None, :], joints[..., children, None, :], share)


def _nearest_distance(
    points: Float[Tensor, "*batch rows columns 3"], vertices: Float[Tensor, "*batch vertices 3"]
) -> Float[Tensor, "*batch rows columns"]:
    """Distance from each point to the closest vertex.

    The search keeps no table of all distances, and only the winners are differentiated.
    """
    flat = points.flatten(-3, -2)
    closest = torch.take_along_dim(vertices, nearest_vertices(flat, vertices)[..., None], dim=-2)
    return torch.linalg.vector_norm(flat - closest, dim=-1).unflatten(-1, points.shape[-3:-1])
