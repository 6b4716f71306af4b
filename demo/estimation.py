"""The estimators behind every tab: one detector for all, one estimator for each choice of options, a few of them kept."""

import threading
from pathlib import Path

from estimator.detector import HandDetector
from estimator.pipeline import EstimatorOptions, HandEstimator
from estimator.result import ModelVersions
from estimator.warm_up import warm_up

MAX_HANDS = 4
_KEPT = 8
"""Estimators share the detector, which is most of their memory; what is left is a few megabytes each."""


def demo_options(decoder: str = EstimatorOptions.decoder, detector_model: Path | None = None) -> EstimatorOptions:
    """The estimator's defaults, with the decoder and the detector's model that were asked for."""
    return EstimatorOptions(max_hands=MAX_HANDS, decoder=decoder, detector_model=detector_model)


def versions_of(estimator: HandEstimator) -> ModelVersions:
    """What result files say of the models."""
    return ModelVersions(estimator.template.id, estimator.decoder_name, estimator.options.encoder)


class Estimators:
    """Loads models once. Any thread may ask; estimating with what it gives is for one thread at a time.

    Raises:
        InputError: when a model is missing, damaged or made for another hand.
    """

    def __init__(self, options: EstimatorOptions = demo_options()) -> None:
        self.options = options
        self._lock = threading.Lock()
        self._detector = HandDetector(options.detector_model, options.max_hands)
        self._kept: list[HandEstimator] = []
        warm_up(self.with_options(options).skeleton, notify=print)

    def with_options(self, options: EstimatorOptions) -> HandEstimator:
        """The estimator of these options.

        Raises:
            InputError: when they name a model that cannot be used.
        """
        with self._lock:
            same = [estimator for estimator in self._kept if estimator.options == options]
            others = [estimator for estimator in self._kept if estimator.options != options]
            estimator = same[0] if same else HandEstimator(options, self._detector)
            self._kept = [estimator, *others[: _KEPT - 1]]
            return estimator

    def close(self) -> None:
        """Let go of the detector's native memory."""
        self._detector.close()
