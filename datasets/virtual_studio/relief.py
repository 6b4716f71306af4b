"""Relief: what stands on a subject's skin, higher or lower as the joints bend: creases, wrinkles, bones, tendons, veins, muscles, pads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int

from datasets.virtual_studio.normals import vertex_normals
from estimator.hand.compiled import compiled
from estimator.hand.poses import Degrees
from estimator.hand.template import POSE_NAMES

FLATTEST_MM = 0.004
"""What is lower everywhere than this is left out."""


@dataclass(frozen=True)
class Feature:
    """One thing on the skin, and what makes it rise.

    Its share is ``start`` while the weighted sum of angles is below ``low_deg``, ``end`` above ``high_deg``, smooth between.

    Attributes:
        heights: over the smooth skin where the share is one, mm.
        drivers: degrees of freedom (``template.POSE_NAMES``) and their weights; none: the feature is always there.
        low_deg: weighted angle up to which the share is ``start``.
        high_deg: weighted angle from which it is ``end``.
        start: share below.
        end: share above.
        pallor: how much a millimetre of this feature's height lightens the skin: stretched over a bone, or dark in a fold.
    """

    heights: Float[np.ndarray, " vertices"]
    drivers: tuple[tuple[str, float], ...] = ()
    low_deg: Degrees = 0.0
    high_deg: Degrees = 1.0
    start: float = 1.0
    end: float = 1.0
    pallor: float = 0.0


@dataclass(frozen=True)
class Relief:
    """Features, vertex by vertex.

    Attributes:
        starts: first row of each vertex's heights, and the end of the last's.
        features: of each height.
        heights: mm.
        drivers: weight of each degree of freedom in each feature.
        bounds: low and high, radians, and the shares there, of each feature.
        pallors: of each feature.
    """

    starts: Int[np.ndarray, " bounds"]
    features: Int[np.ndarray, " heights"]
    heights: Float32[np.ndarray, " heights"]
    drivers: Float[np.ndarray, "features pose"]
    bounds: Float[np.ndarray, "features 4"]
    pallors: Float32[np.ndarray, " features"]


def gather(features: Sequence[Feature]) -> Relief:
    """The features in the order of the vertices."""
    stacked = np.stack([feature.heights for feature in features], axis=1)
    vertex, index = np.nonzero(np.abs(stacked) > FLATTEST_MM)
    drivers = np.zeros((len(features), len(POSE_NAMES)))
    for row, feature in zip(drivers, features, strict=True):
        for name, weight in feature.drivers:
            row[POSE_NAMES.index(name)] = weight
    return Relief(
        starts=np.searchsorted(vertex, np.arange(len(stacked) + 1)).astype(np.int32),
        features=index.astype(np.int32),
        heights=stacked[vertex, index].astype(np.float32),
        drivers=drivers,
        bounds=np.array([[*np.radians([f.low_deg, f.high_deg]), f.start, f.end] for f in features]),
        pallors=np.array([f.pallor for f in features], dtype=np.float32),
    )


def shares(relief: Relief, theta: Float[np.ndarray, " pose"]) -> Float32[np.ndarray, " features"]:
    """How much of each feature's height there is at these angles, radians."""
    low, high, start, end = relief.bounds.T
    passed = np.clip((relief.drivers @ theta - low) / (high - low), 0, 1)
    return (start + (end - start) * passed * passed * (3 - 2 * passed)).astype(np.float32)


def raise_relief(
    relief: Relief, theta: Float[np.ndarray, " pose"], vertices: Float32[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> tuple[Float32[np.ndarray, "vertices 3"], Float32[np.ndarray, " vertices"]]:
    """The smooth skin with its relief at these angles, and how much paler than at rest each vertex is (0 is not at all)."""
    raised, pallor = vertices.copy(), np.empty(len(vertices), dtype=np.float32)
    _raise(
        relief.starts,
        relief.features,
        relief.heights,
        shares(relief, theta),
        relief.pallors,
        vertex_normals(vertices, faces),
        raised,
        pallor,
    )
    return raised, pallor


@compiled
@no_type_check
def _raise(
    starts: np.ndarray,
    features: np.ndarray,
    heights: np.ndarray,
    share: np.ndarray,
    pallors: np.ndarray,
    normals: np.ndarray,
    vertices: np.ndarray,
    pallor: np.ndarray,
) -> None:
    for v in range(len(vertices)):
        height, pale = np.float32(0), np.float32(0)
        for i in range(starts[v], starts[v + 1]):
            here = heights[i] * share[features[i]]
            height += here
            pale += here * pallors[features[i]]
        pallor[v] = pale
        for axis in range(3):
            vertices[v, axis] += height * normals[v, axis]
