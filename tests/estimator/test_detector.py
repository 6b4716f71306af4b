"""Looking at images for hands: when to look again, what to keep, and the way back to image pixels.

Most tests put an obvious detector in the networks' place: it sees a painted rectangle as a hand when that has the right size in its
picture. The last ones run the real one.
"""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import estimator
from estimator import detector
from estimator.detector import Detection, HandDetector, distance, distinct
from estimator.errors import InputError
from estimator.images import read_photograph
from estimator.landmarker import SeenHand
from estimator.models import HAND_LANDMARKER, cached_bundle
from estimator.placed_hand import Side
from estimator.view import around

PATTERN = np.random.default_rng(0).uniform(size=(21, 2))
PATTERN = (PATTERN - PATTERN.min(axis=0)) / np.ptp(PATTERN, axis=0)
"""Where the landmarks lie in a painted hand, as shares of its box."""

COLORS: dict[Side, tuple[int, int, int]] = {"right": (255, 0, 0), "left": (0, 255, 0)}
BOX = tuple[int, int, int, int]


class PaintedHands:
    """Sees rectangles of a side's colour that fill 0.12 to 0.6 of its picture and do not touch its border."""

    score: Callable[[float], float] = staticmethod(lambda share: 0.95)
    looks = 0

    def __init__(self, model: Path | None, hand_count: int, min_score: float) -> None:
        self.hand_count = hand_count

    def __call__(self, pixels: np.ndarray) -> list[SeenHand]:
        PaintedHands.looks += 1
        height, width = pixels.shape[:2]
        hands = []
        for side, color in COLORS.items():
            mask = np.all(pixels == color, axis=-1).astype(np.uint8)
            for x, y, w, h, _ in cv2.connectedComponentsWithStats(mask)[2][1:]:
                share = max(w / width, h / height)
                inside = x > 0 and y > 0 and x + w < width and y + h < height
                if 0.12 <= share <= 0.6 and inside:
                    points = (np.array([x, y]) + PATTERN * [w, h]) / [width, height]
                    solid = np.concatenate([PATTERN * [w, h], np.ones((21, 1))], axis=1)
                    hands.append(SeenHand(side, type(self).score(share), points, solid))
        return hands[: self.hand_count]

    def close(self) -> None:
        pass


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> type[PaintedHands]:
    monkeypatch.setattr(detector, "Landmarker", PaintedHands)
    monkeypatch.setattr(PaintedHands, "looks", 0)
    monkeypatch.setattr(PaintedHands, "score", staticmethod(lambda share: 0.95))
    return PaintedHands


def picture(width: int, height: int, *hands: tuple[Side, BOX]) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    for side, (x, y, w, h) in hands:
        image[y : y + h, x : x + w] = COLORS[side]
    return image


def landmarks_of(box: BOX) -> np.ndarray:
    """Pixel (0, 0) is the centre of the top-left pixel: a rectangle of pixels starts half a pixel before its first one."""
    return np.array(box[:2]) - 0.5 + PATTERN * box[2:]


def detection(side: Side, score: float, box: BOX) -> Detection:
    return Detection(side, score, landmarks_of(box), np.zeros((21, 3)))


def test_sure_hands_are_found_in_one_look_with_side_and_pixels(painted: type[PaintedHands]) -> None:
    boxes: dict[Side, BOX] = {"right": (100, 50, 150, 160), "left": (400, 200, 160, 180)}
    hands = HandDetector()(picture(640, 480, *boxes.items()))
    assert painted.looks == 1
    assert {hand.side for hand in hands} == {"left", "right"}
    for hand in hands:
        assert np.allclose(hand.landmarks_px, landmarks_of(boxes[hand.side]))
        assert np.allclose(hand.box, [*(np.array(boxes[hand.side][:2]) - 0.5), *boxes[hand.side][2:]])


def test_a_hand_that_fills_the_frame_is_found_by_the_second_look(painted: type[PaintedHands]) -> None:
    box = (20, 15, 120, 125)
    hands = HandDetector()(picture(160, 160, ("right", box)))
    assert len(hands) == 1
    assert np.allclose(hands[0].landmarks_px, landmarks_of(box))


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1000, 300)])
@pytest.mark.parametrize("place", [(0.05, 0.1), (0.5, 0.5), (0.85, 0.8)])
def test_a_small_hand_is_found_wherever_it_is(painted: type[PaintedHands], size: tuple[int, int], place: tuple[float, float]) -> None:
    box = (int(place[0] * size[0]), int(place[1] * size[1]), 45, 40)
    hands = HandDetector()(picture(*size, ("left", box)))
    assert [hand.side for hand in hands] == ["left"]
    assert np.allclose(hands[0].landmarks_px, landmarks_of(box), atol=1.0)


def test_specks_are_no_hands(painted: type[PaintedHands]) -> None:
    assert HandDetector()(picture(400, 300, ("left", (200, 150, 20, 18)))) == []


def test_a_hand_that_is_gone_from_close_by_is_no_hand(painted: type[PaintedHands], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HandDetector, "_look_closer", lambda self, image, hand: None)
    assert HandDetector()(picture(640, 480, ("left", (300, 200, 45, 40)))) == []


def test_the_best_hands_come_first_and_no_more_than_asked_for(painted: type[PaintedHands], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painted, "score", staticmethod(lambda share: 0.9 + share / 10))
    image = picture(600, 600, ("right", (20, 20, 150, 150)), ("right", (300, 20, 250, 250)), ("left", (20, 320, 200, 200)))
    scores = [hand.score for hand in HandDetector()(image)]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert [hand.score for hand in HandDetector(max_hands=2)(image)] == scores[:2]


def test_an_image_without_hands_gives_none(painted: type[PaintedHands]) -> None:
    assert HandDetector()(picture(320, 240)) == []


def test_detection_does_not_change_the_image(painted: type[PaintedHands]) -> None:
    image = picture(640, 480, ("left", (300, 200, 45, 40)))
    image.setflags(write=False)
    assert HandDetector()(image)


def test_in_box_finds_the_hand_of_the_box_and_not_its_neighbour(painted: type[PaintedHands]) -> None:
    boxes: list[tuple[Side, BOX]] = [("right", (100, 100, 60, 60)), ("right", (180, 100, 60, 60))]
    image = picture(400, 300, *boxes)
    for _, box in boxes:
        hand = HandDetector().in_box(image, (box[0] - 5.0, box[1] - 5.0, 70.0, 70.0))
        assert hand is not None
        assert np.allclose(hand.landmarks_px, landmarks_of(box), atol=1.0)


@pytest.mark.parametrize("order", [1, -1])
def test_in_box_takes_the_hand_that_fits_the_box_best_whatever_its_score_and_order(
    painted: type[PaintedHands], order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, box = PaintedHands.__call__, (100.0, 95.0, 175.0, 105.0)
    monkeypatch.setattr(painted, "score", staticmethod(lambda share: 1 - share))
    monkeypatch.setattr(painted, "__call__", lambda self, pixels: seen(self, pixels)[::order])
    image = picture(400, 300, ("left", (105, 110, 70, 70)), ("right", (180, 100, 90, 90)))
    first_look = around(box, detector.BOX_FACTORS[0]).pixels(image)
    assert len(painted(None, 4, 0.3)(first_look)) == 2
    hand = HandDetector().in_box(image, box)
    assert hand is not None
    assert hand.side == "right"


def test_in_box_turns_the_view_and_the_answer_back(painted: type[PaintedHands], monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that knows wide hands only finds a tall one in a turned view, and says where it is in the image."""
    box = (100, 80, 50, 70)
    seen = PaintedHands.__call__
    monkeypatch.setattr(
        painted, "__call__", lambda self, pixels: [hand for hand in seen(self, pixels) if np.ptp(hand.landmarks_mm[:, 0]) > 60]
    )
    hand = HandDetector().in_box(picture(400, 300, ("left", box)), (95.0, 75.0, 60.0, 80.0))
    assert hand is not None
    assert np.allclose(hand.box, (99.5, 79.5, 50, 70), atol=1.0)
    flat = hand.landmarks_px - hand.landmarks_px[0]
    assert np.allclose(hand.landmarks_mm[:, :2] - hand.landmarks_mm[0, :2], flat, atol=1.0)


def test_in_box_without_a_hand_is_none(painted: type[PaintedHands]) -> None:
    assert HandDetector().in_box(picture(200, 200), (10.0, 10.0, 50.0, 50.0)) is None
    assert HandDetector().in_box(picture(200, 200), (-30.0, -30.0, 30.5, 30.5)) is None


def test_a_box_may_be_far_larger_than_the_image(painted: type[PaintedHands]) -> None:
    box = (50, 50, 90, 90)
    hand = HandDetector().in_box(picture(200, 200, ("right", box)), (-1e9, -1e9, 1e12, 1e12))
    assert hand is not None
    assert np.allclose(hand.landmarks_px, landmarks_of(box), atol=1.0)


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5, -1), (0, 0, float("nan"), 5), (300, 0, 5, 5), (0, -20, 5, 5)])
def test_a_box_that_cannot_be_used_is_an_error(painted: type[PaintedHands], box: tuple[float, ...]) -> None:
    x, y, width, height = (float(value) for value in box)
    with pytest.raises(InputError, match="box"):
        HandDetector().in_box(picture(200, 200), (x, y, width, height))


def test_one_hand_seen_twice_is_one_hand_whatever_its_sides() -> None:
    twice = [detection("left", 0.7, (100, 100, 80, 80)), detection("right", 0.9, (104, 98, 82, 79))]
    assert distinct(twice) == [twice[1]]
    assert distinct(reversed(twice)) == [twice[1]]


def test_boxes_that_cover_each_other_hold_one_hand_however_its_landmarks_differ() -> None:
    """The networks may see fingers where the wrist is: the same place, other landmarks."""
    upright = detection("left", 0.8, (100, 100, 100, 100))
    turned = replace(upright, side="right", score=0.9, landmarks_px=2 * np.array([149.5, 149.5]) - upright.landmarks_px)
    assert distance(upright, turned) > detector.SAME_DISTANCE
    assert distinct([upright, turned]) == [turned]
    beside = replace(turned, landmarks_px=turned.landmarks_px + np.array([40.0, 0.0]))
    assert distinct([upright, beside]) == [beside, upright]


def test_crossed_hands_are_two() -> None:
    upright, lying = detection("left", 0.9, (100, 100, 40, 160)), detection("right", 0.8, (40, 160, 160, 40))
    assert distinct([upright, lying]) == [upright, lying]


@pytest.mark.parametrize("factor", [0.01, 1.0, 100.0])
def test_distance_has_no_unit_and_no_order(factor: float) -> None:
    one, other = (Detection("left", 0.9, landmarks_of(box) * factor, np.zeros((21, 3))) for box in [(0, 0, 50, 50), (10, 0, 50, 40)])
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert distance(one, other) == pytest.approx(0.2, abs=0.1)
    assert distance(one, one) == 0


@pytest.mark.parametrize("arguments", [{"max_hands": 0}, {"min_score": 0.0}, {"min_score": 1.0}])
def test_options_out_of_range_are_errors(painted: type[PaintedHands], arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        HandDetector(**arguments)


def test_fetch_prints_the_path_and_without_it_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = cached_bundle(HAND_LANDMARKER)
    assert detector.main(["--fetch"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert detector.main([]) == 2
    assert "--fetch" in capsys.readouterr().err


@pytest.fixture(scope="module")
def real() -> Iterator[HandDetector]:
    with HandDetector() as opened:
        yield opened


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    return read_photograph(Path(estimator.__file__).parent / "assets" / "sample.jpg").pixels


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (33, 17), (240, 320)])
def test_grey_images_of_any_shape_have_no_hands(real: HandDetector, size: tuple[int, int]) -> None:
    assert real(np.full((*size, 3), 128, np.uint8)) == []


def test_the_sample_has_one_hand_of_a_hands_size(real: HandDetector, sample: np.ndarray) -> None:
    (hand,) = real(sample)
    length = np.linalg.norm(hand.landmarks_mm[0] - hand.landmarks_mm[9])
    assert 50 < length < 150
    x, y, width, height = hand.box
    inside = real.in_box(sample, (x, y, width, height))
    assert inside is not None
    assert inside.side == hand.side
    assert distance(hand, inside) < 0.1


def test_a_mirrored_image_has_the_mirrored_hand_of_the_other_side(real: HandDetector, sample: np.ndarray) -> None:
    """About: the networks are not symmetric; on photographs the landmarks differ by 0.02 of the hand's size, in the worst case by 0.1."""
    (hand,) = real(sample)
    (mirrored,) = real(np.ascontiguousarray(sample[:, ::-1]))
    assert {hand.side, mirrored.side} == {"left", "right"}
    landmarks = mirrored.landmarks_px * [-1, 1] + [sample.shape[1] - 1, 0]
    assert np.median(np.linalg.norm(landmarks - hand.landmarks_px, axis=1)) < 0.1 * hand.size


@pytest.mark.parametrize("shift", [(0, 0), (25, -10)])
def test_a_tracked_hand_is_where_it_has_moved_to(real: HandDetector, sample: np.ndarray, shift: tuple[int, int]) -> None:
    (hand,) = real(sample)
    move = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
    moved = cv2.warpAffine(sample, move, sample.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    tracked = real.track(moved, hand)
    assert tracked is not None
    assert tracked.side == hand.side
    assert distance(tracked, replace(hand, landmarks_px=hand.landmarks_px + shift)) < 0.05


def test_a_hand_that_is_gone_is_not_tracked(real: HandDetector, sample: np.ndarray) -> None:
    (hand,) = real(sample)
    assert real.track(np.full_like(sample, 128), hand) is None
    assert real.track(sample, replace(hand, landmarks_px=hand.landmarks_px + 1e4)) is None
    assert real.track(sample, replace(hand, landmarks_px=np.full((21, 2), 100.0))) is None


def test_a_file_that_is_no_model_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "hand.task"
    path.write_bytes(b"text")
    with pytest.raises(InputError) as caught:
        HandDetector(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_with_other_models_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "hand.task"
    with zipfile.ZipFile(path, "w") as bundle:
        for member in HAND_LANDMARKER.members:
            bundle.writestr(member.name, b"text")
    with pytest.raises(InputError, match="OpenVINO cannot read the palm network") as caught:
        HandDetector(path)
    assert "\n" not in str(caught.value)


def test_an_open_detector_says_nothing_from_start_to_end(sample: np.ndarray, tmp_path: Path) -> None:
    """Nor does a detector that nobody closed complain when Python ends."""
    np.save(tmp_path / "image.npy", sample)
    program = f"import numpy, estimator.detector as d; D = d.HandDetector(); print(len(D(numpy.load({str(tmp_path / 'image.npy')!r}))))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "1\n"
    assert finished.stderr == ""
