"""Two visitors with a real browser, one at a desk and one with a phone. DEMO_SCREENSHOTS names a folder that keeps what they saw."""

import base64
import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.demo.clips import SAMPLE

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install '.[test]')")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)")

PATIENCE_MS = 180_000
DESK = {"viewport": {"width": 1280, "height": 900}, "permissions": ["camera", "clipboard-read", "clipboard-write"]}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",  # WebGL without a graphics card
    "--enable-unsafe-swiftshader",
    "--use-fake-device-for-media-stream",  # a camera that films a test picture
    "--use-fake-ui-for-media-stream",
]


@dataclass
class Visitor:
    """A page of the demo, and what went wrong on it."""

    name: str
    page: Any
    pictures: Path | None
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def shoot(self, what: str, whole: bool = False) -> None:
        if self.pictures:
            self.page.screenshot(path=self.pictures / f"{self.name}_{what}.png", full_page=whole, timeout=PATIENCE_MS)

    def shown(self, view: str) -> int:
        return int(self.page.locator(f"#{view} canvas").get_attribute("data-shown") or 0)

    def wait_for_scene(self, view: str, more_than: int) -> None:
        self.page.wait_for_function(f"Number(document.querySelector('#{view} canvas').dataset.shown || 0) > {more_than}")

    def drawn_share(self, view: str) -> float:
        """Share of the view's pixels that the hand covers."""
        return self.page.evaluate(
            """(view) => new Promise((done) => requestAnimationFrame(() => {
                const canvas = document.querySelector(`#${view} canvas`), small = new OffscreenCanvas(64, 64).getContext('2d');
                canvas.dispatchEvent(new KeyboardEvent('keydown', { key: '0' }));
                requestAnimationFrame(() => {
                    small.drawImage(canvas, 0, 0, 64, 64);
                    const data = small.getImageData(0, 0, 64, 64).data;
                    done(data.filter((_, i) => i % 4 === 3 && data[i] > 100).length / 4096);
                });
            }))""",
            view,
        )

    def fits_the_width(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")

    def open_tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def say(self, words: str) -> None:
        """Wait until the summary of the Image tab says so."""
        self.page.locator("#image-summary h3").filter(has_text=words).wait_for()

    def take_the_photograph_away(self) -> None:
        self.page.locator("#photograph").get_by_label("Remove Image").click()
        self.page.locator("#image-summary h3").wait_for(state="detached")

    def archive(self) -> str:
        return self.page.locator("#archive a").first.get_attribute("href")


@pytest.fixture(scope="module")
def pictures() -> Path | None:
    """Only where somebody looks: drawing a page again costs time."""
    if not (name := os.environ.get("DEMO_SCREENSHOTS")):
        return None
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as library:
        running = library.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def visit(browser, name: str, options: dict, address: str, pictures: Path | None) -> Iterator[Visitor]:
    """The demo's page; what it asked of other hosts, and its errors, make the last test fail at its end."""
    context = browser.new_context(accept_downloads=True, **options)
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(name, context.new_page(), pictures)
    context.on("request", lambda sent: None if sent.url.startswith((address, "data:", "blob:")) else visitor.foreign.append(sent.url))
    visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
    visitor.page.goto(address)
    visitor.page.wait_for_selector("#find-hands")
    yield visitor
    context.close()
    assert visitor.foreign == []
    assert visitor.errors == []


@pytest.fixture(scope="module")
def desk(browser, address: str, pictures: Path | None) -> Iterator[Visitor]:
    yield from visit(browser, "desk", DESK, address, pictures)


@pytest.fixture(scope="module")
def phone(browser, address: str, pictures: Path | None) -> Iterator[Visitor]:
    yield from visit(browser, "phone", PHONE, address, pictures)


@pytest.fixture(params=["desk", "phone"])
def visitor(request: pytest.FixtureRequest) -> Visitor:
    return request.getfixturevalue(request.param)


def test_a_photograph_becomes_a_hand_in_3d_and_files(visitor: Visitor, tmp_path: Path) -> None:
    page, before = visitor.page, visitor.shown("image-view")
    visitor.shoot("start", whole=True)
    assert not page.locator("#archive").is_visible()  # what nobody has made is not there
    page.set_input_files("#photograph input[type=file]", SAMPLE)
    visitor.say("1 right")
    visitor.wait_for_scene("image-view", before)
    page.wait_for_selector("#overlay img")
    assert 0.05 < visitor.drawn_share("image-view") < 0.9
    assert page.locator("#hands").get_by_text("right").count()
    assert visitor.fits_the_width()
    visitor.shoot("image", whole=True)
    with page.expect_download() as download:
        page.locator("#archive a").first.click()
    path = tmp_path / "hands.zip"
    download.value.save_as(path)
    assert "hand_0_right.glb" in zipfile.ZipFile(path).namelist()


def test_sliders_and_named_poses_move_the_hand(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_tab("Pose")
    visitor.wait_for_scene("pose-view", 0)
    assert 0.05 < visitor.drawn_share("pose-view") < 0.9
    visitor.shoot("pose", whole=True)
    before = visitor.shown("pose-view")
    slider = page.locator("#slider-index1_z input[type=range]")
    slider.focus()
    page.keyboard.press("ArrowRight")
    visitor.wait_for_scene("pose-view", before)
    assert float(page.locator("#pose-view canvas").get_attribute("data-latency")) > 0
    before = visitor.shown("pose-view")
    choice = page.get_by_label("Named pose")
    choice.click()
    choice.fill("fist")
    page.get_by_role("option", name="fist", exact=True).click()
    visitor.wait_for_scene("pose-view", before)
    page.wait_for_function("document.querySelector('#pose-summary').innerText.includes('inside itself')")
    assert float(slider.input_value()) > 80
    assert visitor.fits_the_width()
    visitor.shoot("fist")


def test_switches_leave_correctives_out(desk: Visitor) -> None:
    page = desk.page
    desk.open_tab("Pose")
    for part in ("bone lengths", "personal shape", "bulges and creases"):
        assert "corrections up to" in page.locator("#pose-summary").inner_text()
        before = desk.shown("pose-view")
        page.get_by_label(part).uncheck()
        desk.wait_for_scene("pose-view", before)
    page.wait_for_function("!document.querySelector('#pose-summary').innerText.includes('corrections')")


def test_what_is_wrong_is_said_on_the_page(desk: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("not a picture")
    desk.open_tab("Image")
    desk.page.set_input_files("#photograph input[type=file]", path)
    message = desk.page.get_by_test_id("toast-body").first
    message.wait_for()
    assert "is not an image" in message.inner_text()
    assert "/" not in message.inner_text().split("notes.jpg")[0]
    desk.shoot("refused")
    message.get_by_role("button").last.click()


def test_every_tab_in_light_and_dark(desk: Visitor) -> None:
    for scheme in ("dark", "light"):
        desk.page.emulate_media(color_scheme=scheme)
        desk.page.wait_for_function(f"document.body.classList.contains('dark') === {str(scheme == 'dark').lower()}")
        for tab in ("Video", "Pose", "Calibrate", "Image"):
            desk.open_tab(tab)
            assert desk.fits_the_width()
            desk.shoot(f"{scheme}_{tab.lower()}")


def test_a_photograph_is_pasted(desk: Visitor) -> None:
    small = io.BytesIO()
    Image.open(SAMPLE).resize((320, 240)).save(small, "PNG")
    desk.take_the_photograph_away()
    desk.page.evaluate(
        """async (text) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
        }""",
        base64.b64encode(small.getvalue()).decode(),
    )
    desk.page.locator("#photograph").get_by_label("Paste from clipboard").click()
    desk.say("1 right")


def test_the_camera_takes_a_photograph(desk: Visitor) -> None:
    photograph = desk.page.locator("#photograph")
    desk.take_the_photograph_away()
    photograph.get_by_label("Capture from camera").click()
    photograph.get_by_text("Click to Access Webcam").click()
    desk.page.wait_for_function("document.querySelector('#photograph video')?.videoWidth > 0")
    desk.shoot("camera")
    photograph.get_by_label("capture photo").click()
    desk.say("No hand")


def test_a_closed_page_takes_its_own_files_along(desk: Visitor, phone: Visitor) -> None:
    kept, gone = desk.archive(), phone.archive()
    status = "async (url) => (await fetch(url)).status"
    assert desk.page.evaluate(status, kept) == desk.page.evaluate(status, gone) == 200
    phone.page.close()
    desk.page.wait_for_function("async (url) => (await fetch(url)).status !== 200", arg=gone, polling=100)
    assert desk.page.evaluate(status, kept) == 200
