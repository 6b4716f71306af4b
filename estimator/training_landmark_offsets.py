"""Measures where in the hand the detector puts its landmarks (the command is ``estimator.train_landmark_offsets``).

A detector's landmark is not a joint: its fingertips lie on the pad, its knuckles nearer to the fingers. Simulated hands whose joints are
known are shown to it, and for each landmark the point fixed to its joint is found that explains best, over all poses and views, where
the detector sees it.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import roma
import torch
from jaxtyping import Float
from rich.console import Console
from scipy.optimize import least_squares
from torch import Tensor

from datasets.pose_sampler import PoseSampler
from datasets.sample_image import ASSETS, fill
from estimator.command import DONE, CommandOptions
from estimator.detector import HandDetector
from estimator.errors import InputError
from estimator.files import require_writable_file, write_file
from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import LANDMARK_JOINTS, LANDMARK_NAMES, HandTemplate
from estimator.landmark_offsets import LANDMARK_OFFSETS, LandmarkOffsets
from estimator.placed_hand import PlacedHand
from estimator.render import render_overlay

SIDE_PX = 320
_LIMIT_MM = 25.0
_WRONG = 0.1


@dataclass(frozen=True)
class OffsetOptions(CommandOptions):
    """Measure where in the hand the detector puts its landmarks, on simulated hands.

    Attributes:
        out: where the offsets go.
        hands: simulated hands shown to the detector.
        seed: of poses, views and light.
    """

    out: Path = LANDMARK_OFFSETS
    hands: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hands < 1:
            raise InputError(f"--hands {self.hands}: at least 1 has to be shown to the detector")


@dataclass(frozen=True)
class SeenHand:
    """One simulated hand: its joints where the landmarks belong, and where the detector saw those."""

    rotations: Float[np.ndarray, "21 3 3"]
    positions: Float[np.ndarray, "21 3"]
    landmarks_px: Float[np.ndarray, "21 2"]


class VirtualCamera:
    """Shows simulated right hands to the detector, each alone in the middle of a small photograph."""

    def __init__(self, template: HandTemplate, detector: HandDetector) -> None:
        self.template = template
        self.decoder = HandDecoder(template)
        self.detector = detector
        self.camera = Camera.from_fov(45.0, SIDE_PX, SIDE_PX)
        self.backdrop = fill(cv2.imread(str(ASSETS / "forest_slope_view.jpg"))[..., ::-1], SIDE_PX, SIDE_PX)

    def look(self, theta: Tensor, R: Float[np.ndarray, "3 3"], distance_mm: float) -> SeenHand | None:
        """The hand as the detector sees it; None where the detector itself fails (more than a tenth of the hand off)."""
        hand = self._placed(theta, R, distance_mm)
        for seen in self.detector(render_overlay(self.backdrop, [hand])):
            misses = np.linalg.norm(seen.landmarks_px - hand.joints_px, axis=1)
            if seen.side == "right" and np.median(misses) < _WRONG * np.ptp(hand.joints_px, axis=0).max():
                return SeenHand(hand.joint_rotations[list(LANDMARK_JOINTS)], hand.joints_mm, seen.landmarks_px)
        return None

    def _placed(self, theta: Tensor, R: Float[np.ndarray, "3 3"], distance_mm: float) -> PlacedHand:
        """The hand in the middle of the view."""
        with torch.inference_mode():
            mesh, rest = self.decoder(theta), self.decoder.rest_frames(self.decoder.joint_offsets)
        joints = mesh.joints.positions.double().numpy() @ R.T
        to_camera = np.array([0.0, 0.0, distance_mm]) - (joints.min(axis=0) + joints.max(axis=0)) / 2
        return PlacedHand(
            side="right",
            score=1.0,
            box=(0.0, 0.0, float(SIDE_PX), float(SIDE_PX)),
            camera=self.camera,
            landmarks_px=np.zeros((len(LANDMARK_NAMES), 2)),
            theta=theta.double().numpy(),
            template=self.template,
            rest_vertices=self.template.vertices,
            rest_rotations=rest.rotations.double().numpy(),
            rest_positions=rest.positions.double().numpy(),
            vertices=mesh.vertices.double().numpy() @ R.T + to_camera,
            joint_rotations=R @ mesh.joints.rotations.double().numpy(),
            joint_positions=joints + to_camera,
            joints_mm=(joints + to_camera)[list(LANDMARK_JOINTS)],
            scale_source="subject default",
        )


def fit_offsets(hands: list[SeenHand], camera: Camera) -> LandmarkOffsets:
    """For each landmark the offset in its joint's frame with the least robust distance in the images, mm."""
    rotations, positions, pixels = (
        np.stack(parts) for parts in zip(*((h.rotations, h.positions, h.landmarks_px) for h in hands), strict=True)
    )
    offsets = np.zeros((len(LANDMARK_NAMES), 3))
    for k in range(len(LANDMARK_NAMES)):

        def misses(offset: Float[np.ndarray, "3"], k: int = k) -> Float[np.ndarray, " residuals"]:
            return (camera.project(positions[:, k] + rotations[:, k] @ offset) - pixels[:, k]).ravel()

        offsets[k] = least_squares(misses, np.zeros(3), bounds=(-_LIMIT_MM, _LIMIT_MM), loss="soft_l1", f_scale=2.0).x
    return LandmarkOffsets(offsets)


def run(options: OffsetOptions) -> int:
    """Do what the options say; the exit status.

    Raises:
        InputError: when the file cannot be written, or the detector sees none of the hands.
    """
    require_writable_file(options.out)
    console = Console(stderr=True)
    template = HandTemplate.load()
    generator, random = torch.Generator().manual_seed(options.seed), np.random.default_rng(options.seed)
    torch.manual_seed(options.seed)
    with HandDetector(max_hands=1) as detector:
        studio = VirtualCamera(template, detector)
        poses = PoseSampler(template).sample(options.hands, generator)
        rotations = roma.random_rotmat(20 * options.hands).double().numpy()
        rotations = rotations[(rotations[:, 1, 0] < -0.5)][: options.hands]  # fingers up, more or less: people hold hands so
        seen = [hand for theta, R in zip(poses, rotations, strict=True) if (hand := studio.look(theta, R, random.uniform(330, 650)))]
    if not seen:
        raise InputError(f"the detector saw none of {options.hands} simulated hands; show it more with --hands")
    offsets = fit_offsets(seen, studio.camera)
    before, after = (_median_miss(seen, studio.camera, fit) for fit in (replace(offsets, mm=0 * offsets.mm), offsets))
    console.print(f"{len(seen)} of {options.hands} simulated hands seen; median distance {before:.2f} px, with offsets {after:.2f} px")
    write_file(options.out, json.dumps(offsets.document(template.skeleton_id), indent=1).encode())
    return DONE


def _median_miss(hands: list[SeenHand], camera: Camera, offsets: LandmarkOffsets) -> float:
    distances = []
    for hand in hands:
        points = hand.positions + (hand.rotations @ offsets.mm[..., None])[..., 0]
        distances.append(np.linalg.norm(camera.project(points) - hand.landmarks_px, axis=1))
    return float(np.median(distances))
