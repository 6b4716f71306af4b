"""The hands of a clip as NumPy arrays: everything a program needs to pose them without us."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from estimator.files import write_file
from estimator.hand.template import JOINT_NAMES, POSE_NAMES
from estimator.hand_track import HandTrack

SCHEMA = "deephandmesh-clip/1"


def write_npz_clip(tracks: Sequence[HandTrack], path: Path) -> None:
    """Write all hands of a clip as one compressed npz without pickles.

    Names, shapes, units and frames are in docs/exports.md. ``vertices = sum_j w_j G_j G_rest_j^-1 rest_vertices`` in every frame.

    Raises:
        InputError: when the file cannot be written.
    """
    arrays: dict[str, np.ndarray] = {
        "schema": np.array(SCHEMA),
        "hands": np.array(len(tracks)),
        "joint_names": np.array(JOINT_NAMES),
        "pose_names": np.array(POSE_NAMES),
    }
    if tracks:
        template, camera = tracks[0].template, tracks[0].camera
        arrays |= {
            "joint_parents": np.array(template.parents),
            "skinning_weights": template.skinning_weights.astype(np.float32),
            "camera_K": camera.K,
            "camera_size": np.array([camera.width, camera.height]),
        }
    for index, track in enumerate(tracks):
        arrays |= {f"hand{index}_{name}": array for name, array in _hand(track).items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_file(path, buffer.getvalue())


def _hand(track: HandTrack) -> dict[str, np.ndarray]:
    faces = track.template.faces.astype(np.int32)
    return {
        "identity": np.array(track.identity),
        "side": np.array(track.side),
        "scale_source": np.array(track.scale_source),
        "faces": faces if track.side == "right" else np.ascontiguousarray(faces[:, ::-1]),
        "rest_vertices": track.rest_vertices.astype(np.float32),
        "rest_joint_rotations": track.rest_rotations,
        "rest_joint_positions": track.rest_positions,
        "frames": track.frames,
        "seconds": track.seconds,
        "bridged": track.bridged,
        "theta": track.theta.astype(np.float32),
        "joint_rotations": track.joints.rotations.astype(np.float32),
        "joint_positions": track.joints.positions.astype(np.float32),
    }
