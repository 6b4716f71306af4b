"""The Image tab: a photograph in; overlay, 3D, tables and files out."""

import html
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demo.estimation import Estimators
from demo.photograph import LARGEST_MEGAPIXELS, AngleRow, HandRow, PhotographAnswer, process_photograph
from demo.uploads import PhotographInput
from demo.viewer import HandView
from demo.visitor_files import VisitorFiles
from demo.visits import ESTIMATION, refused_politely, visitor_of
from estimator.errors import InputError
from estimator.result import ResultTiming

_HAND_HEADERS = ["hand", "side", "score", "length, mm", "distance, mm", "error, px"]
_HAND_WIDTHS = ["70px", "80px", "80px", "120px", "130px", "110px"]
_ANGLE_HEADERS = ["hand", "joint", "x, °", "y, °", "z (bend), °"]
_LONG_TABLE_PX = 320


def build_image_tab(estimators: Estimators, files: VisitorFiles, samples: Sequence[Path]) -> None:
    """Lay out the tab and wire it up; endpoint ``/image``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            photograph = PhotographInput(
                label=f"Photograph, up to {LARGEST_MEGAPIXELS} megapixels",
                placeholder="Drop a photograph of hands here, or paste, take or choose one",
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                height=300,
                elem_id="photograph",
            )
            go = gr.Button("Find hands", variant="primary", elem_id="find-hands")
            gr.Examples(
                [[str(path)] for path in samples], photograph, label="Sample (simulated: our own hand, rendered)", cache_examples=False
            )
            options = _options()
        with gr.Column(scale=3, min_width=320):
            outputs = _outputs()
    answer = _answer(estimators, files)
    shared = {"concurrency_id": ESTIMATION, "concurrency_limit": 1, "show_progress_on": outputs[1]}
    photograph.change(_unless_empty(answer, len(outputs)), [photograph, *options], outputs, api_visibility="private", **shared)
    go.click(
        answer,
        [photograph, *options],
        outputs,
        api_name="image",
        api_description="A 3D mesh for every hand of a photograph: summary, overlay, scene, table of hands, joint angles, zip of files.",
        **shared,
    )


def _options() -> list[gr.components.Component]:
    with gr.Accordion("Options", open=False):
        side = gr.Radio(["auto", "left", "right"], value="auto", label="Side of every hand", info="auto leaves it to the detector")
        focal = gr.Number(
            None,
            label="Focal length, mm as on 35 mm film",
            info="Empty: from the file, else 60° along the diagonal. A phone's main lens has about 26 mm.",
        )
        length = gr.Number(
            None, label="Hand length, mm", info="Wrist to tip of the middle finger, 50 to 400: makes size and distance absolute."
        )
        encoder = gr.Dropdown(["default", "landmarks"], value="default", label="Encoder", info="What reads the pose")
    return [side, focal, length, encoder]


def _outputs() -> list[gr.components.Component]:
    told = gr.Markdown("", elem_id="image-summary")
    overlay = gr.Image(label="The meshes over the photograph", interactive=False, buttons=["download", "fullscreen"], elem_id="overlay")
    view = HandView("The hands in 3D", "The hands appear here in 3D.", elem_id="image-view")
    hands = gr.Dataframe(headers=_HAND_HEADERS, label="Hands", interactive=False, column_widths=_HAND_WIDTHS, elem_id="hands")
    with gr.Accordion("Joint angles", open=False):
        angles = gr.Dataframe(
            headers=_ANGLE_HEADERS,
            label="Of the right hand that each hand is or mirrors; R = Rz Ry Rx",
            interactive=False,
            max_height=_LONG_TABLE_PX,
        )
    archive = gr.File(label="GLB, OBJ, PLY, BVH, overlay and result.json in one zip", interactive=False, elem_id="archive")
    return [told, overlay, view, hands, angles, archive]


def _unless_empty(answer: Callable, output_count: int) -> Callable:
    """The answer to a photograph that has changed, or empty outputs where it was taken away."""

    def answer_unless_empty(
        photograph: Path | None,
        side: str = "auto",
        focal_length_mm: float | None = None,
        hand_length_mm: float | None = None,
        encoder: str = "default",
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[Any, ...]:
        if photograph is None:
            return (None,) * output_count
        return answer(photograph, side, focal_length_mm, hand_length_mm, encoder, request, progress)

    return answer_unless_empty


def _answer(estimators: Estimators, files: VisitorFiles) -> Callable:
    def answer(
        photograph: Path | None,
        side: str = "auto",
        focal_length_mm: float | None = None,
        hand_length_mm: float | None = None,
        encoder: str = "default",
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[Any, ...]:
        visitor = visitor_of(request)
        with refused_politely():
            if photograph is None:
                raise InputError("choose a photograph first")
            upload = files.adopt(photograph, visitor)
            options = replace(estimators.options, hand=side, hand_length_mm=hand_length_mm, encoder=encoder)
            steps = iter((0.1, 0.3, 0.6, 0.8))
            result = process_photograph(
                upload, focal_length_mm, options, estimators, files.new_folder(visitor), on_step=lambda step: progress(next(steps), step)
            )
        return (
            image_summary(result),
            str(result.overlay),
            result.scene,
            [_cells(row) for row in result.hands],
            [_cells(row) for row in result.angles],
            str(result.archive),
        )

    return answer


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
