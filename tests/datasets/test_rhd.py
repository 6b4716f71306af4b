"""The reader of RHD, on a small folder written here from the format's description, on damaged ones, and on real samples."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import rhd_index
from datasets.rhd import Rhd, mirrored
from datasets.rhd_annotation import hand_pixels
from datasets.rhd_files import decode_depth
from estimator.hand.template import LANDMARK_NAMES
from tests.datasets.rhd_folder import (
    FINGER_ORDER,
    SIZE,
    K,
    entry_of,
    hand_m,
    mask_of,
    picture_of,
    sample_entry,
    write_pickle,
    write_png,
    write_rhd,
)

REAL_PHOTOS = Path(__file__).parents[3] / "shared" / "realhands" / "photos"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rhd(tmp_path_factory.mktemp("rhd") / "RHD_published_v2")


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "RHD_published_v2"))


def row_of(landmark: str, first: int) -> int:
    """The format's own words: wrist, then thumb tip to base, index, middle, ring, pinky."""
    if landmark == "wrist":
        return first
    finger, joint = landmark[:-1], int(landmark[-1])
    return first + 1 + 4 * FINGER_ORDER.index(finger) + (4 - joint)


def test_key_points_go_to_the_landmarks_they_name_in_millimetres(root: Path) -> None:
    rhd = Rhd(root)
    assert len(rhd) == 4
    for number in range(4):
        hand, entry = rhd.hand(number), sample_entry(number)
        first = 0 if hand.side == "left" else 21
        for landmark, joint_mm, joint_px in zip(LANDMARK_NAMES, hand.joints_mm, hand.joints_px, strict=True):
            row = row_of(landmark, first)
            np.testing.assert_allclose(joint_mm, 1000 * entry["xyz"][row], atol=1e-3, err_msg=landmark)
            np.testing.assert_allclose(joint_px, entry["uv_vis"][row, :2], atol=1e-3, err_msg=landmark)
        assert hand.visible.all()
        np.testing.assert_array_equal(hand.K, K)


def test_tips_are_tips(root: Path) -> None:
    hand = Rhd(root).hand(0)
    chain = [hand.joints_mm[LANDMARK_NAMES.index(f"index{i}")] for i in (1, 2, 3, 4)]
    lengths = np.linalg.norm(np.diff(chain, axis=0), axis=1)
    assert (np.diff(lengths) < 0).all()


def test_the_hand_with_more_pixels_counts(root: Path) -> None:
    assert [Rhd(root).hand(number).side for number in range(4)] == ["left", "right", "left", "right"]


@pytest.mark.parametrize("mask", [None, mask_of(0, 0), mask_of(40, 40)], ids=["no mask", "no hand in it", "a draw"])
@pytest.mark.parametrize(("left", "right", "side"), [(9, 12, "right"), (12, 9, "left"), (1, 0, "left")])
def test_visible_key_points_decide_where_pixels_do_not(tmp_path: Path, mask: Any, left: int, right: int, side: str) -> None:
    visible = np.concatenate([np.arange(21) < left, np.arange(21) < right])
    write_rhd(tmp_path, 1, entry=lambda number: {**sample_entry(number), "uv_vis": seen(sample_entry(number), visible)})
    path = tmp_path / "training/mask/00000.png"
    path.unlink()
    if mask is not None:
        write_png(path, mask)
    hand = Rhd(tmp_path).hand(0)
    assert hand.side == side
    assert hand.visible.sum() == max(left, right)


def seen(entry: dict[str, np.ndarray], visible: np.ndarray) -> np.ndarray:
    return np.column_stack([entry["uv_vis"][:, :2], visible])


def test_labels_of_the_mask_are_hands() -> None:
    labels = np.arange(40, dtype=np.uint8).reshape(4, 10)
    assert labels[hand_pixels(labels, "left")].tolist() == list(range(2, 18))
    assert labels[hand_pixels(labels, "right")].tolist() == list(range(18, 34))


def test_depth_is_coded_in_two_bytes_and_read_in_millimetres(root: Path) -> None:
    corners = np.array([[[0, 0], [0, 1], [1, 0], [255, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(decode_depth(corners), [[0, 5000 / 65535, 256 * 5000 / 65535, 5000]], rtol=1e-6)
    rhd = Rhd(root)
    np.testing.assert_allclose(rhd.depth(2), (6554 + 2) / 65535 * 5.0 * 1000, rtol=1e-6)
    assert rhd.hand_mask(0).sum() == 60
    assert rhd.hand_mask(1).sum() == 60


def test_a_mirrored_left_hand_is_a_right_one_and_projects_where_it_is_seen(root: Path) -> None:
    rhd = Rhd(root)
    for number in range(4):
        right = rhd.pictured(number).as_right()
        hand = right.hand
        assert hand.side == "right"
        projected = hand.joints_mm @ hand.K.T
        np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], hand.joints_px, atol=1e-3)
    left, flipped = rhd.pictured(0), rhd.pictured(0).as_right()
    np.testing.assert_array_equal(flipped.image, left.image[:, ::-1])
    np.testing.assert_allclose(flipped.hand.joints_px[:, 0], SIZE - 1 - left.hand.joints_px[:, 0])
    np.testing.assert_allclose(flipped.hand.joints_mm, left.hand.joints_mm * (-1, 1, 1))
    assert flipped.hand.K[0, 2] == SIZE - 1 - K[0, 2]
    untouched = rhd.pictured(1)
    assert untouched.as_right() is untouched


def test_mirroring_twice_is_nothing(root: Path) -> None:
    once = Rhd(root).pictured(0)
    twice = mirrored(mirrored(once))
    np.testing.assert_array_equal(twice.image, once.image)
    assert twice.hand.side == once.hand.side
    for name in ("joints_mm", "joints_px", "visible", "K"):
        np.testing.assert_allclose(getattr(twice.hand, name), getattr(once.hand, name))


def test_samples_are_those_of_any_data_set(root: Path) -> None:
    sample = Rhd(root).sample(0)
    assert (sample.source, sample.side, sample.rendered) == ("rhd", "left", True)
    assert sample.image == root / "training/color/00000.png"
    np.testing.assert_array_equal(Rhd(root).pictured(0).image, picture_of(0))


def test_each_split_has_its_own_samples(root: Path) -> None:
    write_rhd(root, 2, "evaluation")
    assert (len(Rhd(root)), len(Rhd(root, "evaluation"))) == (4, 2)


def damaged(**changes: Any) -> Callable[[int], Any]:
    """Sample 1 with other values; the others are sound."""
    return lambda number: {**sample_entry(number), **changes} if number == 1 else sample_entry(number)


def changed(field: str, index: Any, value: float) -> Callable[[int], Any]:
    def entry(number: int) -> Any:
        values = {name: array.copy() for name, array in sample_entry(number).items()}
        if number == 1:
            values[field][index] = value
        return values

    return entry


NO_HAND_VISIBLE = entry_of(hand_m(0.1, (0, 0, 0.5)), hand_m(0.1, (0, 0, 0.5)), np.zeros(42))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (lambda number: sample_entry(number) if number != 1 else 7, "xyz is not an array of 42 x 3 numbers"),
        (damaged(xyz=np.zeros((41, 3))), "xyz is not an array of 42 x 3 numbers"),
        (damaged(uv_vis=None), "uv_vis is not an array of 42 x 3 numbers"),
        (damaged(K=np.eye(4)), "K is not an array of 3 x 3 numbers"),
        (damaged(K=np.diag([-280.0, 280, 1])), "K is not [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]"),
        (damaged(K=K * 1000), "K is not [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]"),
        (changed("K", (0, 0), np.nan), "K is not [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]"),
        (changed("K", (0, 0), 380.0), "K does not project the key points to their pixels"),
        (changed("xyz", (30, 1), np.nan), "a key point is not a finite number"),
        (changed("uv_vis", (21, 0), np.inf), "a key point is not a finite number"),
        (changed("xyz", (25, 2), -0.3), "a key point lies behind the camera"),
        (damaged(xyz=1000 * sample_entry(1)["xyz"]), "the key points span no hand in metres"),
        (damaged(**NO_HAND_VISIBLE), "no key point of the hand is visible"),
    ],
)
def test_a_sample_that_cannot_be_used_is_named_with_its_reason(tmp_path: Path, entry: Callable[[int], Any], reason: str) -> None:
    rhd = Rhd(write_rhd(tmp_path, 3, entry=entry))
    assert [rhd.hand(row).number for row in range(len(rhd))] == [0, 2]
    assert [(skipped.number, skipped.reason) for skipped in rhd.index.skipped] == [(1, reason)]
    assert rhd.index.summary() == f"1 of 3 samples left out; {reason}: 1 (00001)"


def test_what_is_wrong_with_the_other_hand_does_no_harm(tmp_path: Path) -> None:
    assert len(Rhd(write_rhd(tmp_path, 3, entry=changed("xyz", (3, 1), np.nan)))) == 3  # sample 1 counts with its right hand


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("file", "damage", "reason"),
    [
        ("color/00002.png", Path.unlink, "no picture"),
        ("color/00002.png", truncate, "the picture is damaged"),
        ("color/00002.png", lambda path: path.write_text("no picture"), "the picture is damaged"),
        ("color/00002.png", lambda path: write_png(path, np.zeros((240, 320, 3), dtype=np.uint8)), "the picture is not 320x320 pixels"),
        ("mask/00002.png", truncate, "the mask is damaged"),
    ],
)
def test_a_damaged_file_leaves_its_sample_out(root: Path, file: str, damage: Callable[[Path], Any], reason: str) -> None:
    damage(root / "training" / file)
    rhd = Rhd(root)
    assert len(rhd) == 3
    assert [(skipped.number, skipped.reason) for skipped in rhd.index.skipped] == [(2, reason)]


def test_the_summary_counts_by_reason(tmp_path: Path) -> None:
    write_rhd(tmp_path, 12, entry=lambda number: 0 if number == 11 else sample_entry(number))
    for number in range(2, 9):
        (tmp_path / f"training/color/{number:05d}.png").unlink()
    summary = Rhd(tmp_path).index.summary()
    assert summary.startswith("8 of 12 samples left out; no picture: 7 (00002, 00003, 00004, 00005, 00006, ...); xyz")
    assert "\n" not in summary


class Malicious:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("pwned"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps({0: Malicious()}), "refused"),
        (b"", "damaged or not a pickle"),
        (pickle.dumps({0: sample_entry(0)})[:-300], "damaged or not a pickle"),
        (pickle.dumps([sample_entry(0)]), "expected a dict"),
        (pickle.dumps({}), "expected a dict"),
        (pickle.dumps({"00000": sample_entry(0)}), "expected a dict"),
        (pickle.dumps({0: 1}), "none of its 1 samples can be used"),
    ],
)
def test_a_bad_annotation_is_refused_in_one_line(
    root: Path, content: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = root / "training/anno_training.pickle"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        Rhd(root)
    assert "anno_training.pickle" in str(error.value)
    assert "\n" not in str(error.value)
    assert not Path("pwned").exists()


@pytest.mark.parametrize("folder", ["", "absent", "RHD_published_v2/training"])
def test_a_folder_that_is_not_rhd_is_refused_with_the_cure(root: Path, tmp_path: Path, folder: str) -> None:
    with pytest.raises(ValueError, match=r"not an RHD folder.*name RHD_published_v2") as error:
        Rhd(tmp_path / folder)
    assert "\n" not in str(error.value)


def test_a_picture_that_is_damaged_later_is_named(root: Path) -> None:
    rhd = Rhd(root)
    truncate(rhd.image_path(1))
    with pytest.raises(ValueError, match=r"00001\.png: cannot be read"):
        rhd.pictured(1)
    (root / "training/mask/00001.png").unlink()
    with pytest.raises(ValueError, match=r"00001\.png: cannot be read"):
        rhd.mask(1)


def same(first: Rhd, second: Rhd) -> bool:
    tables = zip(vars(first.index.hands).values(), vars(second.index.hands).values(), strict=True)
    return first.index.skipped == second.index.skipped and all(np.array_equal(a, b) for a, b in tables)


def test_the_index_is_read_back_without_looking_at_the_samples(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "training/color/00003.png").unlink()
    first = Rhd(root)
    monkeypatch.setattr(rhd_index, "read_annotation", lambda *_: pytest.fail("the annotation is read again"))
    assert same(Rhd(root), first)


@pytest.mark.parametrize("change", ["annotation", "picture", "mask", "damaged cache", "other cache"])
def test_the_index_is_made_anew_when_it_does_not_hold_any_more(root: Path, change: str) -> None:
    Rhd(root)
    cache = root / "training/index_cache.npz"
    if change == "annotation":
        write_pickle(root, "training", {number: sample_entry(number) for number in (0, 1)})
    elif change == "picture":
        (root / "training/color/00000.png").unlink()
    elif change == "mask":
        shutil.move(root / "training/mask/00001.png", root / "training/mask/00000.png")
    elif change == "damaged cache":
        cache.write_bytes(cache.read_bytes()[:-100])
    else:
        np.savez(cache, stamps=np.array(["another program's"]))
    changed_index, fresh = Rhd(root), Rhd(root, cache=root / "another.npz")
    assert same(changed_index, fresh)
    assert len(fresh) == {"annotation": 2, "picture": 3}.get(change, 4)


def test_a_cache_that_cannot_be_written_is_refused_with_the_cure(root: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be written.*another place"):
        Rhd(root, cache=root / "absent" / "index.npz")


def test_whoever_watches_sees_every_sample(root: Path) -> None:
    watched: list[int] = []

    def follow(numbers: Any) -> Any:
        for number in numbers:
            watched.append(number)
            yield number

    Rhd(root, follow=follow)
    assert watched == [0, 1, 2, 3]


def real_samples() -> list[dict[str, Any]]:
    index = REAL_PHOTOS / "index.json"
    if not index.exists():
        pytest.skip(f"no {index} here: real samples of RHD may not be copied into the repository")
    return [entry for entry in json.loads(index.read_text())["entries"] if entry["source"] == "mmpose_rhd"]


def test_real_samples_are_read_as_they_are_annotated(tmp_path: Path) -> None:
    """Written back into RHD's own layout with nothing of the other hand, they come out unchanged, and K fits."""
    samples = real_samples()
    entries: dict[int, Any] = {}
    for number, sample in enumerate(samples):
        name = f"{number:05d}.png"
        (tmp_path / "evaluation/color").mkdir(parents=True, exist_ok=True)
        shutil.copy(REAL_PHOTOS / sample["image"], tmp_path / "evaluation/color" / name)
        first = 0 if sample["hand"] == "left" else 21
        rows = [row_of(landmark, first) for landmark in LANDMARK_NAMES]
        entry = {"xyz": np.zeros((42, 3)), "uv_vis": np.zeros((42, 3)), "K": np.array(sample["K"])}
        entry["xyz"][rows] = np.array(sample["kp3d_mm"]) / 1000
        entry["uv_vis"][rows] = np.column_stack([sample["kp2d"], sample["visible"]])
        entries[number] = entry
    write_pickle(tmp_path, "evaluation", entries)
    rhd = Rhd(tmp_path, "evaluation")
    assert len(rhd) == len(samples) == 3
    for row, sample in enumerate(samples):
        hand = rhd.hand(row)
        assert hand.side == sample["hand"]
        np.testing.assert_allclose(hand.joints_mm, sample["kp3d_mm"], atol=1e-3)
        np.testing.assert_allclose(hand.joints_px, sample["kp2d"], atol=1e-3)
        assert rhd.pictured(row).image.std() > 10
