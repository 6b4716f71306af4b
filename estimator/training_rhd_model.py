"""Stage 2's model: an encoder that learns before a decoder that does not (section 8.4)."""

import hashlib

import torch
from jaxtyping import Float
from torch import Tensor, nn

from estimator.hand.alignment import align_rigid
from estimator.hand.bones import bone_lengths, with_bone_lengths
from estimator.hand.decoder import HandDecoder
from estimator.hand.losses import pose_loss
from estimator.hand.template import ALIGNMENT_LANDMARKS, LANDMARK_JOINTS, LANDMARK_PARENTS
from estimator.image_encoder import ImageEncoder

_PALM = list(ALIGNMENT_LANDMARKS)

Terms = dict[str, Float[Tensor, ""]]


class EncoderBeforeDecoder(nn.Module):
    """From crops to joints placed where the true ones are, with their bone lengths. The decoder is frozen."""

    def __init__(self, encoder: ImageEncoder, decoder: HandDecoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder.requires_grad_(False)

    def forward(self, image: Float[Tensor, "batch 3 size size"], joints: Float[Tensor, "batch 21 3"]) -> Float[Tensor, "batch 21 3"]:
        """The 21 landmarks, mm. ``joints``, the true ones, give bone lengths and placement alone."""
        theta = self.encoder(image)
        offsets = self.decoder.personal_offsets().expand(len(theta), -1, -1)
        own = self.decoder.frames(theta, offsets).positions[:, list(LANDMARK_JOINTS)]
        return placed_by_palm(with_bone_lengths(own, bone_lengths(joints, LANDMARK_PARENTS), LANDMARK_PARENTS), joints)


class RhdStep(nn.Module):
    """From a batch's tensors to its losses."""

    def __init__(self, model: EncoderBeforeDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Float[Tensor, "batch 3 size size"], joints: Float[Tensor, "batch 21 3"]) -> Terms:
        """The pose loss of section 6, and the mean joint error (mm) to look at."""
        found = self.model(image, joints)
        all_known = torch.ones_like(joints[..., 0], dtype=torch.bool)
        return {"pose": pose_loss(found, joints, all_known).mean(), "joint_error_mm": (found.detach() - joints).norm(dim=-1).mean()}


def placed_by_palm(own: Float[Tensor, "batch 21 3"], target: Float[Tensor, "batch 21 3"]) -> Float[Tensor, "batch 21 3"]:
    """Landmarks rigidly aligned by wrist and finger roots (section 5.2). No gradient goes through the alignment."""
    place = align_rigid(own.detach()[:, _PALM].double(), target[:, _PALM].double())
    return own @ place.rotation.to(own.dtype).mT + place.translation.to(own.dtype)[:, None]


def weights_sha256(module: nn.Module) -> str:
    """Of all parameters and buffers by name: the same as long as none of them changes."""
    digest = hashlib.sha256()
    for name, tensor in sorted([*module.named_parameters(), *module.named_buffers()], key=lambda entry: entry[0]):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
