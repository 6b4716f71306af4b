"""Clips as GLB, BVH and NPZ, each read by other programs' rules: every frame stands where the track has it."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation, Slerp

from estimator.export_bvh import write_bvh_clip
from estimator.export_gltf import write_glb
from estimator.export_gltf_clip import write_glb_clip
from estimator.export_npz import write_npz_clip
from estimator.hand.template import JOINT_NAMES
from estimator.hand_track import HandTrack
from tests.estimator.exported_hands import exported_hand, to_y_up
from tests.estimator.test_export_bvh import Bvh, joint_positions
from tests.estimator.test_export_gltf import Glb
from tests.estimator.test_hand_track import track_of
from tests.toys import toy_placed_hand

TOLERANCE_MM = 0.05
VALIDATOR = Path(__file__).parents[2] / ".venv" / "gltf-validator" / "node_modules" / "gltf-validator"


def clip(side: str, count: int = 5) -> HandTrack:
    return track_of([toy_placed_hand(side, seed) for seed in range(count)])


def with_gap(track: HandTrack) -> HandTrack:
    """Comes at the third frame and is away for four in the middle."""
    frames = np.array([2, 3, 8, 9, 10])
    return replace(track, frames=frames, seconds=frames / 25.0, identity=3)


def vertices_of(track: HandTrack) -> np.ndarray:
    """Skinning by the definition, camera frame."""
    joints = track.joints
    turns = joints.rotations @ track.rest_rotations.swapaxes(-1, -2)
    moves = joints.positions - np.einsum("fjab,jb->fja", turns, track.rest_positions)
    weights = track.template.skinning_weights
    return np.einsum("vj,fjab,vb->fva", weights, turns, track.rest_vertices, optimize=True) + np.einsum("vj,fja->fva", weights, moves)


class AnimatedGlb(Glb):
    """A file posed at a time as the specification says: each channel sampled, then the skin."""

    def posed_at(self, seconds: float) -> "AnimatedGlb":
        document = json.loads(json.dumps(self.json))
        for channel in document["animations"][0]["channels"]:
            sampler = document["animations"][0]["samplers"][channel["sampler"]]
            times, values = self.array(sampler["input"]).astype(float), self.array(sampler["output"]).astype(float)
            document["nodes"][channel["target"]["node"]][channel["target"]["path"]] = sampled(times, values, sampler, channel, seconds)
        return AnimatedGlb(document, self.binary)

    def hand_mm(self, skin_index: int) -> np.ndarray:
        """The vertices of one hand, by its node."""
        skin = self.json["skins"][skin_index]
        node = next(node for node in self.json["nodes"] if node.get("skin") == skin_index)
        alone = json.loads(json.dumps(self.json))
        alone["skins"], alone["meshes"] = [skin], [self.json["meshes"][node["mesh"]]]
        return AnimatedGlb(alone, self.binary).posed_mm()

    def hand_corners(self, mesh_index: int) -> np.ndarray:
        primitives = self.json["meshes"][mesh_index]["primitives"]
        return np.concatenate([self.array(primitive["indices"]) for primitive in primitives]).reshape(-1, 3)


def sampled(times: np.ndarray, values: np.ndarray, sampler: dict[str, Any], channel: dict[str, Any], seconds: float) -> list[float]:
    seconds = float(np.clip(seconds, times[0], times[-1]))
    if sampler["interpolation"] == "STEP":
        return values[np.searchsorted(times, seconds, side="right") - 1].tolist()
    if channel["target"]["path"] == "rotation" and len(times) > 1:
        return Slerp(times, Rotation.from_quat(values))(seconds).as_quat().tolist()
    return [float(np.interp(seconds, times, column)) for column in values.T]


def written(tracks: list[HandTrack], path: Path) -> AnimatedGlb:
    write_glb_clip(tracks, path)
    return AnimatedGlb.read(path)


@pytest.mark.parametrize("side", ["right", "left"])
def test_glb_shows_every_frame(side: str, tmp_path: Path) -> None:
    track = clip(side)
    glb = written([track], tmp_path / "clip.glb")
    faces = track.template.faces if side == "right" else track.template.faces[:, ::-1]
    for seconds, vertices in zip(track.seconds, vertices_of(track), strict=True):
        np.testing.assert_allclose(glb.posed_at(seconds).posed_mm()[glb.corners()], to_y_up(vertices)[faces], atol=TOLERANCE_MM)


def test_glb_of_several_hands_keeps_them_apart_and_hides_who_is_away(tmp_path: Path) -> None:
    tracks = [clip("right", 12), with_gap(clip("left"))]
    glb = written(tracks, tmp_path / "clip.glb")
    names = [node["name"] for node in glb.json["nodes"]]
    assert len(set(names)) == len(names) == 2 * (len(JOINT_NAMES) + 1)
    assert [node["name"] for node in glb.json["nodes"] if "skin" in node] == ["right_0_hand", "left_3_hand"]
    left = tracks[1]
    expected = to_y_up(vertices_of(left))[:, left.template.faces[:, ::-1]]
    for frame in range(12):
        posed = glb.posed_at(frame / 25.0 + 1e-4)
        points = posed.hand_mm(1)[posed.hand_corners(1)]
        if frame in left.frames:
            now = list(left.frames).index(frame)
            exact = glb.posed_at(frame / 25.0).hand_mm(1)[posed.hand_corners(1)]
            np.testing.assert_allclose(exact, expected[now], atol=TOLERANCE_MM)
            assert np.ptp(points.reshape(-1, 3), axis=0).max() > 50
        else:
            assert np.ptp(points.reshape(-1, 3), axis=0).max() < 1e-3, f"shown in frame {frame}"


def test_quaternions_take_the_short_way_and_times_are_the_clips(tmp_path: Path) -> None:
    hand = toy_placed_hand()
    turns = [Rotation.from_euler("z", angle).as_matrix() for angle in np.linspace(0, 2 * np.pi, 25)]
    track = replace(track_of([hand] * 25), root_rotations=np.stack([turn @ hand.root_rotation for turn in turns]))
    glb = written([track], tmp_path / "clip.glb")
    animation = glb.json["animations"][0]
    for sampler in animation["samplers"]:
        np.testing.assert_allclose(glb.array(sampler["input"]), track.seconds, atol=1e-6)
    wrist = next(channel for channel in animation["channels"] if channel["target"]["path"] == "rotation")
    quaternions = glb.array(animation["samplers"][wrist["sampler"]]["output"])
    assert (np.einsum("fq,fq->f", quaternions[1:], quaternions[:-1]) > 0.9).all()


@pytest.mark.parametrize("side", ["right", "left"])
def test_bvh_shows_every_frame(side: str, tmp_path: Path) -> None:
    track = clip(side)
    (path,) = write_bvh_clip([track], tmp_path / "clip.bvh")
    bvh = Bvh.read(path)
    assert bvh.frame_time == pytest.approx(0.04)
    assert len(bvh.frames) == 5
    for frame, positions in enumerate(track.joints.positions):
        np.testing.assert_allclose(joint_positions(bvh, frame), to_y_up(positions), atol=TOLERANCE_MM)


def test_bvh_of_several_hands_is_a_file_each_and_they_stay_together(tmp_path: Path) -> None:
    tracks = [clip("right", 4), with_gap(clip("left"))]
    paths = write_bvh_clip(tracks, tmp_path / "clip.bvh")
    assert [path.name for path in paths] == ["clip_0_right.bvh", "clip_3_left.bvh"]
    bvh, positions = Bvh.read(paths[1]), to_y_up(tracks[1].joints.positions)
    assert len(bvh.frames) == 11
    for frame, row in enumerate([0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 4]):
        np.testing.assert_allclose(joint_positions(bvh, frame), positions[row], atol=TOLERANCE_MM)


def test_bvh_at_uneven_times_lies_between_the_poses(tmp_path: Path) -> None:
    track = replace(clip("right"), seconds=np.array([0.0, 0.03, 0.08, 0.11, 0.16]))
    (path,) = write_bvh_clip([track], tmp_path / "clip.bvh")
    bvh, wrists = Bvh.read(path), to_y_up(track.root_translations)
    rows = np.stack([np.interp(np.arange(5) * 0.04, track.seconds, column) for column in wrists.T], axis=1)
    np.testing.assert_allclose(bvh.frames[:, :3], rows, atol=1e-3)


@pytest.mark.parametrize("side", ["right", "left"])
def test_npz_is_enough_to_pose_the_hand(side: str, tmp_path: Path) -> None:
    track = clip(side)
    write_npz_clip([track, with_gap(clip("right"))], tmp_path / "clip.npz")
    with np.load(tmp_path / "clip.npz", allow_pickle=False) as data:
        assert str(data["schema"]) == "deephandmesh-clip/1"
        assert int(data["hands"]) == 2
        assert [str(data[f"hand{i}_side"]) for i in (0, 1)] == [side, "right"]
        np.testing.assert_array_equal(data["hand1_frames"], [2, 3, 8, 9, 10])
        rotations, positions = data["hand0_joint_rotations"].astype(float), data["hand0_joint_positions"].astype(float)
        turns = rotations @ data["hand0_rest_joint_rotations"].swapaxes(-1, -2)
        moves = positions - np.einsum("fjab,jb->fja", turns, data["hand0_rest_joint_positions"])
        each = np.einsum("fjab,vb->fvja", turns, data["hand0_rest_vertices"].astype(float)) + moves[:, None]
        vertices = np.einsum("vj,fvja->fva", data["skinning_weights"], each)
        np.testing.assert_allclose(vertices, vertices_of(track), atol=TOLERANCE_MM)
        assert list(data["joint_names"]) == list(JOINT_NAMES)


def test_a_clip_without_hands_is_an_empty_scene(tmp_path: Path) -> None:
    write_glb_clip([], tmp_path / "clip.glb")
    assert pygltflib.GLTF2().load(str(tmp_path / "clip.glb")).scenes[0].nodes in ([], None)
    assert write_bvh_clip([], tmp_path / "clip.bvh") == []
    write_npz_clip([], tmp_path / "clip.npz")
    assert int(np.load(tmp_path / "clip.npz")["hands"]) == 0


def test_times_that_do_not_increase_are_our_own_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="times that increase"):
        write_glb_clip([replace(clip("right"), seconds=np.array([0.0, 0.1, 0.1, 0.2, 0.3]))], tmp_path / "clip.glb")


@pytest.mark.parametrize("kind", ["one hand", "a clip", "a clip of two", "a single frame", "no hand"])
def test_khronos_validator_finds_nothing(kind: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not VALIDATOR.exists():
        pytest.skip("needs node and: npm install --prefix .venv/gltf-validator gltf-validator")
    path = tmp_path / "hand.glb"
    if kind == "one hand":
        write_glb(exported_hand("seamed", "left"), path)
    else:
        both = [clip("right", 12), with_gap(clip("left"))]
        write_glb_clip({"a clip": both[:1], "a clip of two": both, "a single frame": [clip("left", 1)], "no hand": []}[kind], path)
    script = (
        f"require({json.dumps(str(VALIDATOR))}).validateBytes(new Uint8Array(require('fs').readFileSync({json.dumps(str(path))})))"
        ".then(r => console.log(JSON.stringify(r.issues)))"
    )
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True, timeout=60)
    issues = json.loads(done.stdout)
    serious = [issue for issue in issues["messages"] if issue["severity"] <= 1]
    assert (issues["numErrors"], issues["numWarnings"], serious) == (0, 0, [])
