"""How a posed hand is shown: which shape, which colours, and a line about what was measured."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from demo.posing import PosedHand, Poser
from demo.scene import Scene, SceneMesh, painted, skin_albedo
from estimator.hand.shading import decode_srgb
from estimator.hand.template import HandTemplate
from estimator.render import SKIN

POSED, UNPOSED = "posed", "refined, not posed"
SHAPES = (POSED, UNPOSED)
SKIN_COLOUR, CORRECTION_COLOUR = "skin, penetration in red", "corrections in mm"
COLOURS = (SKIN_COLOUR, CORRECTION_COLOUR)

_HAND_TO_VIEW = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Fingers up, the palm to the viewer, the thumb to the right."""

_LOOK = (0.45, 0.12)
_DIRECTIONS = 12
"""Enough for a moving hand, in half the time of a still one's."""

_RED = np.array([0.80, 0.03, 0.02])
_FULL_RED_MM = 1.5
"""What is this deep is as red as can be."""

_SCALE_MM = 6.0
_HEAT = np.array([(236, 231, 224), (247, 196, 110), (224, 96, 74), (139, 38, 107), (46, 16, 80)], dtype=np.uint8)
_FELT_MM = 0.3
"""Less is an edge's own roughness."""


@dataclass(frozen=True)
class PoseView:
    """What is shown of a pose: one of ``SHAPES`` in one of ``COLOURS``."""

    shape: str = POSED
    colour: str = SKIN_COLOUR


def scene_of_pose(posed: PosedHand, template: HandTemplate, view: PoseView) -> Scene:
    """The hand upright, palm to the viewer; every pose at one scale and place, so that what moves is what was moved."""
    vertices = posed.vertices if view.shape == POSED else posed.rest_vertices
    skin = skin_albedo(SKIN["right"][0], len(vertices), template.faces[template.nail_faces])
    albedo, glow = (_heat(posed.corrected_mm), None) if view.colour == CORRECTION_COLOUR else (skin, None)
    if view == PoseView():
        glow = np.clip((posed.depth_mm - _FELT_MM) / _FULL_RED_MM, 0, 1)
        albedo = skin + glow[:, None] * (_RED - skin)
    upright = vertices @ _HAND_TO_VIEW.T
    reach = template.vertices @ _HAND_TO_VIEW.T
    centre = (reach.min(axis=0) + reach.max(axis=0)) / 2
    mesh = SceneMesh(f"{template.id} right", upright, template.faces, painted(albedo, vertices, template.faces, _DIRECTIONS), glow)
    return Scene([mesh], "pose", tuple(centre.tolist()), float(np.ptp(reach[:, 1])) * 0.56, _LOOK)


def pose_summary(posed: PosedHand, poser: Poser) -> str:
    """One line: what the decoder took, how deep the hand is inside itself, whose hand it is."""
    deep = posed.depth_mm > _FELT_MM
    penetration = (
        f"**{posed.depth_mm.max():.1f} mm** inside itself at the deepest place, {deep.sum()} vertices"
        if deep.any()
        else "No part of the hand is inside another"
    )
    moved = f" · corrections up to {posed.corrected_mm.max():.1f} mm" if posed.corrected_mm.any() else ""
    times = f"decoded in {posed.decode_ms:.0f} ms, measured in {posed.total_ms - posed.decode_ms:.0f} ms"
    return f"{penetration}{moved} · {times} · {poser.description}"


def legend(posed: PosedHand, view: PoseView) -> str:
    """HTML that explains the colours; empty where they need no words."""
    if view.colour != CORRECTION_COLOUR:
        return ""
    if not posed.corrected_mm.any():
        return '<p class="reason">There is no correction to show: every vertex is the template\'s.</p>'
    stops = ", ".join(f"rgb{tuple(stop)}" for stop in _HEAT.tolist())
    return f'<div class="legend">0 mm <i style="background: linear-gradient(90deg, {stops})"></i> {_SCALE_MM:.0f} mm and more</div>'


def _heat(millimetres: Float[np.ndarray, " vertices"]) -> Float[np.ndarray, "vertices 3"]:
    """Linear colours of the scale."""
    place = np.clip(millimetres / _SCALE_MM, 0, 1) * (len(_HEAT) - 1)
    linear = decode_srgb(_HEAT)
    return np.stack([np.interp(place, np.arange(len(_HEAT)), linear[:, channel]) for channel in range(3)], axis=1)
