"""The hands that every writer has to carry over: both sides, toy and real, with and without texture seams and nails."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from estimator.hand.template import HandTemplate
from estimator.placed_hand import PlacedHand, Side
from tests import toys

HANDS = [(kind, side) for kind in ("toy", "seamed", "real") for side in ("right", "left")]
TOLERANCE_MM = 0.01


@cache
def exported_hand(kind: str, side: Side, seed: int = 1) -> PlacedHand:
    """``toy``: one texture coordinate a vertex. ``seamed``: one a corner, every third face a nail. ``real``: the shipped template."""
    if kind == "real":
        return _real_hand(side, seed)
    hand = toys.toy_placed_hand(side, seed)
    return hand if kind == "toy" else replace(hand, template=_seamed(hand.template))


def to_y_up(points: np.ndarray) -> np.ndarray:
    """What viewers should show, said literally: y up and z towards the viewer."""
    return np.stack([points[..., 0], -points[..., 1], -points[..., 2]], axis=-1)


def _seamed(template: HandTemplate) -> HandTemplate:
    corner_count = 3 * len(template.faces)
    return replace(
        template,
        uv=np.random.default_rng(5).uniform(size=(corner_count, 2)),
        uv_faces=np.arange(corner_count).reshape(-1, 3),
        nail_faces=np.arange(len(template.faces)) % 3 == 0,
    )


def _real_hand(side: Side, seed: int) -> PlacedHand:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toys, "toy_template", HandTemplate.load)
        return toys.toy_placed_hand(side, seed)
