"""Relief about the joints: wrinkles that bending smooths, bones that it brings out, creases that it deepens, flesh that it squeezes."""

from dataclasses import dataclass

import numpy as np

from datasets.virtual_studio.people import Flesh
from datasets.virtual_studio.relief import Feature
from datasets.virtual_studio.relief_canvas import Canvas, Values, bump
from estimator.hand.template import FINGERS

FOLD_MM = 2.7
"""From one wrinkle to the next."""


@dataclass(frozen=True)
class Hinge:
    """How big things are at one kind of joint, mm.

    Attributes:
        reach: half the length of the wrinkled skin on the back.
        wrinkles: depth of the folds, finger stretched.
        bones: rise of the two heads of the bone, finger bent.
        creases: places of the creases on the palm's side, along the bone.
        swelling: of the flesh beside the bent joint.
        radius: of the finger.
    """

    reach: float
    wrinkles: float
    bones: float
    creases: tuple[float, ...]
    swelling: float
    radius: float


MIDDLE = Hinge(7.5, 0.42, 0.9, (-1.5, 1.5), 1.0, 10.0)
LAST = Hinge(4.5, 0.26, 0.5, (-0.3,), 0.6, 8.5)
THUMB_MIDDLE = Hinge(7.0, 0.26, 1.1, (-1.5, 2.0), 1.2, 13.0)
THUMB_LAST = Hinge(6.0, 0.36, 0.7, (-0.9, 1.2), 0.8, 11.0)

ROOT_CREASE_MM = {"index": 17.5, "middle": 19.5, "ring": 20.0, "pinky": 17.5}
"""From a finger's first joint to the crease at its base, where the web ends."""


def joint_features(canvas: Canvas, flesh: Flesh) -> list[Feature]:
    """All features that belong to one joint."""
    features = []
    for finger in FINGERS:
        own = canvas.only(finger)
        for number, kind in ((2, MIDDLE), (3, LAST)):
            hinge = {2: THUMB_MIDDLE, 3: THUMB_LAST}[number] if finger == "thumb" else kind
            features += hinge_features(canvas, f"{finger}{number}", hinge, flesh, own)
        if finger != "thumb":
            features += root_features(canvas, finger, flesh, own)
    return features


def hinge_features(canvas: Canvas, joint: str, hinge: Hinge, flesh: Flesh, own: Values) -> list[Feature]:
    """Of a joint that only bends."""
    x, y, z = canvas.beside(joint)
    here = own * np.exp(-((np.hypot(y, z) / (1.6 * hinge.radius)) ** 6))
    back, palm, side = canvas.back(joint) * here, canvas.palm(joint) * here, (1 - canvas.facing(joint) ** 2) * here
    bends = ((f"{joint}.z", 1.0),)
    loose = bump(x, 0, hinge.reach) * back
    heads = bump(x, 1.0, 4.2) * (bump(z, -0.33 * hinge.radius, 0.36 * hinge.radius) + bump(z, 0.33 * hinge.radius, 0.36 * hinge.radius))
    creases = sum(crease(canvas, x + 0.03 * z**2, at, 40) for at in hinge.creases)
    squeezed = (bump(np.abs(x), 0.85 * hinge.radius, 0.5 * hinge.radius)) * (0.8 * palm + 0.7 * side * (y > -3))
    return [
        Feature(hinge.wrinkles * flesh.wrinkles * loose * folds(canvas, x, z, joint), bends, 5, 60, 1.0, 0.06, pallor=0.22),
        Feature(hinge.bones * flesh.knuckles * heads * back, bends, 15, 95, 0.0, 1.0, pallor=0.10),
        Feature(-0.55 * hinge.bones * flesh.knuckles * bump(x, -7.0, 4.0) * back, bends, 30, 100, 0.0, 1.0),
        Feature(-0.32 * flesh.creases * creases * palm, bends, 5, 80, 1.0, 2.6, pallor=0.30),
        Feature(hinge.swelling * flesh.softness * squeezed, bends, 25, 105, 0.0, 1.0),
    ]


def root_features(canvas: Canvas, finger: str, flesh: Flesh, own: Values) -> list[Feature]:
    """Of the knuckle where a finger leaves the hand, and of the crease at the finger's base."""
    joint = f"{finger}1"
    x, y, z = canvas.beside(joint)
    back, palm = canvas.back(joint), canvas.palm(joint)
    bends = ((f"{joint}.z", 1.0),)
    size = 0.82 if finger == "pinky" else 1.0
    near = np.exp(-((np.hypot(x, z) / (15 * size)) ** 4)) * (y < 5)
    base = own * bump(z, 0, 9 * size) * palm
    place = ROOT_CREASE_MM[finger]
    bowed = x + 0.02 * z**2
    lines = crease(canvas, bowed, place, 44) + 0.6 * (finger in ("middle", "ring")) * crease(canvas, bowed, place + 3.2, 45)
    knuckle = bump(x, 2.0, 6.5 * size) * bump(z, 0, 5.5 * size)
    valley = bump(x, 3.0, 8.0) * (bump(z, 11 * size, 4.0) + bump(z, -11 * size, 4.0))
    return [
        Feature(0.16 * flesh.wrinkles * bump(x, 0, 8) * near * back * folds(canvas, x, z, joint), bends, 0, 55, 1.0, 0.1, pallor=0.20),
        Feature(1.7 * flesh.knuckles * knuckle * back * near, bends, 15, 85, 0.12, 1.0, pallor=0.07),
        Feature(-0.9 * flesh.knuckles * valley * back, bends, 20, 85, 0.1, 1.0),
        Feature(-0.36 * flesh.creases * lines * base, bends, 0, 80, 1.0, 2.4, pallor=0.30),
        Feature(1.0 * flesh.softness * bump(x, place + 9, 6.0) * base, bends, 20, 90, 0.15, 1.0),
        Feature(1.1 * flesh.softness * bump(x, place - 9, 6.0) * palm * bump(z, 0, 9 * size), bends, 20, 90, 0.1, 1.0),
    ]


def folds(canvas: Canvas, x: Values, z: Values, joint: str) -> Values:
    """Wrinkles across a finger: narrow valleys between broad, slightly raised cushions; no two alike."""
    layer = sum(map(ord, joint))
    bowed = np.sign(x) * np.abs(x) + 0.045 * z**2 * np.tanh(x / 2.5) + 1.3 * canvas.noise(5.0, layer) + 0.5 * canvas.noise(2.6, layer + 1)
    valleys = (0.5 + 0.5 * np.cos(2 * np.pi * bowed / FOLD_MM)) ** 2
    return (0.45 - valleys) * (0.75 + 0.5 * canvas.noise(4.5, layer + 2))


def crease(canvas: Canvas, x: Values, place: float, layer: int) -> Values:
    """A line across a finger or the palm, one in its bottom, with softly raised lips."""
    away = x - place + 0.7 * canvas.noise(6.0, layer)
    return bump(away, 0, 0.85) + 0.45 * bump(away, 0, 2.0) - 0.35 * bump(np.abs(away), 3.0, 1.6)
