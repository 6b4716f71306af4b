"""The linear baseline's shape space: principal components of MakeHuman's hands, bodies and builds drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from datasets.makehuman.flatten import flatten
from datasets.makehuman.geometry import Mesh, barycentric
from datasets.makehuman.skeleton import JointPose, artist_pose, flat_pose
from datasets.makehuman.source import FOREARM_MM, PHENOTYPE, Body, SourceHand, load_source_hands
from datasets.makehuman.weights import blend, skinning_weights
from datasets.virtual_studio.people import Build
from datasets.virtual_studio.subject_surface import rebuilt
from estimator.hand.template import FINGERS, HandTemplate

SHAPE_SIZE = 10
"""Principal components, as MANO's users take."""

HAND_LENGTH_MM, HAND_LENGTH_DEVIATION_MM = 186.0, 10.0
YOUNGEST = 0.6
"""MakeHuman's age; 2/3 is young, less is a child."""

BUILD_DEVIATION = 0.05
"""Of each factor that makes a hand's parts longer or thicker than its body's."""


@dataclass(frozen=True)
class RestShape:
    """A person's hand at theta = 0 in a template's triangles, in the hand frame, mm."""

    vertices: Float[np.ndarray, "vertices 3"]
    joints: Float[np.ndarray, "joints 3"]


@dataclass(frozen=True)
class ShapeSpace:
    """Hands as a mean and what a standard deviation along each component adds to it, mm."""

    mean: RestShape
    components: tuple[RestShape, ...]
    explained: float


@dataclass(frozen=True)
class _Anchors:
    """Where a template's vertices lie in the triangles of MakeHuman's hand, which are the same for every body."""

    corners: Int[np.ndarray, "vertices 3"]
    shares: Float[np.ndarray, "vertices 3"]

    def at(self, values: Float[np.ndarray, "points columns"]) -> Float[np.ndarray, "vertices columns"]:
        return np.einsum("vk,vkc->vc", self.shares, values[self.corners])


def drawn_people(body_count: int, build_count: int, generator: np.random.Generator) -> list[tuple[Body, Build]]:
    """``body_count`` grown-up bodies, each with ``build_count`` hands."""
    return [(body, build) for body in _bodies(body_count, generator) for build in _builds(build_count, generator)]


def _bodies(count: int, generator: np.random.Generator) -> list[Body]:
    lengths = HAND_LENGTH_MM + HAND_LENGTH_DEVIATION_MM * generator.standard_normal(count)
    shares = generator.uniform(0, 1, (count, len(PHENOTYPE)))
    bodies = [Body(*row, hand_length_mm=length) for row, length in zip(shares.tolist(), lengths.tolist(), strict=True)]
    return [replace(body, age=YOUNGEST + (1 - YOUNGEST) * body.age) for body in bodies]


def _builds(count: int, generator: np.random.Generator) -> list[Build]:
    def factors(size: int, share: float = 1.0) -> tuple[float, ...]:
        return tuple((1 + share * BUILD_DEVIATION * (generator.standard_normal() + generator.standard_normal(size)) / np.sqrt(2)).tolist())

    size = len(FINGERS)
    return [Build(palm=factors(3), lengths=factors(size, 0.6), girths=factors(size, 1.4), last=factors(1, 0.6)[0]) for _ in range(count)]


def rest_shapes(template: HandTemplate, people: Sequence[tuple[Body, Build]]) -> list[RestShape]:
    """People's hands in the triangles of a template that was made from MakeHuman's default body; a second or so each body.

    Each template vertex stays at its place in MakeHuman's triangles. What flattening did to the template beyond blending, at the knuckles,
    it does to all alike.
    """
    bodies = list(dict.fromkeys(body for body, _ in people))
    default, *sources = load_source_hands((Body(), *bodies), FOREARM_MM)
    artist = artist_pose(default.joints, default.mesh.vertices)
    anchors = _anchored(template, flatten(default.mesh, artist, flat_pose(artist)))
    weights = anchors.at(skinning_weights(default.mesh.vertices, default.mesh.faces, default.mesh.fields, artist))
    relaxation = template.vertices - _blended(default, anchors, weights)[0]
    flat = {body: _blended(source, anchors, weights) for body, source in zip(bodies, sources, strict=True)}
    shapes = []
    for body, build in people:
        vertices, pose = flat[body]
        hand, pose = rebuilt(Mesh(vertices + relaxation, template.faces, np.zeros((len(vertices), 0))), pose, build)
        shapes.append(RestShape(hand.vertices, pose.positions))
    return shapes


def _anchored(template: HandTemplate, flat: Mesh) -> _Anchors:
    import igl

    points = template.vertices.astype(np.float64)
    _, face, closest = igl.point_mesh_squared_distance(points, flat.vertices, flat.faces)
    corners = flat.faces[face]
    return _Anchors(corners, barycentric(closest, *(flat.vertices[corners[:, k]] for k in range(3))))


def _blended(
    source: SourceHand, anchors: _Anchors, weights: Float[np.ndarray, "vertices joints"]
) -> tuple[Float[np.ndarray, "vertices 3"], JointPose]:
    """The template's vertices on a hand that is flattened by blending alone."""
    artist = artist_pose(source.joints, source.mesh.vertices)
    flat = flat_pose(artist)
    return blend(anchors.at(source.mesh.vertices), weights, artist, flat), flat


def shape_space(shapes: Sequence[RestShape]) -> ShapeSpace:
    """The principal components of surfaces and joints together."""
    rows = np.stack([np.concatenate([shape.vertices, shape.joints]) for shape in shapes])
    mean = rows.mean(axis=0)
    _, deviations, directions = np.linalg.svd((rows - mean).reshape(len(rows), -1), full_matrices=False)
    scaled = (directions * deviations[:, None] / np.sqrt(len(rows) - 1))[:SHAPE_SIZE].reshape(-1, *mean.shape)
    vertex_count = len(shapes[0].vertices)
    explained = float((deviations[:SHAPE_SIZE] ** 2).sum() / (deviations**2).sum())
    parts = (RestShape(part[:vertex_count], part[vertex_count:]) for part in (mean, *scaled))
    return ShapeSpace(next(parts), tuple(parts), explained)
