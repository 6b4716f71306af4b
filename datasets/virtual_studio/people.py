"""The four people of the virtual studio: their bodies, bones, flesh and skin. All of them are simulated."""

from dataclasses import dataclass, field

from datasets.makehuman.source import Body
from datasets.skin import Complexion


@dataclass(frozen=True)
class Build:
    """One person's hand over MakeHuman's of the same body: factors.

    Attributes:
        palm: length, thickness and width of the palm and wrist.
        lengths: of the bones of thumb, index, middle, ring and pinky.
        girths: thickness of the same fingers.
        last: length of all last phalanges, beside ``lengths``.
        knuckles: additional thickness at the fingers' middle and last joints.
    """

    palm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    lengths: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    girths: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    last: float = 1.0
    knuckles: float = 0.0


@dataclass(frozen=True)
class Flesh:
    """How much of each kind of relief a person shows; 1 is usual.

    Attributes:
        veins: on the back of the hand.
        tendons: on the back of the hand, when the fingers are stretched.
        wrinkles: over the backs of the joints.
        creases: of palm and fingers.
        knuckles: bones that rise when the fingers bend.
        muscles: swelling of the balls of thumb and pinky.
        softness: how far flesh yields and swells beside bent joints.
        grain: fine lines and pores.
    """

    veins: float = 1.0
    tendons: float = 1.0
    wrinkles: float = 1.0
    creases: float = 1.0
    knuckles: float = 1.0
    muscles: float = 1.0
    softness: float = 1.0
    grain: float = 1.0


@dataclass(frozen=True)
class Person:
    """Everything that tells one simulated person from another.

    Attributes:
        number: of the subject.
        description: sex and build in one line.
        body: in MakeHuman's terms.
        build: over that body.
        flesh: strengths of the relief.
        complexion: linear reflectances.
        seed: of the courses of veins and wrinkles.
    """

    number: int
    description: str
    body: Body
    build: Build = field(default_factory=Build)
    flesh: Flesh = field(default_factory=Flesh)
    complexion: Complexion = field(default_factory=Complexion)
    seed: int = 0


PEOPLE = (
    Person(
        number=1,
        description="simulated man, average build, light skin",
        body=Body(gender=1.0, muscle=0.6, weight=0.5, height=0.55, hand_length_mm=190.0),
        build=Build(palm=(1.02, 1.06, 1.05), lengths=(1.03, 1.05, 0.97, 1.05, 0.93), girths=(1.06, 1.05, 1.04, 1.05, 1.08)),
        seed=100,
    ),
    Person(
        number=2,
        description="simulated woman, slender, long fingers, tan skin",
        body=Body(gender=0.0, muscle=0.4, weight=0.3, height=0.45, hand_length_mm=174.0),
        build=Build(
            palm=(0.95, 0.91, 0.88), lengths=(1.0, 1.06, 1.07, 1.08, 1.10), girths=(0.90, 0.88, 0.87, 0.87, 0.86), last=1.04, knuckles=0.02
        ),
        flesh=Flesh(veins=0.55, tendons=1.05, wrinkles=0.75, creases=0.9, knuckles=0.9, muscles=0.8, softness=0.9, grain=0.75),
        complexion=Complexion(back=(0.40, 0.225, 0.135), palm=(0.55, 0.335, 0.235), nail=(0.52, 0.30, 0.235), blood=(0.97, 0.78, 0.74)),
        seed=200,
    ),
    Person(
        number=3,
        description="simulated man, heavy, broad hand with thick short fingers, dark skin",
        body=Body(gender=1.0, muscle=0.7, weight=0.95, height=0.5, hand_length_mm=188.0),
        build=Build(
            palm=(1.0, 1.10, 1.09), lengths=(0.97, 0.93, 0.92, 0.92, 0.94), girths=(1.16, 1.17, 1.16, 1.16, 1.18), last=0.95, knuckles=-0.02
        ),
        flesh=Flesh(veins=0.35, tendons=0.5, wrinkles=0.9, creases=1.2, knuckles=0.7, muscles=1.2, softness=1.4, grain=1.0),
        complexion=Complexion(
            back=(0.125, 0.066, 0.040),
            palm=(0.42, 0.245, 0.165),
            blood=(0.80, 0.66, 0.62),
            vein=(0.92, 0.95, 1.0),
            mottle=0.06,
            nail=(0.40, 0.24, 0.18),
            lunula=(0.46, 0.31, 0.25),
            nail_edge=(0.56, 0.45, 0.36),
        ),
        seed=300,
    ),
    Person(
        number=4,
        description="simulated man, old and lean, prominent veins, tendons and knuckles, weathered light skin",
        body=Body(gender=1.0, age=1.0, muscle=0.35, weight=0.15, height=0.6, hand_length_mm=194.0),
        build=Build(
            palm=(1.01, 0.90, 0.98), lengths=(1.03, 1.0, 1.03, 1.0, 0.97), girths=(0.95, 0.92, 0.92, 0.92, 0.92), last=1.02, knuckles=0.10
        ),
        flesh=Flesh(veins=1.9, tendons=1.7, wrinkles=1.6, creases=1.25, knuckles=1.4, muscles=0.75, softness=0.8, grain=1.5),
        complexion=Complexion(
            back=(0.47, 0.285, 0.20), palm=(0.58, 0.37, 0.285), blood=(0.96, 0.70, 0.66), vein=(0.78, 0.90, 1.0), mottle=0.13
        ),
        seed=400,
    ),
)
