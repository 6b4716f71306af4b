"""The page around the tabs: colours, fonts that every system has, and the words that say what this is."""

import gradio as gr

from demo.viewer import ASSETS

TITLE = "DeepHandMesh for everyone"

HEADER = """
<header class="page-header">
  <h1>DeepHandMesh for everyone</h1>
  <p>Hands in photographs and films become 3D meshes: 12,500 vertices, a skeleton of 22 joints, placed before the camera.
  Everything is computed on the machine that serves this page, nothing is passed on, and your files are deleted when you close the page
  or {minutes} minutes after you last used them.</p>
</header>
"""

LIMITS = """
**Good to know**

* The hand is found by MediaPipe's two networks; learned inverse kinematics and a fit to the landmarks give the 28 joint angles; the
  hand model makes the surface of them.
* From a single picture size and distance cannot be told apart. Give a hand's length, or a profile from the Calibrate tab, and both
  become absolute.
* It goes wrong when two hands touch or cross, when a hand is seen end-on or in the dark, and behind objects: what is hidden is guessed.
  A dim or side-on right hand is sometimes taken for a left one; *Options* mends that.
* The skin is that of {person}. Its creases are not those of the hand in a picture; proportions are.
* For programs: `gradio_client` and the endpoints `/image`, `/video`, `/pose` and `/calibrate` (see *Use via API* below).
"""

WEBCAM = gr.WebcamOptions(mirror=False, constraints={"video": {"width": {"ideal": 1280}, "height": {"ideal": 720}}})
"""A mirror would make left hands of right ones; a camera's largest picture is larger than a clip may be."""

_SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "Liberation Mono", "monospace")

_CLAY = gr.themes.Color(
    name="clay",
    c50="#fbf5f1",
    c100="#f6e7de",
    c200="#ecccba",
    c300="#dfab91",
    c400="#d08668",
    c500="#bd6647",
    c600="#a65236",
    c700="#87422d",
    c800="#6b3626",
    c900="#512a1f",
    c950="#2d1610",
)


def theme() -> gr.themes.Base:
    """Warm greys and clay, with the system's own fonts: no font is fetched."""
    return gr.themes.Base(
        primary_hue=_CLAY,
        secondary_hue=_CLAY,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=list(_SANS),
        font_mono=list(_MONO),
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        slider_color="*primary_500",
        slider_color_dark="*primary_400",
        block_title_text_weight="600",
    )


def style() -> str:
    """CSS of the page."""
    return (ASSETS / "style.css").read_text(encoding="utf-8")
