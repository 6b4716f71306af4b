"""python -m decoder_pretrain.build_template: the hand template from MakeHuman's CC0 hand."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from datasets.makehuman.flatten import flatten
from datasets.makehuman.geometry import Mesh
from datasets.makehuman.skeleton import JointPose, artist_pose, flat_pose, local_frames, pose_limits
from datasets.makehuman.source import load_source_hand
from datasets.makehuman.surface import even_surface
from datasets.makehuman.weights import skinning_weights
from decoder_pretrain.template_texture import texture_coordinates
from estimator.command import DONE, CommandOptions, run_command
from estimator.files import require_writable_folder
from estimator.hand.template import DEFAULT_TEMPLATE, LOW_RESOLUTION_TEMPLATE, HandTemplate

EDGE_LENGTH_MM = 2.14
"""Gives about 12,500 vertices, as the paper's hand has."""

LOW_EDGE_LENGTH_MM = 8.35
"""Gives about 790 vertices (section 15)."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions(CommandOptions):
    """Build the hand template, of 12,518 and of 790 vertices, from MakeHuman's CC0 hand."""

    out: Annotated[Path, tyro.conf.arg(help_behavior_hint="(default: where the ones that ship are)")] = DEFAULT_TEMPLATE.parent
    """Folder for hand_template.npz and hand_template_low.npz."""


def build(flat_hand: Mesh, pose: JointPose, edge_length_mm: float) -> HandTemplate:
    """The template in triangles of about the given edge length, from the smooth surface at theta = 0."""
    surface = even_surface(flat_hand, pose, edge_length_mm)
    vertices, faces = surface.mesh.vertices, surface.mesh.faces
    weights = skinning_weights(vertices, faces, surface.mesh.fields, pose)
    uv, uv_faces = texture_coordinates(vertices, faces, weights, surface.nail_faces, pose)
    rest_rotations, joint_offsets = local_frames(pose)
    lower, upper = pose_limits()
    return HandTemplate(
        vertices=vertices,
        faces=faces,
        uv=uv,
        uv_faces=uv_faces,
        nail_faces=surface.nail_faces,
        rest_rotations=rest_rotations,
        joint_offsets=joint_offsets,
        skinning_weights=weights,
        pose_lower=lower,
        pose_upper=upper,
    )


def run(options: BuildOptions) -> int:
    """Write both templates and print what was made; the exit status."""
    require_writable_folder(options.out)
    source = load_source_hand()
    artist = artist_pose(source.joints, source.mesh.vertices)
    pose = flat_pose(artist)
    flat_hand = flatten(source.mesh, artist, pose)
    for name, edge_length_mm in ((DEFAULT_TEMPLATE.name, EDGE_LENGTH_MM), (LOW_RESOLUTION_TEMPLATE.name, LOW_EDGE_LENGTH_MM)):
        template = build(flat_hand, pose, edge_length_mm)
        template.save(options.out / name)
        print(f"{options.out / name}: {len(template.vertices)} vertices, {len(template.faces)} faces, id {template.id}")
    return DONE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(BuildOptions, run, "decoder_pretrain.build_template", argv)


if __name__ == "__main__":
    sys.exit(main())
