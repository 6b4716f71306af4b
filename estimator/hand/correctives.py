"""The learned correctives that refine the template to a person and a pose (section 5.1; skinning weights: section 13)."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from estimator.hand.template import JOINT_COUNT, POSE_SIZE

Corrective = Literal["identity-skeleton", "identity-vertex", "pose-vertex", "skinning"]
"""Delta S_beta, delta M_beta, delta M_theta and delta W_beta."""

IDENTITY_SIZE, HIDDEN_SIZE = 32, 256
_INITIAL_DEVIATION = 0.01
_LEAST_TOTAL = 1e-3

UNIT_MM = 10.0
"""The networks speak of centimetres, so that weights of the initial size mean offsets that are neither nothing nor a hand's breadth."""


@dataclass(frozen=True)
class CorrectivesConfig:
    """Which correctives a decoder learns, and of whom.

    Attributes:
        subject: number of the person; the identity code follows from it.
        parts: the correctives in use (see ``Corrective``); those left out are zero.

    Raises:
        ValueError: when a part is unknown or named twice.
    """

    subject: int = 1
    parts: tuple[str, ...] = ("identity-skeleton", "identity-vertex", "pose-vertex")

    def __post_init__(self) -> None:
        unknown = set(self.parts) - set(get_args(Corrective))
        if unknown or len(set(self.parts)) < len(self.parts):
            raise ValueError(f"correctives should be some of {', '.join(get_args(Corrective))}, each once, not {', '.join(self.parts)}")


@dataclass(frozen=True)
class IdentityCorrectives:
    """What depends on the person alone.

    Attributes:
        joint_offsets: delta S_beta, in the parents' frames, mm.
        vertices: delta M_beta, in the hand frame at theta = 0, mm.
        skinning_weights: W*, refined and normalised.
    """

    joint_offsets: Float[Tensor, "joints 3"]
    vertices: Float[Tensor, "vertices 3"]
    skinning_weights: Float[Tensor, "vertices joints"]


def identity_code(subject: int) -> Float[Tensor, " identity"]:
    """Beta: 32 Gaussian numbers drawn once for each person and then fixed; the same in every run and on every machine."""
    return torch.randn(IDENTITY_SIZE, generator=Generator().manual_seed(subject))


def two_layers(inputs: int, outputs: int) -> nn.Sequential:
    """Two fully connected layers of 256 hidden numbers with weights from N(0, 0.01) (sections 5.1 and 7)."""
    layers = nn.Sequential(nn.Linear(inputs, HIDDEN_SIZE), nn.ReLU(), nn.Linear(HIDDEN_SIZE, outputs))
    for layer in (layers[0], layers[2]):
        nn.init.normal_(layer.weight, std=_INITIAL_DEVIATION)  # pyright: ignore[reportArgumentType]
        nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
    return layers


class Correctives(nn.Module):
    """The correctives while they are learned.

    Args:
        skinning_weights: the template's W; its corrective lives only where this is not zero.
    """

    def __init__(self, config: CorrectivesConfig, skinning_weights: Float[Tensor, "vertices joints"]) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("identity_code", identity_code(config.subject))
        self.register_buffer("template_weights", skinning_weights.clone(), persistent=False)
        vertex_count = len(skinning_weights)
        sizes = {
            "identity-skeleton": (IDENTITY_SIZE, 3 * JOINT_COUNT),
            "identity-vertex": (IDENTITY_SIZE, 3 * vertex_count),
            "pose-vertex": (POSE_SIZE, 3 * vertex_count),
            "skinning": (IDENTITY_SIZE, int(torch.count_nonzero(skinning_weights))),
        }
        networks = {part: two_layers(*sizes[part]) for part in config.parts}
        if "pose-vertex" in networks:
            networks["pose-vertex"][2].bias.requires_grad_(False)  # it cancels out (see ``pose``)
        self.networks = nn.ModuleDict(networks)

    identity_code: Tensor
    template_weights: Tensor

    def identity(self) -> IdentityCorrectives:
        """From beta."""
        vertex_count = len(self.template_weights)
        return IdentityCorrectives(
            joint_offsets=self._points("identity-skeleton", self.identity_code, JOINT_COUNT),
            vertices=self._points("identity-vertex", self.identity_code, vertex_count),
            skinning_weights=self._skinning_weights(),
        )

    def pose(self, theta: Float[Tensor, "*batch pose"]) -> Float[Tensor, "*batch vertices 3"]:
        """Delta M_theta, mm, counted from theta = 0. No gradient goes from it to theta, for stable training (section 5.1).

        What all poses share is the identity's to correct: a network of poses that carried it would lose it in poses it never saw.
        """
        rest = theta.new_zeros(POSE_SIZE)
        vertex_count = len(self.template_weights)
        return self._points("pose-vertex", theta.detach(), vertex_count) - self._points("pose-vertex", rest, vertex_count)

    def _points(self, part: Corrective, code: Float[Tensor, "*batch code"], count: int) -> Float[Tensor, "*batch points 3"]:
        if part not in self.networks:
            return code.new_zeros(1).expand(*code.shape[:-1], count, 3)
        return UNIT_MM * self.networks[part](code).unflatten(-1, (count, 3))

    def _skinning_weights(self) -> Float[Tensor, "vertices joints"]:
        """W* = max(W + delta W, 0), rows made to sum to one (section 13); a vertex that would lose every joint keeps its own."""
        W = self.template_weights
        if "skinning" not in self.networks:
            return W
        present = W != 0
        refined = torch.zeros_like(W).masked_scatter(present, (W[present] + self.networks["skinning"](self.identity_code)).clamp(min=0))
        total = refined.sum(dim=-1, keepdim=True)
        return torch.where(total > _LEAST_TOTAL, refined / total.clamp(min=_LEAST_TOTAL), W)


class BakedCorrectives(nn.Module):
    """The correctives of one person as they ship: what depends on beta alone is a table, only the pose's network is left."""

    def __init__(self, identity: IdentityCorrectives, pose_network: nn.Module | None) -> None:
        super().__init__()
        self.register_buffer("joint_offsets", identity.joint_offsets)
        self.register_buffer("vertices", identity.vertices)
        self.register_buffer("skinning_weights", identity.skinning_weights, persistent=False)
        self.pose_network = pose_network
        if isinstance(pose_network, nn.Sequential):
            weight = pose_network[2].get_parameter("weight")
            weight.data = weight.data.T.contiguous().T  # the other way round in memory: one hand takes a third of the time

    joint_offsets: Tensor
    vertices: Tensor
    skinning_weights: Tensor

    @classmethod
    def of(cls, correctives: Correctives) -> "BakedCorrectives":
        """What trained correctives have become."""
        with torch.no_grad():
            identity = correctives.identity()
        network = None
        if "pose-vertex" in correctives.networks:
            network = two_layers(POSE_SIZE, identity.vertices.numel())
            network.load_state_dict(correctives.networks["pose-vertex"].state_dict())
            with torch.no_grad():
                network[2].bias -= network(torch.zeros(POSE_SIZE))
        return cls(IdentityCorrectives(*(table.detach().clone() for table in vars(identity).values())), network)

    def identity(self) -> IdentityCorrectives:
        """The tables."""
        return IdentityCorrectives(self.joint_offsets, self.vertices, self.skinning_weights)

    def pose(self, theta: Float[Tensor, "*batch pose"]) -> Float[Tensor, "*batch vertices 3"]:
        """Delta M_theta, mm."""
        if self.pose_network is None:
            return theta.new_zeros(1).expand(*theta.shape[:-1], *self.vertices.shape)
        return UNIT_MM * self.pose_network(theta).unflatten(-1, (-1, 3))
