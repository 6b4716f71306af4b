"""The Image tab: a photograph in; overlay, 3D, tables and files out."""

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.choices import choice_fields, chosen
from demo.estimation import Estimators
from demo.photograph import LARGEST_MEGAPIXELS, AngleRow, HandRow, PhotographAnswer, process_photograph
from demo.scene import scene_document
from demo.uploads import FileData, uploaded
from demo.viewer import SCENE_FORMAT, hand_view
from demo.visitor_files import VisitorFiles
from demo.visits import ESTIMATION, refused_politely, visitor_of
from estimator.result import ResultTiming

_HAND_HEADERS = ["hand", "side", "score", "length, mm", "distance, mm", "error, px"]
_HAND_WIDTHS = ["70px", "80px", "80px", "120px", "130px", "110px"]
_ANGLE_HEADERS = ["hand", "joint", "x, °", "y, °", "z (bend), °"]
_LONG_TABLE_PX = 320


def build_image_tab(estimators: Estimators, files: VisitorFiles, samples: Sequence[Path]) -> None:
    """Lay out the tab and wire it up; endpoint ``/image``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            photograph = gr.Image(
                label=f"Photograph, up to {LARGEST_MEGAPIXELS} megapixels",
                placeholder="Drop a photograph of hands here, or paste, take or choose one",
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                height=300,
                elem_id="photograph",
            )
            go = gr.Button("Find hands", variant="primary", elem_id="find-hands")
            gr.Examples([[str(path)] for path in samples], photograph, label="Sample (simulated: our own hand)", cache_examples=False)
            choices = choice_fields()
        with gr.Column(scale=3, min_width=320):
            outputs = _outputs()
    answer = _answer(estimators, files)
    shared = {"concurrency_id": ESTIMATION, "concurrency_limit": 1, "show_progress_on": outputs[1], "preprocess": False}
    photograph.change(_unless_empty(answer, len(outputs)), [photograph, *choices], outputs, api_visibility="private", **shared)
    go.click(
        answer,
        [photograph, *choices],
        outputs,
        api_name="image",
        api_description="A 3D mesh for every hand of a photograph: summary, overlay, scene, table of hands, joint angles, zip of files. "
        f"The focal length is given as on 35 mm film. {SCENE_FORMAT}",
        **shared,
    )


def _outputs() -> list[gr.components.Component]:
    told = gr.Markdown("", elem_id="image-summary")
    overlay = gr.Image(label="The meshes over the photograph", interactive=False, buttons=["download", "fullscreen"], elem_id="overlay")
    view = hand_view("The hands in 3D", "image-view", "The hands appear here in 3D.")
    hands = gr.Dataframe(headers=_HAND_HEADERS, label="Hands", interactive=False, column_widths=_HAND_WIDTHS, elem_id="hands")
    with gr.Accordion("Joint angles", open=False):
        angles = gr.Dataframe(
            headers=_ANGLE_HEADERS,
            label="Of the right hand that each hand is or mirrors; R = Rz Ry Rx",
            interactive=False,
            max_height=_LONG_TABLE_PX,
            elem_id="angles",
        )
    archive = gr.File(label="GLB, OBJ, PLY, BVH, overlay and result.json in one zip", interactive=False, elem_id="archive")
    return [told, overlay, view, hands, angles, archive]


def _answer(estimators: Estimators, files: VisitorFiles) -> Callable:
    def answer(
        photograph: FileData | None,
        side: str = "auto",
        focal_length_mm: float | None = None,
        hand_length_mm: float | None = None,
        encoder: str = "default",
        profile: FileData | None = None,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[Any, ...]:
        visitor = visitor_of(request)
        steps = iter((0.1, 0.3, 0.6, 0.8))
        with refused_politely():
            upload = files.adopt(uploaded(photograph, "a photograph"), visitor)
            choices = chosen(estimators.options, (side, focal_length_mm, hand_length_mm, encoder, profile), files, visitor)
            folder = files.new_folder(visitor)
            result = process_photograph(upload, choices, estimators, folder, on_step=lambda step: progress(next(steps), step))
        return (
            image_summary(result),
            str(result.overlay),
            scene_document(result.scene),
            [_cells(row) for row in result.hands],
            [_cells(row) for row in result.angles],
            str(result.archive),
        )

    return answer


def _unless_empty(answer: Callable, output_count: int) -> Callable:
    """The answer to a photograph that has changed, or empty outputs where it was taken away."""

    def answer_unless_empty(
        photograph: FileData | None,
        side: str,
        focal_length_mm: float | None,
        hand_length_mm: float | None,
        encoder: str,
        profile: FileData | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[Any, ...]:
        if not photograph:
            return (None,) * output_count
        return answer(photograph, side, focal_length_mm, hand_length_mm, encoder, profile, request, progress)

    return answer_unless_empty


def image_summary(answer: PhotographAnswer) -> str:
    """Markdown: what was found, what the visitor should know, and how long each step took."""
    sides = [hand.side for hand in answer.hands]
    found = ", ".join(f"{sides.count(side)} {side}" for side in ("left", "right") if side in sides)
    headline = f"### {len(sides)} hand{'s' if len(sides) > 1 else ''} found: {found}" if sides else "### No hand found"
    notes = "".join(f"\n* {html.escape(note)}" for note in answer.notes)
    return f"{headline}\n\n{timing_line(answer.timing)}\n{notes}"


def timing_line(timing: ResultTiming) -> str:
    """Milliseconds of each step."""
    return " · ".join(f"{name} {value:.0f} ms" for name, value in vars(timing).items())


def _cells(row: HandRow | AngleRow) -> list[object]:
    return [round(value, 2) if isinstance(value, float) else value for value in vars(row).values()]
