"""The evaluation command: whom it counts as found, what it averages, and what it writes; on toy hands whose truth is known."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datasets.photos import JOINT_ORDER
from datasets.sample import HandSample
from estimator import evaluate, evaluation
from estimator.detector import Detection, HandDetector
from estimator.evaluation import DETECTOR, FULL, SHIPPED_ENCODERS
from estimator.evaluation_plots import METHOD_COLORS, OTHER_COLOR
from estimator.evaluation_scores import HandScore, Prediction, Truth, nearest_found, table_rows, truth_in_image
from estimator.hand.camera import Camera
from estimator.pipeline import EstimatorOptions, HandEstimator
from estimator.placed_hand import PlacedHand
from tests.toys import toy_placed_hand

SAMPLE_IMAGE = Path(evaluate.__file__).parent / "assets" / "sample.jpg"
HAND = toy_placed_hand("right", seed=1)
OTHER_HAND = toy_placed_hand("left", seed=2)
DETECTOR_SHIFT_PX = np.array([3.0, -4.0])


def detection_of(hand: PlacedHand) -> Detection:
    return Detection(
        side=hand.side,
        score=0.9,
        landmarks_px=hand.joints_px + DETECTOR_SHIFT_PX,
        landmarks_mm=2.0 * (hand.joints_mm - hand.joints_mm.mean(axis=0)),
    )


class ToyDetector(HandDetector):
    """Finds two hands in a bright image and none in a dark one."""

    def __init__(self) -> None:
        pass

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return [detection_of(OTHER_HAND), detection_of(HAND)] if image.mean() > 100 else []


class ToyEstimator(HandEstimator):
    """Places the first hand exactly where it is."""

    detectors_opened = 0

    def __init__(self, options: EstimatorOptions = EstimatorOptions(), detector: HandDetector | None = None) -> None:
        self.options = options
        self.detector = detector or self.open_detector()

    @classmethod
    def open_detector(cls) -> HandDetector:
        cls.detectors_opened += 1
        return ToyDetector()

    def place(self, detection: Detection, camera: Camera) -> PlacedHand:
        """Moved by what tells the options apart: 10 mm without refinement, 1 mm an encoder's letter beyond those of ``default``."""
        x = 10.0 * (not self.options.refine) + 1.0 * (len(self.options.encoder) - len("default"))
        return replace(HAND, side=detection.side, camera=camera, joints_mm=HAND.joints_mm + np.array([x, 0.0, 0.0]))


@pytest.fixture
def toy_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "HandEstimator", ToyEstimator)
    monkeypatch.setattr(ToyEstimator, "detectors_opened", 0)


def entry(image: str, **changes: Any) -> dict[str, Any]:
    full = {
        "image": image,
        "source": "toys",
        "hand": HAND.side,
        "kp2d": HAND.joints_px.tolist(),
        "visible": None,
        "kp3d_mm": HAND.joints_mm.tolist(),
        "valid3d": None,
        "K": HAND.camera.K.tolist(),
        "rendered": False,
    }
    return {**full, **changes}


def write_photos(folder: Path, *entries: dict[str, Any]) -> Path:
    for name, level in (("bright.png", 200), ("dark.png", 10)):
        Image.new("RGB", (HAND.camera.width, HAND.camera.height), (level,) * 3).save(folder / name)
    index = folder / "index.json"
    index.write_text(json.dumps({"joint_order": JOINT_ORDER, "entries": entries}))
    return index


def run(index: Path, *options: str) -> tuple[int, dict[str, Any]]:
    result = index.parent / "result.json"
    status = evaluate.main([str(index), "--dataset", "photos", "--json", str(result), *options])
    return status, json.loads(result.read_text())


def row(document: dict[str, Any], source: str, method: str) -> dict[str, Any]:
    (found,) = [r for r in document["rows"] if (r["source"], r["method"]) == (source, method)]
    return found


@pytest.mark.usefixtures("toy_estimator")
def test_every_method_is_measured_per_source_and_over_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = write_photos(
        tmp_path, entry("bright.png"), entry("dark.png", source="night", rendered=True), entry("bright.png", source="night")
    )
    status, document = run(index)
    assert status == 3  # the dark one
    assert document["schema"] == "deephandmesh-eval/1"
    methods, sources = ("detector", "landmarks", "image", "default", "full"), ("toys", "night", "all")
    assert [(r["source"], r["method"]) for r in document["rows"]] == [(s, m) for s in sources for m in methods]
    assert [row(document, s, "full")["rendered"] for s in sources] == [False, None, None]
    for method in methods:
        assert [row(document, s, method)["images"] for s in sources] == [1, 2, 3]
        assert [row(document, s, method)["found"] for s in sources] == [1, 0.5, pytest.approx(2 / 3)]

    size = np.ptp(HAND.joints_px, axis=0).max()
    detector, full = row(document, "all", "detector"), row(document, "all", "full")
    assert detector["epe2d_px"] == pytest.approx(5)
    assert detector["epe2d_rel"] == pytest.approx(5 / size)
    centred = HAND.joints_mm - HAND.joints_mm[0]
    assert detector["rr_mm"] == pytest.approx(np.linalg.norm(centred, axis=1).mean())
    assert detector["pa_mm"] == pytest.approx(0, abs=1e-4)
    assert full["epe2d_px"] == full["rr_mm"] == pytest.approx(0, abs=1e-6)
    assert full["auc_20_50"] == full["pck2d"] == full["side_right"] == 1
    lost = row(document, "night", "full")["per_image"][0]
    assert not lost["found"]
    assert lost["epe2d_px"] is lost["pa_mm"] is lost["side_right"] is None
    assert lost["image"].endswith("dark.png")

    table = capsys.readouterr().out
    assert all(word in table for word in (*methods, *sources, "real", "mixed"))


def in_plane_shift(document: dict[str, Any], method: str) -> float:
    """How far a method's joints are beside the true ones, mm, read off the pixels."""
    return row(document, "all", method)["epe2d_px"] / np.mean(HAND.camera.fx / HAND.joints_mm[:, 2])


@pytest.mark.usefixtures("toy_estimator")
def test_encoders_are_measured_alone_and_the_pipeline_as_asked_for(tmp_path: Path) -> None:
    index = write_photos(tmp_path, entry("bright.png"))
    _, document = run(index)
    shifts = {method: in_plane_shift(document, method) for method in ("landmarks", "image", "default", "full")}
    unrefined = {"landmarks": pytest.approx(12), "image": pytest.approx(8), "default": pytest.approx(10)}
    assert shifts == {**unrefined, "full": pytest.approx(0, abs=1e-6)}
    assert document["encoders"] == {"landmarks": "landmarks", "image": "image", "default": "default"}
    assert (document["encoder"], document["refine"]) == ("default", True)
    assert ToyEstimator.detectors_opened == 1

    _, document = run(index, "--no-refine")
    assert [r["method"] for r in document["rows"] if r["source"] == "all"] == ["detector", "landmarks", "image", "default", "full"]
    assert in_plane_shift(document, "full") == pytest.approx(10)
    assert not document["refine"]

    _, document = run(index, "--encoder", "landmarks")
    assert in_plane_shift(document, "full") == pytest.approx(2)
    assert [r["method"] for r in document["rows"] if r["source"] == "all"] == ["detector", "landmarks", "image", "default", "full"]


@pytest.mark.usefixtures("toy_estimator")
@pytest.mark.parametrize(
    ("file", "method"), [("runs/mine.safetensors", "mine"), ("a/default.safetensors", "default (file)"), ("full", "full (file)")]
)
def test_an_encoder_of_a_file_has_a_row_of_its_own(tmp_path: Path, file: str, method: str) -> None:
    _, document = run(write_photos(tmp_path, entry("bright.png")), "--encoder", file, "--plots", str(tmp_path / "plots"))
    assert [r["method"] for r in document["rows"] if r["source"] == "all"] == ["detector", "landmarks", "image", "default", method, "full"]
    assert document["encoders"][method] == document["encoder"] == file
    beyond = abs(len(file) - len("default"))
    assert in_plane_shift(document, "full") == pytest.approx(beyond)
    assert in_plane_shift(document, method) == pytest.approx(abs(10 + len(file) - len("default")))


@pytest.mark.usefixtures("toy_estimator")
def test_the_camera_is_the_entrys(tmp_path: Path) -> None:
    """The toy pipeline is exact in whatever camera it is given: only with the annotated one it meets the annotated pixels."""
    width, height = HAND.camera.width, HAND.camera.height
    camera = Camera(1.15 * HAND.camera.fx, 1.1 * HAND.camera.fy, HAND.camera.cx + 9, HAND.camera.cy - 7, width, height)
    own = {"kp2d": camera.project(HAND.joints_mm).tolist(), "K": camera.K.tolist()}
    index = write_photos(tmp_path, entry("bright.png", source="own", **own), entry("bright.png", source="none", **{**own, "K": None}))
    _, document = run(index)
    assert row(document, "own", "full")["epe2d_px"] == pytest.approx(0, abs=1e-6)
    assert row(document, "none", "full")["epe2d_px"] > 5


@pytest.mark.usefixtures("toy_estimator")
def test_sides_come_from_the_detector_unless_given_and_wrong_ones_are_counted(tmp_path: Path) -> None:
    index = write_photos(tmp_path, entry("bright.png"), entry("bright.png", hand="left"), entry("bright.png", hand=None))
    expected = {"auto": 0.5, "right": 0.5, "left": 0.5, "annotated": 1.0}
    for choice, share in expected.items():
        assert row(run(index, "--hand", choice)[1], "all", "full")["side_right"] == share
    assert [image["side_right"] for image in row(run(index)[1], "all", "full")["per_image"]] == [True, False, None]


@pytest.mark.usefixtures("toy_estimator")
def test_what_the_annotation_lacks_stays_empty(tmp_path: Path) -> None:
    no_wrist = [0] + [1] * 20
    index = write_photos(
        tmp_path,
        entry("bright.png", source="flat", kp3d_mm=None),
        entry("bright.png", source="wristless", valid3d=no_wrist),
        entry("bright.png", source="deep", kp2d=None),
    )
    _, document = run(index)
    flat, wristless, deep = (row(document, source, "full") for source in ("flat", "wristless", "deep"))
    assert flat["pa_mm"] is flat["rr_mm"] is flat["auc_20_50"] is None
    assert flat["epe2d_px"] is not None
    assert wristless["rr_mm"] is None
    assert wristless["pa_mm"] is not None
    assert deep["epe2d_px"] == pytest.approx(0, abs=1e-6)
    assert deep["found"] == 1


@pytest.mark.usefixtures("toy_estimator")
def test_masked_joints_change_nothing(tmp_path: Path) -> None:
    mask = [1] * 15 + [0] * 6
    wrong_2d, wrong_3d = HAND.joints_px.copy(), HAND.joints_mm.copy()
    wrong_2d[15:], wrong_3d[15:] = 0, 9999
    index = write_photos(tmp_path, entry("bright.png", kp2d=wrong_2d.tolist(), visible=mask, kp3d_mm=wrong_3d.tolist(), valid3d=mask))
    full = row(run(index)[1], "all", "full")
    assert full["epe2d_px"] == pytest.approx(0, abs=1e-6)
    assert full["pa_mm"] == pytest.approx(0, abs=1e-4)


@pytest.mark.usefixtures("toy_estimator")
def test_a_limit_chooses_photographs_evenly(tmp_path: Path) -> None:
    index = write_photos(tmp_path, *(entry("bright.png", source=f"s{i}") for i in range(6)))
    _, document = run(index, "--limit", "3")
    assert {r["source"] for r in document["rows"]} == {"s0", "s2", "s4", "all"}


@pytest.mark.usefixtures("toy_estimator")
def test_every_method_that_is_always_measured_has_a_colour_of_its_own() -> None:
    assert set(METHOD_COLORS) == {DETECTOR, *SHIPPED_ENCODERS, FULL}
    assert len({*METHOD_COLORS.values(), OTHER_COLOR}) == len(METHOD_COLORS) + 1


def test_plots_are_pictures(tmp_path: Path) -> None:
    index = write_photos(
        tmp_path, entry("bright.png"), entry("dark.png", visible=[1] * 20 + [0]), entry("bright.png", kp3d_mm=None, hand="left")
    )
    run(index, "--plots", str(tmp_path / "new" / "plots"))
    written = {path.name for path in (tmp_path / "new" / "plots").iterdir()}
    assert written == {"pck.png", "sources.png", "joints.png", "worst_2d.png", "worst_3d.png"}
    for name in written:
        with Image.open(tmp_path / "new" / "plots" / name) as picture:
            assert min(picture.size) > 200
            assert np.asarray(picture.convert("RGB")).std() > 10


@pytest.mark.usefixtures("toy_estimator")
def test_one_bad_photograph_is_reported_and_the_others_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.png").write_text("no picture")
    bad = [entry("text.png"), entry("absent.png"), entry("bright.png", source="nothing", kp2d=None, kp3d_mm=None)]
    status, document = run(write_photos(tmp_path, *bad, entry("bright.png")))
    assert status == 2
    assert row(document, "all", "full")["images"] == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert all(name in line for name, line in zip(("text.png", "absent.png", "bright.png"), lines, strict=True))


@pytest.mark.usefixtures("toy_estimator")
def test_exit_status_when_no_hand_is_found_and_when_nothing_can_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write_photos(tmp_path, entry("bright.png")))[0] == 0
    assert run(write_photos(tmp_path, entry("bright.png"), entry("dark.png")))[0] == 3
    assert run(write_photos(tmp_path, entry("dark.png")))[0] == 3
    assert run(write_photos(tmp_path, entry("dark.png"), entry("absent.png")))[0] == 2
    assert evaluate.main([str(write_photos(tmp_path, entry("absent.png"))), "--dataset", "photos"]) == 2
    assert evaluate.main([str(tmp_path / "absent.json"), "--dataset", "photos"]) == 2
    assert "absent.json" in capsys.readouterr().err


@pytest.mark.usefixtures("toy_estimator")
@pytest.mark.parametrize(
    "options",
    [
        ["--dataset", "rhd"],
        ["--dataset", "rhd", "--split", "half"],
        ["--dataset", "photos", "--split", "evaluation"],
        ["--dataset", "photos", "--split", "half"],
        ["--dataset", "photos", "--limit", "0"],
        [],
        ["--dataset", "photos", "--json", "/proc/none/x.json"],
        ["--dataset", "photos", "--plots", "/proc/none"],
    ],
)
def test_wrong_usage_ends_with_2_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert evaluate.main([str(write_photos(tmp_path, entry("bright.png"))), *options]) == 2
    error = capsys.readouterr().err
    assert error
    assert "Traceback" not in error


@pytest.mark.usefixtures("toy_estimator")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--dataset", "rhd"], "not an RHD folder"),
        (["--dataset", "photos", "--split", "evaluation"], "photos has no splits"),
        (["--dataset", "photos", "--json", "/proc/none/x.json"], "/proc/none: cannot be written"),
        (["--dataset", "photos", "--plots", "/proc/none"], "/proc/none: cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_before_any_work(
    tmp_path: Path, options: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluation, "evaluate", lambda *_: pytest.fail("the work has begun"))
    assert evaluate.main([str(write_photos(tmp_path, entry("bright.png"))), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_an_installed_package_says_that_it_takes_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with the wheel, which lacks the folder datasets/."""
    index = write_photos(tmp_path, entry("bright.png"))
    for module in [name for name in sys.modules if name.startswith(("datasets.", "estimator.evaluation"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert evaluate.main([str(index), "--dataset", "photos"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "python -m estimator.evaluate runs from a checkout" in line


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(
        option in text for option in ("--dataset", "--encoder", "--json", "--plots", "--limit", "--hand", "--no-refine", "--detector-model")
    )


def square(size: float) -> Truth:
    corners = np.array([[0.0, 0.0], [size, 0.0], [size, size], [0.0, size]])
    return Truth(np.resize(corners, (21, 2)), np.ones(21, dtype=bool))


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 0), (49.0, 0), (50.0, None), (80.0, None)])
def test_a_hand_is_found_under_half_its_size(shift: float, expected: int | None) -> None:
    truth = square(100.0)
    assert nearest_found(truth, [truth.joints_px + np.array([0.0, shift])]) == expected


def test_the_nearest_of_several_detections_counts_by_its_median() -> None:
    truth = square(100.0)
    outlier = truth.joints_px.copy()
    outlier[:9] += 1000
    assert nearest_found(truth, [truth.joints_px + 5, outlier, truth.joints_px + 30]) == 1
    assert nearest_found(truth, []) is None


def test_hidden_joints_do_not_decide_what_is_found() -> None:
    visible = np.arange(21) < 8
    joints = np.where(visible[:, None], square(100.0).joints_px, np.nan)
    assert nearest_found(Truth(joints, visible), [square(100.0).joints_px]) == 0


def sample(**changes: Any) -> HandSample:
    ones = np.ones(21, dtype=bool)
    return replace(HandSample(Path("a.jpg"), "toys", "right", False, HAND.joints_px, ones, HAND.joints_mm, ones, HAND.camera.K), **changes)


def test_means_are_over_found_hands_and_shares_over_all() -> None:
    exact = Prediction("right", HAND.joints_px, HAND.joints_mm)
    far = Prediction("left", HAND.joints_px + np.array([0.0, 10.0]), HAND.joints_mm)
    truth = truth_in_image(sample(), HAND.camera)
    scores = [HandScore(sample(), truth, "full", prediction) for prediction in (exact, far, None, None)]
    toys, overall = table_rows(scores)
    assert (toys.source, overall.source) == ("toys", "all")
    assert toys.found == 0.5
    assert toys.side_right == 0.5
    assert toys.mean("epe2d_px") == pytest.approx(5)


def test_a_row_without_found_hands_has_no_numbers() -> None:
    only, _ = table_rows([HandScore(sample(), truth_in_image(sample(), HAND.camera), "full", None)])
    assert only.found == 0
    assert np.isnan(only.side_right)
    assert np.isnan(only.mean("pa_mm"))


def test_the_camera_is_the_annotations_or_sixty_degrees() -> None:
    camera = evaluation.sample_camera(sample(), 640, 480)
    np.testing.assert_array_equal(camera.K, HAND.camera.K)
    assert evaluation.sample_camera(sample(K=None), 640, 480) == Camera.from_fov(60.0, 640, 480)


def test_the_real_pipeline_agrees_with_itself(tmp_path: Path) -> None:
    """Annotated with what the pipeline answers, the sample image is found, on the right side, without error."""
    pixels = np.asarray(Image.open(SAMPLE_IMAGE).convert("RGB"))
    camera = Camera.from_fov(60.0, pixels.shape[1], pixels.shape[0])
    (hand,) = HandEstimator(EstimatorOptions(max_hands=1)).estimate(pixels, camera).hands
    values = {"kp2d": hand.joints_px.tolist(), "kp3d_mm": hand.joints_mm.tolist(), "K": camera.K.tolist()}
    status, document = run(write_photos(tmp_path, entry(str(SAMPLE_IMAGE), hand=hand.side, **values)))
    full = row(document, "all", "full")
    assert status == 0
    assert full["found"] == full["side_right"] == 1
    assert full["epe2d_px"] < 0.01
    assert full["rr_mm"] < 0.01
    assert row(document, "all", "detector")["epe2d_rel"] < 0.1
