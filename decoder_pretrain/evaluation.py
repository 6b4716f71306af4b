"""What a trained hand model is worth on moments it never saw: joint error, surface error, penetration (Tables 1 and 2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import igl
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from datasets.studio_sample import Scan
from decoder_pretrain.fitting import fitted_theta
from decoder_pretrain.penetration import PenetrationMeter
from decoder_pretrain.studio_model import place_in_studio
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import FINGERS, JOINT_NAMES
from estimator.image_encoder import ImageEncoder

DEEP_MM = 1.0
"""A frame counts as penetrated from this depth on: less is what a fingertip's flesh gives way."""

TIP_MM = 11.0
"""So near to a fingertip's joint a scan's points are the fingertip's."""

_TIPS = [JOINT_NAMES.index(f"{finger}_null") for finger in FINGERS]

_BATCH = 16


@dataclass(frozen=True)
class KnownMoment:
    """What a model is tested on.

    Attributes:
        motion: its name.
        image: what the encoder sees.
        joints: true joints, world frame, mm.
        valid: which of them are known.
        scan: the true surface.
    """

    motion: str
    image: UInt8[np.ndarray, "size size 3"]
    joints: Float[np.ndarray, "joints 3"]
    valid: Bool[np.ndarray, " joints"]
    scan: Scan


@dataclass(frozen=True)
class MomentResult:
    """A model's answer to one moment.

    Attributes:
        motion: its name.
        vertices: the estimated surface, world frame, mm.
        joint_error_mm: mean over the known joints (P_err).
        vertex_errors_mm: of each vertex the distance to the nearest point of the scan; its mean is M_err.
        tip_error_mm: mean distance of the scan's fingertips to the estimated surface: M_err does not see what a hand lacks.
        penetration_mm: how deep the deepest vertex is inside another part.
    """

    motion: str
    vertices: Float[np.ndarray, "vertices 3"]
    joint_error_mm: float
    vertex_errors_mm: Float[np.ndarray, " vertices"]
    tip_error_mm: float
    penetration_mm: float


@dataclass(frozen=True)
class Summary:
    """Means over moments.

    Attributes:
        p_err_mm: joint error.
        m_err_mm: surface error.
        tip_err_mm: of the scan's fingertips.
        penetration_mean_mm: deepest penetration of a moment, averaged.
        penetration_worst_mm: deepest of all.
        penetration_share: of moments that are penetrated deeper than ``DEEP_MM``.
        frames: moments.
    """

    p_err_mm: float
    m_err_mm: float
    tip_err_mm: float
    penetration_mean_mm: float
    penetration_worst_mm: float
    penetration_share: float
    frames: int


class EncodedPose:
    """Theta from a stage's own encoder."""

    def __init__(self, encoder: ImageEncoder) -> None:
        self.encoder = encoder.eval()

    def __call__(self, moments: Sequence[KnownMoment]) -> Float[Tensor, "batch pose"]:
        """Theta for each moment's picture."""
        pixels = torch.from_numpy(np.stack([moment.image for moment in moments])).permute(0, 3, 1, 2)
        return self.encoder(pixels.float() / 255)


class FittedPose:
    """Theta fitted to the true joints."""

    def __init__(self, decoder: HandDecoder) -> None:
        self.decoder = decoder

    def __call__(self, moments: Sequence[KnownMoment]) -> Float[Tensor, "batch pose"]:
        """Theta for each moment's joints."""
        return fitted_theta(self.decoder, *known_joints(moments))


def evaluate(
    decoder: HandDecoder, pose: EncodedPose | FittedPose, meter: PenetrationMeter, moments: Iterable[KnownMoment]
) -> Iterable[MomentResult]:
    """A model's answers, rigidly placed by the true wrist and finger roots (section 5.2)."""
    decoder.eval()
    for batch in _batches(moments):
        joints, valid = known_joints(batch)
        with torch.no_grad():  # here, not around a generator, which would switch gradients off for its caller
            prediction = place_in_studio(decoder, pose(batch), joints, valid)
        for row, moment in enumerate(batch):
            vertices = prediction.vertices[row].double().numpy()
            distance = np.linalg.norm(prediction.joints[row].double().numpy() - moment.joints, axis=1)
            yield MomentResult(
                motion=moment.motion,
                vertices=vertices,
                joint_error_mm=float(distance[moment.valid].mean()),
                vertex_errors_mm=surface_distance(vertices, moment.scan),
                tip_error_mm=tip_error_mm(moment, Scan(vertices, meter.template.faces)),
                penetration_mm=float(meter.depths(vertices).max()),
            )


def surface_distance(points: Float[np.ndarray, "points 3"], scan: Scan) -> Float[np.ndarray, " points"]:
    """Distance of each point to the nearest point of a scan's triangles, mm."""
    squared, _, _ = igl.point_mesh_squared_distance(points, scan.vertices.astype(np.float64), scan.faces.astype(np.int64))
    return np.sqrt(squared)


def tip_error_mm(moment: KnownMoment, estimate: Scan) -> float:
    """Mean distance of the fingertips of a moment's scan to an estimated surface; nan where no fingertip is known."""
    known = moment.joints[[tip for tip in _TIPS if moment.valid[tip]]]
    near = (np.linalg.norm(moment.scan.vertices[:, None] - known, axis=-1) < TIP_MM).any(axis=1)
    return float(surface_distance(moment.scan.vertices[near].astype(np.float64), estimate).mean()) if near.any() else float("nan")


def summarise(results: Sequence[MomentResult]) -> Summary:
    """Means over moments.

    Raises:
        ValueError: when there are none.
    """
    if not results:
        raise ValueError("there is no moment to evaluate")
    depths = np.array([result.penetration_mm for result in results])
    return Summary(
        p_err_mm=float(np.mean([result.joint_error_mm for result in results])),
        m_err_mm=float(np.mean([result.vertex_errors_mm.mean() for result in results])),
        tip_err_mm=float(np.nanmean([result.tip_error_mm for result in results])),
        penetration_mean_mm=float(depths.mean()),
        penetration_worst_mm=float(depths.max()),
        penetration_share=float((depths > DEEP_MM).mean()),
        frames=len(results),
    )


def known_joints(moments: Sequence[KnownMoment]) -> tuple[Float[Tensor, "batch joints 3"], Bool[Tensor, "batch joints"]]:
    """Joints and which are known, as tensors."""
    joints = torch.tensor(np.stack([moment.joints for moment in moments]), dtype=torch.float32)
    return joints, torch.tensor(np.stack([moment.valid for moment in moments]))


def _batches(moments: Iterable[KnownMoment]) -> Iterable[list[KnownMoment]]:
    batch: list[KnownMoment] = []
    for moment in moments:
        batch.append(moment)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
