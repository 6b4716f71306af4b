"""StudioSample: one moment of a hand in a capture studio, as training eats it; the real release and the virtual studio yield the same."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8


@dataclass(frozen=True)
class StudioSample:
    """A right hand (left ones are mirrored) seen by one camera, with what supervises it: joints, and depth maps of several others.

    Attributes:
        image: the input camera's picture, cropped square around the hand.
        joints: in the template's order, world frame, mm; 0 where not valid.
        valid: which joints are known.
        K: of each target view's crop, in the crop's pixels.
        R: of each target view, world to camera.
        t: of each target view, world to camera, mm.
        depth: of each target view, mm along the camera's z; 0 where there is no surface.
    """

    image: UInt8[np.ndarray, "size size 3"]
    joints: Float32[np.ndarray, "joints 3"]
    valid: Bool[np.ndarray, " joints"]
    K: Float32[np.ndarray, "views 3 3"]
    R: Float32[np.ndarray, "views 3 3"]
    t: Float32[np.ndarray, "views 3"]
    depth: Float32[np.ndarray, "views size size"]


@dataclass(frozen=True)
class PicturedSample(StudioSample):
    """A sample whose target views have their pictures, too.

    Attributes:
        pictures: RGB of each target view.
    """

    pictures: UInt8[np.ndarray, "views size size 3"]


@dataclass(frozen=True)
class StudioViews:
    """A moment as all cameras have it that know both its colours and its depth.

    Attributes:
        images: RGB.
        K, R, t: of each view, world to camera, as ``StudioSample``'s.
        depth: mm, 0 where there is no surface.
    """

    images: UInt8[np.ndarray, "views size size 3"]
    K: Float32[np.ndarray, "views 3 3"]
    R: Float32[np.ndarray, "views 3 3"]
    t: Float32[np.ndarray, "views 3"]
    depth: Float32[np.ndarray, "views size size"]


@dataclass(frozen=True)
class Scan:
    """A hand's surface as a 3D scanner would see it whole: for evaluation only.

    Attributes:
        vertices: world frame, mm.
        faces: counter-clockwise seen from outside.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]


@runtime_checkable
class StudioFrames(Protocol):
    """Moments of one hand in a studio."""

    def __len__(self) -> int:
        """How many moments there are."""
        ...

    def sample(self, index: int, generator: np.random.Generator) -> StudioSample:
        """A moment seen by a random camera, with random target views; the same for a generator in the same state.

        Raises:
            ValueError: one line that names the file and the cure, when its data is missing or damaged.
        """
        ...


@runtime_checkable
class PicturedFrames(StudioFrames, Protocol):
    """Moments of one hand whose colours are known, too: what textures are made of."""

    def sample_with_pictures(self, index: int, generator: np.random.Generator) -> PicturedSample:
        """As ``sample``, of target views that have a picture; errors as there."""
        ...

    def views(self, index: int) -> StudioViews:
        """All views of a moment; errors as ``sample``'s."""
        ...

    def motion(self, index: int) -> str:
        """Name of the motion that a moment belongs to."""
        ...
