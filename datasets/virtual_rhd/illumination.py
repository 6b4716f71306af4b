"""Illumination: lamps all around a scene and up to two strong ones, of an environment or made up."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from datasets.environment import Environment

KEY_COUNT = 2
_KEY_SHARE = 0.985
"""Of an environment's texels by brightness: the brighter rest is taken for strong lamps."""

_MIRROR_PX = 24
_MIRROR_POWER = 12.0


@dataclass(frozen=True)
class Illumination:
    """Distant lamps; powers are what a white patch that faces the lamp alone sends back, linear RGB.

    Attributes:
        axes: units, camera frame, towards the first lamp of each pair; the second is opposite.
        powers: of both lamps of each pair.
        keys: units, towards the strong lamps, which cast sharp shadows.
        key_powers: of these; 0 where there is none.
    """

    axes: Float32[np.ndarray, "axes 3"]
    powers: Float32[np.ndarray, "axes 2 3"]
    keys: Float32[np.ndarray, "keys 3"]
    key_powers: Float32[np.ndarray, "keys 3"]

    def scaled(self, factors: Float[np.ndarray, "3"]) -> "Illumination":
        """The same lamps, brighter or of another colour."""
        factors = factors.astype(np.float32)
        return Illumination(self.axes, self.powers * factors, self.keys, self.key_powers * factors)

    @property
    def level(self) -> float:
        """What a white ball sends back to the camera on average, about."""
        front = np.maximum(-self.keys[:, 2] * 0.7 + 0.3, 0.08)
        return float(self.powers.mean(axis=(0, 2)).sum() * len(self.axes) / 4 + (self.key_powers.mean(axis=1) * front).sum())

    @property
    def colour(self) -> Float[np.ndarray, "3"]:
        """All lamps together."""
        return self.powers.sum(axis=(0, 1)) + self.key_powers.sum(axis=0)

    def mirror(self) -> Float32[np.ndarray, "rows columns 3"]:
        """What a rough mirror reflects, on an octahedral map of the directions it looks to; without the strong lamps."""
        lamps = np.concatenate([self.axes, -self.axes])
        powers = np.concatenate([self.powers[:, 0], self.powers[:, 1]])
        lobes = np.maximum(_octahedral_directions(_MIRROR_PX) @ lamps.T, 0) ** _MIRROR_POWER
        lobes *= (_MIRROR_POWER + 1) / 2
        return (lobes @ powers).astype(np.float32).reshape(_MIRROR_PX, _MIRROR_PX, 3)


def of_environment(environment: Environment, R: Float[np.ndarray, "3 3"]) -> Illumination:
    """Lamps that light a scene as an environment does, turned by R; its brightest spots become strong lamps."""
    directions, power = environment.directions @ R.T, environment.power / np.pi
    brightness = environment.radiance.reshape(-1, 3).mean(axis=1)
    strong = brightness > max(float(np.quantile(brightness, _KEY_SHARE)), 4 * float(brightness.mean()))
    axes = _axes()
    lamps = np.concatenate([axes, -axes])
    nearest = (directions @ lamps.T).argmax(axis=1)
    powers = np.stack([np.bincount(nearest[~strong], power[~strong, i], minlength=len(lamps)) for i in range(3)], axis=1)
    keys, key_powers = _strong_lamps(directions[strong], power[strong])
    return Illumination(axes, np.stack([powers[: len(axes)], powers[len(axes) :]], axis=1).astype(np.float32), keys, key_powers)


def random_illumination(generator: np.random.Generator) -> Illumination:
    """Lamps of a room, of an overcast or sunny sky, or of a single lamp in the dark."""
    axes = _axes()
    lamps = np.stack([axes, -axes], axis=1)
    up = generator.normal((0, -1, 0), (0.4, 0.3, 0.4))
    up /= np.linalg.norm(up)
    sky, ground = _sky(generator)
    share = np.clip(0.5 + 0.5 * generator.uniform(0.7, 1.6) * (lamps @ up), 0, 1)[..., None]
    powers = (share * sky + (1 - share) * ground) / len(axes) * np.exp(generator.normal(0, 0.25, (len(axes), 2, 1)))
    keys, key_powers = np.zeros((2, KEY_COUNT, 3))
    for number in range(KEY_COUNT):
        direction = generator.normal((0.0, -0.9, -0.4), 1.0)
        keys[number] = direction / np.linalg.norm(direction)
        warmth = generator.normal(0, 0.14) * np.array([1.0, 0.1, -1.0])
        strength = generator.exponential((0.9, 0.3)[number]) * (generator.random() < (0.8, 0.4)[number])
        key_powers[number] = strength * np.exp(warmth)
    return Illumination(axes, powers.astype(np.float32), keys.astype(np.float32), key_powers.astype(np.float32))


def _sky(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    tint = generator.normal(0, 0.10) * np.array([1.0, 0.0, -1.0])
    sky = np.exp(generator.normal(0, 0.04, 3) + tint)
    return sky, sky * generator.uniform(0.1, 0.7) * np.exp(generator.normal(0, 0.12, 3))


def _strong_lamps(directions: np.ndarray, power: np.ndarray) -> tuple[Float32[np.ndarray, "keys 3"], Float32[np.ndarray, "keys 3"]]:
    """The bright directions gathered into two lamps: those around the brightest, and the rest."""
    keys, powers = np.zeros((KEY_COUNT, 3), dtype=np.float32), np.zeros((KEY_COUNT, 3), dtype=np.float32)
    keys[:, 1] = -1
    left = np.ones(len(directions), dtype=bool)
    for number in range(KEY_COUNT):
        if not left.any():
            break
        brightest = directions[left][power[left].sum(axis=1).argmax()]
        near = left & ((directions @ brightest > 0.8) | (number == KEY_COUNT - 1))
        mean = power[near].sum(axis=1) @ directions[near]
        keys[number] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        powers[number] = power[near].sum(axis=0)
        left &= ~near
    return keys, powers


def _axes() -> Float32[np.ndarray, "axes 3"]:
    """Through the opposite corners of an icosahedron: no twelve directions are better spread; turned so that none is the camera's."""
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array([(0, 1, golden), (0, 1, -golden), (1, golden, 0), (1, -golden, 0), (golden, 0, 1), (-golden, 0, 1)])
    turned = corners @ np.array([[0.8, 0.0, 0.6], [0.36, 0.8, -0.48], [-0.48, 0.6, 0.64]])
    return (turned / np.linalg.norm(corners[0])).astype(np.float32)


def _octahedral_directions(side: int) -> Float[np.ndarray, "cells 3"]:
    """Directions of the cells of an octahedral map, row by row."""
    v, u = (grid.ravel() * 2 / side - 1 for grid in np.mgrid[:side, :side] + 0.5)
    z = 1 - np.abs(u) - np.abs(v)
    fold = np.maximum(-z, 0)
    directions = np.stack([u - np.copysign(fold, u), v - np.copysign(fold, v), z], axis=1)
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)
