"""Skin in an environment's light: soft shadows from everywhere, light that creeps under the skin, relief and shine."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from datasets.environment import Environment
from datasets.skin import Complexion, SkinPoints, nails, skin_colour, skin_relief
from estimator.hand.occlusion import openness, smoothed, visibility
from estimator.hand.rasterizer import rasterize
from estimator.hand.shading import interpolate, smooth_normals

_SPREAD_ROUNDS = (10, 4, 2)
"""Rounds of smoothing of red, green and blue light: red travels millimetres under the skin, blue hardly."""

_SHADOW_RESOLUTION = 192
_LIGHTS_AT_ONCE = 256

_SKIN_GLOSS, _NAIL_GLOSS = 9.0, 60.0
"""Exponents of the reflections' lobes."""

_SHINE, _EDGE_SHINE = 0.020, 0.35
"""Share of the light mirrored straight on, and what is added at a glancing angle."""


@dataclass(frozen=True)
class Body:
    """Hand and forearm, posed before the camera and at rest.

    Attributes:
        vertices: posed, camera frame, mm.
        rest_vertices: at rest, hand frame, mm: what the skin's features hang on.
        faces: counter-clockwise seen from outside.
        joint_rotations: frames at rest, joint to hand.
        joint_positions: centres at rest, mm.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    rest_vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    joint_rotations: Float[np.ndarray, "joints 3 3"]
    joint_positions: Float[np.ndarray, "joints 3"]


def draw_body(
    body: Body, K: Float[np.ndarray, "3 3"], height: int, width: int, environment: Environment, complexion: Complexion = Complexion()
) -> tuple[Float[np.ndarray, "height width 3"], Bool[np.ndarray, "height width"]]:
    """Linear colour of every pixel of a view, 0 where the body is not, and which pixels it covers."""
    fragments = rasterize(body.vertices, body.faces, K, height, width)
    covered = fragments.faces >= 0
    normals, rest_normals = smooth_normals(body.vertices, body.faces), smooth_normals(body.rest_vertices, body.faces)
    arriving = irradiance(body, normals, environment)
    unshaded = smoothed(openness(body.vertices, normals, body.faces, 128, _SHADOW_RESOLUTION), body.faces)
    attributes = np.column_stack([body.vertices, normals, body.rest_vertices, rest_normals, arriving, unshaded])
    values = interpolate(attributes, body.faces, fragments).astype(np.float64)
    place, normal, rest_place, rest_normal, light, open_share = np.split(values, [3, 6, 9, 12, 15], axis=1)

    skin = SkinPoints(rest_place, _unit(rest_normal), body.joint_rotations, body.joint_positions)
    smooth = _unit(normal)
    rough = bumped(smooth, place, skin_relief(skin), covered)
    flat = environment.blurred(1.0)
    light *= np.clip(flat.look_up(rough) / flat.look_up(smooth), 0.65, 1.5)
    albedo, nail = skin_colour(skin, complexion), nails(skin).plate[:, None]
    # what a crease does not get from outside it gets in part from its own other side, in the skin's colour
    diffuse = albedo * light / (1 - albedo * (1 - open_share))

    view = _unit(-place)
    facing = np.einsum("nc,nc->n", rough, view)[:, None]
    mirrored = _unit(2 * facing * rough - view)
    shine = (1 - nail) * environment.blurred(_SKIN_GLOSS).look_up(mirrored) + nail * environment.blurred(_NAIL_GLOSS).look_up(mirrored)
    strength = _SHINE + _EDGE_SHINE * (1 - np.clip(facing, 0, 1)) ** 5
    colour = np.zeros((height, width, 3))
    colour[covered] = diffuse + strength * shine * open_share
    return colour, covered


def irradiance(body: Body, normals: Float[np.ndarray, "vertices 3"], environment: Environment) -> Float[np.ndarray, "vertices 3"]:
    """Light that arrives at each vertex past the body itself, over pi, after it has spread under the skin."""
    directions, power = environment.directions, environment.power
    total = np.zeros((len(normals), 3))
    for start in range(0, len(directions), _LIGHTS_AT_ONCE):
        lights = slice(start, start + _LIGHTS_AT_ONCE)
        seen = visibility(body.vertices, normals, body.faces, directions[lights], _SHADOW_RESOLUTION)
        total += (seen * np.maximum(directions[lights] @ normals.T, 0)).T @ power[lights] / np.pi
    return np.stack([smoothed(total[:, i], body.faces, rounds) for i, rounds in enumerate(_SPREAD_ROUNDS)], axis=1)


def bumped(
    normals: Float[np.ndarray, "pixels 3"],
    places: Float[np.ndarray, "pixels 3"],
    heights: Float[np.ndarray, " pixels"],
    covered: Bool[np.ndarray, "height width"],
) -> Float[np.ndarray, "pixels 3"]:
    """Normals of the covered pixels, tilted by a relief of the given heights, mm; by differences between neighbouring pixels."""
    place, height = np.zeros((*covered.shape, 3)), np.zeros(covered.shape)
    place[covered], height[covered] = places, heights
    (along_x, rise_x), (along_y, rise_y) = (_differences(place, height, covered, axis) for axis in (1, 0))
    across_x, across_y = np.cross(along_y, normals), np.cross(normals, along_x)
    area = np.einsum("nc,nc->n", along_x, across_x)[:, None]
    tilt = np.sign(area) * (rise_x[:, None] * across_x + rise_y[:, None] * across_y)
    return _unit(np.maximum(np.abs(area), 1e-9) * normals - tilt)


def _differences(
    place: np.ndarray, height: np.ndarray, covered: np.ndarray, axis: int, largest_mm: float = 1.5
) -> tuple[np.ndarray, np.ndarray]:
    """Of each covered pixel to the next along an axis: the step in space, and the rise; none where the next lies elsewhere."""
    step, rise = np.roll(place, -1, axis) - place, np.roll(height, -1, axis) - height
    elsewhere = ~np.roll(covered, -1, axis) | (np.abs(step[..., 2]) > largest_mm)
    rise[elsewhere] = 0
    return step[covered], rise[covered]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
