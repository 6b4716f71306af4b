"""Simulated people drawn at random: how big and how built, what skin, what clothes."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from estimator.hand.template import JOINT_COUNT

Colour = Float[np.ndarray, "3"]

_BACKS = np.array([(0.60, 0.39, 0.30), (0.52, 0.32, 0.22), (0.40, 0.225, 0.135), (0.25, 0.135, 0.078), (0.115, 0.062, 0.040)])
_PALMS = np.array([(0.66, 0.43, 0.345), (0.61, 0.385, 0.295), (0.54, 0.33, 0.232), (0.47, 0.28, 0.19), (0.38, 0.22, 0.148)])
_BLOODS = np.array([(0.97, 0.74, 0.70), (0.97, 0.74, 0.70), (0.96, 0.76, 0.72), (0.90, 0.72, 0.68), (0.80, 0.66, 0.62)])
_NAILS = np.array([(0.64, 0.40, 0.33), (0.60, 0.355, 0.285), (0.52, 0.30, 0.235), (0.46, 0.27, 0.205), (0.38, 0.23, 0.175)])
"""Linear reflectance of the back of the hand, of the palm, factor of blood and reflectance of nails, from light skin to dark."""

_CLOTH_COLOURS = np.array(
    [
        (0.80, 0.80, 0.78),
        (0.45, 0.45, 0.46),
        (0.16, 0.16, 0.17),
        (0.03, 0.03, 0.035),
        (0.02, 0.03, 0.09),
        (0.05, 0.11, 0.28),
        (0.28, 0.40, 0.60),
        (0.42, 0.03, 0.04),
        (0.18, 0.02, 0.03),
        (0.55, 0.30, 0.28),
        (0.06, 0.16, 0.07),
        (0.20, 0.22, 0.12),
        (0.55, 0.45, 0.30),
        (0.30, 0.19, 0.11),
        (0.70, 0.52, 0.10),
        (0.26, 0.12, 0.34),
    ]
)
"""Linear reflectance of what people wear."""

_VARNISHES = np.array(
    [(0.45, 0.02, 0.03), (0.65, 0.22, 0.28), (0.05, 0.05, 0.06), (0.75, 0.62, 0.55), (0.10, 0.02, 0.08), (0.10, 0.25, 0.40)]
)

LENGTH_MM = {"man": 193.0, "woman": 175.0, "child": 150.0}
"""Mean length of the hand."""


@dataclass(frozen=True)
class HandBuild:
    """A person's hands over the template's: factors.

    Attributes:
        size: of everything.
        palm: length, thickness and width of palm and wrist.
        lengths: of the bones of thumb, index, middle, ring and pinky.
        girths: thickness of the same fingers.
        last: length of all last phalanges, beside ``lengths``.
        bones: length of the bone that ends in each joint, beside all these; those of the palm stay as ``palm`` has them.
    """

    size: float
    palm: Float[np.ndarray, "3"]
    lengths: Float[np.ndarray, "5"]
    girths: Float[np.ndarray, "5"]
    last: float
    bones: Float[np.ndarray, " joints"] = field(default_factory=lambda: np.ones(JOINT_COUNT))


@dataclass(frozen=True)
class Skin:
    """Linear reflectances, factors and strengths.

    Attributes:
        back: of the back of the hand.
        palm: of the palm.
        blood: factor where blood is near.
        vein: factor over a vein.
        nail: of the nails.
        mottle: of irregular patches.
        relief: of everything that stands on the skin; 1 is usual.
        shine: share of the light that its surface mirrors straight on.
        gloss: exponent of its highlights; the larger the wetter.
    """

    back: Colour
    palm: Colour
    blood: Colour
    vein: Colour
    nail: Colour
    mottle: float
    relief: float
    shine: float
    gloss: float


@dataclass(frozen=True)
class Clothes:
    """What a person wears.

    Attributes:
        colour: linear reflectance of the upper garment.
        second: of its stripes, or of the trousers.
        sleeve_mm: from the wrist to the cuff; beyond the shoulder it has none.
        width_mm: of the sleeve over the arm.
        folds_mm: of its folds.
        stripe_mm: width of stripes; 0 without.
        knit: strength of its texture.
    """

    colour: Colour
    second: Colour
    sleeve_mm: float
    width_mm: float
    folds_mm: float
    stripe_mm: float
    knit: float


@dataclass(frozen=True)
class VirtualPerson:
    """One simulated person.

    Attributes:
        kind: man, woman or child.
        build: of the hands.
        stoutness: 0 lean to 1 heavy, of arm and body.
        tone: of the skin, 0 light to 1 dark.
        skin: of the hands.
        clothes: worn.
        hair: linear reflectance.
    """

    kind: str
    build: HandBuild
    stoutness: float
    tone: float
    skin: Skin
    clothes: Clothes
    hair: Colour


def random_person(generator: np.random.Generator) -> VirtualPerson:
    """A person of any sex, age, build and skin."""
    kind = str(generator.choice(["man", "woman", "child"], p=[0.45, 0.45, 0.10]))
    stoutness, tone = float(generator.beta(2.2, 2.6)), float(generator.uniform(0, 1))
    skin = random_skin(tone, kind, generator)
    hair = np.array([0.020, 0.014, 0.010]) * np.exp(generator.uniform(0, 3.2) * np.array([1.0, 0.88, 0.72])) / (1 + 4 * tone)
    return VirtualPerson(kind, random_build(kind, stoutness, generator), stoutness, tone, skin, random_clothes(generator), hair)


def random_build(kind: str, stoutness: float, generator: np.random.Generator) -> HandBuild:
    """Women's and children's hands are slenderer than men's, heavy people's thicker; no two are alike."""
    slender = {"man": 1.045, "woman": 0.93, "child": 0.98}[kind] * (1 + 0.16 * (stoutness - 0.45))
    lengths = generator.normal(1.0, 0.02) * generator.normal(1.0, 0.022, 5)
    lengths[4] *= generator.normal(1.0, 0.03)
    return HandBuild(
        size=LENGTH_MM[kind] * float(generator.normal(1.0, 0.05)) / 186.0,
        palm=np.array([2 - lengths.mean(), slender, slender]) * generator.normal(1.0, (0.015, 0.03, 0.025)),
        lengths=lengths,
        girths=slender * generator.normal(1.0, 0.03) * generator.normal(1.0, 0.02, 5),
        last=float(generator.normal(1.0, 0.03)),
    )


def random_skin(tone: float, kind: str, generator: np.random.Generator) -> Skin:
    """Skin of about a tone, 0 light to 1 dark; more or less blood in it, dry or wet, smooth or weathered, nails varnished or not."""
    tint = np.exp(generator.normal(0, 0.05) + generator.normal(0, 0.03, 3))
    blood = _between(_BLOODS, tone) ** generator.uniform(0.5, 1.5)
    varnished = generator.random() < (0.22 if kind == "woman" else 0.01)
    nail = _VARNISHES[generator.integers(len(_VARNISHES))] if varnished else _between(_NAILS, tone) * tint
    relief = {"man": 1.0, "woman": 0.75, "child": 0.5}[kind] * generator.uniform(0.6, 1.6)
    wet = generator.random() ** 3
    return Skin(
        back=np.clip(_between(_BACKS, tone) * tint, 0, 0.85),
        palm=np.clip(_between(_PALMS, tone) * tint * generator.uniform(0.94, 1.04), 0, 0.85),
        blood=blood,
        vein=np.array([0.82, 0.93, 1.0]) ** generator.uniform(0.3, 1.6),
        nail=nail,
        mottle=float(generator.uniform(0.04, 0.14)),
        relief=float(relief),
        shine=float(0.016 + 0.028 * wet),
        gloss=float(12 + 50 * wet),
    )


def random_clothes(generator: np.random.Generator) -> Clothes:
    """Long, rolled-up or short sleeves, or none; plain or striped, thin or knitted."""
    length = generator.choice(["long", "rolled", "short"], p=[0.48, 0.17, 0.35])
    sleeve_mm = {"long": generator.uniform(-6, 25), "rolled": generator.uniform(60, 220), "short": generator.uniform(300, 420)}[str(length)]
    colours = _CLOTH_COLOURS[generator.integers(len(_CLOTH_COLOURS), size=2)] * np.exp(generator.normal(0, 0.12, (2, 3)))
    return Clothes(
        colour=np.clip(colours[0], 0.01, 0.9),
        second=np.clip(colours[1], 0.01, 0.9),
        sleeve_mm=float(sleeve_mm),
        width_mm=float(generator.uniform(2.5, 14)),
        folds_mm=float(generator.uniform(0.6, 3.5)),
        stripe_mm=float(generator.uniform(4, 30)) if generator.random() < 0.25 else 0.0,
        knit=float(generator.uniform(0.05, 0.4)),
    )


def _between(anchors: np.ndarray, tone: float) -> Colour:
    place = tone * (len(anchors) - 1)
    lower = min(int(place), len(anchors) - 2)
    return anchors[lower] + (place - lower) * (anchors[lower + 1] - anchors[lower])
