"""Profiles: what is written is read back; what is no profile is refused in one line; a person's bones reach the hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estimator import EstimatorOptions, HandEstimator
from estimator.clip_hands import ClipHands
from estimator.clip_source import ClipFrame
from estimator.errors import InputError
from estimator.hand.template import JOINT_NAMES, HandTemplate
from estimator.profile import BONE_NAMES, HandProfile
from estimator.smoothing import Smoothing
from estimator.tracking import Sighting
from tests.estimator.test_pipeline import CAMERA, GivenDetector, detection_of, mirrored, truth

TEMPLATE = HandTemplate.load()


def a_profile(**changes: Any) -> HandProfile:
    """Somebody with a hand a tenth longer than the template's, and the index finger a fifth."""
    lengths = {bone: 1.1 * float(np.linalg.norm(TEMPLATE.joint_offsets[JOINT_NAMES.index(bone)])) for bone in BONE_NAMES}
    lengths |= {bone: 1.2 / 1.1 * length for bone, length in lengths.items() if bone in ("index2", "index3", "index_null")}
    values = {
        "skeleton": TEMPLATE.skeleton_id,
        "side": "right",
        "bone_lengths_mm": lengths,
        "spread_mm": dict.fromkeys(BONE_NAMES, 0.5),
        "scale_source": "hand-length",
        "frames": 12,
        "not_known": ("thumb0",),
    }
    return HandProfile(**(values | changes))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    profile = a_profile()
    profile.save(tmp_path / "me.json")
    read = HandProfile.load(tmp_path / "me.json")
    assert read.bone_lengths_mm == pytest.approx(profile.bone_lengths_mm, abs=1e-3)
    assert replace(read, bone_lengths_mm=profile.bone_lengths_mm) == profile
    document = json.loads((tmp_path / "me.json").read_bytes())
    assert document["schema"] == "deephandmesh-profile/1"
    assert document["hand_length_mm"] == pytest.approx(profile.hand_length_mm, abs=1e-3)


DAMAGE = {
    "schema": ("deephandmesh/1", "expected a profile with schema"),
    "side": ("both", "side should be one of left, right"),
    "hand_length_mm": (150.0, "add up to"),
    "scale_source": (["hand-length"], "scale_source should be one of"),
    "frames": (0, "at least one picture"),
    "bone_lengths_mm": ({"thumb0": 17.0}, "missing or unknown: index1"),
    "spread_mm": (3, "a number for each bone"),
    "not_known": (["elbow"], "elbow"),
}


@pytest.mark.parametrize(("field", "value", "message"), [(field, *case) for field, case in DAMAGE.items()])
def test_a_field_that_cannot_be_is_named(field: str, value: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    a_profile().save(path)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {field: value}))
    with pytest.raises(InputError, match=message) as caught:
        HandProfile.load(path)
    assert str(path) in str(caught.value)
    assert "estimator.calibrate" in str(caught.value)


@pytest.mark.parametrize("length", [-40.0, 0.0, float("nan"), float("inf"), "40", None, True])
def test_a_length_that_no_bone_has_is_named(length: object, tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    a_profile().save(path)
    document = json.loads(path.read_bytes())
    document["bone_lengths_mm"]["ring2"] = length
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"bone_lengths_mm: ring2"):
        HandProfile.load(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe\x00", b"null", b"[" * 100_000, b'{"schema": 1}'])
def test_what_is_no_profile_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "me.json").write_bytes(content)
    with pytest.raises(InputError, match=r"me\.json"):
        HandProfile.load(tmp_path / "me.json")


def test_a_missing_profile_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        HandProfile.load(tmp_path / "absent.json")
    with pytest.raises(InputError, match="cannot be written"):
        a_profile().save(tmp_path / "absent" / "me.json")


def test_scaling_keeps_proportions() -> None:
    profile = a_profile()
    scaled = profile.scaled_to(160.0)
    assert scaled.hand_length_mm == pytest.approx(160.0)
    ratios = {scaled.bone_lengths_mm[bone] / profile.bone_lengths_mm[bone] for bone in BONE_NAMES}
    np.testing.assert_allclose(list(ratios), 160.0 / profile.hand_length_mm)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("refine", [True, False])
def test_hands_get_the_persons_bones(side: str, refine: bool) -> None:
    profile = a_profile()
    estimator = HandEstimator(EstimatorOptions(profile=profile, refine=refine), GivenDetector())
    detection = detection_of(truth("relaxed", 1))
    hand = estimator.place(detection if side == "right" else mirrored(detection), CAMERA)
    assert hand.bone_lengths_mm == pytest.approx(profile.bone_lengths_mm, rel=1e-4)
    assert hand.scale_source == "profile"


def test_every_frame_of_a_clip_has_the_persons_bones() -> None:
    profile = a_profile()
    estimator = HandEstimator(EstimatorOptions(profile=profile), GivenDetector())
    hands = ClipHands(lambda detection: estimator.fitting(detection, CAMERA), Smoothing())
    frames = [ClipFrame(index, index, index / 30, np.zeros((4, 4, 3), np.uint8)) for index in range(3)]
    for frame in frames:
        landmarks = truth("relaxed", 1) + np.array([4.0 * frame.index, 0.0, 0.0])
        assert hands.add(frame, [Sighting(0, detection_of(landmarks))]) == []
    for ready in hands.finish():
        (hand,) = ready.hands
        assert estimator.mesh(hand.detection, CAMERA, hand.state).bone_lengths_mm == pytest.approx(profile.bone_lengths_mm, rel=1e-4)


def test_a_hand_length_that_is_given_goes_before_the_profiles() -> None:
    options = EstimatorOptions(profile=a_profile(), hand_length_mm=150.0)
    hand = HandEstimator(options, GivenDetector()).place(detection_of(truth("flat", 2)), CAMERA)
    assert hand.bone_lengths_mm == pytest.approx(a_profile().scaled_to(150.0).bone_lengths_mm, rel=1e-4)
    assert hand.scale_source == "hand-length"


def test_profiles_of_another_template_or_no_hand_are_refused() -> None:
    with pytest.raises(InputError, match="was made for the skeleton other"):
        HandEstimator(EstimatorOptions(profile=a_profile(skeleton="other")), GivenDetector())
    odd = a_profile(bone_lengths_mm=dict(a_profile().bone_lengths_mm) | {"pinky3": 120.0})
    with pytest.raises(InputError, match="pinky3 is 120"):
        HandEstimator(EstimatorOptions(profile=odd), GivenDetector())
