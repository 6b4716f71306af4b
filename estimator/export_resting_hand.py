"""RestingHand: what a file stores once of a hand, however many poses follow."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from estimator.hand.template import HandTemplate, Side


@runtime_checkable
class RestingHand(Protocol):
    """``PlacedHand`` and ``HandTrack``."""

    @property
    def side(self) -> Side:
        """Which hand it is."""
        ...

    @property
    def template(self) -> HandTemplate:
        """Topology, texture coordinates and skinning weights."""
        ...

    @property
    def rest_vertices(self) -> Float[np.ndarray, "vertices 3"]:
        """The surface at theta = 0, in the hand's own frame, mm."""
        ...

    @property
    def rest_rotations(self) -> Float[np.ndarray, "joints 3 3"]:
        """Joint frames at theta = 0, in the hand's own frame."""
        ...

    @property
    def rest_positions(self) -> Float[np.ndarray, "joints 3"]:
        """Joint centres at theta = 0, in the hand's own frame, mm."""
        ...
