"""The demo as one Gradio application: the tabs, and what is around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from demo.calibrate_tab import build_calibrate_tab
from demo.estimation import Estimators
from demo.image_tab import build_image_tab
from demo.page import HEADER, LIMITS, TITLE
from demo.pose_tab import build_pose_tab
from demo.posing import Poser
from demo.video_tab import build_video_tab
from demo.visitor_files import VisitorFiles
from demo.visits import visitor_of


@dataclass(frozen=True)
class Services:
    """What the tabs share.

    Attributes:
        estimators: from pixels to hands.
        poser: the hand model of the Pose tab.
        files: visitors' uploads and results.
        samples: photographs to try.
    """

    estimators: Estimators
    poser: Poser
    files: VisitorFiles
    samples: Sequence[Path]


def build_app(services: Services) -> gr.Blocks:
    """The page; nothing listens yet."""
    with gr.Blocks(title=TITLE, analytics_enabled=False) as app:
        gr.HTML(HEADER.format(minutes=round(services.files.keep_seconds / 60)), padding=False)
        with gr.Tabs():
            with gr.Tab("Image", id="image"):
                build_image_tab(services.estimators, services.files, services.samples)
            with gr.Tab("Video", id="video"):
                build_video_tab(services.estimators, services.files)
            with gr.Tab("Pose", id="pose"):
                build_pose_tab(services.poser, services.files)
            with gr.Tab("Calibrate", id="calibrate"):
                build_calibrate_tab(services.estimators, services.files)
        gr.Markdown(LIMITS.format(person=services.poser.description))
        app.unload(_forgetting(services.files))
    return app


def _forgetting(files: VisitorFiles):  # noqa: ANN202
    def forget(request: gr.Request) -> None:
        if visitor := visitor_of(request):
            files.forget(visitor)

    return forget
