"""The official folder, written from the format's description around a toy hand, comes back as the same hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from estimator.hand.official import load_official_template
from estimator.hand.template import JOINT_NAMES, PARENT_NAMES, WRIST, HandTemplate
from tests.toys import toy_template

FILES = ("hand.obj", "skeleton.txt", "skinning_weight.txt", "local_pose.txt", "global_pose_inv.txt")


def local_transforms(template: HandTemplate) -> np.ndarray:
    transforms = np.tile(np.eye(4), (len(JOINT_NAMES), 1, 1))
    transforms[:, :3, :3] = template.rest_rotations
    transforms[:, :3, 3] = template.joint_offsets / 10
    return transforms


def global_transforms(local: np.ndarray) -> np.ndarray:
    def place(joint: int) -> np.ndarray:
        return local[joint] if joint == WRIST else place(JOINT_NAMES.index(PARENT_NAMES[JOINT_NAMES[joint]])) @ local[joint]

    return np.array([place(joint) for joint in range(len(JOINT_NAMES))])


def write_poses(path: Path, poses: np.ndarray) -> None:
    rows = (f"b_r_{name} " + " ".join(f"{value:.9f}" for value in pose.ravel()) for name, pose in zip(JOINT_NAMES, poses, strict=True))
    path.write_text("# joint m00 m01 ... m33\n" + "\n".join(rows) + "\n")


def write_folder(folder: Path, template: HandTemplate, bind: np.ndarray | None = None) -> None:
    """A ``hand_model`` folder of the toy; ``bind`` is the pose in which hand.obj was modelled."""
    local = local_transforms(template)
    ids = {name: i for i, name in enumerate(JOINT_NAMES)}
    skeleton = (f"b_r_{name} {i} {ids.get(PARENT_NAMES.get(name, ''), -1)}" for name, i in ids.items())
    (folder / "skeleton.txt").write_text("# name id parent\n" + "\n".join(skeleton) + "\n")
    write_poses(folder / "local_pose.txt", local)
    write_poses(folder / "global_pose.txt", global_transforms(local))
    bind = global_transforms(local) if bind is None else bind
    write_poses(folder / "global_pose_inv.txt", np.linalg.inv(bind))
    to_bind = bind @ np.linalg.inv(global_transforms(local))
    vertices = np.concatenate([template.vertices / 10, np.ones((len(template.vertices), 1))], axis=1)
    owner = template.skinning_weights.argmax(axis=1)
    bound = np.einsum("vab,vb->va", to_bind[owner], vertices)[:, :3]
    lines = [f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in bound]
    lines += [f"vt {u:.9f} {v:.9f}" for u, v in template.uv]
    for face, corners in zip(template.faces + 1, template.uv_faces + 1, strict=True):
        lines.append("f " + " ".join(f"{vertex}/{corner}" for vertex, corner in zip(face, corners, strict=True)))
    (folder / "hand.obj").write_text("\n".join(lines) + "\n")
    rows = []
    for vertex, weights in enumerate(template.skinning_weights):
        rows.append(f"{vertex} " + " ".join(f"b_r_{JOINT_NAMES[joint]} {weights[joint]:.6f}" for joint in np.flatnonzero(weights)))
    (folder / "skinning_weight.txt").write_text("\n".join(rows) + "\n")


def rigid_toy() -> HandTemplate:
    """The toy with each vertex on one bone."""
    toy = toy_template()
    return replace(toy, skinning_weights=np.eye(len(JOINT_NAMES))[toy.skinning_weights.argmax(axis=1)])


def elsewhere(template: HandTemplate) -> HandTemplate:
    """The same hand in a frame in which its wrist is neither at the origin nor upright."""
    turn = np.array([[0.0, -1.0, 0.0], [0.6, 0.0, -0.8], [0.8, 0.0, 0.6]])
    rest_rotations, joint_offsets = template.rest_rotations.copy(), template.joint_offsets.copy()
    rest_rotations[WRIST], joint_offsets[WRIST] = turn, (30.0, -20.0, 10.0)
    vertices = template.vertices @ turn.T + joint_offsets[WRIST]
    return replace(template, vertices=vertices, rest_rotations=rest_rotations, joint_offsets=joint_offsets)


def test_what_was_written_comes_back_in_millimetres(tmp_path: Path):
    toy = rigid_toy()
    write_folder(tmp_path, toy)
    loaded = load_official_template(tmp_path)
    for name in ("vertices", "uv", "rest_rotations", "joint_offsets", "skinning_weights"):
        np.testing.assert_allclose(getattr(loaded, name), getattr(toy, name), atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(loaded.faces, toy.faces)
    np.testing.assert_array_equal(loaded.uv_faces, toy.uv_faces)
    assert not loaded.nail_faces.any()
    np.testing.assert_array_equal(loaded.pose_upper, HandTemplate.load().pose_upper)


def test_the_hand_frame_is_the_wrists_wherever_the_files_put_it(tmp_path: Path):
    toy = rigid_toy()
    write_folder(tmp_path, elsewhere(toy))
    loaded = load_official_template(tmp_path)
    np.testing.assert_allclose(loaded.joint_offsets[WRIST], 0, atol=1e-9)
    np.testing.assert_allclose(loaded.rest_rotations[WRIST], np.eye(3), atol=1e-9)
    for name in ("vertices", "rest_rotations", "joint_offsets"):
        np.testing.assert_allclose(getattr(loaded, name), getattr(toy, name), atol=1e-5, err_msg=name)


def test_a_surface_modelled_in_another_pose_is_taken_to_theta_zero(tmp_path: Path):
    toy = rigid_toy()
    moved = elsewhere(toy)
    local = local_transforms(moved)
    bent = local.copy()
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    bent[JOINT_NAMES.index("index2"), :3, :3] = local[JOINT_NAMES.index("index2"), :3, :3] @ quarter
    write_folder(tmp_path, moved, bind=global_transforms(bent))
    np.testing.assert_allclose(load_official_template(tmp_path).vertices, toy.vertices, atol=1e-5)


def test_joints_may_be_named_by_their_numbers(tmp_path: Path):
    toy = rigid_toy()
    write_folder(tmp_path, toy)
    path = tmp_path / "skinning_weight.txt"
    text = path.read_text()
    for joint, name in enumerate(JOINT_NAMES):
        text = text.replace(f"b_r_{name} ", f"{joint} ")
    path.write_text(text)
    np.testing.assert_allclose(load_official_template(tmp_path).skinning_weights, toy.skinning_weights)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    write_folder(tmp_path, rigid_toy())
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=rf"{name}.*again"):
        load_official_template(tmp_path)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"f 1 2\n", b"b_r_wrist\n", b"0 b_r_wrist nan\n", b"\xff\x00\x80"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes):
    write_folder(tmp_path, rigid_toy())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name) as error:
        load_official_template(tmp_path)
    assert "\n" not in str(error.value)


def test_a_file_cut_short_is_named(tmp_path: Path):
    write_folder(tmp_path, rigid_toy())
    path = tmp_path / "local_pose.txt"
    path.write_text(path.read_text()[:-400])
    with pytest.raises(ValueError, match=r"local_pose\.txt"):
        load_official_template(tmp_path)
