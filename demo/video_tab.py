"""The Video tab: a clip in; a film with the meshes over it, and motion files, out."""

import gradio as gr

from demo.choices import choice_fields
from demo.clip import LARGEST_SIDE_PX, LONGEST_S, ClipAnswer, process_upload
from demo.door import LARGEST_UPLOAD
from demo.estimation import Estimators
from demo.estimation_events import ONE_AT_A_TIME, SHOW_RESULTS, Task, handler, summary_markdown
from demo.page import WEBCAM
from demo.visitor_files import VisitorFiles
from estimator.clip import ClipProgress

_INTRODUCTION = "Every hand is followed through the clip: a film with the meshes drawn over it, and their motion as files."


def build_video_tab(estimators: Estimators, files: VisitorFiles) -> None:
    """Lay out the tab and wire it up; endpoint ``/video``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            clip = gr.Video(label="Clip", sources=["upload", "webcam"], height=300, elem_id="clip", webcam_options=WEBCAM)
            gr.Markdown(
                f"Up to {LONGEST_S:.0f} s, {LARGEST_SIDE_PX} px along the longer side and {LARGEST_UPLOAD // 2**20} MB. "
                "Two cores need about a second for ten frames.",
                elem_classes="reason",
            )
            go = gr.Button("Follow the hands", variant="primary", elem_id="follow-hands")
            choices = choice_fields()
        with gr.Column(scale=10, min_width=320):
            told = gr.Markdown(_INTRODUCTION, elem_id="video-summary")
            film = gr.Video(label="The meshes over the clip", interactive=False, height="min(60vh, 540px)", elem_id="film")
            archive = gr.File(label="GLB, BVH, NPZ and JSON in one zip", interactive=False, elem_id="video-archive")

    def work(task: Task) -> tuple[str, str, str]:
        def show(done: ClipProgress) -> None:
            left = "" if done.seconds_left is None else f", about {done.seconds_left:.0f} s left"
            task.progress((done.frames, done.frame_count), f"{done.fps:.1f} frames a second{left}", unit="frames")

        answer = process_upload(task.upload, task.choices, estimators, task.folder, show)
        return video_summary(answer), str(answer.film), str(answer.archive)

    go.click(
        handler(work, "a clip", estimators, files),
        [clip, *choices],
        [told, film, archive],
        api_name="video",
        api_description=f"Hands through a clip of up to {LONGEST_S:.0f} s: summary, film, zip of motion files.",
        show_progress_on=film,
        js=SHOW_RESULTS % "video-summary",
        **ONE_AT_A_TIME,
    )


def video_summary(answer: ClipAnswer) -> str:
    """Markdown: what was found, how steady it is, and how long it took."""
    found = answer.summary
    headline, steadiness = f"No hand found in {found.frames} frames", ""
    if found.frames_with_hands:
        headline = f"{found.hands} hand{'' if found.hands == 1 else 's'} in {found.frames_with_hands} of {found.frames} frames"
    if found.frames_with_hands > 2:
        steadiness = f" · jitter {found.jitter_mm:.2f} mm, before smoothing {found.raw_jitter_mm:.2f} mm"
    times = f"{found.seconds:.1f} s, {found.fps:.1f} frames a second from reading to writing"
    return summary_markdown(headline, times + steadiness, answer.notes)
