"""What the virtual RHD yields."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from datasets.rhd_annotation import FIRST_LABEL, LABELS_A_HAND, hand_pixels
from datasets.rhd_files import SIZE_PX
from estimator.hand.template import Side

SIDE_PX = SIZE_PX
"""Width and height of every picture: RHD's."""

PERSON = 1
"""Value of the mask for a person's other parts and for things; 0 is the background."""

PARTS, FIRST_PART = LABELS_A_HAND, FIRST_LABEL
"""Of each hand's parts in the mask, which are RHD's: three of each finger from its tip to the palm, thumb first, then the palm."""


@dataclass(frozen=True)
class VirtualHand:
    """One hand of a simulated person, whether the picture shows it or not.

    Attributes:
        side: which hand it is.
        theta: its pose, radians; the template's degrees of freedom.
        rotation: from the hand frame to the camera's; of a left hand in the mirrored picture, where it is a right one.
        joints_mm: true centres of the template's 22 joints, camera frame.
        landmarks_mm: the 21 joints that landmarks name, in their order, camera frame.
        landmarks_px: the same in the picture, or beyond its borders.
        visible: whether the picture shows the skin over the joint.
    """

    side: Side
    theta: Float[np.ndarray, " pose"]
    rotation: Float[np.ndarray, "3 3"]
    joints_mm: Float[np.ndarray, "22 3"]
    landmarks_mm: Float[np.ndarray, "21 3"]
    landmarks_px: Float[np.ndarray, "21 2"]
    visible: Bool[np.ndarray, " 21"]


@dataclass(frozen=True)
class VirtualRhdSample:
    """One simulated picture.

    Attributes:
        image: RGB.
        mask: as RHD's: 0 background, 1 person or thing before it, 2 to 17 the left hand's parts, 18 to 33 the right one's.
        depth_mm: along the camera's axis; 0 where nothing is near.
        K: intrinsic matrix.
        hands: the left and the right one.
    """

    image: UInt8[np.ndarray, "height width 3"]
    mask: UInt8[np.ndarray, "height width"]
    depth_mm: Float32[np.ndarray, "height width"]
    K: Float[np.ndarray, "3 3"]
    hands: tuple[VirtualHand, VirtualHand]

    @property
    def hand(self) -> VirtualHand:
        """The hand of which the picture shows more."""
        return max(self.hands, key=lambda hand: self.pixels(hand.side))

    def pixels(self, side: Side) -> int:
        """How many pixels show a hand."""
        return int(np.count_nonzero(hand_pixels(self.mask, side)))
