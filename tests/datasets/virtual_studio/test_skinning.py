"""Laws of the skin: rest and rigid motion exact, one bone's skin rigid, the paper's definition, no candy wrapper."""

import igl
import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.transform import Rotation

from datasets.virtual_studio.skinning import RELAXATION_MM, Skinning, bind, skin
from estimator.hand.template import JOINT_COUNT
from tests.datasets.virtual_studio.flesh import tube


@pytest.fixture(scope="module")
def limb() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tube, its faces, and its weights: joint 0 on one side, joint 1 on the other."""
    vertices, faces = tube()
    weights = np.zeros((len(vertices), JOINT_COUNT))
    weights[:, 1] = np.clip(0.5 + vertices[:, 0] / 8, 0, 1)
    weights[:, 0] = 1 - weights[:, 1]
    return vertices, faces, weights


@pytest.fixture(scope="module")
def skinning(limb) -> Skinning:
    return bind(*limb)


def still() -> tuple[np.ndarray, np.ndarray]:
    return np.tile(np.eye(3), (JOINT_COUNT, 1, 1)), np.zeros((JOINT_COUNT, 3))


def bent(vector: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Joint 1 turned about the origin."""
    R, t = still()
    R[1] = Rotation.from_rotvec(vector).as_matrix()
    return R, t


def test_still_joints_leave_the_skin_at_rest(limb, skinning):
    np.testing.assert_allclose(skin(skinning, *still()), limb[0], atol=1e-4)


def test_skin_follows_a_rigid_motion_of_all_joints(limb, skinning):
    turn, move = Rotation.from_rotvec([0.4, -2.0, 1.1]).as_matrix(), np.array([30.0, -5.0, 100.0])
    posed = skin(skinning, np.tile(turn, (JOINT_COUNT, 1, 1)), np.tile(move, (JOINT_COUNT, 1)))
    np.testing.assert_allclose(posed, limb[0] @ turn.T + move, atol=1e-3)


def test_skin_far_from_other_joints_is_rigid(limb, skinning):
    R, t = bent((0.0, 0.0, 1.3))
    posed, vertices = skin(skinning, R, t), limb[0]
    for joint, far in ((0, vertices[:, 0] < -34), (1, vertices[:, 0] > 34)):
        np.testing.assert_allclose(posed[far], vertices[far] @ R[joint].T, atol=0.02)


@pytest.mark.parametrize("vector", [(0.0, 0.0, 1.4), (2.0, 0.0, 0.0), (0.3, -0.8, 0.4)])
def test_skin_is_what_the_paper_defines(limb, skinning, vector):
    R, t = bent(vector)
    np.testing.assert_allclose(skin(skinning, R, t), by_definition(*limb, R, t), atol=0.06)


def by_definition(vertices, faces, weights, R, t) -> np.ndarray:
    """Delta mush v0 (Le and Lewis 2019, equations 8 to 15), dense, with singular value decompositions."""
    mass = sparse.diags(igl.massmatrix(vertices, faces, igl.MASSMATRIX_TYPE_VORONOI).diagonal())
    step = np.linalg.solve((mass - RELAXATION_MM**2 / 2 * igl.cotmatrix(vertices, faces)).toarray(), mass.toarray())
    relaxed, homogeneous = step @ step, np.concatenate([vertices, np.ones((len(vertices), 1))], axis=1)
    moments = np.einsum("va,vb->vab", homogeneous, homogeneous)
    posed = np.empty_like(vertices)
    for v, spread in enumerate(relaxed):
        per_joint = np.einsum("k,kj,kab->jab", spread, weights, moments)
        Q = np.einsum("jab,jbc->ac", np.concatenate([R, t[..., None]], axis=2), per_joint)
        place = per_joint.sum(axis=0)[:3, 3]
        U, _, V = np.linalg.svd(Q[:, :3] - np.outer(Q[:, 3], place))
        turn = U @ np.diag([1, 1, np.sign(np.linalg.det(U @ V))]) @ V
        posed[v] = turn @ (vertices[v] - place) + Q[:, 3]
    return posed


def test_a_twisted_limb_keeps_more_of_its_girth_than_linear_blending_leaves(limb, skinning):
    R, t = bent((2.4, 0.0, 0.0))
    vertices, _, weights = limb
    middle = np.abs(vertices[:, 0]) < 2
    linear = np.einsum("vj,jab,vb->va", weights, R, vertices)
    girth, collapsed = (np.hypot(*points[middle].T[1:]).min() for points in (skin(skinning, R, t), linear))
    assert girth > 1.2 * collapsed


def test_shares_sum_to_one_at_every_vertex(skinning):
    sums = np.add.reduceat(skinning.shares, skinning.starts[:-1])
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    np.testing.assert_allclose(np.add.reduceat(skinning.firsts, skinning.starts[:-1], axis=0), 0, atol=1e-3)
