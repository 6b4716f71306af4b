"""The Video tab: a clip in; a film with the meshes over it, and motion files, out."""

import html
from collections.abc import Callable

import gradio as gr

from demo.choices import choice_fields, chosen
from demo.clip import LARGEST_SIDE_PX, LONGEST_S, ClipAnswer, process_upload
from demo.door import LARGEST_UPLOAD
from demo.estimation import Estimators
from demo.uploads import FileData, uploaded
from demo.visitor_files import VisitorFiles
from demo.visits import ESTIMATION, refused_politely, visitor_of
from estimator.clip import ClipProgress


def build_video_tab(estimators: Estimators, files: VisitorFiles) -> None:
    """Lay out the tab and wire it up; endpoint ``/video``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            clip = gr.Video(label="Clip", sources=["upload", "webcam"], height=340, elem_id="clip")
            gr.Markdown(
                f"Up to {LONGEST_S:.0f} s, {LARGEST_SIDE_PX} px along the longer side and {LARGEST_UPLOAD // 2**20} MB. "
                "Two cores need about a second for ten frames.",
                elem_classes="reason",
            )
            go = gr.Button("Follow the hands", variant="primary", elem_id="follow-hands")
            choices = choice_fields()
        with gr.Column(scale=3, min_width=320):
            told = gr.Markdown("", elem_id="video-summary")
            film = gr.Video(label="The meshes over the clip", interactive=False, elem_id="film")
            archive = gr.File(label="GLB, BVH, NPZ and JSON in one zip", interactive=False, elem_id="video-archive")
    go.click(
        _answer(estimators, files),
        [clip, *choices],
        [told, film, archive],
        api_name="video",
        api_description=f"Hands through a clip of up to {LONGEST_S:.0f} s: summary, film, zip of motion files.",
        concurrency_id=ESTIMATION,
        concurrency_limit=1,
        show_progress_on=film,
        preprocess=False,
    )


def _answer(estimators: Estimators, files: VisitorFiles) -> Callable:
    def answer(
        clip: FileData | None,
        side: str = "auto",
        focal_length_mm: float | None = None,
        hand_length_mm: float | None = None,
        encoder: str = "default",
        profile: FileData | None = None,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, str, str]:
        visitor = visitor_of(request)

        def show(done: ClipProgress) -> None:
            left = "" if done.seconds_left is None else f", about {done.seconds_left:.0f} s left"
            progress((done.frames, done.frame_count), f"{done.fps:.1f} frames a second{left}", unit="frames")

        with refused_politely():
            upload = files.adopt(uploaded(clip, "a clip"), visitor)
            choices = chosen(estimators.options, (side, focal_length_mm, hand_length_mm, encoder, profile), files, visitor)
            result = process_upload(upload, choices, estimators, files.new_folder(visitor), show)
        return video_summary(result), str(result.film), str(result.archive)

    return answer


def video_summary(answer: ClipAnswer) -> str:
    """Markdown: what was found, how steady it is, and how long it took."""
    found = answer.summary
    headline, steadiness = f"### No hand found in {found.frames} frames", ""
    if found.frames_with_hands:
        headline = f"### {found.hands} hand{'' if found.hands == 1 else 's'} in {found.frames_with_hands} of {found.frames} frames"
    if found.frames_with_hands > 2:
        steadiness = f" · jitter {found.jitter_mm:.2f} mm, before smoothing {found.raw_jitter_mm:.2f} mm"
    times = f"{found.seconds:.1f} s, {found.fps:.1f} frames a second from reading to writing"
    notes = "".join(f"\n* {html.escape(note)}" for note in answer.notes)
    return f"{headline}\n\n{times}{steadiness}\n{notes}"
