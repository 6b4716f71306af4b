"""The Gradio component that shows a scene in 3D, drawn by ``assets/viewer.js``."""

from pathlib import Path

import gradio as gr

from demo.scene import Scene, scene_document

ASSETS = Path(__file__).parent / "assets"

SCENE_FORMAT = (
    "The scene is JSON: for each mesh the points as base64 of little-endian 16-bit integers (step_mm * integers + middle gives mm, y up), "
    "the paint as base64 of bytes (sRGB, and how much a vertex glows), and the faces, where they were not "
    "sent before under that topology's name, as 16-bit indices."
)

_TEMPLATE = """
<div class="hand-view">
  <canvas tabindex="0" role="application" aria-label="${label}. Arrow keys turn it, plus and minus zoom, 0 starts over."></canvas>
  <p class="hand-view-note">${waiting}</p>
  <div class="hand-view-tools">
    <span>drag to turn · pinch, or click and scroll, to zoom</span>
    <output class="hand-view-latency" title="From a slider's first unanswered movement to the drawn hand"></output>
    <button type="button" class="hand-view-reset" title="Look at it as in the beginning">reset view</button>
    <button type="button" class="hand-view-whole" title="Fill the screen">full screen</button>
  </div>
</div>
"""

_ON_LOAD = """
const viewer = HandViewer.mount(element);
if (props.moved_by) viewer.measure(document.getElementById(props.moved_by));
viewer.show(props.value);
watch('value', () => viewer.show(props.value));
"""


def hand_view(label: str, elem_id: str, waiting: str = "", scene: Scene | None = None, moved_by: str = "") -> gr.HTML:
    """A component whose value is a ``scene_document``.

    Args:
        label: what is seen, for those who do not see it.
        elem_id: its id in the page.
        waiting: what stands there before the first scene.
        scene: the first one.
        moved_by: id of what holds the sliders that move it; the view then says how long the hand takes to follow them.
    """
    return gr.HTML(
        scene_document(scene) if scene else None,
        html_template=_TEMPLATE,
        js_on_load=_ON_LOAD,
        label=label,
        waiting=waiting,
        moved_by=moved_by,
        elem_id=elem_id,
        apply_default_css=False,
        padding=False,
    )


def viewer_head() -> str:
    """For the page's head: the script that every view uses."""
    return f"<script>{(ASSETS / 'viewer.js').read_text(encoding='utf-8')}</script>"
