"""DeepHandMesh for everyone: photographs and videos of hands to personal 3D hand meshes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estimator.pipeline import Estimate, EstimatorOptions, HandEstimator
    from estimator.placed_hand import PlacedHand

__all__ = ["Estimate", "EstimatorOptions", "HandEstimator", "PlacedHand"]


def __getattr__(name: str) -> object:
    """The public names, imported when they are first asked for: ``estimator.hand`` alone stays light."""
    if name not in __all__:
        raise AttributeError(f"module 'estimator' has no attribute {name!r}")
    from estimator import pipeline

    return getattr(pipeline, name)
