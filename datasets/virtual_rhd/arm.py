"""The arm behind a hand: skin from the wrist to the shoulder, and a sleeve over it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datasets.virtual_rhd.people import Clothes, VirtualPerson
from datasets.virtual_rhd.solids import CLOTH, SKIN, Course, Solid, bent_line, course, solid, tube_faces
from datasets.virtual_rhd.things import wrist_band

FOREARM_MM = 215.0
"""From the template's open end to the elbow, of a hand of the template's size."""

_RINGS = 24
_PROFILE_MM = ((0.0, 0.0), (60.0, 33.0), (140.0, 42.0), (190.0, 43.0), (225.0, 38.0), (300.0, 43.0), (400.0, 51.0), (500.0, 58.0))
"""Radius of the arm by the distance from the template's open end; there it has the wrist's own shape."""

_CORNERS = 34
_BAND_SHARE, _BAND_ROOM_MM = 0.2, 22.0
"""Of bare wrists that wear a band, and how far the cuff is from them."""

_HEM_MM = 1.2


@dataclass(frozen=True)
class Arm:
    """Where an arm is, camera frame, mm.

    Attributes:
        wrist: vertices around the template's open end, posed.
        elbow: its place.
        shoulder: its place.
        back: a unit, away from the back of the hand.
    """

    wrist: Float[np.ndarray, "loop 3"]
    elbow: Float[np.ndarray, "3"]
    shoulder: Float[np.ndarray, "3"]
    back: Float[np.ndarray, "3"]


def arm_solids(arm: Arm, person: VirtualPerson, generator: np.random.Generator) -> list[Solid]:
    """The arm's skin, its sleeve if it has one, and what it wears about the wrist."""
    line, shapes = _arm_line(arm, person)
    solids = [_skin(arm, line, shapes, person)]
    if person.clothes.sleeve_mm > _BAND_ROOM_MM and generator.random() < _BAND_SHARE:
        solids.append(wrist_band(line.rings(shapes)[:2], generator))
    length_mm = line.passed[-1]
    if person.clothes.sleeve_mm < length_mm - 30:
        solids.append(_sleeve(line, shapes, person.clothes, generator))
    return solids


def _arm_line(arm: Arm, person: VirtualPerson) -> tuple[Course, Float[np.ndarray, "rings corners 2"]]:
    """The arm's course, and in its frames the skin's rings: from the wrist's own shape to round."""
    middle = arm.wrist.mean(axis=0)
    line = course(bent_line(np.stack([middle, arm.elbow, arm.shoulder]), _RINGS, 0.06), arm.wrist[0] - middle)
    first = np.stack([(arm.wrist - middle) @ line.across[0], (arm.wrist - middle) @ line.third[0]], axis=1)
    size = np.linalg.norm(first, axis=1)
    units = first / size[:, None]
    scale = person.build.size
    flesh = (0.80 + 0.42 * person.stoutness) * {"man": 1.04, "woman": 0.94, "child": 0.9}[person.kind]
    radii = np.interp(line.passed / scale, *np.array(_PROFILE_MM).T) * scale * flesh
    radii = np.maximum(radii, size.mean() * (1 + 0.0008 * line.passed))
    round_share = np.clip(line.passed / scale / 130, 0, 1)[:, None]
    own = size * (radii / size.mean())[:, None]
    lengths = np.where(line.passed[:, None] < 1e-6, size, (1 - round_share) * own + round_share * radii[:, None])
    return line, lengths[..., None] * units


def _skin(arm: Arm, line: Course, shapes: np.ndarray, person: VirtualPerson) -> Solid:
    rings = line.rings(shapes)
    rings[0] = arm.wrist
    outwards = rings - line.places[:, None]
    outwards /= np.linalg.norm(outwards, axis=-1, keepdims=True)
    inside = np.clip((-(outwards @ arm.back) + 0.1) / 0.7, 0, 1)[..., None]
    # the forearm's inside is as pale as the palm at the wrist, and less so towards the elbow
    palm = inside * inside * (3 - 2 * inside) * np.linspace(1.0, 0.2, len(rings))[:, None, None]
    colours = (1 - palm) * person.skin.back + palm * person.skin.palm
    around = np.linspace(0, 1, len(arm.wrist), endpoint=False) * 2 * np.pi * 33
    pattern = np.stack(np.broadcast_arrays(around, line.passed[:, None]), axis=-1)
    return solid(rings.reshape(-1, 3), tube_faces(*rings.shape[:2]), colours.reshape(-1, 3), pattern.reshape(-1, 2), SKIN)


def _sleeve(line: Course, skin: np.ndarray, clothes: Clothes, generator: np.random.Generator) -> Solid:
    """A tube around the arm from the cuff to the shoulder, with folds across it, tight at the cuff or wide."""
    start = max(clothes.sleeve_mm, 1.0)
    passed = np.concatenate([[start, start, start + 4], np.linspace(start + 10, line.passed[-1], _RINGS + 6)])
    share = (passed - line.passed[0]) / line.passed[-1] * (len(line.passed) - 1)
    corners = np.linspace(0, skin.shape[1], _CORNERS, endpoint=False).astype(int)
    resampled = _resampled(line, share)
    before = np.minimum(share.astype(int), len(skin) - 2)
    part = (share - before)[:, None, None]
    shapes = (1 - part) * skin[before][:, corners] + part * skin[before + 1][:, corners]
    radii = np.linalg.norm(shapes, axis=-1, keepdims=True)
    turn = np.linspace(0, 2 * np.pi, len(corners), endpoint=False)
    width = clothes.width_mm * (0.6 + 0.4 * np.clip((passed - start) / 120, 0, 1)) + _folds(passed, turn, clothes.folds_mm, generator).T
    width = np.maximum(width.T, 1.0)
    width[0] = -1.5  # the cuff's edge turns in
    width[1] = np.maximum(width[2] - _HEM_MM, 0.8)
    rings = resampled.rings(shapes * (1 + width[..., None] / radii))
    stripes = clothes.stripe_mm > 0
    second = (np.floor(passed / max(clothes.stripe_mm, 1.0)) % 2 == 1) & stripes
    colours = np.where(second[:, None], clothes.second, clothes.colour)[:, None] * np.ones((1, len(corners), 1))
    colours[0] *= 0.25
    pattern = np.stack(np.broadcast_arrays(turn * radii.mean(), passed[:, None]), axis=-1)
    return solid(rings.reshape(-1, 3), tube_faces(*rings.shape[:2]), colours.reshape(-1, 3), pattern.reshape(-1, 2), CLOTH)


def _resampled(line: Course, share: np.ndarray) -> Course:
    """The line at other places, in numbers of its points."""
    index = np.arange(len(line.passed))

    def at(values: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(share, index, values[:, axis]) for axis in range(3)], axis=1)

    along, across = at(line.along), at(line.across)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across -= np.einsum("pc,pc->p", across, along)[:, None] * along
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return Course(at(line.places), along, across, np.interp(share, index, line.passed))


def _folds(passed: np.ndarray, turn: np.ndarray, depth_mm: float, generator: np.random.Generator) -> Float[np.ndarray, "rings corners"]:
    """Folds that run around the sleeve and a little along it, denser nowhere in particular."""
    total = np.zeros((len(passed), len(turn)))
    for _ in range(5):
        around, wavelength = generator.integers(1, 4), generator.uniform(28, 90)
        phase, skew = generator.uniform(0, 2 * np.pi, 2)
        total += np.sin(2 * np.pi * passed[:, None] / wavelength + around * turn + phase) * (0.6 + 0.4 * np.sin(turn + skew))
    return depth_mm * total / 2.2
