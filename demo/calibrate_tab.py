"""The Calibrate tab: pictures of one hand in; that person's profile, for the other tabs, out."""

from collections.abc import Callable, Sequence

import gradio as gr

from demo.choices import SIDES
from demo.estimation import Estimators
from demo.estimation_events import ONE_AT_A_TIME, SHOW_RESULTS, summary_markdown
from demo.person import MOST_FILES, CalibrationAnswer, process_pictures
from demo.uploads import FileData, all_uploaded, number
from demo.visitor_files import VisitorFiles
from demo.visits import refused_politely, visitor_of
from estimator.errors import InputError

_BONE_HEADERS = ["bone ends in", "length", "spread", "known"]
_BONE_WIDTHS = ["34%", "22%", "22%", "22%"]
_LONG_TABLE_PX = 420
_INTRODUCTION = """
Show **one hand** from several sides, now flat, now with bent fingers: about 20 photographs, or a clip of ten seconds.

Out comes a profile with the lengths of this person's bones. It serves for both hands, under *Options* of the other tabs. Where the hand's
length is given here, sizes and distances in photographs become absolute, too.
"""


def build_calibrate_tab(estimators: Estimators, files: VisitorFiles) -> None:
    """Lay out the tab and wire it up; endpoint ``/calibrate``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            pictures = gr.File(
                label=f"Photographs (up to {MOST_FILES}) or a clip",
                file_count="multiple",
                file_types=["image", "video"],
                height=200,
                elem_id="pictures",
            )
            length = gr.Number(
                None, label="Hand length, mm", info="Wrist to tip of the middle finger, measured on the straight hand. 0: not known"
            )
            side = gr.Radio(list(SIDES), value=SIDES[0], label="Which hand", info="auto takes the one that most pictures show")
            go = gr.Button("Measure the bones", variant="primary", elem_id="measure-bones")
        with gr.Column(scale=10, min_width=320):
            told = gr.Markdown(_INTRODUCTION, elem_id="calibrate-summary", min_height=140)
            profile = gr.File(label="Profile", interactive=False, elem_id="profile")
            bones = gr.Dataframe(
                headers=_BONE_HEADERS,
                label="Bones, mm",
                interactive=False,
                column_widths=_BONE_WIDTHS,
                max_height=_LONG_TABLE_PX,
                buttons=["copy"],
                elem_id="bones",
            )
    go.click(
        _answer(estimators, files),
        [pictures, length, side],
        [told, profile, bones],
        api_name="calibrate",
        api_description="A person's bone lengths from photographs or a clip of one hand: summary, profile, table of bones.",
        show_progress_on=told,
        js=SHOW_RESULTS % "calibrate-summary",
        **ONE_AT_A_TIME,
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
    headline = f"A {profile.side} hand in {profile.frames} of {answer.pictures} pictures"
    line = (
        f"{known} of {len(answer.bones)} bones are known better than an average hand's; the hand is {profile.hand_length_mm:.0f} mm long."
    )
    return summary_markdown(headline, line, answer.notes)
