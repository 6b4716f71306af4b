"""VirtualRhd: simulated pictures of hands by number, as training draws them: nothing is read from files but backgrounds and light."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from datasets.environment import Environment
from datasets.rhd_annotation import hand_pixels
from datasets.virtual_rhd.cast import Cast, random_cast
from datasets.virtual_rhd.drawing import draw
from datasets.virtual_rhd.film import random_film, take
from datasets.virtual_rhd.hand_model import load_hand_model
from datasets.virtual_rhd.illumination import Illumination, of_environment, random_illumination
from datasets.virtual_rhd.light import arrive
from datasets.virtual_rhd.people import VirtualPerson, random_person
from datasets.virtual_rhd.poses import PosePool, pose_pool
from datasets.virtual_rhd.render import Rendered, render
from datasets.virtual_rhd.scene import compose
from datasets.virtual_rhd.scenery import Scenery
from datasets.virtual_rhd.skin_texture import skin_textures
from datasets.virtual_rhd.staging import random_camera, random_rotation
from datasets.virtual_rhd.types import SIDE_PX, VirtualHand, VirtualRhdSample
from estimator.hand.template import LANDMARK_JOINTS, LANDMARK_NAMES, Side

_SHALLOW_MM, _DEEP_MM = 17.0, 32.0
"""So far below the skin a joint of a finger, or of the palm, can be and still count as visible, in a hand of the template's size."""

_SHADOW_MARGIN_MM = 90.0
"""Beyond the hands' joints, within which things cast shadows."""

_LEVEL = 0.80
"""What a white ball sends back, at the middle exposure."""

_STRIDE = 10
"""One pixel in so many tells the colour of a background."""

_ATTEMPTS, _LEAST_VISIBLE = 8, 5
"""A picture that shows fewer of the hand's joints is taken anew, so often at most."""


@dataclass(frozen=True)
class VirtualRhdOptions:
    """What the pictures are made of.

    Attributes:
        backgrounds: folder of photographs; coloured shapes where none is given.
        environments: npz of panoramas of linear light, (rows, columns, 3) each; made-up lamps where none is given.
    """

    backgrounds: Path | None = None
    environments: Path | None = None


class VirtualRhd(Sequence[VirtualRhdSample]):
    """An endless sequence of simulated pictures; ``[index]`` is always the same for the same seed and options.

    Args:
        seed: of everything.
        options: what the pictures are made of.
        count: length of the sequence.

    Raises:
        ValueError: one line, when folder or file of the options cannot be used.
    """

    def __init__(self, seed: int = 0, options: VirtualRhdOptions = VirtualRhdOptions(), count: int = 1_000_000) -> None:
        self.seed, self.options, self._count = seed, options, count
        self._scenery = Scenery.of_folder(options.backgrounds)
        self._environments = read_environments(options.environments)
        self._model = load_hand_model()
        self._textures = skin_textures(self._model)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> VirtualRhdSample:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices
        if not 0 <= index < self._count:
            raise IndexError(f"picture {index} of {self._count}")
        pool = pose_pool(self.seed, index)
        for attempt in range(_ATTEMPTS):
            sample = self._picture(pool, np.random.default_rng([self.seed, index, attempt]))
            if sample.hand.visible.sum() >= _LEAST_VISIBLE:
                break
        return sample

    def _picture(self, pool: PosePool, generator: np.random.Generator) -> VirtualRhdSample:
        person, K = random_person(generator), random_camera(generator)
        return self.photograph(person, random_cast(self._model, person, pool, K, generator), K, generator)

    def photograph(
        self, person: VirtualPerson, cast: Cast, K: Float[np.ndarray, "3 3"], generator: np.random.Generator
    ) -> VirtualRhdSample:
        """The picture of a cast, whoever and whatever it is, before a background and in a light that are drawn."""
        scene = compose(self._model, [hand.seen for hand in cast.hands], list(cast.solids))
        background = self._scenery.draw(generator)
        illumination = self._illumination(background, generator)
        joints = np.concatenate([hand.joints for hand in cast.hands])
        centre = (joints.min(axis=0) + joints.max(axis=0)) / 2
        reach_mm = float(np.linalg.norm(joints - centre, axis=1).max()) + _SHADOW_MARGIN_MM
        drawn = draw(scene, K, SIDE_PX)
        arrived = arrive(scene, drawn.wanted, centre, reach_mm, illumination)
        texture = self._textures[generator.integers(len(self._textures))].level(float(cast.hands[0].joints[:, 2].mean()) / K[0, 0])
        rendered = render(scene, drawn, texture, person.skin, person.clothes.knit, arrived, illumination)
        image = take(rendered.before(background), random_film(generator), generator)
        return VirtualRhdSample(image, rendered.mask, rendered.depth_mm, K, annotate(cast, K, rendered, person.build.size))

    def _illumination(self, background: Float[np.ndarray, "height width 3"], generator: np.random.Generator) -> Illumination:
        """Light of about the level, and with something of the colour, of the background's."""
        if self._environments and generator.random() < 0.7:
            environment = self._environments[generator.integers(len(self._environments))]
            tilt = random_rotation(generator) if generator.random() < 0.15 else np.eye(3)
            turn = generator.uniform(0, 2 * np.pi)
            about_up = np.array([[np.cos(turn), 0.0, np.sin(turn)], [0.0, 1.0, 0.0], [-np.sin(turn), 0.0, np.cos(turn)]])
            light = of_environment(environment, tilt @ about_up)
        else:
            light = random_illumination(generator)
        wanted = _LEVEL * np.exp(generator.normal(0, 0.25))
        behind, own = background[::_STRIDE, ::_STRIDE].mean(axis=(0, 1)) + 0.05, light.colour + 1e-6
        # cameras balance colours; what is left of the light's own and of the background's makes the two belong together
        tint = (behind / behind.mean()) ** generator.uniform(0, 0.25) * (own / own.mean()) ** generator.uniform(-1, -0.6)
        return light.scaled(tint * wanted / max(light.level, 1e-6))


def read_environments(path: Path | None) -> tuple[Environment, ...]:
    """Panoramas of an npz file, made small; none where no file is given.

    Raises:
        ValueError: one line, when the file is missing or holds none.
    """
    if path is None:
        return ()
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = [archive[name].astype(np.float32) for name in archive]
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path}: cannot be read as an npz of panoramas ({error}); name another file or none") from error
    panoramas = [array for array in arrays if array.ndim == 3 and array.shape[2] == 3 and min(array.shape[:2]) >= 8]
    if not panoramas:
        raise ValueError(f"{path}: holds no panorama (an array of shape rows, columns, 3); name another file or none")
    return tuple(Environment(_small(panorama)) for panorama in panoramas)


def _small(panorama: np.ndarray) -> np.ndarray:
    """Blocks of texels averaged, so that about 32 rows are left."""
    step = max(1, panorama.shape[0] // 32)
    rows, columns = panorama.shape[0] // step, panorama.shape[1] // step
    return panorama[: rows * step, : columns * step].reshape(rows, step, columns, step, 3).mean(axis=(1, 3))


def annotate(cast: Cast, K: Float[np.ndarray, "3 3"], rendered: Rendered, size: float) -> tuple[VirtualHand, VirtualHand]:
    """The left and the right hand; one that is not in the picture hangs beyond its border."""
    hands: dict[Side, VirtualHand] = {}
    for hand in cast.hands:
        landmarks = hand.joints[list(LANDMARK_JOINTS)]
        pixels = project(landmarks, K)
        shown = visible(hand.side, landmarks, pixels, rendered, size)
        hands[hand.side] = VirtualHand(hand.side, hand.theta, hand.view.rotation, hand.joints, landmarks, pixels, shown)
    first = hands[cast.hands[0].side]
    return hands.get("left") or _beyond("left", first, K), hands.get("right") or _beyond("right", first, K)


def _beyond(side: Side, shown: VirtualHand, K: np.ndarray) -> VirtualHand:
    """The person's other hand, hanging beyond the picture's border."""
    joints = shown.joints_mm * (-1, 1, 1)
    border_px = -SIDE_PX if side == "right" else 2 * SIDE_PX
    joints[:, 0] += (border_px - K[0, 2]) / K[0, 0] * joints[:, 2].max() - joints[:, 0].mean()
    landmarks = joints[list(LANDMARK_JOINTS)]
    unseen = np.zeros(len(LANDMARK_NAMES), dtype=bool)
    return VirtualHand(side, shown.theta, shown.rotation, joints, landmarks, project(landmarks, K), unseen)


def project(points: Float[np.ndarray, "points 3"], K: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "points 2"]:
    """Pixels of points in the camera frame."""
    projected = points @ K.T
    return projected[:, :2] / projected[:, 2:]


def visible(side: Side, landmarks: np.ndarray, pixels: np.ndarray, rendered: Rendered, size: float) -> Bool[np.ndarray, " 21"]:
    """Whether the picture shows, at each landmark, skin of the same hand not farther before it than flesh is thick."""
    column, row = np.rint(pixels).astype(int).T
    height, width = rendered.mask.shape
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    column, row = column.clip(0, width - 1), row.clip(0, height - 1)
    own, depth = hand_pixels(rendered.mask, side)[row, column], rendered.depth_mm[row, column]
    deep = np.array([name == "wrist" or name.endswith("1") for name in LANDMARK_NAMES])
    return inside & own & (landmarks[:, 2] - depth < np.where(deep, _DEEP_MM, _SHALLOW_MM) * size)
