"""How much each bone moves each point of a subject's skin, by heat that bones give off and the skin passes on."""

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import splu

from datasets.makehuman.skeleton import JointPose, finger_joints
from estimator.hand.template import FINGERS, JOINT_COUNT, WRIST

FOREARM_MM = 120.0
"""Length of the forearm's bone beyond the wrist."""

ROOT_START = 0.16
"""Share of a finger's first bone that lies in the knuckle and gives no heat: the web and the palm's rim stay with the palm."""

CONDUCTION = 0.7
"""Heat that the skin loses to its bone, over the inverse square of the distance: the less, the longer the passages."""


FAINTEST = 0.02
"""Heat below this is none: far bones leave the skin alone."""


def heat_weights(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], pose: JointPose
) -> Float[np.ndarray, "vertices joints"]:
    """Equilibrium shares of the joints' bones (Baran and Popovic 2007): rows sum to one, fingertips have none."""
    import igl

    distances = bone_distances(vertices, pose)
    nearest = distances.argmin(axis=1)
    loss = CONDUCTION / np.maximum(distances.min(axis=1), 1.0) ** 2
    mass = igl.massmatrix(vertices, faces, igl.MASSMATRIX_TYPE_VORONOI).diagonal()
    sources = np.zeros((len(vertices), JOINT_COUNT))
    sources[np.arange(len(vertices)), nearest] = mass * loss
    system = sparse.diags(mass * loss) - igl.cotmatrix(vertices, faces)
    weights = np.maximum(splu(system.tocsc()).solve(sources) - FAINTEST, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def bone_distances(points: Float[np.ndarray, "points 3"], pose: JointPose) -> Float[np.ndarray, "points joints"]:
    """From every point to every joint's bone, mm; infinite for fingertips. The wrist's are the forearm and the four metacarpals."""
    distances = np.full((len(points), JOINT_COUNT), np.inf)
    wrist = pose.positions[WRIST]
    distances[:, WRIST] = _to_segment(points, wrist - [FOREARM_MM, 0, 0], wrist)
    for finger in FINGERS:
        chain = finger_joints(finger)
        places = pose.positions[chain].copy()
        if finger != "thumb":
            distances[:, WRIST] = np.minimum(distances[:, WRIST], _to_segment(points, wrist, places[0]))
            places[0] += ROOT_START * (places[1] - places[0])
        for joint, start, end in zip(chain[:-1], places[:-1], places[1:], strict=True):
            distances[:, joint] = _to_segment(points, start, end)
    return distances


def _to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    share = np.clip((points - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)
    return np.linalg.norm(points - start - share[:, None] * (end - start), axis=1)
