"""The reader of annotated photographs: everything that is said comes out, and every slip is named with its place."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.photos import JOINT_ORDER, read_photos

JOINTS_PX = [[10.0 * i, 5.0 * i + 1] for i in range(21)]
JOINTS_MM = [[4.0 * i, 2.0 * i, 400.0 + i] for i in range(21)]
K = [[500.0, 0, 320], [0, 510.0, 240], [0, 0, 1]]


def entry(**changes: Any) -> dict[str, Any]:
    full = {
        "image": "images/a.jpg",
        "source": "studio",
        "hand": "left",
        "kp2d": JOINTS_PX,
        "visible": [1] * 20 + [0],
        "kp3d_mm": JOINTS_MM,
        "valid3d": [False] + [True] * 20,
        "K": K,
        "rendered": True,
    }
    return {**full, **changes}


def write(folder: Path, *entries: Any, **document: Any) -> Path:
    path = folder / "index.json"
    path.write_text(json.dumps({"joint_order": JOINT_ORDER, "entries": list(entries), **document}))
    return path


def test_everything_an_entry_says_comes_out(tmp_path: Path) -> None:
    (sample,) = read_photos(write(tmp_path, entry()))
    assert sample.image == tmp_path / "images/a.jpg"
    assert (sample.source, sample.side, sample.rendered) == ("studio", "left", True)
    assert sample.joints_px is not None
    assert sample.joints_mm is not None
    assert sample.K is not None
    np.testing.assert_array_equal(sample.joints_px, JOINTS_PX)
    np.testing.assert_array_equal(sample.joints_mm, JOINTS_MM)
    np.testing.assert_array_equal(sample.K, K)
    assert sample.visible.tolist() == [True] * 20 + [False]
    assert sample.valid.tolist() == [False] + [True] * 20


def test_null_is_unknown_and_a_null_mask_uses_all(tmp_path: Path) -> None:
    nulls = dict.fromkeys(("hand", "kp2d", "visible", "kp3d_mm", "valid3d", "K"))
    (sample,) = read_photos(write(tmp_path, entry(**nulls)))
    assert sample.side is sample.joints_px is sample.joints_mm is sample.K is None
    assert sample.visible.all()
    assert sample.valid.all()


def test_fields_left_out_are_as_null(tmp_path: Path) -> None:
    (sample,) = read_photos(write(tmp_path, {"image": "a.jpg"}))
    assert (sample.source, sample.side, sample.rendered) == ("photos", None, False)


def test_a_folder_stands_for_its_index_and_order_is_kept(tmp_path: Path) -> None:
    index = write(tmp_path, *(entry(image=f"{i}.jpg") for i in (3, 1, 2)))
    assert [sample.image.name for sample in read_photos(tmp_path)] == ["3.jpg", "1.jpg", "2.jpg"]
    assert len(read_photos(index)) == 3


def test_a_joint_that_is_masked_out_may_be_null(tmp_path: Path) -> None:
    joints = [*JOINTS_PX[:20], [None, None]]
    (sample,) = read_photos(write(tmp_path, entry(kp2d=joints)))
    assert sample.joints_px is not None
    assert np.isnan(sample.joints_px[20]).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image", None),
        ("image", ""),
        ("image", 7),
        ("source", 3),
        ("source", "all"),
        ("hand", "Right"),
        ("hand", 0),
        ("rendered", "no"),
        ("kp2d", JOINTS_PX[:20]),
        ("kp2d", [row[:1] for row in JOINTS_PX]),
        ("kp2d", JOINTS_MM),
        ("kp2d", [["a", "b"]] * 21),
        ("kp2d", [[True, False]] * 21),
        ("kp2d", {"wrist": [0, 0]}),
        ("kp2d", [[None, None], *JOINTS_PX[1:]]),
        ("kp2d", [[float("nan"), 0.0], *JOINTS_PX[1:]]),
        ("kp2d", [[1e400, 0.0], *JOINTS_PX[1:]]),
        ("kp2d", [[10**400, 0.0], *JOINTS_PX[1:]]),
        ("kp3d_mm", [*JOINTS_MM[:20], [-(10**400), 0, 0]]),
        ("K", [[10**400, 0, 1], [0, 500, 1], [0, 0, 1]]),
        ("kp2d", [[5.0, 5.0]] * 21),
        ("visible", [1] * 20),
        ("visible", [2] * 21),
        ("visible", "all"),
        ("kp3d_mm", JOINTS_MM[:5]),
        ("kp3d_mm", JOINTS_PX),
        ("kp3d_mm", [[x, y, -z] for x, y, z in JOINTS_MM]),
        ("kp3d_mm", [[x / 1000, y / 1000, z / 1000] for x, y, z in JOINTS_MM]),
        ("kp3d_mm", [[None, 0.0, 0.0]] * 21),
        ("valid3d", [1, 1]),
        ("K", K[:2]),
        ("K", [[0, 0, 1], [0, 500, 1], [0, 0, 1]]),
        ("K", [[500, 3, 1], [0, 500, 1], [0, 0, 1]]),
        ("K", [[500, 0, 1], [0, 500, 1], [0, 0, 0]]),
        ("K", [[500, 0, float("nan")], [0, 500, 1], [0, 0, 1]]),
        ("K", 500),
    ],
)
def test_a_slip_is_named_by_file_entry_and_field(tmp_path: Path, field: str, value: object) -> None:
    path = write(tmp_path, entry(), entry(**{field: value}))
    with pytest.raises(ValueError, match=rf"entry 1, {field}: ") as error:
        read_photos(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message


@pytest.mark.parametrize(("field", "mask"), [("kp2d", "visible"), ("kp3d_mm", "valid3d")])
def test_masks_that_leave_too_little_to_measure_by_are_refused(tmp_path: Path, field: str, mask: str) -> None:
    path = write(tmp_path, entry(**{mask: [1] + [0] * 20}))
    with pytest.raises(ValueError, match=rf"entry 0, {field}: "):
        read_photos(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"entries": [' + b"7" * 5000 + b"]}", "not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[]", "not an index"),
        (b"{}", "entries is not a list"),
        (b'{"entries": 5}', "entries is not a list"),
        (b'{"entries": []}', "entries is not a list"),
        (b'{"entries": [3]}', "entry 0 is not an object"),
        (b'{"joint_order": "tip first", "entries": [{"image": "a"}]}', "joint_order"),
    ],
)
def test_a_file_that_is_no_index_is_refused_in_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "index.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=complaint) as error:
        read_photos(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "other.json"):
        with pytest.raises(ValueError, match="no such file"):
            read_photos(path)
