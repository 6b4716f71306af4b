"""Maps of what a skin has where, on the template's texture: nails, blood, veins, creases; painted once, for everybody's hands."""

import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from datasets.skin import SkinPoints, blood_share, nails, noise
from datasets.virtual_rhd.hand_model import HandModel
from datasets.virtual_studio.people import Flesh
from datasets.virtual_studio.relief import Feature
from datasets.virtual_studio.relief_canvas import Canvas
from datasets.virtual_studio.relief_hand import hand_features, veins
from datasets.virtual_studio.relief_joints import joint_features
from estimator.hand.rasterizer import rasterize
from estimator.hand.shading import smooth_normals
from estimator.hand.template import POSE_NAMES

ASSETS = Path(__file__).parents[1] / "assets"
TEXTURE_PX = 1024
VARIANTS = 2
LEVELS = 4
MARGIN_PX = 8

PALM, BLOOD, VEIN, MOTTLE, NAIL, RIM, MOON, EDGE, HEIGHT, BENT_HEIGHT, FOLD, BENT_FOLD = range(12)
CHANNELS = 12

HEIGHT_MM = 1.6
"""Of the relief at the ends of its map's range: -1.6 mm is 0, 1.6 mm is 255."""

_BENT = 0.95
_DAMAGE = (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class SkinTexture:
    """Maps of one skin, each coarser than the one before by two.

    Attributes:
        levels: channels PALM to BENT_FOLD; signed ones have their zero at 128.
        texel_mm: of the finest.
    """

    levels: tuple[UInt8[np.ndarray, "_ _ channels"], ...]
    texel_mm: float

    def level(self, pixel_mm: float) -> UInt8[np.ndarray, "rows columns channels"]:
        """The one whose texels are about as large as a picture's pixels."""
        return self.levels[int(np.clip(round(np.log2(max(pixel_mm, 1e-6) / self.texel_mm)), 0, len(self.levels) - 1))]


@cache
def skin_textures(model: HandModel) -> tuple[SkinTexture, ...]:
    """The skins of ``VARIANTS`` people, as shipped.

    Raises:
        ValueError: when a file is missing, damaged or painted for another template.
    """
    return tuple(_texture(read_maps(ASSETS / asset_name(variant), model), model) for variant in range(VARIANTS))


def _texture(finest: np.ndarray, model: HandModel) -> SkinTexture:
    levels = [finest]
    for _ in range(LEVELS - 1):
        levels.append(np.ascontiguousarray(_halved(levels[-1])))
    edges = model.template.uv[model.template.uv_faces[:, 0]] - model.template.uv[model.template.uv_faces[:, 1]]
    corners = model.template.vertices[model.template.faces]
    texel_mm = np.median(np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)) / np.median(np.linalg.norm(edges, axis=1)) / len(finest)
    return SkinTexture(tuple(levels), float(texel_mm))


def _halved(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[0] // 2, image.shape[1] // 2
    blocks = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def asset_name(variant: int) -> str:
    """File name of a skin."""
    return f"virtual_skin_{variant}.npz"


def write_maps(path: Path, model: HandModel, maps: UInt8[np.ndarray, "rows columns channels"]) -> None:
    """Write what ``read_maps`` reads."""
    rows = np.flatnonzero(_texels(model, len(maps))[1].any(axis=1))
    first, last = max(rows[0] - MARGIN_PX, 0), rows[-1] + 1 + MARGIN_PX
    np.savez_compressed(path, template=np.array(model.template.id), side=len(maps), first=first, maps=maps[first:last])


def read_maps(path: Path, model: HandModel) -> UInt8[np.ndarray, "rows columns channels"]:
    """The maps of one skin.

    Raises:
        ValueError: when the file is missing, damaged or painted for another template.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            painted_for, side, first, painted = archive["template"].item(), int(archive["side"]), int(archive["first"]), archive["maps"]
    except _DAMAGE as error:
        raise ValueError(f"{path}: cannot read the skin's maps ({error}); restore the file from the repository") from error
    if painted_for != model.template.id:
        raise ValueError(f"{path}: painted for another hand template; run python -m datasets.virtual_rhd.paint_skin")
    maps = np.zeros((side, side, CHANNELS), dtype=np.uint8)
    maps[first : first + len(painted)] = painted
    return maps


def paint_maps(model: HandModel, side: int, seed: int) -> UInt8[np.ndarray, "rows columns channels"]:
    """The maps of one person's skin, painted where the template's texture has skin, and a little beyond."""
    points, covered = _texels(model, side)
    canvas = Canvas(points, seed)
    nail = nails(points)
    flesh = Flesh()
    features = [*joint_features(canvas, flesh), *hand_features(canvas, flesh)]
    patches = 0.6 * noise(points.positions, 9.0, seed + 1) + 0.4 * noise(points.positions, 3.5, seed + 2)
    fine = 0.5 * noise(points.positions, 1.2, seed + 4)
    bare = 1 - nail.plate
    maps = np.zeros((len(points.positions), CHANNELS))
    maps[:, PALM] = points.palmar()
    blotches = 0.25 * points.palmar() * (noise(points.positions, 6.0, seed + 3) > 0.2)
    maps[:, BLOOD] = np.clip(blood_share(points) + 0.18 * patches + blotches, 0, 1)
    maps[:, VEIN] = np.clip(veins(canvas), 0, 1)
    maps[:, MOTTLE] = 0.5 + 0.5 * np.clip(patches + fine, -1, 1)
    for channel, values in ((NAIL, nail.plate), (RIM, nail.rim), (MOON, nail.moon), (EDGE, nail.edge)):
        maps[:, channel] = values
    pores = 0.030 * noise(points.positions, 0.9, seed + 5) + 0.03 * noise(points.positions, 2.2, seed + 7)
    for angle, height, fold in ((0.0, HEIGHT, FOLD), (_BENT, BENT_HEIGHT, BENT_FOLD)):
        shares = [_share(feature, angle) for feature in features]
        raised = sum(share * feature.heights for share, feature in zip(shares, features, strict=True))
        pale = sum(share * feature.pallor * feature.heights for share, feature in zip(shares, features, strict=True))
        maps[:, height] = 0.5 + 0.5 * np.clip((bare * (raised + pores) - 0.22 * nail.rim) / HEIGHT_MM, -1, 1)
        maps[:, fold] = 0.5 + 0.5 * np.clip(bare * pale, -1, 1)
    return _spread(maps, covered)


def _share(feature: Feature, bent: float) -> float:
    """How much of a feature there is when everything that drives it is bent by a share of 100 degrees."""
    angle = sum(weight * 100 * bent for name, weight in feature.drivers if name in POSE_NAMES)
    passed = float(np.clip((angle - feature.low_deg) / (feature.high_deg - feature.low_deg), 0, 1))
    return feature.start + (feature.end - feature.start) * passed * passed * (3 - 2 * passed)


def _texels(model: HandModel, side: int) -> tuple[SkinPoints, np.ndarray]:
    """Where on the hand each covered texel lies."""
    template = model.template
    flat = np.column_stack([template.uv[:, 0] * side - 0.5, (1 - template.uv[:, 1]) * side - 0.5, np.ones(len(template.uv))]) * 1000.0
    fragments = rasterize(flat, template.uv_faces, np.diag([1.0, 1.0, 1.0]), side, side)
    covered = fragments.faces >= 0
    corners = template.faces[fragments.faces[covered]]
    shares = fragments.barycentrics[covered][..., None]
    normals = smooth_normals(template.vertices.astype(np.float64), template.faces)
    normal = (normals[corners] * shares).sum(axis=1)
    positions = (template.vertices[corners] * shares).sum(axis=1).astype(np.float64)
    units = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return SkinPoints(positions, units, model.rest_rotations, model.rest_positions), covered


def _spread(maps: Float[np.ndarray, "texels channels"], covered: np.ndarray) -> UInt8[np.ndarray, "rows columns channels"]:
    """The maps as pictures; beyond the skin's outlines the nearest skin goes on."""
    _, labels = cv2.distanceTransformWithLabels((~covered).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(labels.max() + 1, dtype=np.int64)
    of_label[labels[covered]] = np.arange(len(maps))
    return np.rint(255 * maps).astype(np.uint8)[of_label[labels]]
