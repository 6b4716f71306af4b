"""A toy subject: a ball around each joint, so that what a camera should see can be worked out by hand."""

from collections.abc import Iterator

import numpy as np

from datasets.virtual_studio.subject import Subject
from datasets.virtual_studio.types import PosedSubject, Stance, SubjectSkeleton
from estimator.hand.template import JOINT_COUNT, POSE_SIZE

RADIUS = 18.0


def ball(rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a unit sphere: an octahedron, each face split in four ``rounds`` times."""
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=float)
    faces = np.array([(x, y, z) if (x + y + z) % 2 == 0 else (y, x, z) for x in (0, 1) for y in (2, 3) for z in (4, 5)])
    outward = np.einsum("fc,fc->f", np.cross(*(vertices[faces[:, i]] - vertices[faces[:, 0]] for i in (1, 2))), vertices[faces].sum(1)) > 0
    faces = np.where(outward[:, None], faces, faces[:, [1, 0, 2]])
    for _ in range(rounds):
        corners = vertices[faces]
        middles = [(corners[:, i] + corners[:, (i + 1) % 3]) / 2 for i in range(3)]
        n, f = len(vertices), len(faces)
        vertices = np.concatenate([vertices, *middles])
        a, b, c = faces.T
        ab, bc, ca = (n + i * f + np.arange(f) for i in range(3))
        faces = np.concatenate([np.stack(face, 1) for face in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
        vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
        vertices, same = np.unique(vertices.round(9), axis=0, return_inverse=True)
        faces = same.reshape(-1)[faces]
    return vertices, faces


def body(centres: np.ndarray, radius: float = RADIUS, rounds: int = 3) -> PosedSubject:
    vertices, faces = ball(rounds)
    return PosedSubject(
        vertices=np.concatenate([radius * vertices + centre for centre in centres]).astype(np.float32),
        faces=np.concatenate([faces + i * len(vertices) for i in range(len(centres))]),
        reflectance=np.full((len(centres) * len(vertices), 3), 0.5, dtype=np.float32),
        joints=np.asarray(centres, dtype=np.float64),
    )


class BallSubject(Subject):
    """Joints on a grid, the wrist in its corner; a pose's first number stretches it."""

    number = 1
    skeleton = SubjectSkeleton(np.tile(np.eye(3), (JOINT_COUNT, 1, 1)), np.zeros((JOINT_COUNT, 3)), np.full(JOINT_COUNT, RADIUS))
    faces = body(np.zeros((JOINT_COUNT, 3)), rounds=1).faces

    def __init__(self) -> None:
        """There is nobody behind it."""

    def pose(self, theta: np.ndarray) -> PosedSubject:
        index = np.arange(JOINT_COUNT)
        centres = np.stack([index % 5, index // 5, index % 3], axis=1) * [30.0, 30.0, 10.0]
        return body((1 + 0.1 * theta[0]) * centres, rounds=1)


def still(turn: float = 0.0, stretch: float = 0.0) -> Stance:
    c, s = np.cos(turn), np.sin(turn)
    theta = np.zeros(POSE_SIZE)
    theta[0] = stretch
    return Stance(theta, np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), np.array([-60.0, -60.0, 0.0]))


def toy_stances(name: str, skeleton: object, count: int, generator: np.random.Generator) -> list[Stance]:
    return [still(turn, len(name)) for turn in generator.uniform(-1, 1, count)]


def cast(vertices: np.ndarray, faces: np.ndarray, origin: np.ndarray, directions: np.ndarray) -> Iterator[float]:
    """Along each direction how many of it one can go from the origin to the first triangle; infinity past all of them. Slow, obvious."""
    a, b, c = np.moveaxis(vertices[faces].astype(np.float64), 1, 0)
    for direction in directions:
        normal = np.cross(direction, c - a)
        across = np.einsum("fc,fc->f", b - a, normal)
        with np.errstate(divide="ignore", invalid="ignore"):
            beta = np.einsum("fc,fc->f", origin - a, normal) / across
            other = np.cross(origin - a, b - a)
            gamma = other @ direction / across
            far = np.einsum("fc,fc->f", c - a, other) / across
        hit = (beta >= 0) & (gamma >= 0) & (beta + gamma <= 1) & (far > 0)
        yield float(far[hit].min(initial=np.inf))
