"""The total loss of section 6, term by term."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from decoder_pretrain.studio_model import StudioPrediction
from decoder_pretrain.texture_consistency import TextureConsistency
from estimator.hand.correctives import Correctives
from estimator.hand.decoder import HandDecoder
from estimator.hand.depth_map import depth_maps
from estimator.hand.losses import (
    bone_spheres,
    depth_loss,
    drift_loss,
    l2_regulariser,
    laplacian_loss,
    overlapping,
    palm_vertices,
    penetration_nonrigid,
    penetration_rigid,
    pose_loss,
    pose_spheres,
)
from estimator.hand.surface import uniform_laplacian, vertex_normals
from estimator.hand.template import HandTemplate
from estimator.hand.texture import Views


@dataclass(frozen=True)
class LossWeights:
    """Factor of each term; the paper's unless changed. A term of weight zero is not computed.

    Attributes:
        pose: joints.
        depth: depth maps.
        penetration_rigid: finger against finger.
        penetration_nonrigid: fingertip against palm (lambda_nr).
        laplacian: smoothness (lambda_lap).
        correctives: L2 norm of the correctives, for low resolutions (section 15).
        drift: how far the refined vertices lie from the template's along its surface; not the paper's.
        texture: consistent colours, in fine-tuning (section 11).
    """

    pose: float = 1.0
    depth: float = 1.0
    penetration_rigid: float = 1.0
    penetration_nonrigid: float = 5.0
    laplacian: float = 5.0
    correctives: float = 0.0
    drift: float = 0.0
    texture: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) < float("inf"):
                raise ValueError(f"the weight of {field.name} should be zero or more, not {getattr(self, field.name)}")


@dataclass(frozen=True)
class StudioTruth:
    """What supervises a batch: see ``datasets.studio_sample``; the target views' pictures only where they were asked for.

    ``moments`` are the samples' numbers in the data.
    """

    moments: Int[Tensor, " batch"]
    joints: Float[Tensor, "batch joints 3"]
    valid: Bool[Tensor, "batch joints"]
    K: Float[Tensor, "batch views 3 3"]
    R: Float[Tensor, "batch views 3 3"]
    t: Float[Tensor, "batch views 3"]
    depth: Float[Tensor, "batch views height width"]
    pictures: UInt8[Tensor, "batch views 3 height width"] | None = None


LossTerms = dict[str, Float[Tensor, ""]]
"""Mean over the batch of each term that is computed, unweighted, by its name in ``LossWeights``."""


class Objective(nn.Module):
    """Holds what the losses need of a template; has no parameters.

    Args:
        texture: how a surface's colours differ from a reference; needed where they have a weight.

    Raises:
        ValueError: when it is missing.
    """

    def __init__(self, template: HandTemplate, weights: LossWeights = LossWeights(), texture: TextureConsistency | None = None) -> None:
        super().__init__()
        if weights.texture > 0 and texture is None:
            raise ValueError("a loss of texture needs a reference texture")
        self.weights, self.texture = weights, texture
        vertices = torch.tensor(template.vertices, dtype=torch.float32)
        self.register_buffer("faces", torch.tensor(template.faces), persistent=False)
        self.register_buffer("vertices", vertices, persistent=False)
        self.register_buffer("normals", vertex_normals(vertices, self.faces), persistent=False)
        self.register_buffer("palm", palm_vertices(torch.tensor(template.skinning_weights)), persistent=False)
        laplacian = uniform_laplacian(self.faces, len(vertices))  # kept in two parts: processes cannot send sparse tensors to each other
        self.register_buffer("laplacian_indices", laplacian.indices(), persistent=False)
        self.register_buffer("laplacian_values", laplacian.values(), persistent=False)
        decoder = HandDecoder(template)
        spheres = bone_spheres(decoder.rest_frames(decoder.joint_offsets).positions, vertices)
        self.register_buffer("counted", ~overlapping(spheres), persistent=False)

    faces: Int[Tensor, "faces 3"]
    vertices: Float[Tensor, "vertices 3"]
    normals: Float[Tensor, "vertices 3"]
    palm: Int[Tensor, " palm"]
    laplacian_indices: Int[Tensor, "2 entries"]
    laplacian_values: Float[Tensor, " entries"]
    counted: Tensor

    def forward(self, prediction: StudioPrediction, truth: StudioTruth, decoder: HandDecoder) -> LossTerms:
        """The terms that count."""
        terms = {
            "pose": lambda: pose_loss(prediction.joints, truth.joints, truth.valid),
            "laplacian": lambda: laplacian_loss(prediction.vertices, self._laplacian(prediction.vertices.shape[1])),
            "correctives": lambda: self._correctives(prediction, decoder),
            "drift": lambda: drift_loss(prediction.rest.vertices, self.vertices, self.normals),
        }
        found = {name: term().mean() for name, term in terms.items() if getattr(self.weights, name) > 0}
        if self.weights.depth > 0 or self.weights.texture > 0:
            found |= self._seen(prediction, truth)
        if self.weights.penetration_rigid > 0 or self.weights.penetration_nonrigid > 0:
            spheres = pose_spheres(bone_spheres(prediction.rest_joints, prediction.rest.vertices), prediction.joints)
            found["penetration_rigid"] = penetration_rigid(spheres, self.counted).mean()
            found["penetration_nonrigid"] = penetration_nonrigid(spheres, prediction.vertices[:, self.palm]).mean()
        return found

    def total(self, terms: LossTerms) -> Float[Tensor, ""]:
        """The weighted sum L."""
        return torch.stack([getattr(self.weights, name) * term for name, term in terms.items()]).sum()

    def _laplacian(self, vertex_count: int) -> Tensor:
        """The sparse matrix."""
        size = (vertex_count, vertex_count)
        return torch.sparse_coo_tensor(self.laplacian_indices, self.laplacian_values, size, is_coalesced=True, check_invariants=False)

    def _seen(self, prediction: StudioPrediction, truth: StudioTruth) -> LossTerms:
        """What is compared in the target views, which the surface is drawn into once."""
        height, width = truth.depth.shape[-2:]
        depth = depth_maps(prediction.vertices, self.faces, truth.K, truth.R, truth.t, height, width)
        found: LossTerms = {}
        if self.weights.depth > 0:
            found["depth"] = depth_loss(depth, truth.depth).mean()
        if self.weights.texture > 0:
            assert self.texture is not None
            assert truth.pictures is not None, "the texture's loss is computed from the target views' pictures"
            views = Views(truth.pictures.to(depth.dtype) / 255, depth.detach(), truth.K, truth.R, truth.t)
            found["texture"] = self.texture(prediction.vertices, views).mean()
        return found

    @staticmethod
    def _correctives(prediction: StudioPrediction, decoder: HandDecoder) -> Float[Tensor, ""]:
        correctives = decoder.correctives
        assert isinstance(correctives, Correctives), "only learned correctives are regularised"
        identity = correctives.identity()
        of_pose = l2_regulariser(correctives.pose(prediction.theta)).mean()
        return of_pose + l2_regulariser(identity.vertices) + l2_regulariser(identity.joint_offsets)
