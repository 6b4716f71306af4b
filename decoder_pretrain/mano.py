"""python -m decoder_pretrain.mano: makes a user's own MANO file a linear hand to train with, as the paper's Table 1 does.

MANO is licensed for research only: nothing here needs it, and neither it nor what is made from it may be passed on. ``smplx``, which
reads it, is imported here alone. MANO's surface, shape space, skinning weights and pose correctives are kept to the number. Its three
ball joints a finger become ours: fingertips are added from the surface; the thumb's root joint is put where MANO's is, and its own
turn and that of our additional joint, which lies in the same place and moves no skin, are one.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from datasets.makehuman.geometry import orthogonal_part, unit
from datasets.makehuman.skeleton import JointPose, local_frames
from decoder_pretrain.linear_hand_file import OWN_TEMPLATE, save_linear_hand
from estimator.command import DONE, CommandOptions, run_command
from estimator.errors import InputError
from estimator.files import require_writable_folder
from estimator.hand.alignment import align_rigid
from estimator.hand.decoder import HandDecoder
from estimator.hand.linear_correctives import LinearHand, turns_of
from estimator.hand.template import ALIGNMENT_JOINTS, FINGERS, JOINT_COUNT, JOINT_NAMES, HandTemplate

MANO_JOINTS = ("wrist", *(f"{finger}{k}" for finger in ("index", "middle", "pinky", "ring", "thumb") for k in (1, 2, 3)))
"""MANO's joints in MANO's order by our names."""

MANO_FINGERTIPS = {"thumb": 744, "index": 320, "middle": 443, "ring": 554, "pinky": 671}
"""Vertices at the ends of the fingers, as smplx names them."""

MM_A_METRE = 1000.0


@runtime_checkable
class ManoModel(Protocol):
    """What smplx knows of a MANO file; metres."""

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor
    J_regressor: Tensor
    lbs_weights: Tensor
    faces: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ManoOptions(CommandOptions):
    """Turn your own MANO file into a linear hand for ``decoder_pretrain.train --model linear --linear-hand``."""

    mano: Path
    """MANO_RIGHT.pkl, as its authors hand it out."""

    out: Path
    """Folder for the linear hand and its template."""


def run(options: ManoOptions) -> int:
    """Convert; the exit status."""
    mano = load_mano(options.mano)
    template, hand = linear_hand_of(mano, HandTemplate.load())
    require_writable_folder(options.out)
    template.save(options.out / OWN_TEMPLATE)
    path = options.out / "mano.safetensors"
    save_linear_hand(hand, HandTemplate.load(options.out / OWN_TEMPLATE), "MANO", path)
    print(f"{path}\ntrain with: python -m decoder_pretrain.train --model linear --linear-hand {path} --out RUN")
    return DONE


def load_mano(path: Path) -> ManoModel:
    """The right hand of a MANO file.

    Raises:
        InputError: when it is missing or unreadable, or smplx is not installed.
    """
    if not path.is_file():
        raise InputError(
            f"--mano {path}: no such file; MANO comes from https://mano.is.tue.mpg.de, for research only, and is never needed here"
        )
    try:
        import smplx  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError("reading a MANO file needs smplx, which is licensed for research only: pip install smplx chumpy") from error
    try:
        return smplx.MANO(str(path), is_rhand=True, use_pca=False, flat_hand_mean=True)
    except (OSError, ValueError, KeyError, AttributeError, ImportError, AssertionError, EOFError) as error:
        raise InputError(f"--mano {path}: smplx cannot read it ({' '.join(str(error).split())[:120]}); give MANO_RIGHT.pkl") from error


def linear_hand_of(mano: ManoModel, like: HandTemplate) -> tuple[HandTemplate, LinearHand]:
    """MANO as a template and a linear hand, turned into the hand frame of ``like``, whose anatomical limits it takes over."""
    vertices, shapes = (MM_A_METRE * table.detach().double() for table in (mano.v_template, mano.shapedirs.permute(2, 0, 1)))
    regressor = _regressor(mano)
    R, t = _to_hand_frame(regressor @ vertices, like)
    vertices, shapes = vertices @ R.T + t, shapes @ R.T
    joints, shape_joints = regressor @ vertices, regressor @ shapes
    frames = _frames(joints.numpy(), like)
    weights = np.zeros((len(vertices), JOINT_COUNT))
    weights[:, [JOINT_NAMES.index(name) for name in MANO_JOINTS]] = mano.lbs_weights.detach().double().numpy()
    template = _template(vertices.numpy(), joints.numpy(), frames, weights / weights.sum(axis=1, keepdims=True), mano.faces, like)
    hand = LinearHand(
        mean_vertices=torch.zeros(vertices.shape),
        mean_joint_offsets=torch.zeros(JOINT_COUNT, 3),
        shape_vertices=shapes.float(),
        shape_joint_offsets=torch.tensor(np.array([_local(frames, each)[1] for each in shape_joints.numpy()]), dtype=torch.float32),
        pose_directions=_pose_directions(mano, R.numpy(), frames, template),
    )
    return template, hand


def _regressor(mano: ManoModel) -> Float[Tensor, "joints vertices"]:
    """Our joints from MANO's vertices: its own, fingertips on the surface, and the thumb's additional joint at its root."""
    own = mano.J_regressor.detach().double()
    regressor = torch.zeros(JOINT_COUNT, own.shape[1], dtype=torch.float64)
    regressor[[JOINT_NAMES.index(name) for name in MANO_JOINTS]] = own
    for finger in FINGERS:
        regressor[JOINT_NAMES.index(f"{finger}_null"), MANO_FINGERTIPS[finger]] = 1
    regressor[JOINT_NAMES.index("thumb0")] = regressor[JOINT_NAMES.index("thumb1")]
    return regressor


def _to_hand_frame(joints: Float[Tensor, "joints 3"], like: HandTemplate) -> tuple[Float[Tensor, "3 3"], Float[Tensor, " 3"]]:
    """The turn that takes MANO's palm to the template's, and the way of its wrist to the origin."""
    decoder = HandDecoder(like)
    known = list(ALIGNMENT_JOINTS)
    R = align_rigid(joints[known], decoder.rest_frames(decoder.joint_offsets).positions.double()[known]).rotation
    return R, -R @ joints[JOINT_NAMES.index("wrist")]


def _frames(joints: Float[np.ndarray, "joints 3"], like: HandTemplate) -> Float[np.ndarray, "joints 3 3"]:
    """Joint frames at rest: x along MANO's bones, otherwise turned as the template's; both thumb roots share one."""
    decoder = HandDecoder(like)
    frames = decoder.rest_frames(decoder.joint_offsets).rotations.double().numpy().copy()
    for child, parent in enumerate(like.parents):
        name = JOINT_NAMES[parent]
        if parent >= 0 and name not in ("wrist", "thumb0"):
            x = unit(joints[child] - joints[parent])
            z = orthogonal_part(frames[parent][:, 2], x)
            frames[parent] = np.stack([x, np.cross(z, x), z], axis=1)
    frames[JOINT_NAMES.index("thumb0")] = frames[JOINT_NAMES.index("thumb1")]
    for finger in FINGERS:
        frames[JOINT_NAMES.index(f"{finger}_null")] = frames[JOINT_NAMES.index(f"{finger}3")]
    return frames


def _local(frames: np.ndarray, places: np.ndarray) -> tuple[Float[np.ndarray, "joints 3 3"], Float[np.ndarray, "joints 3"]]:
    return local_frames(JointPose(frames, places))


def _template(
    vertices: np.ndarray, joints: np.ndarray, frames: np.ndarray, weights: np.ndarray, faces: np.ndarray, like: HandTemplate
) -> HandTemplate:
    """MANO has no texture coordinates: seen from above, they do for a form's sake."""
    faces = np.asarray(faces).astype(np.int64)
    flat = vertices[:, [0, 2]] - vertices[:, [0, 2]].min(axis=0)
    rest_rotations, joint_offsets = _local(frames, joints)
    return HandTemplate(
        vertices=vertices,
        faces=faces,
        uv=flat / flat.max(),
        uv_faces=faces.copy(),
        nail_faces=np.zeros(len(faces), dtype=bool),
        rest_rotations=rest_rotations,
        joint_offsets=joint_offsets,
        skinning_weights=weights,
        pose_lower=like.pose_lower,
        pose_upper=like.pose_upper,
    )


def _pose_directions(
    mano: ManoModel, R: Float[np.ndarray, "3 3"], frames: Float[np.ndarray, "joints 3 3"], template: HandTemplate
) -> Float[Tensor, "features vertices 3"]:
    """MANO's directions for turns in our joint frames: with M = B P B^T the entries of one turn are linear in the other's."""
    own = MM_A_METRE * mano.posedirs.detach().double().numpy().reshape(-1, 3, 3, len(template.vertices), 3) @ R.T
    directions = []
    for turn in turns_of(torch.tensor(template.skinning_weights.any(axis=0))):
        B = R.T @ frames[turn[-1]]  # from our joint's frame to MANO's own axes
        directions.append(np.einsum("abvc,ai,bj->ijvc", own[MANO_JOINTS.index(JOINT_NAMES[turn[-1]]) - 1], B, B))
    return torch.tensor(np.concatenate(directions).reshape(-1, len(template.vertices), 3), dtype=torch.float32)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(ManoOptions, run, "decoder_pretrain.mano", argv)


if __name__ == "__main__":
    sys.exit(main())
