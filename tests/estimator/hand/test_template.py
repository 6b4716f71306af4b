"""The template's file comes back as it was or is refused in one line, and a template that is none cannot be made."""

import io
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estimator.hand.template import DEFAULT_TEMPLATE, JOINT_NAMES, LOW_RESOLUTION_TEMPLATE, POSE_NAMES, HandTemplate
from tests.toys import toy_template


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    toy_template().save(tmp_path / "toy.npz")
    return tmp_path / "toy.npz"


def with_many_vertices(count: int) -> HandTemplate:
    toy = toy_template()
    more = count - len(toy.vertices)
    return replace(
        toy,
        vertices=np.concatenate([toy.vertices, np.zeros((more, 3))]),
        skinning_weights=np.concatenate([toy.skinning_weights, np.tile(toy.skinning_weights[-1:], (more, 1))]),
        faces=np.concatenate([toy.faces, [[count - 1, count - 2, count - 3]]]),
        uv_faces=np.concatenate([toy.uv_faces, [[0, 1, 2]]]),
        nail_faces=np.concatenate([toy.nail_faces, [False]]),
    )


# the file


def test_what_was_saved_is_loaded(saved: Path) -> None:
    toy, loaded = toy_template(), HandTemplate.load(saved)
    for field in fields(HandTemplate):
        np.testing.assert_allclose(getattr(loaded, field.name), getattr(toy, field.name), atol=1e-4, err_msg=field.name)
    assert HandTemplate.load(saved).id == loaded.id


@pytest.mark.parametrize("path", [DEFAULT_TEMPLATE, LOW_RESOLUTION_TEMPLATE], ids=lambda path: path.stem)
def test_saving_a_shipped_template_again_changes_no_number(path: Path, tmp_path: Path) -> None:
    shipped = HandTemplate.load(path)
    shipped.save(tmp_path / "again.npz")
    assert HandTemplate.load(tmp_path / "again.npz").id == shipped.id


@pytest.mark.parametrize("count", [2**16, 2**16 + 1, 70_000])
def test_indices_of_large_meshes_survive(count: int, tmp_path: Path) -> None:
    large = with_many_vertices(count)
    large.save(tmp_path / "large.npz")
    loaded = HandTemplate.load(tmp_path / "large.npz")
    np.testing.assert_array_equal(loaded.faces, large.faces)
    assert loaded.skinning_weights[-1].max() > 0


def test_every_truncation_is_refused_in_one_line(saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    for length in (0, 1, 3, 4, 30, *np.linspace(31, len(content) - 1, 60).astype(int)):
        assert refusal(tmp_path / "short.npz", content[:length]), length


def test_a_flipped_bit_is_refused_or_changes_nothing(saved: Path, tmp_path: Path) -> None:
    content, identity = saved.read_bytes(), HandTemplate.load(saved).id
    generator = np.random.default_rng(0)
    directory = content.rfind(b"PK\x01\x02")
    places = np.concatenate([generator.integers(len(content), size=400), generator.integers(directory, len(content), size=100)])
    refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << generator.integers(8)
        if refusal(tmp_path / "damaged.npz", bytes(damaged)):
            refused += 1
        else:  # dates and attributes of the archive mean nothing to us
            assert HandTemplate.load(tmp_path / "damaged.npz").id == identity
    assert refused > 300


def refusal(path: Path, content: bytes) -> str:
    """The one line with which the file is refused; nothing where it is loaded."""
    path.write_bytes(content)
    message = ""
    try:
        HandTemplate.load(path)
    except ValueError as error:
        message = str(error)
    assert message == "" or message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def archive(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def arrays_of(saved: Path) -> dict[str, Any]:
    with np.load(saved) as arrays:
        return dict(arrays)


def test_each_missing_array_and_any_extra_one_is_refused(saved: Path, tmp_path: Path) -> None:
    arrays = arrays_of(saved)
    assert not refusal(tmp_path / "whole.npz", archive(arrays))
    for name in arrays:
        assert refusal(tmp_path / "less.npz", archive({key: array for key, array in arrays.items() if key != name})), name
    assert refusal(tmp_path / "more.npz", archive({**arrays, "extra": np.zeros(3)}))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("vertices", lambda x: x[:, :2]),
        ("vertices", lambda x: np.float32(3)),
        ("vertices", lambda x: x.astype(str)),
        ("vertices", lambda x: np.where(x == x.max(), np.nan, x)),
        ("faces", lambda x: x + 9999),
        ("faces", lambda x: x.astype(float)),
        ("uv", lambda x: x[:5]),
        ("nail_faces", lambda x: x.astype(int)),
        ("joint_names", lambda x: x[::-1]),
        ("joint_names", lambda x: np.arange(len(x))),
        ("weight_vertex", lambda x: x[:-1]),
        ("weight_vertex", lambda x: x + 9999),
        ("weight_joint", lambda x: x + 50),
        ("weight_joint", lambda x: x.astype(float)),
        ("weight_value", lambda x: x / 2),
        ("pose_lower", lambda x: x + 99),
    ],
)
def test_arrays_that_make_no_hand_are_refused(saved: Path, tmp_path: Path, name: str, change: Any) -> None:
    arrays = arrays_of(saved)
    assert refusal(tmp_path / "other.npz", archive({**arrays, name: change(arrays[name])}))


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros((5, 3)))
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as other:
        other.writestr("readme.txt", "not an array")
    objects = io.BytesIO()
    np.savez(objects, vertices=np.array([{"a": 1}], dtype=object))
    for content in ((tmp_path / "array.npy").read_bytes(), text.getvalue(), objects.getvalue(), b"text", b"PK"):
        assert "cannot read the hand template" in refusal(tmp_path / "other", content)
    for path in (tmp_path, tmp_path / "missing.npz"):
        with pytest.raises(ValueError, match="cannot read the hand template"):
            HandTemplate.load(path)


# the value


def test_the_callers_arrays_stay_theirs() -> None:
    vertices = toy_template().vertices.copy()
    made = replace(toy_template(), vertices=vertices)
    before = made.id
    vertices[:] = 0
    assert vertices.flags.writeable
    assert made.vertices.any()
    assert made.id == before
    with pytest.raises(ValueError, match="read-only"):
        made.vertices[0] = 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("limits", ["pose_lower", "pose_upper"])
def test_limits_are_finite(limits: str, bad: float) -> None:
    with pytest.raises(ValueError, match=f"nan or infinity in {limits}"):
        replace(toy_template(), **{limits: np.where(np.arange(len(POSE_NAMES)) == 7, bad, getattr(toy_template(), limits))})


def test_limits_the_wrong_way_round_are_named() -> None:
    lower = toy_template().pose_lower.copy()
    lower[7] = 5.0
    with pytest.raises(ValueError, match=POSE_NAMES[7]):
        replace(toy_template(), pose_lower=lower)


@pytest.mark.parametrize("change", [np.diag([1.0, 1.0, -1.0]), 1.01 * np.eye(3), np.eye(3)[[1, 0, 2]], np.zeros((3, 3))])
def test_rest_rotations_are_rotations(change: np.ndarray) -> None:
    rotations = toy_template().rest_rotations.copy()
    rotations[8] = rotations[8] @ change
    with pytest.raises(ValueError, match=f"{JOINT_NAMES[8]} is no rotation"):
        replace(toy_template(), rest_rotations=rotations)
