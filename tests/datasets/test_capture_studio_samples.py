"""Samples from the release, on one written here from the format's description: a disc in each depth map where each joint is."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.capture_studio import CaptureStudio
from datasets.capture_studio_samples import CaptureStudioFrames, LeftOut
from datasets.studio_crop import MIRROR
from estimator.hand.template import JOINT_NAMES
from tests.datasets.test_capture_studio import (
    CAMERAS,
    PTS_ORDER,
    depth_of,
    extrinsics,
    image_of,
    key_points_of,
    write_cameras,
    write_depth,
    write_image,
)
from tests.datasets.test_capture_studio import K as INTRINSICS

SEQUENCES = {"RT_fist": 7, "LT_fist": 20, "DH_clap": 30}
JOINTS = np.stack([22.0 * (np.arange(42) % 6) - 60, 22.0 * (np.arange(42) // 6) - 60, 15.0 * (np.arange(42) % 4)], axis=1)
"""Of the right hand, then of the left, in the order of the rows of key points; far enough from each other to be told apart."""

LENS = [-0.15, 0.05, 0.002, -0.001, 0.02]
SCALE = 2
"""Pictures are stored larger than the calibration has them, depth maps are not."""


def rows_of(sequence: str) -> range:
    return {"RT": range(21), "LT": range(21, 42)}.get(sequence[:2], range(42))


def pixels(camera: int, distortion: list[float], scale: int = 1) -> np.ndarray:
    Rt = extrinsics(camera)
    found = cv2.projectPoints(JOINTS, Rt[:, :3], Rt[:, 3], INTRINSICS, np.array(distortion))[0][:, 0]
    return (found + 0.5) * scale - 0.5


def depths() -> np.ndarray:
    """A depth for each row of key points that tells it from the others."""
    return 800 + 5.0 * np.arange(42)


def write_release(root: Path, distortion: list[float]) -> Path:
    write_cameras(root / "annotations/KRT_512", distortion=distortion)
    for sequence, frame in SEQUENCES.items():
        rows = rows_of(sequence)
        key_points_of(root, frame).parent.mkdir(parents=True, exist_ok=True)
        key_points_of(root, frame).write_text("".join(f"{row} {' '.join(map(str, JOINTS[row]))} 9.5 9\n" for row in rows))
        for camera, name in enumerate(CAMERAS):
            depth, image = np.zeros((512, 334)), np.zeros((512 * SCALE, 334 * SCALE, 3), np.uint8)
            for row in rows:
                cv2.circle(depth, np.rint(pixels(camera, distortion)[row]).astype(int), 3, depths()[row], -1)
                cv2.circle(image, np.rint(pixels(camera, distortion, SCALE)[row]).astype(int), 5, (40, 5 * row + 40, 90), -1)
            write_depth(depth_of(root, name, frame), depth)
            write_image(image_of(root, sequence, name, frame))
            Image.fromarray(image).save(image_of(root, sequence, name, frame), quality=95, subsampling=0)
    return root


@pytest.fixture(scope="module", params=[[0.0] * 5, LENS], ids=["perfect lens", "lens with errors"])
def frames(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CaptureStudioFrames:
    root = write_release(tmp_path_factory.mktemp("release") / "data", request.param)
    return CaptureStudioFrames(CaptureStudio(root), 4, size=200, target_views=3)


def joint_of(row: int) -> int:
    return JOINT_NAMES.index(PTS_ORDER[row % 21])


def projected(points: np.ndarray, K: np.ndarray, R: np.ndarray, t: np.ndarray) -> np.ndarray:
    seen = (points @ R.T + t) @ K.T
    return np.rint(seen[:, :2] / seen[:, 2:]).astype(int)


def test_a_double_hand_sequence_has_two_hands(frames: CaptureStudioFrames) -> None:
    found = sorted((hand.frame.sequence, hand.side) for hand in frames.hands)
    assert found == [("DH_clap", "left"), ("DH_clap", "right"), ("LT_fist", "left"), ("RT_fist", "right")]
    assert len(frames) == 4
    assert frames.left_out == LeftOut(0, 0, 0)


def test_each_joint_is_where_each_depth_map_has_it(frames: CaptureStudioFrames) -> None:
    for index, hand in enumerate(frames.hands):
        sample = frames.sample(index, np.random.default_rng(index))
        rows = np.arange(21) + (21 if hand.side == "left" else 0)
        joints = [joint_of(row) for row in rows]
        assert sample.valid[joints].all()
        assert sample.valid.sum() == 21
        np.testing.assert_allclose(sample.joints[joints], JOINTS[rows] @ (MIRROR if hand.side == "left" else np.eye(3)), atol=1e-4)
        for K, R, t, depth in zip(sample.K, sample.R, sample.t, sample.depth, strict=True):
            np.testing.assert_allclose(np.linalg.det(R), 1, atol=1e-5)
            columns, lines = projected(sample.joints[joints], K, R, t).T
            hits = depth[lines, columns] == depths()[rows].astype(np.float32)
            assert hits.all()


def test_the_input_image_is_cropped_like_the_depth_maps_and_a_left_hand_mirrored(frames: CaptureStudioFrames) -> None:
    for index, hand in enumerate(frames.hands):
        cameras = hand.frame.colour_cameras
        sample = frames.sample(index, np.random.default_rng(index))
        camera = CAMERAS.index(cameras[np.random.default_rng(index).integers(len(cameras))])
        views = [view for view, R in enumerate(sample.R) if np.allclose(flipped(R, hand.side), extrinsics(camera)[:, :3], atol=1e-5)]
        assert len(views) == 1
        K, R, t = (values[views[0]] for values in (sample.K, sample.R, sample.t))
        rows = np.arange(21) + (21 if hand.side == "left" else 0)
        columns, lines = projected(sample.joints[[joint_of(row) for row in rows]], K, R, t).T
        assert (np.abs(sample.image[lines, columns, 1].astype(int) - (5 * rows + 40)) < 4).all()


def flipped(R: np.ndarray, side: str) -> np.ndarray:
    return MIRROR @ R @ MIRROR if side == "left" else R


def test_the_same_generator_gives_the_same_sample(frames: CaptureStudioFrames) -> None:
    one, other = (vars(frames.sample(2, np.random.default_rng(5))) for _ in range(2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])
    np.testing.assert_array_equal(frames.input_image(2, np.random.default_rng(5)), one["image"])


def test_target_views_come_with_pictures_of_the_same_crops(frames: CaptureStudioFrames) -> None:
    for index, hand in enumerate(frames.hands):
        pictured, views = frames.sample_with_pictures(index, np.random.default_rng(5)), frames.views(index)
        assert hand.frame.sequence == frames.motion(index)
        assert len(views.images) == len(set(hand.frame.depth_cameras) & set(hand.frame.colour_cameras))
        rows = np.arange(21) + (21 if hand.side == "left" else 0)
        joints = pictured.joints[[joint_of(row) for row in rows]]
        for seen in ((pictured.pictures, pictured.K, pictured.R, pictured.t), (views.images, views.K, views.R, views.t)):
            for picture, K, R, t in zip(*seen, strict=True):
                columns, lines = projected(joints, K, R, t).T
                assert (np.abs(picture[lines, columns, 1].astype(int) - (5 * rows + 40)) < 4).all()


def test_frames_with_too_few_depth_maps_show_some_twice(frames: CaptureStudioFrames) -> None:
    sample = CaptureStudioFrames(frames.studio, 4, size=24, target_views=7).sample(0, np.random.default_rng(0))
    assert sample.depth.shape == (7, 24, 24)
    assert len({R.tobytes() for R in sample.R}) == 3


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    root = write_release(tmp_path, [0.0] * 5)
    for name in CAMERAS[:2]:
        image_of(root, "RT_fist", name, 7).unlink()
    for name in CAMERAS:
        depth_of(root, name, 20).unlink()
    lines = key_points_of(root, 30).read_text().splitlines()
    key_points_of(root, 30).write_text("\n".join(lines[:25]))
    frames = CaptureStudioFrames(CaptureStudio(root), 4, 24, 2)
    assert [(hand.frame.sequence, hand.side) for hand in frames.hands] == [("DH_clap", "right")]
    assert frames.left_out == LeftOut(1, 1, 1)


def test_missing_joints_are_not_valid(tmp_path: Path) -> None:
    root = write_release(tmp_path, [0.0] * 5)
    lines = key_points_of(root, 7).read_text().splitlines()
    key_points_of(root, 7).write_text("\n".join(lines[3:]))
    frames = CaptureStudioFrames(CaptureStudio(root), 4, 24, 2)
    index = next(i for i, hand in enumerate(frames.hands) if hand.frame.sequence == "RT_fist")
    sample = frames.sample(index, np.random.default_rng(0))
    missing = {"thumb0", *PTS_ORDER[:3]}
    assert {name for name, valid in zip(JOINT_NAMES, sample.valid, strict=True) if not valid} == missing
    assert (sample.joints[~sample.valid] == 0).all()


def test_a_subject_without_hands_is_one_line_that_names_those_there_are(frames: CaptureStudioFrames) -> None:
    with pytest.raises(ValueError, match=r"no hand of subject 3 .* subjects 4$"):
        CaptureStudioFrames(frames.studio, 3, 24, 2)


@pytest.mark.parametrize("damage", ["image", "depth"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    root = write_release(tmp_path, [0.0] * 5)
    frames = CaptureStudioFrames(CaptureStudio(root), 4, 24, 3)
    for name in CAMERAS:
        path = image_of(root, "RT_fist", name, 7) if damage == "image" else depth_of(root, name, 7)
        path.write_bytes(path.read_bytes()[:300])
    index = next(i for i, hand in enumerate(frames.hands) if hand.frame.sequence == "RT_fist")
    with pytest.raises(ValueError, match=r"(image7\.jpg|depthmap\d+\.pkl).* again"):
        frames.sample(index, np.random.default_rng(0))


def test_a_scan_is_found_by_its_number_and_mirrored_for_a_left_hand(tmp_path: Path) -> None:
    root = write_release(tmp_path, [0.0] * 5)
    folder = root / "annotations/3D_scans_decimated/subject_4"
    folder.mkdir(parents=True)
    for frame in SEQUENCES.values():
        (folder / f"scan{frame:06d}.obj").write_text(f"v {frame} 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\n")
    frames = CaptureStudioFrames(CaptureStudio(root), 4, 24, 2)
    for index, hand in enumerate(frames.hands):
        scan, number = frames.scan(index), int(hand.frame.number)
        assert scan.vertices[0].tolist() == [-number if hand.side == "left" else number, 0, 0]
        assert scan.faces.tolist() == [[2, 1, 0] if hand.side == "left" else [0, 1, 2]]
    (folder / "scan000007.obj").unlink()
    with pytest.raises(ValueError, match="no 3D scan of frame 7"):
        frames.scan(next(i for i, hand in enumerate(frames.hands) if hand.frame.sequence == "RT_fist"))
