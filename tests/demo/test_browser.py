"""A visitor with a real browser, at a desk and with a phone. DEMO_SCREENSHOTS names a folder that keeps what they saw."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.clips import SAMPLE

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install '.[test]')")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)")

PATIENCE_MS = 180_000
VISITORS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
}


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as library:
        flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL without a graphics card
        running = library.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield running
        running.close()


@pytest.fixture(params=VISITORS)
def visitor(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def page(browser, visitor: str, address: str) -> Iterator:
    """The demo's page; what it asked of other hosts, and its errors, make a test fail at its end."""
    context = browser.new_context(accept_downloads=True, **VISITORS[visitor])
    context.set_default_timeout(PATIENCE_MS)
    opened, foreign, errors = context.new_page(), [], []
    context.on("request", lambda sent: None if sent.url.startswith((address, "data:", "blob:")) else foreign.append(sent.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(address)
    opened.wait_for_selector("#find-hands")
    yield opened
    context.close()
    assert foreign == []
    assert errors == []


@pytest.fixture
def photographed(page, visitor: str, tmp_path: Path):
    folder = Path(os.environ.get("DEMO_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def shoot(name: str, whole: bool = True) -> None:
        page.screenshot(path=folder / f"{visitor}_{name}.png", full_page=whole, timeout=PATIENCE_MS)

    return shoot


def shown(page, view: str) -> int:
    return int(page.locator(f"#{view} canvas").get_attribute("data-shown") or 0)


def wait_for_scene(page, view: str, more_than: int) -> None:
    page.wait_for_function(f"Number(document.querySelector('#{view} canvas').dataset.shown || 0) > {more_than}")


def drawn_share(page, view: str) -> float:
    """Share of the view's pixels that the hand covers."""
    return page.evaluate(
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


def fits_the_width(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_a_photograph_becomes_a_hand_in_3d_and_files(page, photographed, tmp_path: Path) -> None:
    before = shown(page, "image-view")
    page.set_input_files("#photograph input[type=file]", SAMPLE)
    page.wait_for_selector("#image-summary h3")
    assert "1 right" in page.locator("#image-summary").inner_text()
    wait_for_scene(page, "image-view", before)
    page.wait_for_selector("#overlay img")
    assert 0.05 < drawn_share(page, "image-view") < 0.9
    assert page.locator("#hands").get_by_text("right").count()
    assert fits_the_width(page)
    photographed("image")
    with page.expect_download() as download:
        page.locator("#archive a").first.click()
    path = tmp_path / "hands.zip"
    download.value.save_as(path)
    assert "hand_0_right.glb" in zipfile.ZipFile(path).namelist()


def test_sliders_and_named_poses_move_the_hand(page, photographed) -> None:
    page.get_by_role("tab", name="Pose").click()
    page.wait_for_selector("#pose-view canvas")
    wait_for_scene(page, "pose-view", 0)
    assert 0.05 < drawn_share(page, "pose-view") < 0.9
    photographed("pose")
    before = shown(page, "pose-view")
    slider = page.locator("#slider-index1_z input[type=range]")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    wait_for_scene(page, "pose-view", before)
    before = shown(page, "pose-view")
    choice = page.get_by_label("Named pose")
    choice.click()
    choice.fill("fist")
    page.get_by_role("option", name="fist", exact=True).click()
    wait_for_scene(page, "pose-view", before)
    page.wait_for_function("document.querySelector('#pose-summary').innerText.includes('inside itself')")
    assert float(slider.input_value()) > 80
    assert fits_the_width(page)
    photographed("fist", whole=False)


def test_what_is_wrong_is_said_on_the_page(page, photographed, tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("not a picture")
    page.set_input_files("#photograph input[type=file]", path)
    message = page.get_by_test_id("toast-body").first
    message.wait_for()
    assert "is not an image" in message.inner_text()
    assert "/" not in message.inner_text().split("notes.jpg")[0]
    photographed("refused", whole=False)
