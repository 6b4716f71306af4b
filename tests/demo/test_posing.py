"""The Pose tab's hand: what the decoder makes of it, with each corrective in or left out."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pygltflib
import pytest
import torch

from demo.pose_files import placed, write_pose
from demo.pose_view import COLOURS, CORRECTION_COLOUR, POSED, SHAPES, SKIN_COLOUR, UNPOSED, PoseView, legend, pose_summary, scene_of_pose
from demo.posing import CORRECTIVES, Poser, angles_of, poser_of, theta_of_degrees, whose_hand
from estimator.errors import InputError
from estimator.hand.correctives import BakedCorrectives, Correctives, CorrectivesConfig
from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES, PAPER_POSES
from estimator.hand.template import POSE_NAMES, HandTemplate
from estimator.personal_decoder import PersonalDecoder
from tests.toys import toy_template


def toy_person(*parts: str) -> Poser:
    template = toy_template()
    W = torch.tensor(template.skinning_weights, dtype=torch.float32)
    torch.manual_seed(3)
    correctives = Correctives(CorrectivesConfig(parts=parts), W)
    for weights in correctives.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    return Poser(PersonalDecoder(HandDecoder(template, BakedCorrectives.of(correctives)), template, "toy"))


@pytest.fixture(scope="module")
def everyone() -> Poser:
    return toy_person(*CORRECTIVES)


THETA = 0.3 * np.sin(np.arange(28.0))


def test_all_correctives_give_what_the_decoder_gives(everyone: Poser) -> None:
    posed = everyone.pose(THETA)
    with torch.no_grad():
        mesh = everyone.decoder(torch.tensor(THETA, dtype=torch.float32))
    np.testing.assert_allclose(posed.vertices, mesh.vertices, atol=1e-4)
    np.testing.assert_allclose(posed.joint_positions, mesh.joints.positions, atol=1e-4)


def test_without_correctives_it_is_the_template(everyone: Poser) -> None:
    posed = everyone.pose(THETA, frozenset())
    bare = Poser(PersonalDecoder(HandDecoder(everyone.template), everyone.template, "template")).pose(THETA)
    np.testing.assert_allclose(posed.vertices, bare.vertices, atol=1e-5)
    assert not posed.corrected_mm.any()


def test_each_switch_changes_what_it_names(everyone: Poser) -> None:
    bare = everyone.pose(THETA, frozenset())
    bones = everyone.pose(THETA, frozenset({"identity-skeleton"}))
    np.testing.assert_array_equal(bones.rest_vertices, bare.rest_vertices)
    assert np.abs(bones.joint_offsets - bare.joint_offsets).max() > 0.01
    shape, bulges = (everyone.pose(THETA, frozenset({part})) for part in ("identity-vertex", "pose-vertex"))
    still = everyone.pose(np.zeros(28), frozenset({"pose-vertex"}))
    for posed in (shape, bulges):
        np.testing.assert_array_equal(posed.joint_offsets, bare.joint_offsets)
        assert posed.corrected_mm.max() > 0.01
    assert np.abs(bulges.rest_vertices - still.rest_vertices).max() > 1e-4


@pytest.mark.parametrize("parts", [(), ("identity-vertex",), CORRECTIVES])
def test_only_what_a_decoder_has_can_be_switched(parts: tuple[str, ...]) -> None:
    assert toy_person(*parts).available == parts


def test_the_template_says_that_it_is_nobody() -> None:
    template = toy_template()
    poser = Poser(PersonalDecoder(HandDecoder(template), template, "template"))
    assert poser.available == ()
    assert "template" in poser.description


def test_correctives_can_be_switched_where_the_hand_has_some(decoder_file: Path) -> None:
    assert poser_of().available == CORRECTIVES
    assert poser_of(str(decoder_file)).available == CORRECTIVES
    assert poser_of("template").available == ()


def test_whose_hand_it_is_and_that_it_is_simulated() -> None:
    assert "average" in whose_hand("template")
    assert "simulated" in whose_hand("virtual:1 (subject 1)")
    assert "simulated" not in whose_hand("release (subject 4)")


def test_sliders_are_theta_in_degrees_within_the_limits() -> None:
    template = HandTemplate.load()
    angles = angles_of(template)
    assert tuple(angle.name for angle in angles) == POSE_NAMES
    for name in PAPER_POSES:
        theta = np.array(NAMED_POSES[name])
        np.testing.assert_allclose(theta_of_degrees(angles, tuple(np.degrees(theta).tolist())), theta)
    for wrong in (91, -21, float("nan"), None, "1"):
        degrees = [0.0] * 28
        degrees[POSE_NAMES.index("index1.z")] = wrong
        with pytest.raises(InputError, match=r"index1\.z: expected -20 to 90 degrees"):
            theta_of_degrees(angles, tuple(degrees))


def test_views_differ_where_they_should(everyone: Poser) -> None:
    posed = everyone.pose(THETA)
    scenes = {view: scene_of_pose(posed, everyone.template, view) for view in (PoseView(s, c) for s in SHAPES for c in COLOURS)}
    assert len({scene.meshes[0].paint.tobytes() for scene in scenes.values()}) >= 3
    shown = scenes[PoseView(POSED, SKIN_COLOUR)].meshes[0].vertices
    assert np.abs(shown - scenes[PoseView(UNPOSED, SKIN_COLOUR)].meshes[0].vertices).max() > 1
    assert len({scene.key for scene in scenes.values()}) == 1  # the direction of view stays
    assert "mm" in legend(posed, PoseView(POSED, CORRECTION_COLOUR))
    assert not legend(posed, PoseView())


def test_penetration_is_red_and_said() -> None:
    poser = poser_of("template")
    posed = poser.pose(np.array(NAMED_POSES["fist"]), frozenset())
    paint = scene_of_pose(posed, poser.template, PoseView()).meshes[0].paint.astype(int)
    deep, free = posed.depth_mm > 2, posed.depth_mm == 0
    assert (paint[deep, 0] > 2 * paint[deep, 1]).all()
    assert (paint[free, 0] < 2 * paint[free, 1] + 10).all()
    assert f"{posed.depth_mm.max():.1f} mm" in pose_summary(posed, poser)
    assert "No part" in pose_summary(poser.pose(np.zeros(28)), poser)


def test_files_of_a_pose(everyone: Poser, tmp_path: Path) -> None:
    posed = everyone.pose(THETA)
    hand = placed(everyone, posed)
    assert hand.reprojection_px < 1e-6
    assert np.linalg.det(hand.root_rotation) == pytest.approx(1, abs=1e-5)
    with zipfile.ZipFile(write_pose(everyone, posed, tmp_path)) as archive:
        assert set(archive.namelist()) == {"pose.json", *(f"posed_hand.{kind}" for kind in ("obj", "glb", "ply", "bvh"))}
        document = json.loads(archive.read("pose.json"))
        glb = pygltflib.GLTF2.load_from_bytes(archive.read("posed_hand.glb"))
    np.testing.assert_allclose([document["angles_deg"][name] for name in POSE_NAMES], np.degrees(THETA), atol=1e-3)
    assert len(glb.skins[0].joints) == 22
