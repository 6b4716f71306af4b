"""Laws of the measures: joint and surface error, penetration, fitting."""

import numpy as np
import pytest
import torch

from datasets.studio_sample import Scan
from decoder_pretrain.evaluation import (
    DEEP_MM,
    EncodedPose,
    FittedPose,
    KnownMoment,
    MomentResult,
    evaluate,
    summarise,
    surface_distance,
    tip_error_mm,
)
from decoder_pretrain.fitting import fitted_theta
from decoder_pretrain.penetration import PenetrationMeter
from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import ALIGNMENT_JOINTS, JOINT_NAMES, LOW_RESOLUTION_TEMPLATE, POSE_NAMES, POSE_SIZE, HandTemplate
from estimator.image_encoder import ImageEncoder, ImageEncoderConfig
from tests.toys import toy_template


@pytest.fixture(scope="module")
def low() -> HandTemplate:
    return HandTemplate.load(LOW_RESOLUTION_TEMPLATE)


def turned(points: np.ndarray) -> np.ndarray:
    """Somewhere else in the studio."""
    R = np.array([[0.0, -1, 0], [0.6, 0, 0.8], [-0.8, 0, 0.6]])
    assert np.allclose(R @ R.T, np.eye(3))
    return points @ R.T + (30.0, -20.0, 5.0)


def moments(template: HandTemplate, count: int = 3) -> list[KnownMoment]:
    decoder = HandDecoder(template)
    theta = 0.4 * torch.rand(count, POSE_SIZE, generator=torch.Generator().manual_seed(2))
    meshes = [decoder(pose) for pose in theta]
    return [
        KnownMoment(
            motion=f"motion {i}",
            image=np.full((32, 32, 3), 40 * i, dtype=np.uint8),
            joints=turned(mesh.joints.positions.double().numpy()),
            valid=np.arange(len(template.joint_offsets)) != 4,
            scan=Scan(turned(mesh.vertices.double().numpy()), template.faces),
        )
        for i, mesh in enumerate(meshes)
    ]


def test_a_decoder_of_the_very_person_has_no_error_when_its_pose_is_fitted() -> None:
    template = toy_template()
    decoder = HandDecoder(template)
    results = list(evaluate(decoder, FittedPose(decoder), PenetrationMeter(template), moments(template)))
    summary = summarise(results)
    assert [result.motion for result in results] == ["motion 0", "motion 1", "motion 2"]
    assert summary.frames == 3
    assert summary.p_err_mm < 1.0
    assert summary.m_err_mm < 2.0


def test_an_encoder_that_knows_nothing_errs_as_much_as_the_flat_hand() -> None:
    template = toy_template()
    decoder, encoder = HandDecoder(template), ImageEncoder(ImageEncoderConfig("tiny", "random"))
    with torch.no_grad():
        encoder.head[2].weight.zero_()
    found = moments(template)
    results = list(evaluate(decoder, EncodedPose(encoder), PenetrationMeter(template), found))
    flat = decoder(torch.zeros(POSE_SIZE)).joints.positions.double().numpy()
    for result, moment in zip(results, found, strict=True):
        # the alignment joints do not move, so the flat hand lies exactly at the truth's wrist and roots
        expected = np.linalg.norm(turned(flat) - moment.joints, axis=1)
        assert np.allclose(expected[list(ALIGNMENT_JOINTS)], 0, atol=1e-3)
        assert result.joint_error_mm == pytest.approx(expected[moment.valid].mean(), abs=1e-2)
        assert result.vertex_errors_mm.mean() > 1


def test_surface_distance_is_to_the_triangles_not_to_their_corners() -> None:
    triangle = Scan(np.array([[0.0, 0, 0], [30, 0, 0], [0, 30, 0]]), np.array([[0, 1, 2]]))
    points = np.array([[10.0, 10, 4], [10, 10, 0], [-3, 0, 0], [33, -4, 0]])
    assert np.allclose(surface_distance(points, triangle), [4, 0, 3, 5])


def test_summary_is_made_of_means_shares_and_the_worst() -> None:
    def result(error: float, depth: float) -> MomentResult:
        return MomentResult("", np.zeros((2, 3)), error, np.array([error, 3 * error]), error / 2, depth)

    summary = summarise([result(1.0, 0.0), result(3.0, DEEP_MM + 1), result(2.0, DEEP_MM / 2), result(2.0, 0.0)])
    assert summary.p_err_mm == 2.0
    assert summary.m_err_mm == 4.0
    assert summary.tip_err_mm == 1.0
    assert summary.penetration_worst_mm == DEEP_MM + 1
    assert summary.penetration_mean_mm == pytest.approx((DEEP_MM * 1.5 + 1) / 4)
    assert summary.penetration_share == 0.25
    with pytest.raises(ValueError, match="no moment"):
        summarise([])


@pytest.mark.parametrize("missing_mm", [0.0, 3.0])
def test_a_fingertip_that_is_missing_is_seen_from_the_scan_alone(low: HandTemplate, missing_mm: float) -> None:
    hand = HandDecoder(low)
    joints = hand.rest_frames(hand.joint_offsets).positions.double().numpy()
    (x, y, z), tip = low.vertices.astype(np.float64).T, JOINT_NAMES.index("middle_null")
    moment = KnownMoment("", np.zeros((8, 8, 3), np.uint8), joints, np.arange(len(joints)) == tip, Scan(low.vertices, low.faces))
    cut = Scan(np.stack([np.minimum(x, x.max() - missing_mm), y, z], axis=1), low.faces)
    assert surface_distance(cut.vertices, moment.scan).mean() < 0.05
    assert tip_error_mm(moment, cut) == pytest.approx(0, abs=1e-9) if missing_mm == 0 else tip_error_mm(moment, cut) > missing_mm / 10
    nothing = KnownMoment("", moment.image, joints, np.zeros(len(joints), bool), moment.scan)
    assert np.isnan(tip_error_mm(nothing, cut))


@pytest.mark.parametrize("batch", [1, 5])
def test_fitting_finds_the_joints_of_a_pose_anywhere_in_the_studio(low: HandTemplate, batch: int) -> None:
    decoder = HandDecoder(low)
    truth = torch.tensor([NAMED_POSES[name] for name in ("ok", "spread", "claws", "thumb_up", "fist")][:batch])
    R = torch.linalg.qr(torch.randn(batch, 3, 3, generator=torch.Generator().manual_seed(0))).Q
    R = R * torch.linalg.det(R)[:, None, None]
    joints = decoder(truth).joints.positions @ R.mT + 100.0
    valid = torch.ones(joints.shape[:2], dtype=torch.bool)
    valid[:, 4] = False
    theta = fitted_theta(decoder, torch.where(valid[..., None], joints, torch.nan), valid)
    found = decoder(theta).joints.positions @ R.mT + 100.0
    assert (found - joints).norm(dim=-1)[valid].mean() < 1.5


def test_key_points_that_err_bend_no_finger_backwards(low: HandTemplate) -> None:
    """A straight finger, twisted by half a turn and bent backwards, meets such key points as well."""
    decoder, generator = HandDecoder(low), torch.Generator().manual_seed(2)
    truth = torch.tensor(NAMED_POSES["flat"]).expand(64, -1)
    joints = decoder(truth).joints.positions
    noisy = joints + 1.7 * torch.randn(joints.shape, generator=generator)
    theta = fitted_theta(decoder, noisy, torch.ones(joints.shape[:2], dtype=torch.bool))
    assert torch.rad2deg((theta - theta.clamp(decoder.pose_lower, decoder.pose_upper)).abs().max()) < 8
    assert torch.rad2deg((theta - truth).square().mean().sqrt()) < 10


# Penetration


def posed(template: HandTemplate, **degrees: float) -> np.ndarray:
    theta = torch.zeros(POSE_SIZE)
    for name, value in degrees.items():
        theta[POSE_NAMES.index(name.replace("_", "."))] = np.radians(value)
    return HandDecoder(template)(theta).vertices.double().numpy()


@pytest.mark.parametrize("name", ["flat", "spread", "claws"])
def test_open_hands_are_not_penetrated(low: HandTemplate, name: str) -> None:
    vertices = HandDecoder(low)(torch.tensor(NAMED_POSES[name])).vertices.double().numpy()
    assert PenetrationMeter(low).depths(vertices).max() < 0.2


def test_the_farther_a_finger_turns_into_its_neighbour_the_deeper_it_is(low: HandTemplate) -> None:
    meter = PenetrationMeter(low)
    apart, *depths = [meter.depths(posed(low, index1_y=angle)).max() for angle in (0, 12, 14, 16)]
    assert apart < 0.2
    assert 1 < depths[0] < depths[1] < depths[2] < 9  # no finger is thicker than twice that


def test_a_fingertip_in_the_palm_is_found_and_the_other_fingers_are_not_blamed(low: HandTemplate) -> None:
    vertices = posed(low, middle1_z=95, middle2_z=115, middle3_z=60)
    depths = PenetrationMeter(low).depths(vertices)
    deep = depths > 1
    assert deep.any()
    owners = {JOINT_NAMES[joint] for joint in low.skinning_weights[deep].argmax(axis=1)}
    assert owners <= {"middle3", "middle_null"}
