"""The report through its command: tables, figures and what is missing on one page that needs nothing else."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from decoder_pretrain import report, report_pictures, report_texture
from decoder_pretrain.config import low_resolution, preset, with_skinning, without
from decoder_pretrain.finetuning import finetuning
from decoder_pretrain.report_content import Curves, Figure, Missing, Panel, Row, Table
from decoder_pretrain.report_page import Headline, Page, Section, html
from decoder_pretrain.report_pictures import BACK, PALM, Hand, draw_row, error_colours, in_hand_frame, weight_colours
from decoder_pretrain.report_runs import Data, Refusal, Variant, find_runs
from decoder_pretrain.report_texture import deviation_picture, texture_figure
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES
from tests.decoder_pretrain.painted_studio import PaintedStudio
from tests.decoder_pretrain.report_toys import DATA, ToyMoments, toy_run
from tests.toys import toy_template

WHOLE = preset("cpu", DATA, 1)


class Reader(HTMLParser):
    """Text of a page, its pictures, and everything that it would fetch; fails where tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.pictures = 0
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        self.pictures += tag == "img"
        self.fetched += [
            value for name, value in attrs if name in ("src", "href", "xlink:href") and value and not value.startswith(("data:", "#"))
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy moments, and pictures that are quick to draw."""
    monkeypatch.setattr(report, "moments_of", ToyMoments())
    monkeypatch.setattr(report_pictures, "shaded", lambda vertices, faces, K, size, colours: np.zeros((size, size, 3), dtype=np.uint8))


def test_runs_become_one_page_that_fetches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configs = {"x": WHOLE, "y": without(WHOLE, "penetration"), "z": without(WHOLE, "identity-skeleton"), "s": with_skinning(WHOLE)}
    for name, config in configs.items():
        toy_run(tmp_path / "runs" / name, config)
    out = tmp_path / "made" / "report.html"
    assert report.main([str(tmp_path / "runs"), "--out", str(out), "--frames", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(out)]
    page = Reader(out.read_text(encoding="utf-8"))
    assert page.fetched == []
    assert not re.search(r"url\((?!#)|@import|<script", out.read_text(encoding="utf-8"))
    for words in ("Table 1", "Table 2", "Figure 6", "Figure 7", "Figure 8", "Figure 9", "Figure 12", "Figure 13", "Figure 19", "Ablation"):
        assert words in page.text
    assert "without penetration loss" in page.text
    # what no run shows is asked for by the command that makes it
    for command in ("--data virtual:1 --model linear --out", "--data virtual:1 --without pose --out", "--with texture --out"):
        assert command in page.text
    assert "--without penetration --out" not in page.text
    assert page.pictures > 20
    captions = re.findall(r"<p class=caption>(.*?)</p>", out.read_text(encoding="utf-8"))
    assert all("imulated" in caption for caption in captions if "variant was trained more than once" not in caption)


def test_a_damaged_run_is_told_and_loses_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy_run(tmp_path / "good", low_resolution(WHOLE))
    toy_run(tmp_path / "bad", WHOLE).decoder_file.write_bytes(b"half")
    out = tmp_path / "report.html"
    assert report.main([str(tmp_path), "--out", str(out), "--frames", "2"]) == 2
    assert "bad: not used" in capsys.readouterr().err
    text = Reader(out.read_text(encoding="utf-8")).text
    assert "bad cannot be used" in text
    assert "ours, low resolution" in text


def test_an_unfinished_run_is_listed_and_nothing_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy_run(tmp_path / "still", WHOLE, finished=False)
    out = tmp_path / "report.html"
    assert report.main([str(tmp_path), "--out", str(out)]) == 0
    assert "--resume" in Reader(out.read_text(encoding="utf-8")).text
    assert "unfinished" in capsys.readouterr().err


def test_data_that_cannot_be_evaluated_refuses_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    toy_run(tmp_path / "real", preset("cpu", "/somewhere/release", 4))
    out = tmp_path / "report.html"
    assert report.main([str(tmp_path), "--out", str(out)]) == 2
    assert "no such folder" in Reader(out.read_text(encoding="utf-8")).text


@pytest.mark.parametrize("arguments", [["absent"], ["empty"], ["runs", "--frames", "0"], ["runs", "--out", "runs"]])
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    toy_run(tmp_path / "runs" / "a", WHOLE, finished=False)
    assert report.main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_page_escapes_what_it_is_given() -> None:
    odd = '<b>"&'
    variant = Variant(Data(odd, 1))
    panel = Panel(np.zeros((4, 4, 3), dtype=np.uint8), odd)
    parts = (
        Table(odd, odd, odd, (odd, odd), (Row((odd, odd), True),), (Missing(variant),)),
        Figure(odd, odd, odd, (odd,), ((panel,),), scale_mm=3.0),
        Curves(odd, odd, "<svg></svg>"),
    )
    page = Page(odd, odd, True, (Headline(odd, odd),), (Section(odd, parts), Section("empty", ())), (Refusal(Path("x"), odd),), odd)
    reader = Reader(html(page))
    assert reader.pictures == 1
    assert reader.text.count(odd) >= 15
    assert "empty" not in reader.text


# Pictures


def test_the_hand_frame_is_the_same_wherever_the_hand_is() -> None:
    decoder = HandDecoder(toy_template())
    joints = decoder.rest_frames(decoder.joint_offsets).positions.double().numpy()
    R = np.array([[0.0, -1, 0], [0.6, 0, 0.8], [-0.8, 0, 0.6]])
    points = np.random.default_rng(0).normal(size=(5, 3))
    moved = in_hand_frame(points @ R.T + 9, joints @ R.T + 9)
    assert np.allclose(moved, in_hand_frame(points, joints))
    tips = in_hand_frame(joints, joints)
    assert tips[JOINT_NAMES.index("middle_null"), 0] > 100
    assert tips[JOINT_NAMES.index("thumb_null"), 2] > tips[JOINT_NAMES.index("pinky_null"), 2]


def test_hands_of_a_row_share_place_and_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(
        report_pictures,
        "shaded",
        lambda vertices, faces, K, size, colours: drawn.append((vertices, K)) or np.zeros((size, size, 3), dtype=np.uint8),
    )
    template = toy_template()
    vertices = np.asarray(template.vertices)
    for side in (PALM, BACK):
        drawn.clear()
        pictures = draw_row([Hand(vertices, template.faces), Hand(1.2 * vertices, template.faces)], side, 90)
        assert pictures[0].shape == pictures[1].shape
        (first, K), (second, other_K) = drawn
        assert np.array_equal(K, other_K)
        shift = first.mean(axis=0) - second.mean(axis=0)
        assert np.linalg.norm(second - second[0], axis=1) == pytest.approx(1.2 * np.linalg.norm(first - first[0], axis=1))
        assert np.linalg.norm(shift) == pytest.approx(0.2 * np.linalg.norm(vertices.mean(axis=0)))
        seen = second @ K.T
        pixels = seen[:, :2] / seen[:, 2:]
        assert pixels.min() > -0.5
        assert pixels.max() < 89.5


def test_textures_are_compared_before_and_after_fine_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_run(tmp_path / "a", WHOLE)
    toy_run(tmp_path / "a" / "texture", finetuning(WHOLE))
    looked_at = []

    def deviation(model: object, template: object, frames: PaintedStudio, moments: list[int]) -> np.ndarray:
        looked_at.append(moments)
        return np.full((8, 8), 0.06 / len(looked_at))

    monkeypatch.setattr(report_texture, "studio_frames", lambda config: PaintedStudio(5))
    monkeypatch.setattr(report_texture, "texture_deviation", deviation)
    figure = texture_figure(Data(DATA, 1), find_runs(tmp_path))
    assert not figure.missing
    assert [panel.note for panel in figure.rows[0]] == ["a, mean 0.0600", "a/texture, mean 0.0300", "mean -0.0300"]
    assert looked_at == [[0, 1, 2, 3, 4]] * 2
    red, _, blue = figure.rows[0][2].picture[0, 0].astype(int)
    assert blue > red  # less than before


def test_texels_that_no_two_moments_show_are_white_and_the_others_darken() -> None:
    picture = deviation_picture(np.array([[np.nan, 0.0], [0.06, 0.5]])).astype(int).sum(axis=-1)
    assert picture[0, 0] == 3 * 255
    assert picture[0, 0] > picture[0, 1] > picture[1, 0] > picture[1, 1]


def test_colours_follow_their_numbers() -> None:
    brightness = error_colours(np.array([0.0, 5.0, 10.0, 20.0])).sum(axis=1)
    assert brightness[0] > brightness[1] > brightness[2] == brightness[3]
    colours = weight_colours(np.eye(JOINT_COUNT))
    assert np.allclose(weight_colours(np.full((1, JOINT_COUNT), 1 / JOINT_COUNT)), colours.mean(axis=0))
    index = [colours[JOINT_NAMES.index(name)] for name in ("index1", "index2", "pinky1")]
    assert np.linalg.norm(index[0] - index[2]) > 0.3
