"""The official DeepHandMesh hand model: a release's ``hand_model`` folder as a template."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, WRIST, HandTemplate

MM_PER_CM = 10.0
CURE = "copy hand_model/ from the DeepHandMesh release again"
PREFIX = "b_r_"


def load_official_template(folder: Path) -> HandTemplate:
    """The official hand at theta = 0, mm, in the frame of its wrist.

    Its files place the wrist somewhere in a frame of their own. As everywhere else here, the hand frame is the wrist's: root offset
    and root rest rotation are nothing, and the surface is moved along. Poses and bone lengths mean what they meant; a placement in
    the files' frame is one of ours after the wrist's ``local_pose``.

    The folder knows neither joint limits nor nails: the limits are those of our default template, no face is a nail.

    Raises:
        ValueError: when a file is missing, damaged, or of another skeleton.
    """
    joint_of_id = _read_skeleton(folder / "skeleton.txt")
    local = _read_poses(folder / "local_pose.txt", joint_of_id)
    bind_inverse = _read_poses(folder / "global_pose_inv.txt", joint_of_id)
    bound, uv, faces, uv_faces = _read_surface(folder / "hand.obj")
    weights = _read_weights(folder / "skinning_weight.txt", joint_of_id, len(bound))
    local[WRIST] = np.eye(4)  # from here on the wrist is the origin
    at_zero = _global_poses(local) @ bind_inverse
    default = HandTemplate.load()
    return HandTemplate(
        vertices=np.einsum("vj,jab,vb->va", weights, at_zero[:, :3, :3], bound) + weights @ at_zero[:, :3, 3],
        faces=faces,
        uv=uv,
        uv_faces=uv_faces,
        nail_faces=np.zeros(len(faces), dtype=bool),
        rest_rotations=local[:, :3, :3],
        joint_offsets=local[:, :3, 3],
        skinning_weights=weights,
        pose_lower=default.pose_lower,
        pose_upper=default.pose_upper,
    )


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and words of each line that says something."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot read this file of the official hand model ({type(error).__name__}); {CURE}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].split()
        if words:
            yield number, words


def _damaged(path: Path, number: int, expected: str) -> ValueError:
    return ValueError(f"{path}, line {number}: expected {expected}; {CURE}")


def _read_skeleton(path: Path) -> dict[str, int]:
    """Our joint of each name and each id that the files use."""
    entries: dict[str, tuple[str, str]] = {}
    for number, words in _rows(path):
        if len(words) != 3 or words[0].removeprefix(PREFIX) not in JOINT_NAMES:
            raise _damaged(path, number, "a joint's name, its id and its parent's")
        entries[words[0].removeprefix(PREFIX)] = (words[1], words[2])
    missing = [name for name in JOINT_NAMES if name not in entries]
    if missing:
        raise ValueError(f"{path}: joint {missing[0]} is missing; {CURE}")
    for name, parent in PARENT_NAMES.items():
        if entries[name][1] != entries[parent][0]:
            raise ValueError(f"{path}: joint {name} should hang from {parent}; {CURE}")
    joints = {key: joint for joint, name in enumerate(JOINT_NAMES) for key in (name, entries[name][0])}
    if len(joints) != 2 * JOINT_COUNT:
        raise ValueError(f"{path}: two joints have one id; {CURE}")
    return joints


def _read_poses(path: Path, joint_of_id: dict[str, int]) -> Float[np.ndarray, "joints 4 4"]:
    """A rigid transform for each joint, translations in mm."""
    poses = np.full((JOINT_COUNT, 4, 4), np.nan)
    for number, words in _rows(path):
        joint = joint_of_id.get(words[0].removeprefix(PREFIX))
        try:
            values = np.array(words[1:], dtype=float)
        except ValueError:
            values = np.empty(0)
        if joint is None or values.shape != (16,) or not _is_rigid(values.reshape(4, 4)):
            raise _damaged(path, number, "a joint and the 16 numbers of a rigid transform")
        poses[joint] = values.reshape(4, 4)
        poses[joint, :3, 3] *= MM_PER_CM
    absent = np.flatnonzero(np.isnan(poses).any(axis=(1, 2)))
    if len(absent):
        raise ValueError(f"{path}: joint {JOINT_NAMES[absent[0]]} is missing; {CURE}")
    return poses


def _is_rigid(transform: Float[np.ndarray, "4 4"]) -> bool:
    rotation = transform[:3, :3]
    orthogonal = bool(np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3))
    return orthogonal and bool(np.linalg.det(rotation) > 0) and bool(np.allclose(transform[3], [0, 0, 0, 1], atol=1e-6))


def _global_poses(local: Float[np.ndarray, "joints 4 4"]) -> Float[np.ndarray, "joints 4 4"]:
    poses = local.copy()
    for joint in range(JOINT_COUNT - 1, -1, -1):  # the wrist comes last, and parents after their children
        if joint != WRIST:
            poses[joint] = poses[JOINT_NAMES.index(PARENT_NAMES[JOINT_NAMES[joint]])] @ local[joint]
    return poses


def _read_surface(
    path: Path,
) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "texcoords 2"], Int[np.ndarray, "faces 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices in mm, texture coordinates, and the rows of both at each face's corners."""
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    corners: list[list[list[int]]] = []
    for number, words in _rows(path):
        try:
            if words[0] == "v":
                x, y, z = (float(word) * MM_PER_CM for word in words[1:4])
                vertices.append([x, y, z])
            elif words[0] == "vt":
                u, v = (float(word) for word in words[1:3])
                uv.append([u, v])
            elif words[0] == "f":
                first, second, third = ([int(index) - 1 for index in word.split("/")[:2]] for word in words[1:])
                corners.append([first, second, third])
        except ValueError as error:
            raise _damaged(path, number, "v x y z, vt u v, or f with three corners v/vt") from error
    if not corners or {len(corner) for face in corners for corner in face} != {2}:
        raise ValueError(f"{path}: expected triangles with texture coordinates (f v/vt v/vt v/vt); {CURE}")
    indices = np.array(corners)
    return np.array(vertices).reshape(-1, 3), np.array(uv).reshape(-1, 2), indices[:, :, 0], indices[:, :, 1]


def _read_weights(path: Path, joint_of_id: dict[str, int], vertex_count: int) -> Float[np.ndarray, "vertices joints"]:
    weights = np.zeros((vertex_count, JOINT_COUNT))
    for number, words in _rows(path):
        try:
            vertex = int(words[0])
            joints = [joint_of_id[word.removeprefix(PREFIX)] for word in words[1::2]]
            values = [float(word) for word in words[2::2]]
        except (ValueError, KeyError) as error:
            raise _damaged(path, number, "a vertex, then joints each with its weight") from error
        if not 0 <= vertex < vertex_count or len(joints) != len(values):
            raise _damaged(path, number, f"a vertex below {vertex_count}, then joints each with its weight")
        np.add.at(weights[vertex], joints, values)
    totals = weights.sum(axis=1)
    wrong = np.flatnonzero(~(np.abs(totals - 1) < 0.02))
    if len(wrong):
        raise ValueError(f"{path}: the weights of vertex {wrong[0]} sum to {totals[wrong[0]]:.3g}, not to 1; {CURE}")
    return weights / totals[:, None]
