"""Skeletons for tests of motions: the template's, and others with bones up to a tenth longer or shorter."""

from functools import cache

import numpy as np

from datasets.virtual_studio.types import SubjectSkeleton
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES, HandTemplate

RADII = {"thumb": (11.0, 10.0, 9.0, 8.0), "pinky": (8.0, 7.0, 6.0, 5.3)}
OTHERS = (9.3, 8.5, 7.3, 6.3)


@cache
def skeleton(seed: int) -> SubjectSkeleton:
    template = HandTemplate.load()
    radii = np.full(JOINT_COUNT, 12.0)
    for finger in FINGERS:
        for part, radius in zip(("1", "2", "3", "_null"), RADII.get(finger, OTHERS), strict=True):
            radii[JOINT_NAMES.index(finger + part)] = radius
    longer = np.random.default_rng(seed).uniform(0.9, 1.1, (JOINT_COUNT, 1)) if seed else np.ones((JOINT_COUNT, 1))
    return SubjectSkeleton(template.rest_rotations.astype(np.float64), template.joint_offsets * longer, radii)
