"""Key poses of the test set's gestures that are no poses of the training set."""

from estimator.hand.poses import NAMED_POSES, Finger, Thumb, pose_theta

_REST = (Finger(16, 22, 12, -3), Finger(20, 25, 14), Finger(23, 28, 15, 2), Finger(26, 30, 16, 5))
_LONG = ("index", "middle", "ring", "pinky")


def _but(fingers: tuple[Finger, ...], **others: Finger) -> tuple[Finger, Finger, Finger, Finger]:
    """The fingers with some replaced."""
    index, middle, ring, pinky = (others.get(name, finger) for name, finger in zip(_LONG, fingers, strict=True))
    return index, middle, ring, pinky


_SLACK_THUMB = Thumb((0, -4, 6), (0, -6, 8), 12, 14)
WAVING = (
    pose_theta(_SLACK_THUMB, Finger(26, 30, 16, -3), Finger(30, 34, 18), Finger(32, 36, 20, 2), Finger(34, 36, 20, 5)),
    pose_theta(_SLACK_THUMB, Finger(6, 16, 8, -3), Finger(9, 18, 10), Finger(10, 20, 11, 2), Finger(12, 20, 11, 5)),
)
"""Slack fingers that swing behind the hand: at either end of its wave."""

STIFF_WAVE = pose_theta(
    Thumb((-2, -8, 12), (0, -14, 10), 6, 8), Finger(4, 6, 3, 7), Finger(4, 6, 3, 1), Finger(4, 6, 3, -5), Finger(4, 6, 3, -11)
)
"""Fingers together, the thumb beside them."""

SCOOPED = pose_theta(
    Thumb((-2, -8, 14), (0, -12, 14), 14, 18), Finger(52, 46, 24, 6), Finger(55, 48, 25, 1), Finger(57, 48, 25, -4), Finger(58, 46, 24, -8)
)
"""Fingers together, drawn in."""

_SNAPPING_THUMB = Thumb((-3, -8, 22), (-2, -8, 24), 8, 10)
SNAPPING = {
    "index": NAMED_POSES["indextip"],
    **{finger: pose_theta(_SNAPPING_THUMB, *_but(_REST, **{finger: Finger(52, 44, 18)})) for finger in _LONG[1:]},
}
"""The thumb pressed on each finger's tip."""

_AFTER_SNAP = Thumb((0, -8, 12), (0, -12, 16), 6, 6)
SNAPPED = {finger: pose_theta(_AFTER_SNAP, *_but(_REST, **{finger: Finger(70, 84, 46)})) for finger in _LONG}
"""The finger on the ball of the thumb, the thumb beside the index finger."""

_PIANO_THUMB, _KEY_THUMB = Thumb((-2, -4, 8), (0, -4, 6), 8, 10), Thumb((-8, -8, 12), (-6, -8, 14), 14, 14)
_LIFTED = (Finger(-2, 28, 16, -5), Finger(-2, 30, 17), Finger(0, 30, 17, 4), Finger(0, 28, 16, 9))
PIANO = {
    None: pose_theta(_PIANO_THUMB, *_LIFTED),
    "thumb": pose_theta(_KEY_THUMB, *_LIFTED),
    **{finger: pose_theta(_PIANO_THUMB, *_but(_LIFTED, **{finger: Finger(34, 34, 19)})) for finger in _LONG},
}
"""A pianist's hand with no key down, and with each finger's."""

_FOLDED = (Finger(76, 96, 58), Finger(76, 94, 56))
_HOLDING_THUMB = Thumb((-18, -25, 2), (-17, -32, 29), 55, 34)
STEPS = (
    pose_theta(_HOLDING_THUMB, Finger(30, 8, 4, -3), Finger(-10, 10, 6, 2), *_FOLDED),
    pose_theta(_HOLDING_THUMB, Finger(14, 46, 28, -3), Finger(6, 4, 2, 2), *_FOLDED),
    pose_theta(_HOLDING_THUMB, Finger(-10, 10, 6, -3), Finger(30, 8, 4, 2), *_FOLDED),
    pose_theta(_HOLDING_THUMB, Finger(6, 4, 2, -3), Finger(14, 46, 28, 2), *_FOLDED),
)
"""Two fingers that walk: a stride, the rear leg brought forward with its knee bent, the other stride, the other leg."""
