"""What no two performances of a motion have in common: a person's offsets, slow drift, tremor, and how the hand turns."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from estimator.hand.template import POSE_NAMES, POSE_SIZE

Curve = Float[np.ndarray, "moments channels"]


@dataclass(frozen=True)
class Life:
    """Sizes of what is random in a performance, standard deviations in degrees.

    Attributes:
        offset: of the whole performance from the named pose, smallest and largest.
        drift: slow changes of slack muscles; tense ones do a third of it.
        tremor: of muscles as tense as can be, at 8 to 11 Hz.
        turn: largest slow turn of the hand about any axis.
        heading: of the whole performance, about any axis.
        sway_mm: slow sway of the hand's place.
    """

    offset: tuple[float, float] = (2.0, 4.5)
    drift: float = 2.0
    tremor: float = 0.35
    turn: float = 35.0
    heading: float = 8.0
    sway_mm: float = 6.0


def waves(
    generator: np.random.Generator, seconds: Float[np.ndarray, " moments"], channels: int, hertz: tuple[float, float], count: int = 3
) -> Curve:
    """Smooth random curves of standard deviation one: sums of sines of random frequency and phase, the same however finely sampled."""
    frequency = generator.uniform(*hertz, size=(count, channels))
    phase = generator.uniform(0, 2 * np.pi, size=(count, channels))
    return np.sin(2 * np.pi * frequency * seconds[:, None, None] + phase).sum(axis=1) * np.sqrt(2 / count)


def joint_life(generator: np.random.Generator, seconds: Float[np.ndarray, " moments"], tension: float, life: Life) -> Curve:
    """What is added to theta, radians."""
    offset = generator.uniform(*life.offset) * generator.normal(size=POSE_SIZE)
    drift = life.drift * (1 - 2 / 3 * tension) * waves(generator, seconds, POSE_SIZE, (0.1, 0.5))
    tremor = life.tremor * tension**2 * waves(generator, seconds, POSE_SIZE, (8.0, 11.0))
    return np.radians(coupled(offset + drift) + tremor)


def coupled(change: Curve) -> Curve:
    """A change of theta that tendons allow: neighbours partly follow one another, last joints their middle ones, twist stays small."""
    change = change.copy()
    for part in ("1.z", "2.z"):
        columns = [POSE_NAMES.index(f"{finger}{part}") for finger in ("index", "middle", "ring", "pinky")]
        change[:, columns] = 0.6 * change[:, columns] + 0.6 * change[:, columns].mean(axis=1, keepdims=True)
    for finger in ("index", "middle", "ring", "pinky"):
        middle, last, twist, aside = (POSE_NAMES.index(f"{finger}{part}") for part in ("2.z", "3.z", "1.x", "1.y"))
        change[:, last] = 0.6 * change[:, middle] + 0.25 * change[:, last]
        change[:, twist] *= 0.3
        change[:, aside] *= 0.5
    thumb = [i for i, name in enumerate(POSE_NAMES) if name.startswith(("thumb0", "thumb1"))]
    change[:, thumb] *= 0.6
    return change


def hand_turn(generator: np.random.Generator, seconds: Float[np.ndarray, " moments"], life: Life) -> Float[np.ndarray, "moments 3"]:
    """Slow turns about random axes, a rotation vector in the world, radians."""
    slow = np.tanh(0.7 * waves(generator, seconds, 3, (0.06, 0.22), count=2)) * (life.turn / np.sqrt(3))
    return np.radians(slow + life.heading * generator.normal(size=3))


def hand_sway(generator: np.random.Generator, seconds: Float[np.ndarray, " moments"], life: Life) -> Float[np.ndarray, "moments 3"]:
    """How far the hand is from its place, mm."""
    return life.sway_mm * waves(generator, seconds, 3, (0.1, 0.4))
