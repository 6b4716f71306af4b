"""The skeleton as BVH motion: millimetres, y up, the camera at the origin looking along -z.

BVH knows no rest rotation: at zero, every joint is turned as the world is. So each joint's axes are taken to be those of the
hand's own frame at theta = 0, and its channels hold the turn from there: A_j = G_j G_rest_j^-1, relative to the parent's.
Offsets are then differences of rest positions, and a reader's forward kinematics ends exactly in the posed joints.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import roma
import torch
from jaxtyping import Float

from estimator.export_resting_hand import RestingHand
from estimator.export_surface import CAMERA_TO_Y_UP
from estimator.files import write_file
from estimator.hand.template import FINGERTIPS, JOINT_COUNT, JOINT_NAMES, WRIST
from estimator.hand_track import HandTrack
from estimator.placed_hand import PlacedHand

STILL_FRAME_RATE = 30.0
SAME_SKELETON_MM = 0.01


def write_bvh(hand: PlacedHand, path: Path) -> None:
    """Write one pose: a motion of a single frame.

    Raises:
        InputError: when the file cannot be written.
    """
    write_bvh_motion([hand], path, STILL_FRAME_RATE)


def write_bvh_motion(frames: Sequence[PlacedHand], path: Path, frame_rate: float) -> None:
    """Write one hand through time; ``frame_rate`` is in frames a second.

    The wrist has a position (mm) and rotation, the others rotations; all are Z, Y, X in degrees, R = Rz Ry Rx. Fingertips are
    end sites.

    Raises:
        InputError: when the file cannot be written.
        ValueError: when there is no frame, or bone lengths or side change between frames: offsets are said once in BVH.
    """
    if not frames or not 0 < frame_rate < np.inf:
        raise ValueError(f"a motion has at least one frame and a positive rate, not {len(frames)} at {frame_rate} a second")
    first = frames[0]
    for hand in frames:
        if hand.side != first.side or np.abs(hand.rest_positions - first.rest_positions).max() > SAME_SKELETON_MM:
            raise ValueError("a BVH motion has one skeleton: give frames of the same hand with the same bone lengths")

    rotations, positions = (np.stack([getattr(hand, name) for hand in frames]) for name in ("joint_rotations", "joint_positions"))
    write_file(path, _bvh(first, rotations, positions[:, WRIST], 1.0 / frame_rate))


def write_bvh_clip(tracks: Sequence[HandTrack], path: Path) -> list[Path]:
    """Write the hands of a clip, each to a file of its own, because BVH holds one skeleton; the files.

    A single hand goes to ``path``, of several each to ``<stem>_<identity>_<side>.bvh`` beside it; without hands there is no file. All
    files begin with the clip and have its mean frame rate, so that they stay together: where times are uneven, poses are interpolated;
    before a hand comes and while it is gone it waits in the pose that is next or was last.

    Raises:
        InputError: when a file cannot be written.
        ValueError: when a track has no frame.
    """
    paths = []
    for track in tracks:
        own = path if len(tracks) == 1 else path.with_name(f"{path.stem}_{track.identity}_{track.side}{path.suffix}")
        write_file(own, _track_bvh(track))
        paths.append(own)
    return paths


def _track_bvh(track: HandTrack) -> bytes:
    if not len(track.seconds):
        raise ValueError("a motion has at least one frame")
    step = track.frame_step_s
    times = step * np.arange(round(float(track.seconds[-1]) / step) + 1)
    at = np.clip(np.searchsorted(track.seconds, times + 1e-6, side="right") - 1, 0, None)
    after = np.minimum(at + 1, len(track.seconds) - 1)
    gap = track.seconds[after] - track.seconds[at]
    share = np.clip((times - track.seconds[at]) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
    share[track.frames[after] - track.frames[at] > 1] = 0.0  # gone: it waits
    rotations, wrists = track.joints.rotations, track.joints.positions[:, WRIST]
    turned = _between(rotations[at], rotations[after], share[:, None])
    moved = wrists[at] + share[:, None] * (wrists[after] - wrists[at])
    return _bvh(track, turned, moved, step)


def _between(
    first: Float[np.ndarray, "*batch 3 3"], second: Float[np.ndarray, "*batch 3 3"], share: Float[np.ndarray, "*#batch"]
) -> Float[np.ndarray, "*batch 3 3"]:
    """Along the shortest turn from a rotation to another."""
    turn = roma.rotmat_to_rotvec(torch.tensor(first.swapaxes(-1, -2) @ second, dtype=torch.float64))
    return first @ roma.rotvec_to_rotmat(torch.tensor(share)[..., None] * turn).numpy()


def _bvh(
    hand: RestingHand,
    rotations: Float[np.ndarray, "frames joints 3 3"],
    wrists: Float[np.ndarray, "frames 3"],
    frame_s: float,
) -> bytes:
    """The file of a hand whose joints are turned so in each frame, camera frame."""
    parents = hand.template.parents
    children = {joint: [child for child in range(JOINT_COUNT) if parents[child] == joint] for joint in range(JOINT_COUNT)}
    order = _depth_first(WRIST, children)
    angles_deg = np.unwrap(_channels_deg(hand, rotations), period=360.0, axis=0)
    rows = np.hstack([wrists @ CAMERA_TO_Y_UP, angles_deg[:, order].reshape(len(rotations), -1)])
    lines = [
        "HIERARCHY",
        *_hierarchy(WRIST, children, _offsets(hand), indent=""),
        "MOTION",
        f"Frames: {len(rows)}",
        f"Frame Time: {frame_s:.8f}",
        *(" ".join(f"{value:.6f}" for value in row) for row in rows),
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def _depth_first(joint: int, children: dict[int, list[int]]) -> list[int]:
    """The joints that have channels, in the order in which BVH reads them."""
    return [joint, *(below for child in children[joint] if child not in FINGERTIPS for below in _depth_first(child, children))]


def _channels_deg(hand: RestingHand, rotations: Float[np.ndarray, "frames joints 3 3"]) -> Float[np.ndarray, "frames joints 3"]:
    """Z, Y, X angles of every joint's turn from rest, relative to its parent's turn; the wrist's to the y-up world."""
    turns = rotations @ hand.rest_rotations.swapaxes(-1, -2)
    parent_turns = turns[:, list(hand.template.parents)]
    parent_turns[:, WRIST] = CAMERA_TO_Y_UP
    local = torch.tensor(parent_turns.swapaxes(-1, -2) @ turns, dtype=torch.float64)
    return np.asarray(roma.rotmat_to_euler("ZYX", local, degrees=True))


def _offsets(hand: RestingHand) -> Float[np.ndarray, "joints 3"]:
    """Each joint from its parent at rest, in the hand's own axes; the wrist's is zero, its position is a channel."""
    offsets = hand.rest_positions - hand.rest_positions[list(hand.template.parents)]
    offsets[WRIST] = 0.0
    return offsets


def _hierarchy(joint: int, children: dict[int, list[int]], offsets: Float[np.ndarray, "joints 3"], indent: str) -> list[str]:
    offset = f"{indent}  OFFSET " + " ".join(f"{value:.6f}" for value in offsets[joint])
    if joint in FINGERTIPS:
        return [f"{indent}End Site", f"{indent}{{", offset, f"{indent}}}"]
    rotations = "Zrotation Yrotation Xrotation"
    is_root = joint == WRIST
    return [
        f"{indent}{'ROOT' if is_root else 'JOINT'} {JOINT_NAMES[joint]}",
        f"{indent}{{",
        offset,
        f"{indent}  CHANNELS " + (f"6 Xposition Yposition Zposition {rotations}" if is_root else f"3 {rotations}"),
        *(line for child in children[joint] for line in _hierarchy(child, children, offsets, indent + "  ")),
        f"{indent}}}",
    ]
