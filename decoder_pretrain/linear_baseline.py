"""python -m decoder_pretrain.linear_baseline: builds the linear hand that the paper's Table 1 compares with.

MANO itself may not be passed on, so this is a hand of its kind, made from MakeHuman's CC0 hands and our own simulation.

Like MANO: about 778 vertices (790); a linear shape space of ten components, mean and directions from a principal component
analysis; pose correctives linear in the entries of R - I, nine a joint, learned with full supervision (true surfaces with known
correspondence, un-posed by inverse skinning) under a ridge that grows with the distance from the joint; linear blend skinning;
joints that follow linearly from the shape.

Unlike MANO: made-up people instead of scans, and no registration errors, which favours this model; skinning weights are the template's
instead of learned; the skeleton and its 28 degrees of freedom are ours instead of 15 ball joints, so that one encoder serves all models;
no space of poses. Simulated subject 1, whom models are tested on by default, has no part in it; subjects 2 to 4 have.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator

from datasets.makehuman.skeleton import JointPose, local_frames
from datasets.pose_sampler import PoseSampler
from datasets.virtual_studio.people import PEOPLE
from datasets.virtual_studio.studio_moments import moments_of
from datasets.virtual_studio.subject import Subject, load_subject
from decoder_pretrain.linear_hand_file import DEFAULT_LINEAR_HAND, save_linear_hand
from decoder_pretrain.linear_poses import joint_distances, pose_directions, pose_examples
from decoder_pretrain.linear_shapes import RestShape, ShapeSpace, drawn_people, rest_shapes, shape_space
from estimator.command import DONE, CommandOptions, progress_bar, run_command
from estimator.errors import InputError
from estimator.files import require_writable_file
from estimator.hand.decoder import HandDecoder
from estimator.hand.linear_correctives import LinearHand
from estimator.hand.template import LOW_RESOLUTION_TEMPLATE, HandTemplate

TAUGHT_BY = (2, 3, 4)
"""Simulated subjects whose skin teaches the pose directions."""

BUILDS_OF_A_BODY = 3


@dataclass(frozen=True, kw_only=True)
class BuildOptions(CommandOptions):
    """Build the linear hand model that ``decoder_pretrain.train --model linear`` fits to a person."""

    out: Path = DEFAULT_LINEAR_HAND
    """File for the model."""

    bodies: int = 50
    """MakeHuman bodies that the shape space is made from, each with three hands."""

    poses: int = 160
    """Poses of each simulated subject that the pose directions are learned from."""

    seed: int = 0
    """Of bodies and poses."""


def run(options: BuildOptions) -> int:
    """Build and write; the exit status."""
    if options.bodies < 4 or options.poses < 1:
        raise InputError(f"--bodies should be at least 4 and --poses at least 1, not {options.bodies} and {options.poses}")
    require_writable_file(options.out)
    template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
    generator = np.random.default_rng(options.seed)
    teachers = [person for person in PEOPLE if person.number in TAUGHT_BY]
    drawn = drawn_people(options.bodies, BUILDS_OF_A_BODY, generator)
    shapes = rest_shapes(template, [*((person.body, person.build) for person in teachers), *drawn])
    space = shape_space(shapes[len(teachers) :])
    examples = []
    with progress_bar() as bar:
        for person, shape in bar.track(list(zip(teachers, shapes[: len(teachers)], strict=True)), description="posing"):
            subject = load_subject(person.number)
            examples.append(pose_examples(subject, shape, template, thetas_of(subject, template, options.poses, generator)))
    hand = linear_hand(template, space, pose_directions(examples, joint_distances(template)))
    save_linear_hand(hand, template, f"{len(drawn)} MakeHuman hands, {len(examples)} simulated subjects", options.out)
    print(f"{options.out}: {len(space.components)} components explain {space.explained:.1%} of {len(drawn)} hands")
    return DONE


def thetas_of(subject: Subject, template: HandTemplate, count: int, generator: np.random.Generator) -> Float[np.ndarray, "count pose"]:
    """Half of them from the training motions, half from anatomy; none from the test's gestures."""
    moved = [moment.stance.theta for moment in moments_of("training", subject.skeleton, count - count // 2, generator)]
    sampled = PoseSampler(template).sample(count // 2, Generator().manual_seed(int(generator.integers(2**31))))
    return np.concatenate([np.array(moved), sampled.double().numpy()])


def linear_hand(template: HandTemplate, space: ShapeSpace, directions: Float[np.ndarray, "features vertices 3"]) -> LinearHand:
    """Shape space and pose directions in the template's terms."""
    decoder = HandDecoder(template)
    R = decoder.rest_frames(decoder.joint_offsets).rotations.double().numpy()

    def offsets(shape: RestShape) -> Float[np.ndarray, "joints 3"]:
        """From places in the hand frame to places in the parents' frames."""
        return local_frames(JointPose(R, shape.joints))[1]

    mean, components = space.mean, space.components
    tables = (
        mean.vertices - template.vertices,
        offsets(mean) - template.joint_offsets,
        np.array([component.vertices for component in components]),
        np.array([offsets(component) for component in components]),
        directions,
    )
    return LinearHand(*(torch.tensor(table, dtype=torch.float32) for table in tables))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    return run_command(BuildOptions, run, "decoder_pretrain.linear_baseline", argv)


if __name__ == "__main__":
    sys.exit(main())
