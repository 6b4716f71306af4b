"""The reader of the DeepHandMesh release, on a small one written here from the format's description."""

import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datasets import capture_studio_index
from datasets.capture_studio import CaptureStudio
from datasets.capture_studio_files import read_cameras, read_depth_map, read_key_points
from datasets.capture_studio_index import sides_of_sequence
from estimator.hand.template import JOINT_NAMES, LANDMARK_NAMES

CAMERAS = ("400002", "400004", "410001")
SEQUENCES = {"RT_fist": (7, 8), "LT_fist": (20,), "DH_clap": (30,), "ROM01_RT": (40,), "unknown": (50,)}
K = np.array([[1200.0, 0, 160.5], [0, 1210.0, 250.25], [0, 0, 1]])
DISTORTION = [0.0] * 5
PTS_ORDER = (
    *("thumb_null", "thumb3", "thumb2", "thumb1"),
    *(f"{finger}{joint}" for finger in ("index", "middle", "ring", "pinky") for joint in ("_null", "3", "2", "1")),
    "wrist",
)


def extrinsics(camera: int) -> np.ndarray:
    angle = 0.3 * camera
    R = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    return np.column_stack([R, [3.0 * camera, -20, 1000]])


def joint_position(row: int) -> np.ndarray:
    return np.array([3.0 * row - 60, 40 - 2.0 * row, 0.5 * row])


def rows_of(values: Any) -> str:
    return "".join(" ".join(repr(float(value)) for value in row) + "\n" for row in values)


def write_cameras(path: Path, cameras: tuple[str, ...] = CAMERAS, distortion: list[float] = DISTORTION) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = [f"{name}\n{rows_of(K)}{rows_of([distortion])}{rows_of(extrinsics(i))}\n" for i, name in enumerate(cameras)]
    path.write_text("".join(blocks))


def write_key_points(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row} {' '.join(str(value) for value in joint_position(row))} 12.5 9\n" for row in rows))


def write_depth(path: Path, depth: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(depth, protocol=2))


def write_image(path: Path, size: tuple[int, int] = (334, 512)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def image_of(root: Path, sequence: str, camera: str, frame: int) -> Path:
    return root / f"images/subject_4/{sequence}/cam{camera}/image{frame}.jpg"


def depth_of(root: Path, camera: str, frame: int) -> Path:
    return root / f"annotations/depthmaps/subject_4/{frame:06d}/depthmap{camera}.pkl"


def key_points_of(root: Path, frame: int) -> Path:
    return root / f"annotations/keypoints/subject_4/keypoints{frame:04d}.pts"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release") / "data"
    write_cameras(root / "annotations/KRT_512")
    for sequence, frames in SEQUENCES.items():
        rows = {"LT": range(21, 42), "RT": range(21)}.get(sequence[:2], range(42))
        for frame in frames:
            write_key_points(key_points_of(root, frame), rows)
            for camera in CAMERAS:
                write_image(image_of(root, sequence, camera, frame))
                write_depth(depth_of(root, camera, frame), np.full((8, 5), 900.0))
    return root


@pytest.fixture
def release(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "data"))


def test_every_frame_is_found_and_nothing_is_missing(release: Path) -> None:
    studio = CaptureStudio(release)
    found = [(frame.subject, frame.sequence, int(frame.number)) for frame in studio.index.frames]
    assert sorted(found) == sorted((4, sequence, frame) for sequence, frames in SEQUENCES.items() for frame in frames)
    assert all(frame.cameras == frame.depth_cameras == CAMERAS for frame in studio.index.frames)
    assert all(frame.colour_cameras == ("400002", "400004") for frame in studio.index.frames)
    missing = studio.index.missing
    assert (missing.sequences_without_side, missing.frames_without_key_points) == (1, 0)
    assert (missing.images_without_calibration, missing.images_without_depth_map) == (0, 0)


def test_the_range_of_motion_and_nameless_hands_are_left_out_of_training(release: Path) -> None:
    studio = CaptureStudio(release)
    assert {frame.sequence for frame in studio.training_frames} == {"RT_fist", "LT_fist", "DH_clap"}
    assert len(studio.training_frames) == 4


def test_a_sequence_names_its_hands() -> None:
    assert sides_of_sequence(1, "0003_fist") == ("right",)
    assert sides_of_sequence(4, "0003_fist") == ()
    assert sides_of_sequence(1, "03_LT") == sides_of_sequence(2, "fist_LT") == ("left",)
    assert sides_of_sequence(3, "ROM03_RT_No_Occlusion") == ("right",)
    assert sides_of_sequence(4, "DH_clap") == ("right", "left")


def test_cameras_come_out_as_written(release: Path) -> None:
    cameras = read_cameras(release / "annotations/KRT_512")
    assert tuple(cameras) == CAMERAS
    for i, camera in enumerate(cameras.values()):
        np.testing.assert_array_equal(camera.K, K)
        np.testing.assert_array_equal(camera.R, extrinsics(i)[:, :3])
        np.testing.assert_array_equal(camera.t, extrinsics(i)[:, 3])
        np.testing.assert_array_equal(camera.distortion, DISTORTION)
        np.testing.assert_allclose(camera.to_camera(np.array([1.0, 2, 3])), extrinsics(i) @ [1, 2, 3, 1])


def test_key_points_go_to_the_joints_they_name(tmp_path: Path) -> None:
    path = tmp_path / "keypoints0007.pts"
    write_key_points(path, range(42))
    points = read_key_points(path)
    for row, name in enumerate(PTS_ORDER):
        joint = JOINT_NAMES.index(name)
        np.testing.assert_array_equal(points.right.joints[joint], joint_position(row))
        np.testing.assert_array_equal(points.left.joints[joint], joint_position(row + 21))
    for hand in (points.right, points.left):
        assert np.flatnonzero(~hand.valid).tolist() == [JOINT_NAMES.index("thumb0")]
        assert hand.missing_count == 0


def test_missing_joints_are_invalid_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "keypoints0007.pts"
    write_key_points(path, [41, 20, 4])
    points = read_key_points(path)
    named = {JOINT_NAMES.index("wrist"), JOINT_NAMES.index("index_null")}
    assert set(np.flatnonzero(points.right.valid)) == named
    assert np.flatnonzero(points.left.valid).tolist() == [JOINT_NAMES.index("wrist")]
    assert (points.right.missing_count, points.left.missing_count) == (19, 20)
    assert np.isnan(points.right.joints[~points.right.valid]).all()
    np.testing.assert_array_equal(points.of("left").joints[points.left.valid], [joint_position(41)])


def project(camera: int, points: np.ndarray) -> np.ndarray:
    """The literal definition: every point by itself."""
    return np.array([(seen := K @ extrinsics(camera) @ [*point, 1])[:2] / seen[2] for point in points])


def test_a_sample_has_the_landmarks_where_the_camera_sees_them(release: Path) -> None:
    studio = CaptureStudio(release)
    frame = next(frame for frame in studio.index.frames if frame.sequence == "DH_clap")
    for side, first_row in (("right", 0), ("left", 21)):
        sample = studio.sample(frame, "400004", side)
        rows = [PTS_ORDER.index(name.replace("4", "_null")) + first_row for name in LANDMARK_NAMES]
        world = np.array([joint_position(row) for row in rows])
        assert sample.joints_px is not None
        assert sample.joints_mm is not None
        np.testing.assert_allclose(sample.joints_px, project(1, world), atol=1e-6)
        np.testing.assert_allclose(sample.joints_mm, [extrinsics(1) @ [*point, 1] for point in world])
        assert sample.visible.all()
        assert sample.valid.all()
        assert (sample.side, sample.rendered, sample.image) == (side, False, image_of(release, "DH_clap", "400004", 30))


def test_a_hand_that_is_not_there_has_no_valid_landmark(release: Path) -> None:
    studio = CaptureStudio(release)
    frame = next(frame for frame in studio.index.frames if frame.sequence == "LT_fist")
    absent, present = studio.sample(frame, "400002", "right"), studio.sample(frame, "400002", "left")
    assert not absent.valid.any()
    assert not absent.visible.any()
    assert present.valid.all()


@pytest.mark.parametrize("size", [(334, 512), (668, 1024), (167, 256), (334, 256)])
def test_a_scaled_image_scales_its_landmarks(release: Path, size: tuple[int, int]) -> None:
    write_image(image_of(release, "RT_fist", "400002", 7), size)
    studio = CaptureStudio(release)
    frame = next(frame for frame in studio.index.frames if frame.number == "7")
    scaled, full = studio.sample(frame, "400002", "right"), studio.sample(frame, "400004", "right")
    assert scaled.K is not None
    assert full.K is not None
    assert scaled.joints_px is not None
    np.testing.assert_array_equal(full.K, K)
    world = read_key_points(key_points_of(release, 7)).right.joints[JOINT_NAMES.index("wrist")]
    corner_based = (project(0, world[None])[0] + 0.5) * np.array(size) / (334, 512) - 0.5
    np.testing.assert_allclose(scaled.joints_px[0], corner_based, atol=1e-6)
    np.testing.assert_allclose(np.diag(scaled.K)[:2], [1200 * size[0] / 334, 1210 * size[1] / 512])


def test_distortion_bends_the_landmarks(release: Path) -> None:
    studio = CaptureStudio(release)
    straight = studio.sample(studio.training_frames[0], "400002", studio.training_frames[0].sides[0]).joints_px
    write_cameras(release / "annotations/KRT_512", distortion=[0.5, 0, 0, 0, 0])
    studio = CaptureStudio(release)
    bent = studio.sample(studio.training_frames[0], "400002", studio.training_frames[0].sides[0]).joints_px
    assert straight is not None
    assert bent is not None
    ray = (straight - K[:2, 2]) / [K[0, 0], K[1, 1]]
    stretched = ray * (1 + 0.5 * (ray**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(bent, stretched * [K[0, 0], K[1, 1]] + K[:2, 2], atol=1e-6)


def test_what_is_missing_is_counted_and_the_rest_read(release: Path) -> None:
    write_cameras(release / "annotations/KRT_512", CAMERAS[:2])
    key_points_of(release, 8).unlink()
    depth_of(release, "400002", 7).unlink()
    shutil.rmtree(depth_of(release, "400002", 20).parent)
    image_of(release, "DH_clap", "400002", 30).unlink()
    (release / "images/subject_4/notes.txt").write_text("not a sequence")
    shutil.copytree(release / "images/subject_4/RT_fist", release / "images/subject_2/RT_fist")
    studio = CaptureStudio(release)
    frames = {frame.number: frame for frame in studio.index.frames}
    assert set(frames) == {"7", "20", "30", "40", "50"}
    assert frames["7"].depth_cameras == ("400004",)
    assert frames["20"].depth_cameras == ()
    assert frames["30"].cameras == ("400004",)
    missing = studio.index.missing
    assert missing.frames_without_key_points == 1 + 2
    assert missing.images_without_depth_map == 1 + 2
    assert missing.images_without_calibration == 6 + 2


def count_listings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    listed: list[Path] = []
    original = capture_studio_index._list

    def listing(folder: Path) -> list[str]:
        listed.append(folder)
        return original(folder)

    monkeypatch.setattr(capture_studio_index, "_list", listing)
    return listed


def test_an_unchanged_release_is_indexed_once(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = count_listings(monkeypatch)
    first = CaptureStudio(release)
    assert len(listed) == len(set(listed)) > 10
    listed.clear()
    assert CaptureStudio(release).index == first.index
    assert listed == []


def set_time_back(folder: Path, change: Callable[[], None]) -> None:
    before = folder.stat()
    change()
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: write_image(image_of(root, "RT_fist", "400002", 9)), id="image added"),
        pytest.param(lambda root: image_of(root, "RT_fist", "400002", 7).unlink(), id="image removed"),
        pytest.param(lambda root: key_points_of(root, 7).unlink(), id="key points removed"),
        pytest.param(lambda root: depth_of(root, "400002", 7).unlink(), id="depth map removed"),
        pytest.param(lambda root: shutil.rmtree(root / "images/subject_4/RT_fist"), id="sequence removed"),
        pytest.param(lambda root: shutil.rmtree(root / "annotations/depthmaps"), id="depth maps removed"),
        pytest.param(lambda root: shutil.copytree(root / "images/subject_4", root / "images/subject_5"), id="subject added"),
        pytest.param(lambda root: write_cameras(root / "annotations/KRT_512", CAMERAS[:1]), id="cameras removed"),
        pytest.param(
            lambda root: set_time_back(key_points_of(root, 7).parent, key_points_of(root, 7).unlink),
            id="key points removed and the folder's time set back",
        ),
    ],
)
def test_a_changed_release_is_indexed_anew(release: Path, change: Callable[[Path], object]) -> None:
    before = CaptureStudio(release).index
    change(release)
    after = CaptureStudio(release).index
    assert after != before
    (release / "index_cache.json").unlink()
    assert CaptureStudio(release).index == after


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "capture-studio-index/1"}', '{"schema": "another"}'])
def test_a_damaged_cache_is_made_anew(release: Path, content: str) -> None:
    first = CaptureStudio(release).index
    (release / "index_cache.json").write_text(content)
    assert CaptureStudio(release).index == first
    assert len((release / "index_cache.json").read_text()) > 1000


def test_a_cache_that_cannot_be_written_is_one_line_and_leaves_nothing(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent/index\.json: the index cannot be written \(No such file.*name another place"):
        CaptureStudio(release, tmp_path / "absent" / "index.json")
    (taken := tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="folder: the index cannot be written"):
        CaptureStudio(release, taken)
    assert not list(tmp_path.glob(".*partial"))
    CaptureStudio(release, tmp_path / "elsewhere.json")
    assert (tmp_path / "elsewhere.json").exists()
    assert not (release / "index_cache.json").exists()


def test_depth_maps_come_out_as_written(release: Path) -> None:
    depth = np.random.default_rng(0).uniform(0, 1200, (512, 334))
    write_depth(depth_of(release, "400002", 7), depth)
    studio = CaptureStudio(release)
    frame = next(frame for frame in studio.index.frames if frame.number == "7")
    np.testing.assert_array_equal(studio.depth_map(frame, "400002"), depth.astype(np.float32))


class Attack:
    def __reduce__(self) -> Any:
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize(
    "content",
    [Attack(), [1.0], np.zeros(3), np.zeros((2, 3), dtype=np.int32), np.zeros((0, 3)), -np.ones((2, 3)), np.full((2, 3), np.nan)],
    ids=["attack", "list", "1-D", "integers", "empty", "negative", "nan"],
)
def test_what_is_no_depth_map_is_refused(tmp_path: Path, content: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_depth(path := tmp_path / "depthmap400002.pkl", content)
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        read_depth_map(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "attacked").exists()


CALIBRATION_DAMAGE = {
    "empty": lambda text: "",
    "cut": lambda text: text[: len(text) // 2],
    "a word for a number": lambda text: text.replace("1200.0", "focal", 1),
    "a number too many": lambda text: text.replace("1200.0", "1200.0 1", 1),
    "nan": lambda text: text.replace("1200.0", "nan", 1),
    "no focal length": lambda text: text.replace("1200.0", "-1200.0", 1),
    "no rotation": lambda text: text.replace("\n0.0 1.0 0.0 -20.0", "\n0.0 1.5 0.0 -20.0", 1),
    "one name twice": lambda text: text.replace("400004", "400002"),
    "a line lost": lambda text: text.replace(f"{rows_of([DISTORTION])}", "", 1),
    "no text": lambda text: "\xff" + text,
}


@pytest.mark.parametrize("damage", CALIBRATION_DAMAGE.values(), ids=CALIBRATION_DAMAGE)
def test_a_damaged_calibration_is_one_clear_line(release: Path, damage: Callable[[str], str]) -> None:
    path = release / "annotations/KRT_512"
    path.write_bytes(damage(path.read_text()).encode("latin1"))
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}.*release again") as caught:
        CaptureStudio(release)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 1 2 3 4\n",
        "0 1 2 x 4 5\n",
        "42 1 2 3 4 5\n",
        "-1 1 2 3 4 5\n",
        "0.5 1 2 3 4 5\n",
        "3 1 2 3 4 5\n3 1 2 3 4 5\n",
        "0 nan 2 3 4 5\n",
    ],
)
def test_damaged_key_points_are_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keypoints0007.pts"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}.*release again") as caught:
        read_key_points(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_image_is_one_clear_line(release: Path) -> None:
    path = image_of(release, "RT_fist", "400002", 7)
    path.write_bytes(b"no image")
    studio = CaptureStudio(release)
    frame = next(frame for frame in studio.index.frames if frame.number == "7")
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}: cannot be read \(it is no image\)"):
        studio.sample(frame, "400002", "right")
    path.unlink()
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}: cannot be read \(No such file"):
        studio.sample(frame, "400002", "right")


def test_a_folder_without_a_release_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"KRT_512: cannot be read \(No such file"):
        CaptureStudio(tmp_path)
    write_cameras(tmp_path / "annotations/KRT_512")
    with pytest.raises(ValueError, match="no frame with images, key points and calibrated cameras"):
        CaptureStudio(tmp_path)
