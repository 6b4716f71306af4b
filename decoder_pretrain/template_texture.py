"""Texture coordinates: the palm and the back of the hand as two flat, nearly undistorted charts side by side."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from datasets.makehuman.geometry import diffuse, face_links, harmonic_fill, uniform_laplacian, unit, vertex_normals
from datasets.makehuman.skeleton import JointPose, finger_joints

SMOOTHING_MM = 10.5
"""Of the seam."""

RELAXATION_STEPS = 25
RELAXATION_STEPS_FROM_DISC = 300

SEAM_FACING = 0.05
"""How much towards the palm a face must look to be in its chart: above zero the bottoms of the webs belong to the back."""

PIN_STIFFNESS = 0.3
MARGIN = 0.012
CHART_GAP_MM = 4.0

CHART_SPREAD_DEG = {"thumb": 46.0, "index": 25.0, "middle": 0.0, "ring": -25.0, "pinky": -46.0}
"""Direction of each finger in the charts, as in SPREAD_DEG: wide, so that no finger lies on its neighbour."""


def texture_coordinates(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    weights: Float[np.ndarray, "vertices joints"],
    nail_faces: Bool[np.ndarray, " faces"],
    pose: JointPose,
) -> tuple[Float[np.ndarray, "texcoords 2"], Int[np.ndarray, "faces 3"]]:
    """Coordinates in [0, 1] and, for each corner of each face, its row; the seam runs along the sides of the fingers."""
    palmar = palm_side(vertices, faces, weights, nail_faces, pose)
    charts, corners, left = [], np.zeros_like(faces), 0.0
    for side, right_sign in ((palmar, 1.0), (~palmar, -1.0)):
        used, chart_faces = np.unique(faces[side], return_inverse=True)
        chart = _flatten_chart(vertices[used], chart_faces.reshape(-1, 3), pose, right_sign)
        corners[side] = sum(map(len, charts)) + chart_faces.reshape(-1, 3)
        charts.append(chart - chart.min(axis=0) + [left, 0.0])
        left = charts[-1][:, 0].max() + CHART_GAP_MM
    uv = np.concatenate(charts)
    extent = uv.max(axis=0)
    return MARGIN + (1 - 2 * MARGIN) * (uv + (extent.max() - extent) / 2) / extent.max(), corners


def palm_side(
    vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray, nail_faces: np.ndarray, pose: JointPose
) -> Bool[np.ndarray, " faces"]:
    """Faces that look to the palm of their own finger, in one piece; nails belong to the back."""
    palmar_directions = unit(weights @ pose.rotations[:, :, 1])
    facing = np.sum(vertex_normals(vertices, faces) * palmar_directions, axis=1)
    facing = diffuse(facing[:, None], vertices, faces, SMOOTHING_MM)[:, 0]
    palmar = (facing[faces].mean(axis=1) > SEAM_FACING) & ~nail_faces
    palmar = _without_teeth(face_links(faces), palmar)
    return ~_largest_piece(faces, ~_largest_piece(faces, palmar))


def _without_teeth(links: sparse.csr_matrix, chosen: np.ndarray) -> np.ndarray:
    """The choice with a smoother border: single faces that stick out of their side change sides, first one way, then the other."""
    for side in (True, False, True, False):
        outvoted = (chosen == side) & (links @ (chosen != side).astype(float) >= 2)
        chosen = np.where(outvoted, ~chosen, chosen)
    return chosen


def _largest_piece(faces: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of the chosen faces, those that hang together most."""
    links = face_links(faces)
    inside = np.flatnonzero(chosen)
    _, piece = connected_components(links[inside][:, inside], directed=False)
    result = np.zeros(len(faces), bool)
    result[inside[piece == np.argmax(np.bincount(piece))]] = True
    return result


def _flatten_chart(vertices: np.ndarray, faces: np.ndarray, pose: JointPose, right_sign: float) -> Float[np.ndarray, "vertices 2"]:
    """A disc of surface in the plane, in mm: conformal first, then relaxed to keep lengths; fingers point up.

    The fingers are drawn to where the flat hand has them, a little more spread, so that none lies on another.
    """
    import igl

    pinned, places = _places(vertices, pose, right_sign)
    start, steps = igl.lscm(vertices, faces, pinned, places)[0], RELAXATION_STEPS
    if _smallest_area(start, faces) <= 0:
        start, steps = _disc_map(vertices, faces), RELAXATION_STEPS_FROM_DISC
    state = igl.slim_precompute(
        np.asfortranarray(vertices),
        np.asfortranarray(faces.astype(np.int32)),
        np.asfortranarray(start),
        igl.MappingEnergyType.SYMMETRIC_DIRICHLET,
        pinned.astype(np.int32),
        np.asfortranarray(places),
        PIN_STIFFNESS,
    )
    flat = np.asarray(igl.slim_solve(state, steps))[:, :2]
    if not _smallest_area(flat, faces) > 0:
        raise AssertionError("texture chart has turned-over triangles; the seam does not cut the hand into two discs")
    return flat


def _places(vertices: np.ndarray, pose: JointPose, right_sign: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices at the fingertips and at the corners of the forearm, and their places in the chart, mm."""
    points, places = [], []
    for finger, spread_deg in CHART_SPREAD_DEG.items():
        root, *_, tip = pose.positions[finger_joints(finger)[-4:]]
        spread, length = np.radians(spread_deg), np.linalg.norm(tip - root)
        points.append(tip)
        places.append(root[[2, 0]] + length * np.array([np.sin(spread), np.cos(spread)]))
    rim = vertices[vertices[:, 0] < vertices[:, 0].min() + 0.1]
    for corner in (rim[np.argmin(rim[:, 2])], rim[np.argmax(rim[:, 2])]):
        points.append(corner)
        places.append(corner[[2, 0]])
    nearest = cKDTree(vertices).query(np.array(points))[1]
    return nearest, np.array(places) * [right_sign, 1.0]


def _disc_map(vertices: np.ndarray, faces: np.ndarray) -> Float[np.ndarray, "vertices 2"]:
    """The chart spread over a circle of its own area, which turns no triangle over."""
    import igl

    loop = igl.boundary_loop(faces)
    steps = np.linalg.norm(vertices[loop] - vertices[np.roll(loop, 1)], axis=1)
    angles = 2 * np.pi * np.cumsum(steps) / steps.sum()
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    radius = np.sqrt(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 / np.pi)
    rim = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    values = np.zeros((len(vertices), 2))
    values[loop] = rim
    return harmonic_fill(uniform_laplacian(faces, len(vertices)), values, np.isin(np.arange(len(vertices)), loop))


def _smallest_area(uv: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (uv[faces[:, k]] for k in range(3))
    u, v = b - a, c - a
    return float((u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).min())
