"""result.json has the shape that other programs rely on, and says what the hand is."""

import hashlib
import json
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import estimator.version
from estimator.errors import InputError
from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import DEGREES_OF_FREEDOM, JOINT_NAMES, PARENT_NAMES
from estimator.placed_hand import PlacedHand
from estimator.result import (
    HandResult,
    ModelVersions,
    Result,
    ResultTiming,
    SourceImage,
    file_sha256,
    result_document,
    write_result,
)
from tests.toys import BONES, toy_placed_hand

POINT, PIXEL = [float] * 3, [float] * 2
HAND = {
    "index": int,
    "side": str,
    "score": float,
    "box": [float] * 4,
    "landmarks_px": [PIXEL] * 21,
    "joints_px": [PIXEL] * 21,
    "joints_mm": [POINT] * 21,
    "skeleton_mm": dict.fromkeys(JOINT_NAMES, POINT),
    "pose_rad": {JOINT_NAMES[joint]: POINT for joint, _ in DEGREES_OF_FREEDOM},
    "root": {"rotation": [POINT] * 3, "translation_mm": POINT},
    "bone_lengths_mm": dict.fromkeys((name for name in JOINT_NAMES if name in PARENT_NAMES), float),
    "scale_source": str,
    "reprojection_px": float,
    "mesh": {"vertices": int, "faces": int, "files": {"obj": str, "glb": str}},
}
DOCUMENT = {
    "schema": str,
    "image": {"path": str, "width": int, "height": int, "sha256": str},
    "camera": {"fx": float, "fy": float, "cx": float, "cy": float, "source": str},
    "hands": [HAND, HAND],
    "timing_ms": dict.fromkeys(("detect", "encode", "decode", "place", "render", "total"), float),
    "versions": dict.fromkeys(("deephandmesh", "template", "decoder", "encoder"), str),
}


def shape_of(value: Any) -> Any:
    """A document with every leaf replaced by its type."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    return [shape_of(item) for item in value] if isinstance(value, list) else type(value)


def result(hands: tuple[PlacedHand, ...] = (), path: Path = Path("photo.jpg")) -> Result:
    files = {"obj": Path("hand_0_right.obj"), "glb": Path("hand_0_right.glb")}
    return Result(
        image=SourceImage(path, 640, 480, "0" * 64),
        camera=Camera.from_fov(60.0, 640, 480),
        camera_source="default",
        hands=[HandResult(hand, files) for hand in hands],
        timing=ResultTiming(20.0, 1.0, 2.0, 3.0, 40.0, 66.5),
        versions=ModelVersions(template="a" * 16, decoder="template", encoder="landmarks"),
    )


@pytest.fixture
def hands() -> tuple[PlacedHand, ...]:
    return toy_placed_hand("right"), toy_placed_hand("left", seed=1)


def read_back(value: Result, folder: Path) -> dict[str, Any]:
    write_result(value, folder / "result.json")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads((folder / "result.json").read_text(encoding="utf-8"), parse_constant=refuse)


def test_the_document_has_exactly_the_documented_shape(hands: tuple[PlacedHand, ...], tmp_path: Path) -> None:
    document = read_back(result(hands), tmp_path)
    assert document["schema"] == "deephandmesh/1"
    assert shape_of(document) == DOCUMENT
    assert json.dumps(shape_of(document), default=str) == json.dumps(DOCUMENT, default=str), "key order"
    assert document == result_document(result(hands))


def test_no_hands(tmp_path: Path) -> None:
    assert shape_of(read_back(result(), tmp_path)) == {**DOCUMENT, "hands": []}


def test_numbers_are_the_hands(hands: tuple[PlacedHand, ...]) -> None:
    for index, (hand, said) in enumerate(zip(hands, result_document(result(hands))["hands"], strict=True)):
        assert (said["index"], said["side"]) == (index, hand.side)
        np.testing.assert_allclose(said["joints_mm"], hand.joints_mm, atol=1e-3)
        np.testing.assert_allclose(list(said["skeleton_mm"].values()), hand.joint_positions, atol=1e-3)
        np.testing.assert_allclose(said["joints_px"], hand.camera.project(np.array(said["joints_mm"])), atol=0.01)
        distances = np.linalg.norm(np.array(said["joints_px"]) - said["landmarks_px"], axis=1)
        assert said["reprojection_px"] == pytest.approx(np.median(distances), abs=0.01)
        assert (said["mesh"]["vertices"], said["mesh"]["faces"]) == (len(hand.vertices), len(hand.faces))
        assert list(said["mesh"]["files"].values()) == ["hand_0_right.obj", "hand_0_right.glb"]


def test_reprojection_is_the_median_which_a_few_bad_landmarks_do_not_move() -> None:
    hand = toy_placed_hand()
    offsets = np.linspace(1.0, 3.0, 21)
    offsets[[4, 8, 12]] = 500.0
    hand = replace(hand, landmarks_px=hand.joints_px + np.stack([offsets, np.zeros(21)], axis=1))
    assert result_document(result((hand,)))["hands"][0]["reprojection_px"] == pytest.approx(sorted(offsets)[10], abs=1e-3)


@pytest.mark.parametrize("side", ["right", "left"])
def test_bone_lengths_are_distances_in_the_skeleton(side: str) -> None:
    """Whatever the pose: no joint stretches."""
    for said in (result_document(result((toy_placed_hand(side, seed),)))["hands"][0] for seed in range(3)):
        skeleton = {name: np.array(position) for name, position in said["skeleton_mm"].items()}
        for name, length in said["bone_lengths_mm"].items():
            assert length == pytest.approx(np.linalg.norm(skeleton[name] - skeleton[PARENT_NAMES[name]]), abs=0.01)
        assert said["bone_lengths_mm"]["middle2"] == pytest.approx(BONES["2"], abs=0.01)


@pytest.mark.parametrize("side", ["right", "left"])
def test_pose_and_root_rebuild_the_joints(side: str) -> None:
    """A reader with the template and these numbers has the hand; a left one is the right one's image in a mirror."""
    hand = toy_placed_hand(side, seed=2)
    said = result_document(result((hand,)))["hands"][0]
    theta = torch.tensor([said["pose_rad"][JOINT_NAMES[joint]][axis] for joint, axis in DEGREES_OF_FREEDOM])
    decoder = HandDecoder(hand.template)
    own = decoder.frames(theta, decoder.joint_offsets).positions.double().numpy()
    if side == "left":
        own = own * [1.0, 1.0, -1.0]
    rebuilt = own @ np.array(said["root"]["rotation"]).T + said["root"]["translation_mm"]
    np.testing.assert_allclose(rebuilt, list(said["skeleton_mm"].values()), atol=0.01)


def test_angles_that_are_no_degree_of_freedom_are_zero(hands: tuple[PlacedHand, ...]) -> None:
    free = {(JOINT_NAMES[joint], axis) for joint, axis in DEGREES_OF_FREEDOM}
    for said in result_document(result(hands))["hands"]:
        fixed = [said["pose_rad"][name][axis] for name in said["pose_rad"] for axis in range(3) if (name, axis) not in free]
        assert fixed
        assert set(fixed) == {0.0}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_json_lacks_is_refused_and_nothing_is_written(bad: float, tmp_path: Path) -> None:
    hand = toy_placed_hand()
    broken = replace(hand, joint_positions=np.where(np.arange(3) == 1, bad, hand.joint_positions))
    with pytest.raises(ValueError, match="finite"):
        write_result(result((broken,)), tmp_path / "result.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"caf\xc3\xa9.jpg", "café.jpg"),
        (b"caf\xe9.jpg", "caf\\udce9.jpg"),
        (b'[\n1, 2\n] "quoted".jpg', '[\n1, 2\n] "quoted".jpg'),
    ],
)
def test_any_file_name_is_written(name: bytes, said: str, tmp_path: Path) -> None:
    assert read_back(result(path=Path(os.fsdecode(name))), tmp_path)["image"]["path"] == said


def test_rows_of_numbers_stand_on_one_line(hands: tuple[PlacedHand, ...], tmp_path: Path) -> None:
    write_result(result(hands), tmp_path / "result.json")
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    assert '"box": [200.0, 100.0, 180.0, 240.0],\n' in text
    assert text.endswith("}\n")


def test_sha256_is_the_files(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"pixels" * 100_000)
    assert file_sha256(path) == hashlib.sha256(b"pixels" * 100_000).hexdigest()
    with pytest.raises(InputError, match="missing"):
        file_sha256(tmp_path / "missing.jpg")


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((Path(estimator.version.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "estimator.version.VERSION"}
    assert result_document(result())["versions"]["deephandmesh"] == estimator.version.VERSION
