"""Relief of palm and back: tendons, veins, the lines of the palm, muscles and pads, the grain of the skin."""

import numpy as np

from datasets.virtual_studio.people import Flesh
from datasets.virtual_studio.relief import Feature
from datasets.virtual_studio.relief_canvas import Canvas, Values, bump, rise, smooth_stroke

TENDONS = {
    "index": ((4, 4), (45, 13), (84, 23.5), (104, 25)),
    "middle": ((4, 1), (45, 0.5), (85, 0), (110, 0)),
    "ring": ((4, -3), (45, -9.5), (80, -18.7), (102, -20.5)),
    "pinky": ((4, -6), (42, -19), (75, -37), (92, -40)),
}
"""Extensor tendons on the back, from the wrist past the knuckles; x towards the fingers, z towards the thumb, mm."""

VEINS = (
    (1.0, ((96, 13), (82, 12), (68, 12), (52, 8))),
    (0.9, ((94, -10), (80, -9), (66, -13), (49, -9))),
    (0.9, ((86, -28), (74, -27), (62, -28), (47, -21))),
    (1.0, ((66, 33), (60, 24), (53, 15), (50, 6), (48, -8), (46, -20), (37, -31))),
    (1.0, ((60, 24), (44, 27), (24, 24), (6, 22), (-25, 21), (-75, 17))),
    (0.9, ((46, -20), (28, -23), (6, -24), (-28, -18), (-75, -15))),
    (0.7, ((50, 6), (34, 3), (20, 8), (6, 3), (-18, -4), (-75, -3))),
    (0.6, ((34, 3), (26, -8), (20, -23))),
    (0.5, ((6, 3), (-6, 12), (-26, 21))),
    (0.5, ((68, 12), (62, 2), (66, -13))),
)
"""Strengths and courses of the veins of the back and the forearm."""

PALM_LINES = (
    (0.9, ("ring1.z", "middle1.z", "pinky1.z"), ((62, -49), (69, -38), (77, -22), (83, -8), (90, 4), (99, 9))),
    (0.85, ("index1.z", "middle1.z"), ((73, 42), (70, 30), (66, 15), (60, -3), (51, -20), (43, -34))),
    (1.0, ("thumb1.z", "thumb2.z"), ((74, 41), (68, 25), (57, 11), (43, 4), (26, 1), (10, 2))),
    (0.35, ("pinky1.z", "thumb1.z"), ((24, -4), (44, -5), (64, -4), (84, -3))),
)
"""Depths, what deepens them, and courses of heart, head, life and fate line."""


def hand_features(canvas: Canvas, flesh: Flesh) -> list[Feature]:
    """All features that belong to no single joint."""
    return [
        *tendon_features(canvas, flesh),
        *vein_features(canvas, flesh),
        *palm_features(canvas, flesh),
        *muscle_features(canvas, flesh),
        grain_feature(canvas, flesh),
    ]


def tendon_features(canvas: Canvas, flesh: Flesh) -> list[Feature]:
    """Cords on the back that stretched fingers pull taut, and the hollows between them; two cords of the wrist."""
    back = canvas.back("wrist")
    features = []
    for finger, stroke in TENDONS.items():
        stretch = ((f"{finger}1.z", -1.0), (f"{finger}2.z", -0.15))
        cord = canvas.line(smooth_stroke(stroke), 2.3, taper_mm=16) - 0.45 * canvas.line(smooth_stroke(stroke), 6.0, taper_mm=22)
        features.append(Feature(1.5 * flesh.tendons * cord * back, stretch, -45, 14, 0.10, 1.0))
    x, y, z = canvas.beside("thumb1")
    thumb = bump(z, -2.0, 2.2) * rise(x, 2, 16) * (1 - rise(x, 50, 66)) * canvas.back("thumb1") * (y < 2) * canvas.only("thumb")
    features.append(Feature(1.1 * flesh.tendons * thumb, (("thumb1.z", -1.0), ("thumb2.z", -0.5)), -30, 12, 0.05, 1.0))
    inside = canvas.palm("wrist")
    closing = (("middle1.z", 0.5), ("ring1.z", 0.5), ("thumb1.z", 0.4))
    for strength, at in ((1.0, 2.5), (0.7, 9.0)):
        cord = canvas.line(((2, at), (-75, at - 1)), 2.0, wobble_mm=0.8, taper_mm=20)
        features.append(Feature(0.9 * strength * flesh.tendons * cord * inside, closing, 0, 90, 0.25, 1.0))
    return features


def vein_features(canvas: Canvas, flesh: Flesh) -> list[Feature]:
    """Veins of the back and the forearm; a fist stretches the skin over them flat, raised fingers press the blood out of them."""
    features = [
        Feature(
            0.62 * flesh.veins * veins(canvas),
            (("index1.z", 0.25), ("middle1.z", 0.25), ("ring1.z", 0.25), ("pinky1.z", 0.25)),
            10,
            85,
            1.0,
            0.55,
        )
    ]
    inside = canvas.palm("wrist") * (1 - rise(canvas.points.positions[:, 0], -18, -4))
    wrist = canvas.line(((0, -6), (-30, -2), (-75, 4)), 1.4, wobble_mm=4.0, taper_mm=14, layer=90)
    return [*features, Feature(0.25 * flesh.veins * wrist * inside)]


def veins(canvas: Canvas) -> Values:
    """0 to 1 on the back's and the forearm's veins."""
    back = canvas.back("wrist")
    total = canvas.blank
    for layer, (strength, stroke) in enumerate(VEINS):
        course = canvas.line(smooth_stroke(stroke), 1.5, wobble_mm=4.5, taper_mm=7, layer=100 + 2 * (layer % 3))
        total = np.maximum(total, strength * course)
    return total * back * (0.72 + 0.45 * canvas.noise(20.0, 95))


def palm_features(canvas: Canvas, flesh: Flesh) -> list[Feature]:
    """Lines of the palm, which closing the hand deepens, their finer neighbours, and the creases of the wrist."""
    palm = canvas.palm("wrist")
    features = []
    for layer, (depth, drivers, stroke) in enumerate(PALM_LINES):
        lines = canvas.line(smooth_stroke(stroke), 0.95, wobble_mm=1.6, layer=120 + 2 * layer)
        lines += 0.45 * canvas.line(smooth_stroke(stroke), 3.0, wobble_mm=1.6, layer=120 + 2 * layer)
        closing = tuple((name, 1 / len(drivers)) for name in drivers)
        features.append(Feature(-0.5 * depth * flesh.creases * lines * palm, closing, 0, 75, 0.8, 2.2, pallor=0.28))
    wrist = sum(canvas.line(((x, -24), (x - 1.5, 0), (x, 24)), 0.9, wobble_mm=1.2, layer=140) for x in (4.0, -3.0))
    features.append(Feature(-0.3 * flesh.creases * wrist * palm, pallor=0.3))
    return [*features, Feature(-0.16 * flesh.creases * cracks(canvas) * palm, pallor=0.35)]


def cracks(canvas: Canvas) -> Values:
    """Fine lines that criss-cross the palm, 0 to 1."""
    x, _, z = canvas.points.positions.T
    total = canvas.blank
    for layer, (along, across) in enumerate(((1.0, 0.5), (0.5, -1.0), (0.8, 0.9))):
        course = (along * x + across * z) / 9.0 + 0.9 * canvas.noise(16.0, 150 + layer) + 0.25 * canvas.noise(5.0, 160 + layer)
        away = np.abs(course - np.round(course)) * 9.0
        total = np.maximum(total, bump(away, 0, 0.8) * rise(canvas.noise(11.0, 170 + layer), 0.0, 0.5))
    return total * rise(x, 8, 20) * (1 - rise(x, 100, 112))


def muscle_features(canvas: Canvas, flesh: Flesh) -> list[Feature]:
    """The balls of thumb and pinky, the muscle between thumb and index finger, the pads below the fingers, the hollow of the palm."""
    palm, back = canvas.palm("wrist"), canvas.back("wrist")
    opposing = (("thumb1.z", 1.0), ("thumb2.z", 0.4), ("thumb1.y", -0.5), ("thumb0.y", -0.5))
    cupping = (("thumb1.z", 0.5), ("pinky1.z", 0.4), ("ring1.z", 0.3))
    features = [
        Feature(2.4 * flesh.muscles * canvas.spot(38, 25, 17, 11) * palm, opposing, 5, 90, 0.0, 1.0),
        Feature(1.6 * flesh.muscles * canvas.spot(34, -31, 19, 9) * palm, (("pinky1.z", 1.0),), 10, 85, 0.0, 1.0),
        Feature(1.8 * flesh.muscles * canvas.spot(62, 33, 13, 7) * back, (("index1.z", 0.5), ("thumb2.z", 0.7)), 10, 80, 0.0, 1.0),
        Feature(-1.6 * canvas.spot(52, -4, 20, 12) * palm, cupping, 5, 80, 0.0, 1.0),
    ]
    for first, second, x, z in (("index", "middle", 91, 12), ("middle", "ring", 90, -10), ("ring", "pinky", 84, -29)):
        closing = ((f"{first}1.z", 0.5), (f"{second}1.z", 0.5))
        features.append(Feature(1.2 * flesh.softness * canvas.spot(x, z, 6.5, 5.0) * palm, closing, 10, 85, 0.2, 1.0))
    return features


def grain_feature(canvas: Canvas, flesh: Flesh) -> Feature:
    """The uneven skin of everybody, a little coarser on the back."""
    rough = 0.035 * canvas.noise(2.4, 200) + 0.03 * canvas.noise(4.2, 201) + 0.06 * canvas.noise(9.0, 202)
    return Feature(flesh.grain * rough * (1 - 0.4 * canvas.palm("wrist")))
