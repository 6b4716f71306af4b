"""What the 3D viewer shows: posed surfaces with their colours, packed so that a moving hand is a few dozen kilobytes."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from estimator.export_surface import CAMERA_TO_Y_UP
from estimator.hand.occlusion import openness, smoothed
from estimator.hand.shading import Rgb, encode_srgb, smooth_normals
from estimator.placed_hand import PlacedHand
from estimator.render import NAIL_TINT, skin_colours

_SHADE_SHARE = 0.8
"""How much of the open sky is missing where a surface sees none of it: lights of a room come from everywhere."""

_STEPS = 32_000


@dataclass(frozen=True)
class SceneMesh:
    """One surface: y up, z towards the viewer.

    Attributes:
        topology: name of the faces; a viewer keeps those it was given.
        vertices: mm.
        faces: counter-clockwise seen from outside.
        paint: sRGB of each vertex.
        glow: how strongly each vertex is seen through what is before it, 0 to 1; None where nothing is.
    """

    topology: str
    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    paint: UInt8[np.ndarray, "vertices 3"]
    glow: Float[np.ndarray, " vertices"] | None = None


@dataclass(frozen=True)
class Scene:
    """Surfaces and how they are first looked at.

    Attributes:
        meshes: what is drawn.
        key: a viewer that shows a scene of the same key keeps the direction it looks from.
        centre_mm: what the viewer turns around.
        radius_mm: what it keeps in sight around the centre.
        turn: first yaw and pitch, radians.
        note: what is said where there is no mesh.
    """

    meshes: Sequence[SceneMesh]
    key: str = ""
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    radius_mm: float = 100.0
    turn: tuple[float, float] = (0.0, 0.0)
    note: str = ""


def scene_document(scene: Scene, with_faces: bool = True) -> dict[str, Any]:
    """The scene as the JSON that ``assets/viewer.js`` reads."""
    return {
        "meshes": [_mesh(mesh, with_faces) for mesh in scene.meshes],
        "key": scene.key,
        "centre_mm": list(scene.centre_mm),
        "radius_mm": scene.radius_mm,
        "turn": list(scene.turn),
        "note": scene.note,
    }


def scene_of_hands(hands: Sequence[PlacedHand], key: str) -> Scene:
    """Hands as the photograph's camera saw them, in the colours of the overlay."""
    meshes = []
    for hand, skin in zip(hands, skin_colours(hands), strict=True):
        vertices, faces = hand.vertices @ CAMERA_TO_Y_UP, np.ascontiguousarray(hand.faces)
        albedo = skin_albedo(skin, len(vertices), faces[hand.template.nail_faces])
        meshes.append(SceneMesh(f"{hand.template.id} {hand.side}", vertices, faces, painted(albedo, vertices, faces)))
    if not meshes:
        return Scene([], key, note="No hand was found in this picture.")
    every = np.concatenate([mesh.vertices for mesh in meshes])
    centre = (every.min(axis=0) + every.max(axis=0)) / 2
    radius = float(np.linalg.norm(every - centre, axis=1).max())
    return Scene(meshes, key, tuple(centre.tolist()), radius)


def skin_albedo(skin: Rgb, vertex_count: int, nail_faces: Int[np.ndarray, "nails 3"]) -> Float[np.ndarray, "vertices 3"]:
    """Linear reflectance of skin and nails."""
    albedo = np.tile(skin, (vertex_count, 1))
    albedo[np.unique(nail_faces)] *= NAIL_TINT
    return albedo


def painted(
    albedo: Float[np.ndarray, "vertices 3"],
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    direction_count: int = 24,
) -> UInt8[np.ndarray, "vertices 3"]:
    """sRGB of a linear reflectance, darker where the surface sees little of its surroundings, looked at in so many directions."""
    open_sky = smoothed(openness(vertices, smooth_normals(vertices, faces), faces, direction_count), faces)
    direct = 1 - _SHADE_SHARE * (1 - open_sky)
    return encode_srgb(np.clip(albedo * _with_bounces(direct[:, None], albedo), 0, 1))


def _with_bounces(direct: Float[np.ndarray, "vertices 1"], albedo: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "vertices 3"]:
    """Light that also arrives by way of the surface itself, which keeps the shadows of skin warm: the cubic fit of Jimenez et al.
    (Practical Real-Time Strategies for Accurate Indirect Occlusion, 2016, equation 11)."""
    cubic, square, linear = 2.0404 * albedo - 0.3324, -4.7951 * albedo + 0.6417, 2.7552 * albedo + 0.6903
    return np.maximum(direct, ((cubic * direct + square) * direct + linear) * direct)


def _mesh(mesh: SceneMesh, with_faces: bool) -> dict[str, Any]:
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    step = max(float(np.abs(mesh.vertices - middle).max()), 1.0) / _STEPS
    glow = np.zeros(len(mesh.vertices)) if mesh.glow is None else np.round(255 * mesh.glow)
    steps = np.round((mesh.vertices - middle) / step).astype("<i2")
    return {
        "topology": mesh.topology,
        "points": _base64(steps),
        "step_mm": step,
        "middle": middle.tolist(),
        "faces": _base64(mesh.faces.astype("<u2")) if with_faces else None,
        "paint": _base64(np.column_stack([mesh.paint, glow.astype(np.uint8)])),
    }


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
