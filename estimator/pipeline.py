"""HandEstimator: a photograph becomes posed, placed hand meshes. Detection, crop, encoder, placement, decoder, in that order."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, UInt8

from estimator.bone_lengths import with_joint_offsets
from estimator.crop import MIRROR, HandCrop, crop_hand
from estimator.detector import Detection, HandDetector
from estimator.encoders import HandLook, open_encoder
from estimator.errors import InputError
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.hand.template import JOINT_NAMES, WRIST
from estimator.landmark_offsets import LandmarkOffsets
from estimator.machine import milliseconds_since
from estimator.personal_decoder import load_template, open_decoder
from estimator.placed_hand import PlacedHand, ScaleSource, Side
from estimator.placement import EncoderPrediction, Sight, place, place_refined, sight_of
from estimator.profile import HAND_LENGTHS_MM, HandProfile
from estimator.refinement import HandState, RefinementSettings, Skeleton, landmarks_of
from estimator.result import ModelVersions

_OWN_MIRROR = np.diag([1.0, 1.0, -1.0])
"""Takes the hand frame to that of the mirrored hand, so that fingers stay along x and the palm along y."""

DEVICES = ("cpu", "cuda", "mps")
HandChoice = Literal["auto", "left", "right"]


@dataclass(frozen=True)
class EstimatorOptions:
    """What a user may choose.

    Attributes:
        max_hands: most hands looked for in an image.
        hand: side of all hands; ``auto`` believes the detector.
        profile: the person's bone lengths; None fits the proportions of palm and fingers to each hand.
        hand_length_mm: wrist to middle fingertip of the person, fingers straight; None keeps the profile's, or else the template's.
        encoder: ``default`` (features of the detector's network, and landmarks), ``landmarks`` (learned inverse kinematics), ``image``
            (the image alone), or a file of encoder weights.
        decoder: ``default`` (the skin that ships, on average bones), ``template`` (nobody's hand), or a file that stage 1 has trained.
        refine: fit pose, place and proportions to the landmarks after the encoder.
        refinement: how far each piece of evidence is trusted there.
        detector_model: the detector's model bundle; None finds or fetches it.
        device: where the networks run.

    Raises:
        InputError: when a value cannot be used.
    """

    max_hands: int = 4
    hand: HandChoice = "auto"
    profile: HandProfile | None = None
    hand_length_mm: float | None = None
    encoder: str = "default"
    decoder: str = "default"
    refine: bool = True
    refinement: RefinementSettings = RefinementSettings()
    detector_model: Path | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.max_hands < 1:
            raise InputError(f"--max-hands must be at least 1, not {self.max_hands}")
        if self.hand not in get_args(HandChoice):
            raise InputError(f"--hand must be one of {', '.join(get_args(HandChoice))}, not {self.hand!r}")
        low, high = HAND_LENGTHS_MM
        if self.hand_length_mm is not None and not low <= self.hand_length_mm <= high:
            raise InputError(f"--hand-length-mm must lie between {low:.0f} and {high:.0f} mm, not {self.hand_length_mm}")


@dataclass(frozen=True)
class StageTimes:
    """Milliseconds spent in each stage, over all hands of an image."""

    detect: float = 0.0
    encode: float = 0.0
    decode: float = 0.0
    place: float = 0.0

    def __add__(self, other: "StageTimes") -> "StageTimes":
        return StageTimes(self.detect + other.detect, self.encode + other.encode, self.decode + other.decode, self.place + other.place)


@dataclass(frozen=True)
class Estimate:
    """The hands of an image, best detection first, and what they cost."""

    hands: list[PlacedHand]
    timing: StageTimes


class HandEstimator:
    """Loads every model once; then each call takes an image to its hands.

    Raises:
        InputError: when a model is missing, damaged or made for another hand.
    """

    def __init__(self, options: EstimatorOptions = EstimatorOptions(), detector: HandDetector | None = None) -> None:
        """``detector`` lets several estimators share one; by default each opens its own."""
        self.options = options
        person = open_decoder(options.decoder, load_template())
        self.template, self.decoder_name = person.template, person.name
        self.decoder = person.decoder.to(_device(options.device))
        bones, self.refinement = _array(person.expected_offsets), options.refinement
        if options.profile is not None:
            options.profile.require_skeleton(self.template.skeleton_id)
            bones, self.refinement = options.profile.joint_offsets(bones), replace(options.refinement, proportion_sigma=0.0)
        self.skeleton = Skeleton.of(replace(self.template, joint_offsets=bones), LandmarkOffsets.load(self.template.skeleton_id))
        self.encoder = open_encoder(options.encoder, self.skeleton, self.template.skeleton_id, torch.device(options.device))
        self.detector = detector or HandDetector(options.detector_model, options.max_hands)

    @property
    def versions(self) -> ModelVersions:
        """What results name beside the numbers."""
        return ModelVersions(self.template.id, self.decoder_name, self.options.encoder)

    def close(self) -> None:
        """Let go of the detector's native memory."""
        self.detector.close()

    def __enter__(self) -> "HandEstimator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, image: UInt8[np.ndarray, "height width 3"], camera: Camera | None = None) -> list[PlacedHand]:
        """The hands in an RGB image; without a camera, one of 60 degrees along the diagonal is assumed."""
        height, width = image.shape[:2]
        return self.estimate(image, camera or Camera.from_fov(DEFAULT_FOV_DEG, width, height)).hands

    def estimate(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        camera: Camera,
        box: tuple[float, float, float, float] | None = None,
    ) -> Estimate:
        """As a call, with timing. ``box`` (x, y, width, height, pixels) holds one hand to look at instead of detection."""
        start = time.perf_counter()
        if box is None:
            detections = self.detector(image)
        else:
            inside = self.detector.in_box(image, box)
            detections = [inside] if inside else []
        detections = detections[: self.options.max_hands]
        timing = StageTimes(detect=milliseconds_since(start))
        hands: list[PlacedHand] = []
        for detection in detections:
            hand, spent = self.place_timed(detection, camera)
            hands.append(hand)
            timing = timing + spent
        return Estimate(hands, timing)

    def place(self, detection: Detection, camera: Camera) -> PlacedHand:
        """Everything after detection."""
        return self.place_timed(detection, camera)[0]

    def place_timed(self, detection: Detection, camera: Camera) -> tuple[PlacedHand, StageTimes]:
        """Everything after detection, and what each stage cost."""
        crop = self._crop(detection, camera)
        begin = time.perf_counter()
        prediction = self._encode(detection, crop)
        encoded = time.perf_counter()
        state = self._place(prediction, crop, None)
        placed = time.perf_counter()
        hand = self._decode(detection, crop.side, camera, state)
        decoded = time.perf_counter()
        return hand, StageTimes(encode=1000 * (encoded - begin), place=1000 * (placed - encoded), decode=1000 * (decoded - placed))

    def fitting(self, detection: Detection, camera: Camera) -> Callable[[Float[np.ndarray, " proportions"] | None], HandState]:
        """Pose and place of a detection for given proportions, or, for None, with those that suit it best; ``mesh`` makes the surface.

        The state is a right hand's: that of a left hand stands before the mirrored camera. The encoder, which costs most of the time,
        looks only once, however often the answer is called.
        """
        crop = self._crop(detection, camera)
        prediction = self._encode(detection, crop)
        return lambda proportions: self._place(prediction, crop, proportions)

    def sight(self, detection: Detection, camera: Camera) -> Sight:
        """What a detection says of its hand, before anything is fitted to it; that of a right hand, as in ``fitting``."""
        crop = self._crop(detection, camera)
        return sight_of(self.skeleton, self._encode(detection, crop), crop, self.refinement.encoder_share)

    def mesh(self, detection: Detection, camera: Camera, state: HandState) -> PlacedHand:
        """The hand of a state, with side, score and landmarks of a detection."""
        return self._decode(detection, self._side(detection), camera, state)

    def _side(self, detection: Detection) -> Side:
        return detection.side if self.options.hand == "auto" else self.options.hand

    def _crop(self, detection: Detection, camera: Camera) -> HandCrop:
        return crop_hand(self._side(detection), detection.landmarks_px, detection.landmarks_mm, camera)

    def _place(self, prediction: EncoderPrediction, crop: HandCrop, proportions: Float[np.ndarray, " proportions"] | None) -> HandState:
        skeleton, settings = self.skeleton, self.refinement
        if proportions is not None:
            skeleton = replace(skeleton, joint_offsets=skeleton.scaled_offsets(proportions))
            settings = replace(settings, proportion_sigma=0.0)
        refine = self.options.refine
        state = place_refined(skeleton, prediction, crop, settings) if refine else place(skeleton, prediction, crop)
        return state if proportions is None else replace(state, proportions=proportions)

    def _encode(self, detection: Detection, crop: HandCrop) -> EncoderPrediction:
        features = detection.features
        return self.encoder(HandLook(crop, features and self.detector.taken_for(crop.side, features)))

    @torch.inference_mode()
    def _decode(self, detection: Detection, side: Side, camera: Camera, state: HandState) -> PlacedHand:
        """The mesh in the image's camera: proportions into the hand at rest, then pose, then place; left hands mirrored back."""
        scale = self._scale(state)
        offsets = scale * self.skeleton.scaled_offsets(state.proportions)
        as_tensor = {"dtype": torch.float32, "device": self.options.device}
        theta = torch.tensor(state.theta, **as_tensor)
        own_rest = self.decoder.rest_hand(theta)
        scaled_rest = replace(own_rest, vertices=scale * own_rest.vertices, joint_offsets=scale * own_rest.joint_offsets)
        rest = with_joint_offsets(self.decoder, scaled_rest, torch.tensor(offsets, **as_tensor))
        mesh = self.decoder(theta, rest)
        rest_frames = self.decoder.rest_frames(rest.joint_offsets)

        world, own = (MIRROR, _OWN_MIRROR) if side == "left" else (np.eye(3), np.eye(3))
        R, t = world @ state.rotation, world @ (scale * state.translation)
        return PlacedHand(
            side=side,
            score=detection.score,
            box=detection.box,
            camera=camera,
            landmarks_px=detection.landmarks_px,
            theta=state.theta,
            template=self.template,
            rest_vertices=_array(rest.vertices) @ own,
            rest_rotations=own @ _array(rest_frames.rotations) @ own,
            rest_positions=_array(rest_frames.positions) @ own,
            vertices=_array(mesh.vertices) @ R.T + t,
            joint_rotations=R @ _array(mesh.joints.rotations) @ own,
            joint_positions=_array(mesh.joints.positions) @ R.T + t,
            joints_mm=scale * landmarks_of(self.skeleton, state) @ world,
            scale_source=self._scale_source,
        )

    def _scale(self, state: HandState) -> float:
        """What brings the hand to the length that the user or the profile gave. A photograph cannot tell: projections stay the same."""
        profile = self.options.profile
        length = self.options.hand_length_mm or (profile.hand_length_mm if profile else None)
        if length is None:
            return 1.0
        zero = HandState(np.zeros_like(state.theta), np.eye(3), np.zeros(3), state.proportions)
        return length / hand_length_mm(self.skeleton, zero)

    @property
    def _scale_source(self) -> ScaleSource:
        if self.options.hand_length_mm is not None:
            return "hand-length"
        return "subject default" if self.options.profile is None else "profile"


def hand_length_mm(skeleton: Skeleton, state: HandState) -> float:
    """Wrist to middle fingertip along the bones."""
    offsets = skeleton.scaled_offsets(state.proportions)
    joint, length = JOINT_NAMES.index("middle_null"), 0.0
    while joint != WRIST:
        length += float(np.linalg.norm(offsets[joint]))
        joint = int(skeleton.parents[joint])
    return length


def _device(name: str) -> torch.device:
    if name.split(":")[0] not in DEVICES:
        raise InputError(f"--device {name}: expected {', '.join(DEVICES)}, or one with a number such as cuda:1")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:100]
        raise InputError(f"--device {name}: torch cannot use it ({reason}); use cpu") from error
    return device


def _array(tensor: torch.Tensor) -> Float[np.ndarray, "..."]:
    return tensor.cpu().double().numpy()  # in this order: not every device has float64
