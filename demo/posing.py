"""A hand posed by its 28 joint angles, with each of the decoder's correctives in or left out: what the Pose tab shows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float

from demo.penetration import PenetrationFinder
from estimator.errors import InputError
from estimator.hand.correctives import BakedCorrectives, Corrective
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import FINGERS, POSE_NAMES, HandTemplate
from estimator.hand.types import JointFrames, RestHand
from estimator.machine import milliseconds_since
from estimator.personal_decoder import PersonalDecoder, load_template, open_decoder
from estimator.pipeline import EstimatorOptions

CORRECTIVES: tuple[Corrective, ...] = ("identity-skeleton", "identity-vertex", "pose-vertex")

_PARTS: Mapping[str, str] = MappingProxyType({"0": "base", "1": "root", "2": "middle joint", "3": "last joint"})
_MOVES: Mapping[str, str] = MappingProxyType({"x": "twist", "y": "sideways", "z": "bend"})


@dataclass(frozen=True)
class Angle:
    """One degree of freedom as a person sees it.

    Attributes:
        name: ``index1.z``, the template's.
        finger: whose it is.
        label: what it does, in words.
        lower: smallest anatomical value, whole degrees.
        upper: largest anatomical value, whole degrees.
    """

    name: str
    finger: str
    label: str
    lower: int
    upper: int


@dataclass(frozen=True)
class PosedHand:
    """A hand in a pose, in the hand frame (x to the fingers, y out of the palm, z to the thumb), mm.

    Attributes:
        theta: joint angles, radians.
        rest_vertices: the surface at theta = 0 with the correctives of this pose.
        vertices: the same, posed.
        joint_offsets: the skeleton's, from parent to joint.
        joint_rotations: posed joint frames.
        joint_positions: posed joint centres.
        corrected_mm: how far the correctives have moved each vertex of the surface at theta = 0.
        depth_mm: how deep each posed vertex is inside another part of the hand; 0 outside.
        decode_ms: what the decoder took.
        total_ms: with the search for penetration.
    """

    theta: Float[np.ndarray, " pose"]
    rest_vertices: Float[np.ndarray, "vertices 3"]
    vertices: Float[np.ndarray, "vertices 3"]
    joint_offsets: Float[np.ndarray, "joints 3"]
    joint_rotations: Float[np.ndarray, "joints 3 3"]
    joint_positions: Float[np.ndarray, "joints 3"]
    corrected_mm: Float[np.ndarray, " vertices"]
    depth_mm: Float[np.ndarray, " vertices"]
    decode_ms: float
    total_ms: float


class Poser:
    """Poses one person's hand, or the template."""

    def __init__(self, person: PersonalDecoder) -> None:
        self.template, self.decoder, self.name = person.template, person.decoder, person.name
        self.angles = angles_of(person.template)
        self.available = correctives_of(person.decoder)
        self.description = whose_hand(person.name)
        self._penetration = PenetrationFinder(person.template)

    @torch.inference_mode()
    def pose(self, theta: Float[np.ndarray, " pose"], parts: frozenset[Corrective] = frozenset(CORRECTIVES)) -> PosedHand:
        """The hand at ``theta`` (radians), refined by those of ``parts`` that the decoder has."""
        start = time.perf_counter()
        angles = torch.tensor(theta, dtype=torch.float32)
        rest = self._rest(angles, parts)
        mesh = self.decoder(angles, rest)
        decode_ms = milliseconds_since(start)
        vertices = mesh.vertices.double().numpy()
        moved = (rest.vertices - self.decoder.vertices).norm(dim=-1)
        depth = self._penetration.depths(vertices)
        return PosedHand(
            theta=theta,
            rest_vertices=rest.vertices.double().numpy(),
            vertices=vertices,
            joint_offsets=rest.joint_offsets.double().numpy(),
            joint_rotations=mesh.joints.rotations.double().numpy(),
            joint_positions=mesh.joints.positions.double().numpy(),
            corrected_mm=moved.double().numpy(),
            depth_mm=depth,
            decode_ms=decode_ms,
            total_ms=milliseconds_since(start),
        )

    @torch.inference_mode()
    def rest_frames(self, posed: PosedHand) -> JointFrames:
        """The joints of a pose's skeleton at theta = 0."""
        return self.decoder.rest_frames(torch.tensor(posed.joint_offsets, dtype=torch.float32))

    def _rest(self, theta: torch.Tensor, parts: frozenset[Corrective]) -> RestHand:
        decoder = self.decoder
        rest = RestHand(decoder.vertices, decoder.joint_offsets, decoder.skinning_weights)
        if decoder.correctives is None:
            return rest
        identity = decoder.correctives.identity()
        if "identity-skeleton" in parts:
            rest = replace(rest, joint_offsets=rest.joint_offsets + identity.joint_offsets)
        if "identity-vertex" in parts:
            rest = replace(rest, vertices=rest.vertices + identity.vertices)
        if "pose-vertex" in parts:
            rest = replace(rest, vertices=rest.vertices + decoder.correctives.pose(theta))
        return rest


def poser_of(decoder: str = EstimatorOptions.decoder) -> Poser:
    """The hand of an estimator's ``decoder`` option.

    Raises:
        InputError: when the file is damaged or made for another template.
    """
    return Poser(open_decoder(decoder, load_template()))


def correctives_of(decoder: HandDecoder) -> tuple[Corrective, ...]:
    """Those of a decoder that can be switched."""
    if not isinstance(decoder.correctives, BakedCorrectives):
        return ()
    baked = decoder.correctives
    present = (bool(baked.joint_offsets.any()), bool(baked.vertices.any()), baked.pose_network is not None)
    return tuple(part for part, there in zip(CORRECTIVES, present, strict=True) if there)


def whose_hand(decoder_name: str) -> str:
    """What a decoder's name says of its hand, in words."""
    if decoder_name == "template":
        return "the template, an average adult's hand without correctives"
    person = "a simulated person" if decoder_name.startswith("virtual:") else "one person"
    return f"the hand of {person}, {decoder_name.removesuffix(' (simulated)')}"


def angles_of(template: HandTemplate) -> tuple[Angle, ...]:
    """The 28 degrees of freedom in the order of theta, with the template's anatomical limits."""
    lower, upper = np.degrees(template.pose_lower), np.degrees(template.pose_upper)
    return tuple(
        _angle(name, int(low), int(high))
        for name, low, high in zip(POSE_NAMES, np.round(lower).tolist(), np.round(upper).tolist(), strict=True)
    )


def _angle(name: str, lower: int, upper: int) -> Angle:
    joint, axis = name.split(".")
    finger, number = joint[:-1], joint[-1]
    if finger not in FINGERS:
        raise ValueError(f"{name} is no finger's degree of freedom")
    return Angle(name, finger, f"{_PARTS[number]}, {_MOVES[axis]}", lower, upper)


def theta_of_degrees(angles: tuple[Angle, ...], degrees: tuple[float, ...]) -> Float[np.ndarray, " pose"]:
    """Theta from the sliders' values.

    Raises:
        InputError: when a value is no number or beyond its limits.
    """
    for angle, value in zip(angles, degrees, strict=True):
        if not (isinstance(value, float | int) and angle.lower <= value <= angle.upper):
            raise InputError(f"{angle.name}: expected {angle.lower} to {angle.upper} degrees, got {value}")
    return np.radians(np.array(degrees, dtype=np.float64))
