"""The evaluation command: whom it counts as found, what it averages, and what it writes; on toy hands whose truth is known."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datasets.photos import JOINT_ORDER
from datasets.sample import HandSample
from estimator import evaluate
from estimator.detector import Detection
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


class ToyEstimator(HandEstimator):
    """Finds two hands in a bright image and none in a dark one; places the first hand exactly where it is."""

    def __init__(self, options: EstimatorOptions = EstimatorOptions()) -> None:
        self.options = options
        self.detector = lambda image: [detection_of(OTHER_HAND), detection_of(HAND)] if image.mean() > 100 else []  # type: ignore[assignment]

    def place(self, detection: Detection, camera: Camera) -> PlacedHand:
        return replace(HAND, side=detection.side, camera=camera)


@pytest.fixture
def toy_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "HandEstimator", ToyEstimator)


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
    assert status == 0
    assert document["schema"] == "deephandmesh-eval/1"
    methods, sources = ("detector", "landmarks", "full"), ("toys", "night", "all")
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
def test_options_choose_methods_and_photographs(tmp_path: Path) -> None:
    index = write_photos(tmp_path, *(entry("bright.png", source=f"s{i}") for i in range(6)))
    _, document = run(index, "--limit", "3", "--no-refine")
    assert {r["method"] for r in document["rows"]} == {"detector", "landmarks"}
    assert {r["source"] for r in document["rows"]} == {"s0", "s2", "s4", "all"}


@pytest.mark.usefixtures("toy_estimator")
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
    assert run(write_photos(tmp_path, entry("dark.png")))[0] == 3
    assert evaluate.main([str(write_photos(tmp_path, entry("absent.png"))), "--dataset", "photos"]) == 2
    assert evaluate.main([str(tmp_path / "absent.json"), "--dataset", "photos"]) == 2
    assert "absent.json" in capsys.readouterr().err


@pytest.mark.usefixtures("toy_estimator")
@pytest.mark.parametrize(
    "options",
    [
        ["--dataset", "rhd"],
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
    camera = evaluate.sample_camera(sample(), 640, 480)
    np.testing.assert_array_equal(camera.K, HAND.camera.K)
    assert evaluate.sample_camera(sample(K=None), 640, 480) == Camera.from_fov(60.0, 640, 480)


@pytest.mark.skipif(not SAMPLE_IMAGE.exists(), reason="the sample image is not there")
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
