"""The values that the virtual studio's stages pass on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int


@dataclass(frozen=True)
class SubjectSkeleton:
    """A simulated person's own bones: joints, frames and degrees of freedom are named as the template's are, but lie elsewhere.

    Attributes:
        rest_rotations: rotation of each joint's frame in its parent's frame at theta = 0.
        joint_offsets: translation of each joint from its parent, in the parent's frame, mm.
        finger_radii: half the thickness of the finger's own flesh around each joint, mm; what touching fingers keep apart.
    """

    rest_rotations: Float[np.ndarray, "joints 3 3"]
    joint_offsets: Float[np.ndarray, "joints 3"]
    finger_radii: Float[np.ndarray, " joints"]


@dataclass(frozen=True)
class PosedSubject:
    """A simulated person's hand and some forearm in a pose, in the hand frame (the wrist at the origin), mm.

    Attributes:
        vertices: the true surface, of at least 50,000 vertices.
        faces: counter-clockwise seen from outside; the same for every pose of a subject.
        reflectance: linear RGB of the skin at each vertex, in this pose.
        joints: true centres of rotation, in the template's order.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    reflectance: Float32[np.ndarray, "vertices 3"]
    joints: Float[np.ndarray, "joints 3"]


@dataclass(frozen=True)
class Stance:
    """A hand at one moment of a motion.

    Attributes:
        theta: the 28 degrees of freedom, radians, of the subject's own skeleton.
        R_world_hand: how the hand is turned in the studio; the world's y points up, the studio's front is +z.
        position: of the wrist in the world, mm; the cameras look at the origin from one metre.
    """

    theta: Float[np.ndarray, " pose"]
    R_world_hand: Float[np.ndarray, "3 3"]
    position: Float[np.ndarray, " 3"]
