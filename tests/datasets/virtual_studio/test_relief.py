"""Laws of the relief: features come and go with their angles, stand on the normals, and do on a hand what anatomy says."""

import numpy as np
import pytest

from datasets.virtual_studio.normals import vertex_normals
from datasets.virtual_studio.people import Flesh
from datasets.virtual_studio.relief import Feature, Relief, gather, raise_relief, shares
from datasets.virtual_studio.relief_canvas import Canvas
from datasets.virtual_studio.relief_hand import hand_features, veins
from datasets.virtual_studio.relief_joints import joint_features
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import POSE_NAMES, POSE_SIZE
from tests.datasets.virtual_studio.flesh import ball, template_canvas


def theta_of(**degrees: float) -> np.ndarray:
    theta = np.zeros(POSE_SIZE)
    for name, angle in degrees.items():
        theta[POSE_NAMES.index(name.replace("_", "."))] = np.radians(angle)
    return theta


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    return template_canvas()


@pytest.fixture(scope="module")
def relief(canvas) -> Relief:
    return gather([*joint_features(canvas, Flesh()), *hand_features(canvas, Flesh())])


def heights(relief: Relief, theta: np.ndarray) -> np.ndarray:
    """Of every vertex, mm: the definition."""
    share = shares(relief, theta)
    vertex = np.repeat(np.arange(len(relief.starts) - 1), np.diff(relief.starts))
    return np.bincount(vertex, relief.heights * share[relief.features], minlength=len(relief.starts) - 1)


def test_a_share_goes_smoothly_from_its_start_to_its_end():
    feature = Feature(np.ones(1), (("index2.z", 1.0), ("index3.z", 0.5)), 10, 50, start=0.2, end=-1.0)
    relief = gather([feature, Feature(np.ones(1))])
    angles = np.linspace(-30, 100, 60)
    path = np.array([shares(relief, theta_of(index2_z=angle)) for angle in angles])
    assert (np.diff(path[:, 0]) <= 0).all()
    assert path[0, 0] == pytest.approx(0.2)
    assert path[-1, 0] == pytest.approx(-1)
    assert (path[:, 1] == 1).all()
    assert shares(relief, theta_of(index2_z=25, index3_z=10))[0] == pytest.approx(shares(relief, theta_of(index2_z=30))[0])


def test_relief_stands_on_the_normals():
    vertices, faces = ball(20.0)
    relief = gather([Feature(np.full(len(vertices), 0.5), pallor=0.2)])
    raised, pallor = raise_relief(relief, np.zeros(POSE_SIZE), vertices.astype(np.float32), faces)
    np.testing.assert_allclose(np.linalg.norm(raised, axis=1), 20.5, atol=1e-3)
    np.testing.assert_allclose(pallor, 0.1, atol=1e-6)


def test_normals_are_units_that_look_outwards():
    vertices, faces = ball(20.0)
    np.testing.assert_allclose(vertex_normals(vertices.astype(np.float32), faces), vertices / 20, atol=0.02)


def test_heights_are_those_that_are_added(relief, canvas):
    theta = np.array(NAMED_POSES["fist"])
    faces = np.zeros((0, 3), dtype=np.int64)  # no faces, no normals, no move: what is left is the pallor's sum
    flat = canvas.points.positions.astype(np.float32)
    _, pallor = raise_relief(relief, theta, flat, faces)
    vertex = np.repeat(np.arange(len(relief.starts) - 1), np.diff(relief.starts))
    expected = np.bincount(vertex, relief.heights * (shares(relief, theta) * relief.pallors)[relief.features], minlength=len(flat))
    np.testing.assert_allclose(pallor, expected, atol=1e-5)


@pytest.mark.parametrize("joint", ["index2", "middle2", "ring2", "pinky2", "middle3"])
def test_bending_smooths_the_wrinkles_over_a_joint_and_deepens_the_creases_under_it(canvas, relief, joint):
    x, y, z = canvas.beside(joint)
    near = np.hypot(x, z) < 5
    back, pad = near & (canvas.facing(joint) < -0.8) & (y < 0), near & (canvas.facing(joint) > 0.8) & (y > 0)
    straight, bent = (heights(relief, theta_of(**{f"{joint}_z": angle})) for angle in (0, 90))
    assert bent[back].mean() > straight[back].mean() + 0.1
    assert bent[pad].min() < straight[pad].min() - 0.1


def test_knuckles_rise_from_a_flat_hand_s_back_when_it_makes_a_fist(canvas, relief):
    change = heights(relief, np.array(NAMED_POSES["fist"])) - heights(relief, np.zeros(POSE_SIZE))
    for joint in ("index1", "middle1", "ring1", "pinky1"):
        x, y, z = canvas.beside(joint)
        top = (np.hypot(x - 2, z) < 3) & (canvas.facing(joint) < -0.7) & (y < 0)
        assert change[top].mean() > 0.4


def test_tendons_stand_out_on_the_back_of_a_stretched_hand(canvas, relief):
    stretched = theta_of(index1_z=-12, middle1_z=-12, ring1_z=-12, pinky1_z=-12)
    bent = theta_of(index1_z=60, middle1_z=60, ring1_z=60, pinky1_z=60)
    x, _, z = canvas.points.positions.T
    cord = (np.abs(z) < 1.5) & (x > 45) & (x < 65) & (canvas.facing("wrist") < -0.7)
    assert heights(relief, stretched)[cord].mean() > heights(relief, bent)[cord].mean() + 0.3


def test_the_ball_of_the_thumb_swells_when_the_thumb_crosses_the_palm(canvas, relief):
    ball_of_thumb = (canvas.spot(38, 25, 12, 8) > 0.6) & (canvas.facing("wrist") > 0.6)
    change = heights(relief, theta_of(thumb1_z=45, thumb2_z=50)) - heights(relief, np.zeros(POSE_SIZE))
    assert change[ball_of_thumb].mean() > 0.3


def test_veins_run_on_the_back_and_differ_between_people(canvas):
    one, other = veins(canvas), veins(template_canvas(seed=300))
    assert one[canvas.facing("wrist") > 0.2].max() == 0
    assert one.max() > 0.5
    assert np.corrcoef(one, other)[0, 1] < 0.8


def test_relief_is_nowhere_a_spike(relief):
    for name in ("flat", "fist", "spread", "thumb_tuck"):
        assert np.abs(heights(relief, np.array(NAMED_POSES[name]))).max() < 4.5
