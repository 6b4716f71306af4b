"""JitterMeter: how much of a motion is trembling."""

import math

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "points 3"]


class JitterMeter:
    """RMS of what is left of points when their motion from frame to frame is taken for straight.

    Each point's distance from the line between its places one frame before and after, scaled so that independent noise of one millimetre
    (the root of the mean squared distance) in every frame gives one millimetre, whatever the time between frames. Smooth motion of
    an ordinary hand gives little, a still hand nothing.
    """

    def __init__(self) -> None:
        self._last: dict[int, list[tuple[int, float, Points]]] = {}
        self._sum, self._count = 0.0, 0

    def add(self, identity: int, index: int, seconds: float, points: Points) -> None:
        """The points of one hand in a frame; frames come in order, and only neighbouring ones are compared."""
        last = self._last.setdefault(identity, [])
        if last and last[-1][0] != index - 1:
            last.clear()
        last.append((index, seconds, points))
        if len(last) == 3:
            (_, t0, before), (_, t1, here), (_, t2, after) = last
            share = (t1 - t0) / (t2 - t0)
            residue = here - (1 - share) * before - share * after
            gain = 1 + share**2 + (1 - share) ** 2
            self._sum += float((residue**2).sum(axis=1).mean()) / gain
            self._count += 1
            last.pop(0)

    @property
    def rms_mm(self) -> float:
        """Over all hands and frames so far; nan where no hand was seen in three frames on end."""
        return math.sqrt(self._sum / self._count) if self._count else math.nan
