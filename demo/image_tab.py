"""The Image tab: a photograph in; overlay, 3D, tables and files out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.choices import choice_fields
from demo.estimation import Estimators
from demo.estimation_events import ONE_AT_A_TIME, SHOW_RESULTS, Task, handler, summary_markdown
from demo.page import WEBCAM
from demo.photograph import LARGEST_MEGAPIXELS, AngleRow, HandRow, PhotographAnswer, process_photograph
from demo.scene import scene_document
from demo.viewer import SCENE_FORMAT, hand_view
from demo.visitor_files import VisitorFiles
from estimator.result import ResultTiming

_HAND_HEADERS = ["hand", "side", "score", "length", "distance", "error"]
_HAND_WIDTHS = ["13%", "15%", "15%", "17%", "24%", "16%"]
_ANGLE_HEADERS = ["hand", "joint", "x, °", "y, °", "z (bend), °"]
_LONG_TABLE_PX = 320
_PICTURE_PX = 400
_INTRODUCTION = "Every hand of a photograph becomes a 3D mesh: drawn over the picture, to be turned in 3D, in numbers, and as files."


def build_image_tab(estimators: Estimators, files: VisitorFiles, samples: Sequence[Path]) -> None:
    """Lay out the tab and wire it up; endpoint ``/image``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            photograph = gr.Image(
                label=f"Photograph, up to {LARGEST_MEGAPIXELS} megapixels",
                placeholder="Drop a photograph of hands here, or paste, take or choose one",
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                webcam_options=WEBCAM,
                height=270,
                elem_id="photograph",
            )
            go = gr.Button("Find hands", variant="primary", elem_id="find-hands")
            label = "No photograph at hand? Try one of ours (simulated)"
            gr.Examples([[str(path)] for path in samples], photograph, label=label, cache_examples=False, elem_id="samples")
            choices = choice_fields()
        with gr.Column(scale=10, min_width=320):
            outputs = _outputs()

    def work(task: Task) -> tuple[Any, ...]:
        steps = iter((0.1, 0.3, 0.6, 0.8))
        answer = process_photograph(
            task.upload, task.choices, estimators, task.folder, on_step=lambda step: task.progress(next(steps), step)
        )
        return (
            image_summary(answer),
            str(answer.overlay),
            scene_document(answer.scene),
            [_cells(row) for row in answer.hands],
            [_cells(row) for row in answer.angles],
            str(answer.archive),
        )

    when_empty = (_INTRODUCTION, *[None] * (len(outputs) - 1))
    shared = {**ONE_AT_A_TIME, "show_progress_on": outputs[1], "js": SHOW_RESULTS % "image-summary"}
    changed = handler(work, "a photograph", estimators, files, when_empty)
    photograph.change(changed, [photograph, *choices], outputs, api_visibility="private", **shared)
    go.click(
        handler(work, "a photograph", estimators, files),
        [photograph, *choices],
        outputs,
        api_name="image",
        api_description="A 3D mesh for every hand of a photograph: summary, overlay, scene, table of hands, joint angles, zip of files. "
        f"The focal length is given as on 35 mm film. {SCENE_FORMAT}",
        **shared,
    )


def _outputs() -> list[gr.components.Component]:
    told = gr.Markdown(_INTRODUCTION, elem_id="image-summary")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            overlay = gr.Image(
                label="The meshes over the photograph",
                interactive=False,
                height=_PICTURE_PX,
                buttons=["download", "fullscreen"],
                elem_id="overlay",
            )
        with gr.Column(min_width=300):
            view = hand_view("The hands in 3D", "image-view", "The hands appear here in 3D.")
    hands = gr.Dataframe(
        headers=_HAND_HEADERS,
        label="Hands: length and distance in mm, error of the joints in px",
        interactive=False,
        column_widths=_HAND_WIDTHS,
        buttons=["copy"],
        elem_id="hands",
    )
    with gr.Accordion("Joint angles", open=False, elem_classes="follows-a-table"):
        angles = gr.Dataframe(
            headers=_ANGLE_HEADERS,
            label="Of the right hand that each hand is or mirrors; R = Rz Ry Rx",
            interactive=False,
            max_height=_LONG_TABLE_PX,
            elem_id="angles",
        )
    archive = gr.File(label="GLB, OBJ, PLY, BVH, overlay and result.json in one zip", interactive=False, elem_id="archive")
    return [told, overlay, view, hands, angles, archive]


def image_summary(answer: PhotographAnswer) -> str:
    """Markdown: what was found, how long each step took, and what the visitor should know."""
    sides = [hand.side for hand in answer.hands]
    found = ", ".join(f"{sides.count(side)} {side}" for side in ("left", "right") if side in sides)
    headline = f"{len(sides)} hand{'s' if len(sides) > 1 else ''} found: {found}" if sides else "No hand found"
    return summary_markdown(headline, timing_line(answer.timing), answer.notes)


def timing_line(timing: ResultTiming) -> str:
    """Milliseconds of each step."""
    return " · ".join(f"{name} {value:.0f} ms" for name, value in vars(timing).items())


def _cells(row: HandRow | AngleRow) -> list[object]:
    return [round(value, 2) if isinstance(value, float) else value for value in vars(row).values()]
