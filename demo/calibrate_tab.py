"""The Calibrate tab: pictures of one hand in; that person's profile, for the other tabs, out."""

import html
from collections.abc import Callable, Sequence

import gradio as gr

from demo.choices import SIDES
from demo.estimation import Estimators
from demo.person import MOST_FILES, CalibrationAnswer, process_pictures
from demo.uploads import FileData, all_uploaded, number
from demo.visitor_files import VisitorFiles
from demo.visits import ESTIMATION, refused_politely, visitor_of
from estimator.errors import InputError

_BONE_HEADERS = ["bone that ends in", "length, mm", "spread, mm", "known"]
_LONG_TABLE_PX = 420


def build_calibrate_tab(estimators: Estimators, files: VisitorFiles) -> None:
    """Lay out the tab and wire it up; endpoint ``/calibrate``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            gr.Markdown(
                "Show **one hand** from several sides, now flat, now with bent fingers: about 20 photographs, or a clip of ten seconds. "
                "The profile then serves for both hands of this person, under *Options* of the other tabs."
            )
            pictures = gr.File(
                label=f"Photographs (up to {MOST_FILES}) or a clip",
                file_count="multiple",
                file_types=["image", "video"],
                elem_id="pictures",
            )
            length = gr.Number(
                None, label="Hand length, mm", info="Wrist to tip of the middle finger, measured on the straight hand. 0: not known"
            )
            side = gr.Radio(list(SIDES), value=SIDES[0], label="Which hand", info="auto takes the one that most pictures show")
            go = gr.Button("Measure the bones", variant="primary", elem_id="measure-bones")
        with gr.Column(scale=3, min_width=320):
            told = gr.Markdown("", elem_id="calibrate-summary")
            profile = gr.File(label="Profile", interactive=False, elem_id="profile")
            bones = gr.Dataframe(headers=_BONE_HEADERS, label="Bones", interactive=False, max_height=_LONG_TABLE_PX, elem_id="bones")
    go.click(
        _answer(estimators, files),
        [pictures, length, side],
        [told, profile, bones],
        api_name="calibrate",
        api_description="A person's bone lengths from photographs or a clip of one hand: summary, profile, table of bones.",
        concurrency_id=ESTIMATION,
        concurrency_limit=1,
        show_progress_on=profile,
        preprocess=False,
    )


def _answer(estimators: Estimators, files: VisitorFiles) -> Callable:
    def answer(
        pictures: Sequence[FileData] | None,
        hand_length_mm: float | None = None,
        hand: str = "auto",
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, str, list[list[object]]]:
        visitor = visitor_of(request)
        with refused_politely():
            if hand not in SIDES:
                raise InputError(f"the hand is one of {', '.join(SIDES)}")
            length = number(hand_length_mm, "the hand length")
            uploads = [files.adopt(path, visitor) for path in all_uploaded(pictures, "photographs or a clip")]
            folder = files.new_folder(visitor)
            result = process_pictures(uploads, hand, length, estimators, folder, lambda n: progress((n, None), "looking", unit="pictures"))
        rows = [[row.bone, round(row.length_mm, 1), round(row.spread_mm, 1), row.known] for row in result.bones]
        return calibrate_summary(result), str(result.file), rows

    return answer


def calibrate_summary(answer: CalibrationAnswer) -> str:
    """Markdown: whose bones were measured, in how many pictures, and what the visitor should know."""
    profile = answer.profile
    known = len(answer.bones) - len(profile.not_known)
    notes = "".join(f"\n* {html.escape(note)}" for note in answer.notes)
    return (
        f"### A {profile.side} hand in {profile.frames} of {answer.pictures} pictures\n\n"
        f"{known} of {len(answer.bones)} bones are known better than an average hand's; "
        f"the hand is {profile.hand_length_mm:.0f} mm long.\n{notes}"
    )
