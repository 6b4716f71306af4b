"""The infer command through its real main: what it writes, what it says, and that a bad input loses nothing else.

Most tests have a stand-in for the estimator's models, which finds toy hands at once; the last ones run the real thing.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from estimator import warm_up
from estimator.checkpoint import Checkpoint, save_checkpoint
from estimator.encoder import LandmarkEncoder, LandmarkEncoderConfig
from estimator.hand.camera import Camera
from estimator.hand.template import HandTemplate
from estimator.infer import main
from estimator.models import HAND_LANDMARKER, cached_bundle
from estimator.pipeline import Estimate, EstimatorOptions, HandEstimator, StageTimes
from estimator.placed_hand import PlacedHand
from estimator.profile import HandProfile
from estimator.refinement import Skeleton
from estimator.result_folder import folder_names
from tests.estimator.test_images import UNUSABLE, exif, png16, save, scene
from tests.estimator.test_profile import a_profile
from tests.toys import toy_placed_hand, toy_template

SAMPLE = Path(__file__).parents[2] / "estimator" / "assets" / "sample.jpg"
QUICK = ("--no-overlay", "--max-hands", "1", "--formats", "glb")


@dataclass(frozen=True)
class Call:
    """What the estimator was asked."""

    options: EstimatorOptions
    camera: Camera
    box: tuple[float, float, float, float] | None


def seen_by(hand: PlacedHand, camera: Camera, missed_by: float = 0.0) -> PlacedHand:
    """The hand before another camera, its landmarks beside its joints by so much of its box."""
    width, height = hand.box[2:]
    landmarks = camera.project(hand.joints_mm) + np.array([missed_by * max(width, height), 0.0])
    return replace(hand, camera=camera, landmarks_px=landmarks)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Every call of the estimator, which finds two toy hands wherever the picture's middle is not black."""
    made: list[Call] = []

    def start(self: HandEstimator, options: EstimatorOptions) -> None:
        self.options, self.template, self.decoder_name = options, toy_template(), "template"
        self.skeleton = Skeleton.of(self.template)

    def estimate(self: HandEstimator, image: np.ndarray, camera: Camera, box: tuple | None = None) -> Estimate:
        assert image.dtype == np.uint8
        assert image.shape == (camera.height, camera.width, 3)
        made.append(Call(self.options, camera, box))
        visible = image[image.shape[0] // 2, image.shape[1] // 2].any()
        hands = [seen_by(toy_placed_hand(side), camera) for side in ("right", "left")] if visible else []
        return Estimate(hands[: self.options.max_hands], StageTimes(1.0, 2.0, 3.0, 4.0))

    monkeypatch.setattr(warm_up, "warm_up", lambda skeleton, notify: None)  # what it says depends on the machine
    monkeypatch.setattr(HandEstimator, "__init__", start)
    monkeypatch.setattr(HandEstimator, "estimate", estimate)
    return made


@pytest.fixture(scope="module")
def warm() -> None:
    """Kernels compiled and the detector's models fetched, so that nothing is said about them."""
    cached_bundle(HAND_LANDMARKER)
    warm_up.warm_up(Skeleton.of(HandTemplate.load()), notify=lambda line: None)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return save(scene(120, 160), tmp_path / "in" / "photo.png")


def document(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_text())


def error_lines(stderr: str) -> list[str]:
    assert "Traceback" not in stderr
    return [line for line in stderr.splitlines() if line.startswith("error:")]


class TestWhatIsWritten:
    def test_a_folder_for_each_image(self, calls, photo: Path, tmp_path: Path, capsys) -> None:
        assert main([str(photo), "--out", str(tmp_path / "out")]) == 0
        folder = tmp_path / "out" / "photo"
        meshes = {f"hand_{hand}.{suffix}" for hand in ("0_right", "1_left") for suffix in ("obj", "glb")}
        assert {path.name for path in folder.iterdir()} == meshes | {"overlay.png", "result.json"}
        assert Image.open(folder / "overlay.png").size == (160, 120)
        result = document(folder)
        assert [hand["side"] for hand in result["hands"]] == ["right", "left"]
        assert {name for hand in result["hands"] for name in hand["mesh"]["files"].values()} == meshes
        assert result["image"] | {"sha256": None} == {"path": str(photo), "width": 160, "height": 120, "sha256": None}
        assert result["timing_ms"]["decode"] == 3.0
        assert result["timing_ms"]["total"] >= result["timing_ms"]["render"] > 0
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.splitlines() == [captured.out.strip()]
        assert captured.out.startswith(f"{photo}: right hand, left hand (")
        assert captured.out.strip().endswith(str(folder))

    def test_formats_views_and_no_overlay(self, calls, photo: Path, tmp_path: Path) -> None:
        options = ["--formats", "bvh, PLY", "--views", "--no-overlay", "--max-hands", "1"]
        assert main([str(photo), "--out", str(tmp_path / "out"), *options]) == 0
        names = {path.name for path in (tmp_path / "out" / "photo").iterdir()}
        assert names == {"hand_0_right.bvh", "hand_0_right.ply", "views.png", "result.json"}

    def test_again_overwrites_its_own_and_leaves_what_is_not(self, calls, photo: Path, tmp_path: Path) -> None:
        folder = tmp_path / "out" / "photo"
        assert main([str(photo), "--out", str(tmp_path / "out"), "--views"]) == 0
        (folder / "hand_7_left.obj").write_text("a user's own")
        (folder / "notes.txt").write_text("a user's own")
        assert main([str(photo), "--out", str(tmp_path / "out"), "--max-hands", "1", "--formats", "obj"]) == 0
        names = {path.name for path in folder.iterdir()}
        assert names == {"hand_0_right.obj", "overlay.png", "result.json", "hand_7_left.obj", "notes.txt"}

    def test_a_result_file_that_is_not_ours_deletes_nothing(self, calls, photo: Path, tmp_path: Path) -> None:
        folder = tmp_path / "out" / "photo"
        folder.mkdir(parents=True)
        files = {"obj": "../precious.obj", "ply": "/precious.ply", "glb": 7}
        (folder / "result.json").write_text(json.dumps({"hands": [{"mesh": {"files": files}}]}))
        (tmp_path / "out" / "precious.obj").touch()
        assert main([str(photo), "--out", str(tmp_path / "out")]) == 0
        assert (tmp_path / "out" / "precious.obj").exists()

    def test_no_hand_writes_the_picture_and_exits_with_3(self, calls, photo: Path, tmp_path: Path, capsys) -> None:
        dark = save(np.zeros((90, 100, 3), np.uint8), tmp_path / "in" / "dark.png")
        assert main([str(dark), str(photo), "--out", str(tmp_path / "out"), "--views"]) == 3
        assert document(tmp_path / "out" / "dark")["hands"] == []
        assert {path.name for path in (tmp_path / "out" / "dark").iterdir()} == {"overlay.png", "result.json"}
        np.testing.assert_array_equal(np.array(Image.open(tmp_path / "out" / "dark" / "overlay.png")), np.array(Image.open(dark)))
        captured = capsys.readouterr()
        assert captured.err.startswith(f"note: {dark}: no hand was found")
        assert len(captured.out.splitlines()) == 2
        assert len(document(tmp_path / "out" / "photo")["hands"]) == 2

    def test_folders_and_patterns_and_nothing_twice(self, calls, photo: Path, tmp_path: Path) -> None:
        save(scene(), tmp_path / "in" / "other.jpg")
        inputs = [str(tmp_path / "in"), str(tmp_path / "in" / "*.png"), str(photo)]
        assert main([*inputs, "--out", str(tmp_path / "out")]) == 0
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["other", "photo"]

    def test_a_file_named_by_two_ways_is_one(self, calls, photo: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "in")
        detour, link = tmp_path / "in" / ".." / "in" / "photo.png", tmp_path / "link" / "photo.png"
        assert main([str(photo), str(detour), str(link), "--out", str(tmp_path / "out")]) == 0
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo"]
        assert document(tmp_path / "out" / "photo")["image"]["path"] == str(photo)
        assert len(calls) == 1

    @pytest.mark.parametrize(("missed_by", "doubtful"), [(0.07, False), (0.09, True)])
    def test_a_hand_far_from_its_landmarks_is_doubted(
        self, calls, photo: Path, tmp_path: Path, missed_by: float, doubtful: bool, monkeypatch, capsys
    ) -> None:
        def estimate(self: HandEstimator, image: np.ndarray, camera: Camera, box: tuple | None = None) -> Estimate:
            return Estimate([seen_by(toy_placed_hand("left"), camera, missed_by)], StageTimes())

        monkeypatch.setattr(HandEstimator, "estimate", estimate)
        assert main([str(photo), "--out", str(tmp_path / "out")]) == 0
        notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"note: {photo}: hand 0 (left)")]
        assert ["the focal length or the side may be wrong" in note for note in notes] == [True] * doubtful

    def test_interruption_is_polite(self, calls, photo: Path, tmp_path: Path, monkeypatch, capsys) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(HandEstimator, "estimate", interrupt)
        assert main([str(photo), "--out", str(tmp_path / "out")]) == 130
        assert capsys.readouterr().err.strip() == "interrupted"


class TestNamesOfFolders:
    def test_two_inputs_of_one_name_keep_their_results_apart(self, calls, tmp_path: Path) -> None:
        for name, width in (("a", 50), ("b", 60), ("c", 70)):
            (tmp_path / name).mkdir()
            save(scene(40, width), tmp_path / name / ("photo.jpg" if name != "c" else "PHOTO.png"))
        inputs = [str(tmp_path / name) for name in ("a", "b", "c")]
        assert main([*inputs, "--out", str(tmp_path / "out")]) == 0
        widths = {path.name: document(path)["image"]["width"] for path in (tmp_path / "out").iterdir()}
        assert widths == {"photo": 50, "photo_2": 60, "PHOTO_3": 70}

    @pytest.mark.parametrize(
        ("stems", "names"),
        [
            (["a", "b"], ["a", "b"]),
            (["a", "a", "a_2", "a"], ["a", "a_2", "a_2_2", "a_3"]),
            (["a_2", "a", "a"], ["a_2", "a", "a_3"]),
            (["ß", "SS"], ["ß", "SS_2"]),
            (["..", ".", "...", "what?", "what:"], ["image", "image_2", "image_3", "what_", "what__2"]),
            (["end. ", "end"], ["end", "end_2"]),
        ],
    )
    def test_law(self, stems: list[str], names: list[str]) -> None:
        assert folder_names([Path(f"{stem}.jpg") for stem in stems]) == names

    def test_a_name_of_dots_stays_inside(self, calls, tmp_path: Path) -> None:
        save(scene(), tmp_path / "...png", format="PNG")
        assert main([str(tmp_path / "...png"), "--out", str(tmp_path / "out" / "deep")]) == 0
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["deep"]

    def test_a_name_that_is_no_text(self, calls, tmp_path: Path, capsys) -> None:
        path = os.fsdecode(bytes(tmp_path) + b"/caf\xe9.png")
        save(scene(), Path(path))
        assert main([path, "--out", str(tmp_path / "out")]) == 0
        assert "\\udce9" in capsys.readouterr().out


class TestBadInput:
    @pytest.mark.parametrize("name", [*UNUSABLE, "gone*.jpg", "empty_folder"])
    def test_is_named_with_status_2_and_the_others_are_done(self, calls, tmp_path: Path, name: str, capfd) -> None:
        before, bad, after = save(scene(), tmp_path / "a.png"), tmp_path / name, save(scene(), tmp_path / "z.png")
        if name == "empty_folder":
            bad.mkdir()
        elif name in UNUSABLE:
            UNUSABLE[name][0](bad)
        assert main([str(before), str(bad), str(after), "--out", str(tmp_path / "out"), *QUICK]) == 2
        captured = capfd.readouterr()
        assert [str(bad) in line for line in error_lines(captured.err)] == [True]
        assert len(captured.out.splitlines()) == 2
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "z"]
        assert all((tmp_path / "out" / done / "hand_0_right.glb").exists() for done in "az")

    def test_weighs_more_than_no_hand(self, calls, tmp_path: Path) -> None:
        dark = save(np.zeros((90, 100, 3), np.uint8), tmp_path / "dark.png")
        assert main([str(dark), str(tmp_path / "gone.jpg"), "--out", str(tmp_path / "out")]) == 2
        assert (tmp_path / "out" / "dark" / "result.json").exists()

    def test_alone_starts_no_work(self, calls, tmp_path: Path) -> None:
        assert main([str(tmp_path / "gone.jpg"), "--out", str(tmp_path / "out")]) == 2
        assert calls == []
        assert not (tmp_path / "out").exists()

    def test_traceback_only_where_asked_for(self, calls, tmp_path: Path, capsys) -> None:
        assert main([str(tmp_path / "gone.jpg"), "--debug"]) == 2
        assert "Traceback" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("name", "make"),
        [
            ("deep.png", lambda path: path.write_bytes(png16(scene().astype(int) * 257, colour=2))),
            ("grey.png", lambda path: save(scene()[..., 0], path)),
            ("alpha.png", lambda path: save(np.dstack([scene(), scene()[..., 0]]), path)),
            ("cmyk.jpg", lambda path: Image.fromarray(scene()).convert("CMYK").save(path)),
            ("rotated.jpg", lambda path: save(scene().transpose(1, 0, 2), path, exif=exif(5))),
            ("animated.gif", lambda path: Image.fromarray(scene()).save(path, save_all=True, append_images=[Image.new("RGB", (64, 48))])),
        ],
    )
    def test_unusual_is_not_bad(self, calls, tmp_path: Path, name: str, make, capsys) -> None:
        make(tmp_path / name)
        assert main([str(tmp_path / name), "--out", str(tmp_path / "out")]) == 0
        image = document(tmp_path / "out" / Path(name).stem)["image"]
        assert (image["width"], image["height"]) == (64, 48)
        notes = capsys.readouterr().err.splitlines()
        assert [line.startswith(f"note: {tmp_path / name}: ") for line in notes] == ([True] if name == "animated.gif" else [])

    @pytest.mark.parametrize("place", ["file", "file/below", "/proc/self/nowhere"])
    def test_unwritable_output_is_told_before_any_work(self, calls, photo: Path, tmp_path: Path, place: str, capsys) -> None:
        (tmp_path / "file").touch()
        out = str(tmp_path / place)
        assert main([str(photo), "--out", out]) == 2
        assert calls == []
        assert [out in line for line in error_lines(capsys.readouterr().err)] == [True]

    def test_unwritable_folder_of_one_image_loses_no_other(self, calls, photo: Path, tmp_path: Path, capsys) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "other").touch()
        other = save(scene(), tmp_path / "in" / "other.png")
        assert main([str(other), str(photo), "--out", str(tmp_path / "out")]) == 2
        assert ["other: cannot be written" in line for line in error_lines(capsys.readouterr().err)] == [True]
        assert (tmp_path / "out" / "photo" / "result.json").exists()


class TestWrongUsage:
    @pytest.mark.parametrize(
        "options",
        [
            ["--focal-px", "0"],
            ["--focal-px", "-500"],
            ["--focal-px", "nan"],
            ["--focal-px", "inf"],
            ["--fov-deg", "0"],
            ["--fov-deg", "180"],
            ["--fov-deg", "nan"],
            ["--fov-deg", "1.5"],
            ["--fov-deg", "165"],
            ["--focal-px", "500", "--fov-deg", "60"],
            ["--box", "1,2,3"],
            ["--box", "1,2,3,four"],
            ["--box", "0,0,0,10"],
            ["--box", "0,0,10,-10"],
            ["--box", "0,0,nan,10"],
            ["--formats", "obj,stl"],
            ["--formats", ""],
            ["--max-hands", "0"],
            ["--hand-length-mm", "0"],
            ["--hand-length-mm", "18.5"],
            ["--hand-length-mm", "nan"],
            ["--profile", "me.json"],
        ],
        ids=" ".join,
    )
    def test_one_line_names_the_option(self, calls, photo: Path, tmp_path: Path, options: list[str], capsys) -> None:
        assert main([str(photo), "--out", str(tmp_path / "out"), *options]) == 2
        captured = capsys.readouterr()
        assert [options[0] in line for line in error_lines(captured.err)] == [True]
        assert captured.err.count("\n") == 1
        assert captured.out == ""
        assert calls == []
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("options", [["--hand", "up"], ["--focal-px", "wide"], ["--nonsense"], ["--renderer", "crayon"]], ids=" ".join)
    def test_what_does_not_parse(self, calls, photo: Path, options: list[str], capsys) -> None:
        assert main([str(photo), *options]) == 2
        assert options[0] in capsys.readouterr().err
        assert calls == []

    def test_no_image(self, calls, capsys) -> None:
        assert main([]) == 2
        assert "no image given" in capsys.readouterr().err

    def test_help_explains_every_option(self, capsys) -> None:
        assert main(["--help"]) == 0
        words = capsys.readouterr().out
        options = "out max-hands hand box focal-px fov-deg profile hand-length-mm encoder decoder no-refine formats renderer views"
        assert [option for option in [*options.split(), "no-overlay", "device", "debug"] if f"--{option}" not in words] == []
        assert "Exit status" in words

    def test_every_encoder_that_ships_is_offered(self, capsys) -> None:
        assert main(["--help"]) == 0
        words = capsys.readouterr().out
        assert "{default,landmarks,image}|FILE" in words

    @pytest.mark.parametrize("focal", ["19.9", "6001", "1e-9"])
    def test_a_focal_length_that_no_lens_has(self, calls, photo: Path, tmp_path: Path, focal: str, capsys) -> None:
        assert main([str(photo), "--out", str(tmp_path / "out"), "--focal-px", focal]) == 2
        (line,) = error_lines(capsys.readouterr().err)
        assert str(photo) in line
        assert "--focal-px" in line
        assert "20 to 6000 px" in line
        assert calls == []

    @pytest.mark.parametrize("options", [["--focal-px", "20.1"], ["--focal-px", "5999"], ["--fov-deg", "2"], ["--fov-deg", "157"]])
    def test_fisheye_and_telephoto_are_lenses(self, calls, photo: Path, tmp_path: Path, options: list[str]) -> None:
        assert main([str(photo), "--out", str(tmp_path / "out"), *options]) == 0

    @pytest.mark.parametrize("box", ["160,0,10,10", "159.7,0,10,10", "0,120,10,10", "-20,0,20,10", "0,-30,10,20", "5000,5000,10,10"])
    def test_box_outside_the_image(self, calls, photo: Path, tmp_path: Path, box: str, capsys) -> None:
        assert main([str(photo), "--out", str(tmp_path / "out"), "--box", box]) == 2
        (line,) = error_lines(capsys.readouterr().err)
        assert str(photo) in line
        assert "160 x 120 px" in line


class TestCamera:
    @pytest.mark.parametrize(
        ("options", "source", "focal"),
        [
            (["--focal-px", "333"], "option", 333.0),
            (["--fov-deg", "90"], "option", 100.0),
            ([], "exif", 27 / np.hypot(36, 24) * 200),
        ],
        ids=["focal", "field of view", "exif"],
    )
    def test_option_before_exif(self, calls, tmp_path: Path, options: list[str], source: str, focal: float) -> None:
        path = save(scene(120, 160), tmp_path / "a.jpg", exif=exif(FocalLengthIn35mmFilm=27))
        assert main([str(path), "--out", str(tmp_path / "out"), *options]) == 0
        camera = document(tmp_path / "out" / "a")["camera"]
        assert camera == {"fx": pytest.approx(focal, abs=1e-3), "fy": camera["fx"], "cx": 79.5, "cy": 59.5, "source": source}
        assert calls[0].camera.fx == pytest.approx(focal)

    def test_default_is_60_degrees(self, calls, photo: Path, tmp_path: Path) -> None:
        assert main([str(photo), "--out", str(tmp_path / "out")]) == 0
        camera = document(tmp_path / "out" / "photo")["camera"]
        assert camera["source"] == "default"
        assert 2 * np.degrees(np.arctan(100 / camera["fx"])) == pytest.approx(60, abs=1e-3)

    @pytest.mark.parametrize("box", ["10,20,50,60", "-10.5,-20,50,60", "150,110,50,60"])
    def test_box_reaches_the_estimator_even_over_the_border(self, calls, photo: Path, tmp_path: Path, box: str) -> None:
        assert main([str(photo), "--out", str(tmp_path / "out"), "--box", box]) == 0
        assert calls[0].box == tuple(map(float, box.split(",")))

    def test_profile_reaches_the_estimator(self, calls, photo: Path, tmp_path: Path) -> None:
        a_profile().save(tmp_path / "me.json")
        assert main([str(photo), "--out", str(tmp_path / "out"), "--profile", str(tmp_path / "me.json")]) == 0
        assert calls[0].options.profile == HandProfile.load(tmp_path / "me.json")

    def test_estimator_gets_the_options(self, calls, photo: Path, tmp_path: Path) -> None:
        options = ["--max-hands", "2", "--hand", "left", "--hand-length-mm", "170", "--encoder", "landmarks", "--no-refine"]
        assert main([str(photo), "--out", str(tmp_path / "out"), *options, "--detector-model", "m.task", "--device", "cpu"]) == 0
        assert calls[0].options == EstimatorOptions(
            max_hands=2,
            hand="left",
            hand_length_mm=170.0,
            encoder="landmarks",
            refine=False,
            detector_model=Path("m.task"),
            device="cpu",
        )


@pytest.mark.usefixtures("warm")
class TestRealEstimator:
    def test_as_a_process(self, tmp_path: Path) -> None:
        """The command as a user runs it, with a closed stdout: results do not depend on anybody reading."""
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, "-m", "estimator.infer", str(SAMPLE), str(tmp_path / "gone.jpg"), "--out", str(tmp_path / "out")]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
        os.close(write)
        assert done.returncode == 2
        assert done.stderr.splitlines() == [f"error: {tmp_path / 'gone.jpg'}: no such file or folder; check the path"]
        assert len(document(tmp_path / "out" / "sample")["hands"]) == 1

    def test_no_hand(self, tmp_path: Path) -> None:
        Image.fromarray(np.full((240, 320, 3), 128, np.uint8)).save(tmp_path / "none.png")
        assert main([str(tmp_path / "none.png"), "--out", str(tmp_path / "out")]) == 3

    @pytest.mark.parametrize(("axis", "share"), [(0, 0.3), (1, 0.35)], ids=["left border", "upper border"])
    def test_a_hand_cut_by_the_border_is_continued_beyond_it(self, tmp_path: Path, axis: int, share: float) -> None:
        box, whole = self.box(tmp_path), document(tmp_path / "first" / "sample")["hands"][0]
        cut = [0, 0]
        cut[axis] = int(box[axis] + share * box[2 + axis])
        picture = Image.open(SAMPLE)
        picture.crop((*cut, *picture.size)).save(tmp_path / "cut.png")
        assert main([str(tmp_path / "cut.png"), "--out", str(tmp_path / "out")]) == 0
        (hand,) = document(tmp_path / "out" / "cut")["hands"]
        assert hand["side"] == whole["side"]
        assert np.min(hand["joints_px"], axis=0)[axis] < 0
        assert np.isfinite(hand["joints_mm"]).all()
        where_it_was = np.array(whole["joints_px"]) - cut
        seen = (where_it_was > 0).all(axis=1)
        errors = np.linalg.norm(np.array(hand["joints_px"]) - where_it_was, axis=1)[seen]
        assert len(errors) >= 8
        assert np.median(errors) < 0.1 * max(box[2:])

    def test_weights_of_another_shape_are_one_line(self, tmp_path: Path, capsys) -> None:
        """Torch says in a line a tensor what does not fit."""
        weights = LandmarkEncoder(LandmarkEncoderConfig(width=16, depth=2)).state_dict()
        checkpoint = Checkpoint("landmark-encoder", HandTemplate.load().skeleton_id, {"width": 8, "depth": 1}, weights)
        save_checkpoint(checkpoint, tmp_path / "e.safetensors")
        assert main([str(SAMPLE), "--out", str(tmp_path / "out"), "--encoder", str(tmp_path / "e.safetensors")]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {tmp_path / 'e.safetensors'}: ")
        assert error.count("\n") == 1

    def test_an_encoder_without_a_name(self, tmp_path: Path, capsys) -> None:
        assert main([str(SAMPLE), "--out", str(tmp_path / "out"), "--encoder", ""]) == 2
        (line,) = error_lines(capsys.readouterr().err)
        assert "--encoder" in line

    def test_every_output_for_the_hand_in_a_box(self, tmp_path: Path) -> None:
        box = ",".join(map(str, self.box(tmp_path)))
        assert main([str(SAMPLE), "--out", str(tmp_path / "out"), "--box", box, "--views", "--formats", "obj,glb,ply,bvh"]) == 0
        names = {path.suffix for path in (tmp_path / "out" / "sample").iterdir()}
        assert names == {".obj", ".glb", ".ply", ".bvh", ".png", ".json"}

    @staticmethod
    def box(tmp_path: Path) -> tuple[float, float, float, float]:
        assert main([str(SAMPLE), "--out", str(tmp_path / "first")]) == 0
        return tuple(document(tmp_path / "first" / "sample")["hands"][0]["box"])
