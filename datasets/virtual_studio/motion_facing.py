"""How a right hand is held before the studio's cameras: world y up, the front +z; the subject looks to the front."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

KNUCKLE_MM = 85.0
"""From the wrist to the middle knuckle: the point of the hand that stays near the studio's middle."""


@dataclass(frozen=True)
class Facing:
    """Where the fingers point and where the palm looks, both in the world, orthogonal, of any length."""

    fingers: tuple[float, float, float]
    palm: tuple[float, float, float]

    @property
    def R_world_hand(self) -> Float[np.ndarray, "3 3"]:
        """The hand's x along the fingers, y out of the palm."""
        x, y = (np.divide(axis, np.linalg.norm(axis)) for axis in (self.fingers, self.palm))
        return np.stack([x, y, np.cross(x, y)], axis=1)


FRONT = Facing((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SIDE = Facing((0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
BACK = Facing((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
AHEAD = Facing((0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
"""Fingers to the front, thumb up, as a hand holds a cup."""
UP = Facing((0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
DOWN = Facing((0.0, 0.0, 1.0), (0.0, -1.0, 0.0))
DROOPING = Facing((0.0, -0.9, 0.436), (0.0, -0.436, -0.9))
"""From a raised forearm the fingers hang down."""
STANDING = Facing((0.0, -1.0, 0.0), (-1.0, 0.0, 0.0))
"""On its fingertips, the thumb behind."""
