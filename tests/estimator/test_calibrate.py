"""The calibrate command through its real main, on real files; a stand-in for the detector knows what each picture shows by its grey."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from estimator import pipeline
from estimator.calibrate import main
from estimator.detector import Detection, HandDetector
from estimator.detector_response import DetectorResponse
from estimator.hand.poses import NAMED_POSES
from estimator.hand.template import JOINT_NAMES, HandTemplate
from estimator.profile import BONE_NAMES, HandProfile
from estimator.refinement import HandState, landmarks_of
from estimator.refinement_kernel import rotation_of
from tests.estimator.test_pipeline import CAMERA, FACING, SKELETON, detection_of, mirrored

LONG_INDEX = np.array([1.0, 1.0, 1.12, 1.0, 1.0, 1.0])
POSES = ("flat", "relaxed", "spread", "point", "claws", "ok", "three", "fist")


def detection(grey: int) -> Detection:
    """Somebody with long index fingers in one of many poses and views."""
    random = np.random.default_rng(grey)
    rotation = rotation_of(random.normal(0, 0.4, 3)) @ FACING
    state = HandState(np.array(NAMED_POSES[POSES[grey % len(POSES)]]), rotation, np.array([0.0, 70.0, 480.0]), LONG_INDEX)
    return detection_of(landmarks_of(SKELETON, state))


class ByGrey(HandDetector):
    """Nothing in black, a right hand in darker greys, a left one in lighter ones, both in white."""

    def __init__(self, *_: object) -> None:
        pass

    def __call__(self, image: np.ndarray) -> list[Detection]:
        grey = int(np.median(image))
        hand = detection(grey % 100)
        both = [hand, mirrored(hand)]
        return [] if grey < 8 else both if grey > 240 else both[1:] if grey >= 100 else both[:1]

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "HandDetector", ByGrey)
    monkeypatch.setattr(DetectorResponse, "load", lambda skeleton_id: DetectorResponse.faithful())  # as the stand-in's landmarks are


def photos(folder: Path, *greys: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number, grey in enumerate(greys):
        Image.fromarray(np.full((CAMERA.height, CAMERA.width, 3), grey, np.uint8)).save(folder / f"{number:02}.png")
    return folder


def film(path: Path, greys: list[int]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = CAMERA.width, CAMERA.height, "yuv420p"
        for grey in greys:
            frame = av.VideoFrame.from_ndarray(np.full((CAMERA.height, CAMERA.width, 3), grey, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def error_line(capsys: pytest.CaptureFixture) -> str:
    stderr = capsys.readouterr().err
    assert "Traceback" not in stderr
    (line,) = [line for line in stderr.splitlines() if line.startswith("error:")]
    return line


def index_share(profile: HandProfile) -> float:
    """Length of the index finger over that of the ring finger, both over the template's."""
    own = dict(zip(JOINT_NAMES, np.linalg.norm(HandTemplate.load().joint_offsets, axis=1), strict=True))

    def length(finger: str) -> float:
        bones = [bone for bone in BONE_NAMES if bone.startswith(finger) and not bone.endswith("1")]
        return sum(profile.bone_lengths_mm[bone] for bone in bones) / sum(own[bone] for bone in bones)

    return length("index") / length("ring")


@pytest.mark.parametrize("first", [20, 120], ids=["right", "left"])
def test_photographs_give_a_profile(first: int, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = photos(tmp_path / "in", *range(first, first + 16))
    assert main([str(folder), "-o", str(tmp_path / "me.json"), "--hand-length-mm", "170", "--fov-deg", "60"]) == 0
    profile = HandProfile.load(tmp_path / "me.json")
    assert profile.hand_length_mm == pytest.approx(170.0, abs=0.01)
    assert (profile.side, profile.scale_source) == ("right" if first < 100 else "left", "hand-length")
    assert profile.frames >= 12
    assert 1.06 < index_share(profile) < 1.16
    said = capsys.readouterr().out
    assert f"{profile.side} hand in {profile.frames} of 16 pictures" in said
    assert "cannot be known" not in said


def test_both_sides_of_a_person_give_one_profile(tmp_path: Path) -> None:
    for name, first in (("right", 20), ("left", 120)):
        assert main([str(photos(tmp_path / name, *range(first, first + 8))), "-o", str(tmp_path / f"{name}.json")]) == 0
    right, left = (HandProfile.load(tmp_path / f"{name}.json") for name in ("right", "left"))
    assert left.bone_lengths_mm == pytest.approx(right.bone_lengths_mm, rel=0.01)


def test_without_a_length_the_size_is_said_to_be_unknown(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(photos(tmp_path / "in", *range(20, 24))), "-o", str(tmp_path / "me.json")]) == 0
    captured = capsys.readouterr()
    assert "Absolute size cannot be known from photographs" in captured.out
    assert "pictures tell little" in captured.err
    assert json.loads((tmp_path / "me.json").read_bytes())["scale_source"] == "assumed"


def test_a_film_gives_a_profile_of_frames_spread_over_it(tmp_path: Path) -> None:
    clip = film(tmp_path / "hand.mp4", list(range(20, 60)))
    assert main([str(clip), "-o", str(tmp_path / "me.json"), "--frames", "10"]) == 0
    assert HandProfile.load(tmp_path / "me.json").frames <= 10


def test_no_hand_gives_3_and_no_profile(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(photos(tmp_path / "in", 0, 0)), "-o", str(tmp_path / "me.json")]) == 3
    assert "no hand was found in any picture" in capsys.readouterr().err
    assert not (tmp_path / "me.json").exists()


def test_a_picture_without_a_hand_gives_3_and_a_profile_of_the_others(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(photos(tmp_path / "in", 0, *range(20, 32))), "-o", str(tmp_path / "me.json")]) == 3
    assert "00.png: no hand was found" in capsys.readouterr().err
    assert (tmp_path / "me.json").exists()


def test_both_hands_are_refused_unless_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = photos(tmp_path / "in", *range(20, 26), *range(120, 126))
    assert main([str(folder), "-o", str(tmp_path / "me.json")]) == 2
    assert "left hand in 6 and a right hand in 6 pictures" in error_line(capsys)
    assert not (tmp_path / "me.json").exists()
    assert main([str(folder), "-o", str(tmp_path / "me.json"), "--hand", "left"]) == 0
    assert HandProfile.load(tmp_path / "me.json").side == "left"


def test_a_few_pictures_of_the_other_hand_are_left_out(tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", *range(20, 32), 120)
    assert main([str(folder), "-o", str(tmp_path / "me.json")]) == 0
    profile = HandProfile.load(tmp_path / "me.json")
    assert profile.side == "right"
    assert profile.frames <= 12


def test_a_bad_input_loses_no_other(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = photos(tmp_path / "in", *range(20, 32))
    (folder / "05.png").write_bytes(b"no picture")
    assert main([str(folder), "-o", str(tmp_path / "me.json")]) == 2
    assert "05.png" in error_line(capsys)
    assert (tmp_path / "me.json").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no input given"),
        (["absent.mp4"], "absent.mp4"),
        (["in", "--hand-length-mm", "12"], "--hand-length-mm"),
        (["in", "--frames", "0"], "--frames"),
        (["in", "--focal-px", "500", "--fov-deg", "60"], "--focal-px and --fov-deg"),
        (["in", "-o", "."], "is a folder"),
        (["in", "-o", "in/00.png/me.json"], "cannot be written"),
        (["in", "--hand", "left"], "no picture shows a left hand"),
        (["text.mp4"], "text.mp4"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    photos(tmp_path / "in", 20)
    (tmp_path / "text.mp4").write_text("no film")
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert says in error_line(capsys)


def test_a_single_picture_is_used_and_doubted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(photos(tmp_path / "in", 21)), "-o", str(tmp_path / "me.json")]) == 0
    assert "one picture tells little" in capsys.readouterr().err
    profile = HandProfile.load(tmp_path / "me.json")
    assert profile.frames == 1
