"""TrackRecorder: the hands of a clip as tracks, for writers of motion."""

from array import array
from dataclasses import dataclass, field

import numpy as np

from estimator.clip import FrameResult
from estimator.clip_hands import ClipHand
from estimator.crop import MIRROR
from estimator.detector import Detection
from estimator.hand.camera import Camera
from estimator.hand.template import POSE_SIZE, WRIST
from estimator.hand_track import OWN_MIRROR, HandTrack
from estimator.pipeline import HandEstimator
from estimator.refinement import PROPORTIONS, HandState

_SIZES = (2, POSE_SIZE, 9, 3, len(PROPORTIONS), 1)
"""Numbers in a row: frame and time, theta, rotation, translation, proportions, whether it was bridged."""

_REFERENCE_MM = 500.0


@dataclass
class _Record:
    """Rows of one hand while they come: 400 bytes a frame."""

    detection: Detection
    rows: array = field(default_factory=lambda: array("d"))


class TrackRecorder:
    """Keeps what is needed of every frame, and makes tracks of it at the end."""

    def __init__(self) -> None:
        self._records: dict[tuple[int, str], _Record] = {}

    def write(self, result: FrameResult) -> None:
        """Keep the hands of a frame."""
        for hand in result.hands:
            record = self._records.setdefault((hand.identity, hand.detection.side), _Record(hand.detection))
            record.rows.extend(_row(hand, result.frame.index, result.frame.seconds))

    def tracks(self, estimator: HandEstimator, camera: Camera) -> list[HandTrack]:
        """The hands in the order of first sight, each with the skeleton that it had in the end."""
        return [_track(identity, record, estimator, camera) for (identity, _), record in self._records.items()]


def _row(hand: ClipHand, index: int, seconds: float) -> list[float]:
    state = hand.state
    parts = ([index, seconds], state.theta, state.rotation.ravel(), state.translation, state.proportions, [hand.bridged])
    return np.concatenate(parts).tolist()


def _track(identity: int, record: _Record, estimator: HandEstimator, camera: Camera) -> HandTrack:
    rows = np.array(record.rows).reshape(-1, sum(_SIZES))
    times, theta, rotations, translations, proportions, bridged = np.split(rows, np.cumsum(_SIZES)[:-1], axis=1)
    # A skeleton that became larger meanwhile stands farther away, so that its picture stays.
    nearer = proportions[-1].mean() / proportions.mean(axis=1, keepdims=True)
    reference = HandState(np.zeros(POSE_SIZE), np.eye(3), np.array([0.0, 0.0, _REFERENCE_MM]), proportions[-1])
    rest = estimator.mesh(record.detection, camera, reference)
    scale = rest.root_translation[2] / _REFERENCE_MM
    world, own = (MIRROR, OWN_MIRROR) if rest.side == "left" else (np.eye(3), np.eye(3))
    return HandTrack(
        identity=identity,
        side=rest.side,
        template=rest.template,
        camera=camera,
        scale_source=rest.scale_source,
        rest_vertices=rest.rest_vertices,
        rest_rotations=rest.rest_rotations,
        rest_positions=rest.rest_positions,
        frames=times[:, 0].astype(int),
        seconds=times[:, 1],
        theta=theta,
        root_rotations=world @ rotations.reshape(-1, 3, 3) @ own @ rest.rest_rotations[WRIST],
        root_translations=scale * nearer * translations @ world,
        bridged=bridged[:, 0] > 0,
    )
