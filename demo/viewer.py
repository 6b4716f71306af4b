"""HandView: the Gradio component that turns a scene in 3D, drawn by ``assets/viewer.js``."""

from pathlib import Path
from typing import Any

import gradio as gr

from demo.scene import Scene, scene_document

ASSETS = Path(__file__).parent / "assets"

_TEMPLATE = """
<div class="hand-view">
  <canvas tabindex="0" role="application" aria-label="${label}. Arrow keys turn it, plus and minus zoom, 0 starts over."></canvas>
  <p class="hand-view-note">${waiting}</p>
  <div class="hand-view-tools">
    <span>drag to turn · pinch, or click and scroll, to zoom</span>
    <button type="button" class="hand-view-reset" title="Look at it as in the beginning">reset view</button>
    <button type="button" class="hand-view-whole" title="Fill the screen">full screen</button>
  </div>
</div>
"""

_ON_LOAD = """
const viewer = HandViewer.mount(element);
viewer.show(props.value);
watch('value', () => viewer.show(props.value));
"""


class HandView(gr.HTML):
    """Shows a ``Scene``. Clients of the API get the scene's document.

    Args:
        label: what is seen, for those who do not see it.
        waiting: what stands there before the first scene.
    """

    def __init__(self, label: str, waiting: str = "", value: Scene | None = None, **settings: Any) -> None:  # noqa: ANN401 (Gradio's own)
        super().__init__(value=value, html_template=_TEMPLATE, js_on_load=_ON_LOAD, label=label, waiting=waiting, **settings)

    def postprocess(self, value: Scene | dict[str, Any] | None) -> Any:  # noqa: ANN401
        """The scene as JSON; a document passes as it is."""
        return scene_document(value) if isinstance(value, Scene) else value

    def api_info(self) -> dict[str, Any]:
        """What clients are told."""
        return {"type": "object", "description": "meshes: points (base64 int16: step_mm * point + middle, y up), paint (base64 sRGB)"}


def viewer_head() -> str:
    """For the page's head: the script that every ``HandView`` uses."""
    return f"<script>{(ASSETS / 'viewer.js').read_text(encoding='utf-8')}</script>"
