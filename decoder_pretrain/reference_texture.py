"""Reference texture T*: photographs of the neutral pose from all sides, blended over a trained model's mesh (section 11)."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from scipy import ndimage
from torch import Tensor

from datasets.studio_sample import PicturedFrames, StudioViews
from decoder_pretrain.gradient_blend import Steps, blend
from decoder_pretrain.moment_surface import moment_surface
from decoder_pretrain.studio_model import StudioModel
from decoder_pretrain.texel_graph import across_seams, neighbours, rows
from estimator.errors import InputError
from estimator.files import write_file
from estimator.hand.depth_map import depth_maps
from estimator.hand.template import HandTemplate
from estimator.hand.texture import TEXTURE_SIZE, Texels, Texture, Views, texels, unwrap

REFERENCE_SIZE = 1024
"""The paper's T* is as high and as wide."""

NEUTRAL_MOTIONS = ("neutral_relaxed", "neutral_rigid")
"""Poses that are the easiest to estimate; a sequence of the release has one of them in its name."""

MOST_MOMENTS = 12
"""Each adds views, but also the error of its own mesh."""

AGREEMENT_MM = 6.0
"""Where mesh and measured depth lie farther apart, a picture shows something else than the mesh says."""

ANCHOR = 1e-3
"""Of the mean colours, against one for the steps between texels: it decides over brightness across more than some 200 texels."""

_HOLE_ANCHOR = 1e-7


@dataclass(frozen=True)
class ReferenceTexture:
    """A person's colours.

    Attributes:
        colours: RGB; what no camera saw is filled in from around it, and what is no surface is black.
        known: texels that some camera saw.
    """

    colours: UInt8[np.ndarray, "size size 3"]
    known: Bool[np.ndarray, "size size"]

    def resized(self, size: int = TEXTURE_SIZE) -> Texture:
        """The mean of the known texels in each square; visible where at least half of it is known.

        Raises:
            ValueError: when ``size`` does not divide the texture's.
        """
        if len(self.known) % size:
            raise ValueError(f"a texture of {len(self.known)} texels a side cannot be resized to {size}")
        squares = (size, len(self.known) // size) * 2
        counts = self.known.reshape(squares).sum(axis=(1, 3))
        sums = np.where(self.known[..., None], self.colours / 255, 0).reshape(*squares, 3).sum(axis=(1, 3))
        colours = torch.from_numpy(sums / np.maximum(counts, 1)[..., None]).float().permute(2, 0, 1)
        return Texture(colours, torch.from_numpy(2 * counts >= squares[1] ** 2))

    def save(self, path: Path) -> None:
        """As a PNG that is transparent where nothing is known."""
        content = io.BytesIO()
        Image.fromarray(np.dstack([self.colours, np.where(self.known, 255, 0).astype(np.uint8)])).save(content, format="png")
        write_file(path, content.getvalue())

    @classmethod
    def load(cls, path: Path) -> "ReferenceTexture":
        """Read what ``save`` wrote.

        Raises:
            InputError: when there is none or it is damaged.
        """
        try:
            with Image.open(path) as image:
                picture = np.asarray(image)
        except OSError as error:  # PIL's for what is no image, too
            raise InputError(
                f"{path}: cannot be read ({error.strerror or 'no whole image'}); start the run again in another folder"
            ) from error
        if picture.ndim != 3 or picture.shape[2] != 4 or picture.shape[0] != picture.shape[1]:
            raise InputError(f"{path}: expected a square picture with transparency; start the run again in another folder")
        return cls(picture[..., :3].copy(), picture[..., 3] > 0)


def neutral_moments(frames: PicturedFrames, most: int = MOST_MOMENTS) -> list[int]:
    """Moments of the neutral pose, spread evenly over those there are.

    Raises:
        InputError: when there are none.
    """
    found = [index for index in range(len(frames)) if any(name in frames.motion(index) for name in NEUTRAL_MOTIONS)]
    if not found:
        raise InputError(
            f"the data holds no moment of {' or '.join(NEUTRAL_MOTIONS)}, which the texture is taken from; train on more moments"
        )
    return [found[i * len(found) // min(most, len(found))] for i in range(min(most, len(found)))]


def reference_texture(
    model: StudioModel, template: HandTemplate, frames: PicturedFrames, moments: Sequence[int], size: int = REFERENCE_SIZE
) -> ReferenceTexture:
    """What all views of some moments show, blended where steps between texels are known: Poisson's equation in texture space.

    A step between neighbouring texels comes from the view that faces both best; how bright the whole is, from the mean of all views. Texels
    on both sides of a seam, which are neighbours on the surface alone, are to have the same colour.
    """
    where = texels(template.uv, template.uv_faces, size)
    starts, ends = neighbours(where, template)
    collected = _Collected(len(where.pixels), starts, ends)
    for weights, colours in _looks(model, template, frames, moments, where):
        collected.add(weights, colours)
    known = collected.weight > 0
    if not known.any():
        raise InputError("no camera sees the trained hand where the pictures have it; train the run further")
    anchors = np.where(known[:, None], collected.sum / np.maximum(collected.weight, 1e-9)[:, None], 0)
    mean = anchors[known].mean(axis=0)
    guess = anchors[_nearest_known(where, known)]
    steps = _with_seams(Steps(starts, ends, collected.difference), *across_seams(where, template, starts, ends))
    values = blend(steps, np.where(known[:, None], anchors, mean), np.where(known, ANCHOR, _HOLE_ANCHOR), guess)
    return _picture(where, values, known)


class _Collected:
    """What looks from several sides say about texels and about steps between them."""

    def __init__(self, texel_count: int, starts: Int[np.ndarray, " edges"], ends: Int[np.ndarray, " edges"]) -> None:
        self._starts, self._ends = starts, ends
        self._best = np.zeros(len(starts))
        self.difference = np.zeros((len(starts), 3))
        self.weight = np.zeros(texel_count)
        self.sum = np.zeros((texel_count, 3))

    def add(self, weights: Float[np.ndarray, " texels"], colours: Float[np.ndarray, "texels 3"]) -> None:
        """One view: how well it faces each texel, 0 where it does not see it, and what it sees."""
        self.weight += weights
        self.sum += weights[:, None] * colours
        both = np.minimum(weights[self._starts], weights[self._ends])
        better = both > self._best
        self._best[better] = both[better]
        self.difference[better] = colours[self._ends[better]] - colours[self._starts[better]]


def _looks(
    model: StudioModel, template: HandTemplate, frames: PicturedFrames, moments: Sequence[int], where: Texels
) -> Iterator[tuple[Float[np.ndarray, " texels"], Float[np.ndarray, "texels 3"]]]:
    """Of each view of each moment the squared cosine with which it faces a texel, 0 where it does not see it, and the colours."""
    faces = torch.tensor(template.faces)
    for index in moments:
        recorded = frames.views(index)
        vertices = moment_surface(model, frames, index, recorded).cpu()
        views = agreeing_views(vertices, faces, recorded)
        for view in range(len(recorded.images)):
            one = Views(*(value[view : view + 1] for value in vars(views).values()))
            texture = unwrap(vertices, faces, where, one)
            seen = texture.visible.flatten()[where.pixels].numpy()
            cosine = _facing(vertices[faces], one.R[0], one.t[0])[where.faces.numpy()]
            yield np.where(seen, cosine**2, 0), texture.colours.flatten(1)[:, where.pixels].T.double().numpy()


def agreeing_views(vertices: Float[Tensor, "vertices 3"], faces: Int[Tensor, "faces 3"], recorded: StudioViews) -> Views:
    """Views of a mesh, which see it only where measured depth and mesh agree, and a pixel around: there no background shines in."""
    images = torch.tensor(recorded.images).permute(0, 3, 1, 2).float() / 255
    K, R, t = (torch.tensor(value) for value in (recorded.K, recorded.R, recorded.t))
    depth = depth_maps(vertices, faces, K, R, t, *images.shape[-2:])
    agree = (np.abs(depth.numpy() - recorded.depth) <= AGREEMENT_MM) & (recorded.depth > 0)
    inner = ndimage.binary_erosion(agree, np.ones((1, 3, 3)))
    return Views(images, torch.where(torch.from_numpy(inner), depth, 0.0), K, R, t)


def _facing(corners: Float[Tensor, "faces 3 3"], R: Float[Tensor, "3 3"], t: Float[Tensor, "3"]) -> Float[np.ndarray, " faces"]:
    """Cosine between each triangle's normal and the way to a camera."""
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    to_camera = -R.T @ t - corners.mean(dim=1)
    return torch.nn.functional.cosine_similarity(normals, to_camera, dim=-1).clamp(min=0).numpy()


def _with_seams(steps: Steps, starts: Int[np.ndarray, " pairs"], ends: Int[np.ndarray, " pairs"]) -> Steps:
    """And pairs that should be alike."""
    alike = np.zeros((len(starts), 3))
    return Steps(np.concatenate([steps.starts, starts]), np.concatenate([steps.ends, ends]), np.concatenate([steps.differences, alike]))


def _nearest_known(where: Texels, known: Bool[np.ndarray, " texels"]) -> Int[np.ndarray, " texels"]:
    """Of each texel the nearest known one in the picture."""
    row = rows(where)
    unknown = np.ones(row.shape, dtype=bool)
    unknown.flat[where.pixels.numpy()[known]] = False
    nearest = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
    return row[tuple(nearest)].flat[where.pixels.numpy()]


def _picture(where: Texels, values: Float[np.ndarray, "texels 3"], known: Bool[np.ndarray, " texels"]) -> ReferenceTexture:
    colours, mask = np.zeros((where.size**2, 3), dtype=np.uint8), np.zeros(where.size**2, dtype=bool)
    pixels = where.pixels.numpy()
    colours[pixels] = np.rint(255 * np.clip(values, 0, 1))
    mask[pixels] = known
    return ReferenceTexture(colours.reshape(where.size, where.size, 3), mask.reshape(where.size, where.size))
