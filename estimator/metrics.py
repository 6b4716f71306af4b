"""Errors of 21 estimated joints against annotated ones. Joints that are masked out come out as nan and count nowhere."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from estimator.hand.alignment import align_similarity
from estimator.hand.bones import bone_lengths, with_bone_lengths
from estimator.hand.template import LANDMARK_NAMES, LANDMARK_PARENTS

_ROOT = LANDMARK_NAMES.index("wrist")


def joint_distances(
    estimated: Float[np.ndarray, "joints axes"], true: Float[np.ndarray, "joints axes"], mask: Bool[np.ndarray, " joints"]
) -> Float[np.ndarray, " joints"]:
    """Distance of each joint to its annotation: in pixels the 2D end-point error."""
    return np.where(mask, np.linalg.norm(estimated - true, axis=1), np.nan)


def hand_size(joints_px: Float[np.ndarray, "joints 2"], mask: Bool[np.ndarray, " joints"]) -> float:
    """The longer side of the box around the joints, pixels.

    Raises:
        ValueError: when the mask leaves no joint.
    """
    if not mask.any():
        raise ValueError("hand_size: the mask leaves no joint to measure")
    return float(np.ptp(joints_px[mask], axis=0).max())


def root_relative_distances(
    estimated: Float[np.ndarray, "21 3"], true: Float[np.ndarray, "21 3"], mask: Bool[np.ndarray, " 21"]
) -> Float[np.ndarray, " 21"]:
    """Distance of each joint when both wrists stand on one point; size and direction stay as they are.

    The wrist's own distance is zero and counts, as is usual. Without a trustworthy wrist every joint is nan.
    """
    moved = estimated - estimated[_ROOT] + true[_ROOT]
    return joint_distances(moved, true, mask & mask[_ROOT])


def similarity_aligned_distances(
    estimated: Float[np.ndarray, "joints 3"], true: Float[np.ndarray, "joints 3"], mask: Bool[np.ndarray, " joints"]
) -> Float[np.ndarray, " joints"]:
    """Distance of each joint after the rotation, translation and scale that fit best in least squares (Procrustes, PA-MPJPE).

    Raises:
        ValueError: with fewer than three joints, or all estimated ones on one point: then no alignment is best.
    """
    if mask.sum() < 3 or np.ptp(estimated[mask], axis=0).max() == 0:
        raise ValueError(f"a similarity alignment needs 3 joints apart from each other; the mask leaves {mask.sum()}")
    source, target = torch.from_numpy(estimated.astype(float)), torch.from_numpy(true.astype(float))
    used = torch.from_numpy(mask)
    aligned = align_similarity(source[used], target[used]).apply(source)
    return joint_distances(aligned.numpy(), true, mask)


def with_true_bone_lengths(estimated: Float[np.ndarray, "21 3"], true: Float[np.ndarray, "21 3"]) -> Float[np.ndarray, "21 3"]:
    """The estimated landmarks, each as far from the one before it on its finger as the true ones are; directions and wrist stay."""
    lengths = bone_lengths(torch.from_numpy(true.astype(float)), LANDMARK_PARENTS)
    return with_bone_lengths(torch.from_numpy(estimated.astype(float)), lengths, LANDMARK_PARENTS).numpy()


def scale_aligned_distances(
    estimated: Float[np.ndarray, "21 3"], true: Float[np.ndarray, "21 3"], mask: Bool[np.ndarray, " 21"]
) -> Float[np.ndarray, " 21"]:
    """Distance of each joint when both wrists stand on one point and the size is the one that fits best in least squares.

    Directions stay as they are. Without a trustworthy wrist every joint is nan.

    Raises:
        ValueError: when all estimated joints lie on the wrist: then no size is best.
    """
    used = mask & mask[_ROOT]
    own, target = estimated - estimated[_ROOT], true - true[_ROOT]
    size = float(np.square(own[used]).sum())
    if used.any() and size == 0:
        raise ValueError("a scale alignment needs joints apart from the wrist; all lie on it")
    return joint_distances((own[used] * target[used]).sum() / (size or 1.0) * own, target, used)


def pck(errors: Float[np.ndarray, "*batch"], thresholds: Float[np.ndarray, " thresholds"]) -> Float[np.ndarray, " thresholds"]:
    """Share of correct keypoints: of the joints that count, how many err by at most each threshold; nan when none counts."""
    counted = np.sort(errors[~np.isnan(errors)])
    if not len(counted):
        return np.full(len(thresholds), np.nan)
    return np.searchsorted(counted, thresholds, side="right") / len(counted)


def auc(errors: Float[np.ndarray, "*batch"], low: float, high: float) -> float:
    """Area under the PCK curve between two thresholds over the area of a perfect one; nan when no joint counts.

    Exact: a joint that errs by e is correct from e on, so it adds the share of [low, high] above e.

    Raises:
        ValueError: unless low < high.
    """
    if not low < high:
        raise ValueError(f"auc: expected low < high, not {low} and {high}")
    return mean(np.clip((high - errors) / (high - low), 0, 1))


def median(errors: Float[np.ndarray, "*batch"]) -> float:
    """Median of the joints that count; nan, without a warning, when none does."""
    counted = errors[~np.isnan(errors)]
    return float(np.median(counted)) if len(counted) else float("nan")


def mean(errors: Float[np.ndarray, "*batch"]) -> float:
    """Mean of the joints that count; nan, without a warning, when none does."""
    counted = errors[~np.isnan(errors)]
    return float(counted.mean()) if len(counted) else float("nan")
