"""The hands of a clip as one animated, skinned binary glTF: metres, y up, seconds, the camera at the origin looking along -z.

Each hand is stored once, as in ``export_gltf``; one animation moves all of them. Its samplers hold a quaternion for each joint that moves
and a translation for the wrist, at the times of the clip's frames. While a hand is not in the picture its wrist has scale zero: the way
in which the specification lets animations hide a skinned mesh.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pygltflib as gltf
from jaxtyping import Float

from estimator.export_gltf_parts import GltfData, asset, inverse_bind_matrices, joint_nodes, materials, relative_to_parents, skin_primitives
from estimator.files import write_file
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, WRIST
from estimator.hand_track import HandTrack

MOVES = 1e-6
"""A joint whose quaternion changes by less keeps the one of its node."""


def write_glb_clip(tracks: Sequence[HandTrack], path: Path) -> None:
    """Write all hands of a clip with their motion as one binary glTF 2.0 file.

    Nodes have the template's names; where there are several hands, after ``<side>_<identity>_``. A clip without hands is an empty scene.

    Raises:
        InputError: when the file cannot be written.
        ValueError: when a track has no frame, or its times do not increase (also as 32-bit floats).
    """
    write_file(path, _with_hands(tracks) if tracks else _empty_scene())


def _with_hands(tracks: Sequence[HandTrack]) -> bytes:
    data, animation = GltfData(), gltf.Animation(name="clip")
    document = gltf.GLTF2(asset=asset(), scene=0, scenes=[gltf.Scene(name="clip")], materials=materials(), animations=[animation])
    for track in tracks:
        if not len(track.seconds) or (np.diff(track.seconds.astype(np.float32)) <= 0).any():
            raise ValueError("a hand's motion needs at least one frame, and times that increase")
    clip_end = max(float(track.seconds[-1]) for track in tracks)
    for track in tracks:
        prefix = f"{track.side}_{track.identity}_" if len(tracks) > 1 else ""
        _add_hand(document, animation, data, _Motion.of(track, clip_end), prefix)
    document.accessors, document.bufferViews = data.accessors, data.views
    document.buffers = [gltf.Buffer(byteLength=len(data.buffer))]
    document.set_binary_blob(bytes(data.buffer))
    return b"".join(document.save_to_bytes())


def _empty_scene() -> bytes:
    """Without a buffer, which the format allows and the library does not."""
    document = {"asset": {"version": "2.0", "generator": asset().generator}, "scene": 0, "scenes": [{"name": "clip"}]}
    text = json.dumps(document).encode("ascii")
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text


@dataclass(frozen=True)
class _Motion:
    """A track as glTF's nodes hold it.

    Attributes:
        track: whose motion it is.
        seconds: of its frames.
        quaternions: of each joint relative to its parent, x y z w, each the nearer of the two to that of the frame before.
        translations: of each joint relative to its parent, metres.
        shown_seconds: when the hand comes and goes.
        shown: 1 where it comes, 0 where it goes.
    """

    track: HandTrack
    seconds: Float[np.ndarray, " frames"]
    quaternions: Float[np.ndarray, "frames joints 4"]
    translations: Float[np.ndarray, "frames joints 3"]
    shown_seconds: Float[np.ndarray, " changes"]
    shown: Float[np.ndarray, " changes"]

    @classmethod
    def of(cls, track: HandTrack, clip_end: float) -> "_Motion":
        joints = track.joints
        quaternions, translations = relative_to_parents(joints.rotations, joints.positions, track.template.parents)
        return cls(track, track.seconds, _without_jumps(quaternions), translations, *_visibility(track, clip_end))


def _without_jumps(quaternions: Float[np.ndarray, "frames joints 4"]) -> Float[np.ndarray, "frames joints 4"]:
    """q and -q are one rotation: the one nearer to that of the frame before."""
    turned = np.einsum("fjq,fjq->fj", quaternions[1:], quaternions[:-1]) < 0
    signs = np.cumprod(np.where(turned, -1.0, 1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs[..., None]])


def _visibility(track: HandTrack, clip_end: float) -> tuple[Float[np.ndarray, " changes"], Float[np.ndarray, " changes"]]:
    """Times at which the hand comes (1) or goes (0), from the clip's beginning."""
    seconds, frames = track.seconds, track.frames
    changes = [(0.0, 1.0)] if seconds[0] <= 0 else [(0.0, 0.0), (float(seconds[0]), 1.0)]
    for last in np.flatnonzero(np.diff(frames) > 1):
        goes = min(float(seconds[last]) + track.frame_step_s, (float(seconds[last]) + float(seconds[last + 1])) / 2)
        changes += [(goes, 0.0), (float(seconds[last + 1]), 1.0)]
    if clip_end > seconds[-1]:
        changes.append((min(float(seconds[-1]) + track.frame_step_s, clip_end), 0.0))
    times, shown = zip(*changes, strict=True)
    return np.array(times), np.array(shown)


def _add_hand(document: gltf.GLTF2, animation: gltf.Animation, data: GltfData, motion: _Motion, prefix: str) -> None:
    track, first = motion.track, len(document.nodes)
    name = f"{prefix}hand" if prefix else f"{track.side}_hand"
    parents = track.template.parents
    document.nodes += joint_nodes(motion.quaternions[0], motion.translations[0], parents, first, prefix)
    document.nodes.append(gltf.Node(name=name, mesh=len(document.meshes), skin=len(document.skins)))
    document.scenes[0].nodes += [first + JOINT_COUNT, first + WRIST]
    document.meshes.append(gltf.Mesh(name=name, primitives=skin_primitives(track, data)))
    document.skins.append(
        gltf.Skin(
            name=name,
            joints=list(range(first, first + JOINT_COUNT)),
            skeleton=first + WRIST,
            inverseBindMatrices=data.add(inverse_bind_matrices(track)),
        )
    )
    _add_motion(animation, data, motion, first)


def _add_motion(animation: gltf.Animation, data: GltfData, motion: _Motion, first: int) -> None:
    times = data.add_times(motion.seconds)

    def animate(joint: int, path: str, input_accessor: int, values: np.ndarray, interpolation: str = gltf.ANIM_LINEAR) -> None:
        sampler = gltf.AnimationSampler(input=input_accessor, output=data.add(values.astype(np.float32)), interpolation=interpolation)
        target = gltf.AnimationChannelTarget(node=first + joint, path=path)
        animation.channels.append(gltf.AnimationChannel(sampler=len(animation.samplers), target=target))
        animation.samplers.append(sampler)

    for joint in range(len(JOINT_NAMES)):
        quaternions = motion.quaternions[:, joint]
        if joint == WRIST or np.abs(quaternions - quaternions[0]).max() > MOVES:
            animate(joint, "rotation", times, quaternions)
    animate(WRIST, "translation", times, motion.translations[:, WRIST])
    if len(motion.shown) > 1:
        scales = np.repeat(motion.shown[:, None], 3, axis=1)
        animate(WRIST, "scale", data.add_times(motion.shown_seconds), scales, gltf.ANIM_STEP)
