"""The Pose tab: sliders and named poses drive the hand model live."""

from collections.abc import Callable, Mapping, Sequence

import gradio as gr
import numpy as np
from jaxtyping import Float

from demo.pose_files import write_pose
from demo.pose_view import COLOURS, SHAPES, PoseView, legend, pose_summary, scene_of_pose
from demo.posing import CORRECTIVES, Poser, theta_of_degrees
from demo.scene import scene_document
from demo.viewer import SCENE_FORMAT, hand_view
from demo.visitor_files import VisitorFiles
from demo.visits import refused_politely, visitor_of
from estimator.hand.correctives import Corrective
from estimator.hand.poses import NAMED_POSES, PAPER_POSES
from estimator.hand.template import FINGERS

_FIRST_POSE = "neutral_relaxed"
_FINGER_NAMES = {"thumb": "Thumb", "index": "Index finger", "middle": "Middle finger", "ring": "Ring finger", "pinky": "Little finger"}
_CONTROLS = "pose-controls"
_LIVE_AT_ONCE = 2
_NAMES = {
    "identity-skeleton": "bone lengths, ΔS(β)",
    "identity-vertex": "personal shape, ΔM(β)",
    "pose-vertex": "bulges and creases of the pose, ΔM(θ)",
}


def build_pose_tab(poser: Poser, files: VisitorFiles) -> None:
    """Lay out the tab and wire it up; endpoints ``/pose`` and ``/pose_files``."""
    first = _degrees(_FIRST_POSE)
    show = _show(poser)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320, elem_classes="pose-stage"):
            first_scene = scene_of_pose(poser.pose(np.array(NAMED_POSES[_FIRST_POSE])), poser.template, PoseView())
            _, summary, scale = show(**_values(poser, first), correctives=poser.available)
            view = hand_view("The posed hand in 3D", "pose-view", scene=first_scene, moved_by=_CONTROLS)
            told = gr.Markdown(summary, elem_id="pose-summary")
            legend_line = gr.HTML(scale, elem_id="pose-legend")
        with gr.Column(scale=2, min_width=300, elem_id=_CONTROLS):
            preset = gr.Dropdown(
                _choices(),
                value=_FIRST_POSE,
                label="Named pose",
                info="The 40 poses of the paper's capture (section 14). Sliders are in degrees, within anatomical limits.",
            )
            sliders = _sliders(poser, first)
            correctives, shape, colour = _switches(poser)
            make = gr.Button("Make files of this pose")
            archive = gr.File(label="GLB, OBJ, PLY, BVH and angles in one zip", interactive=False, elem_id="pose-archive")
    switches: dict[str, gr.components.Component] = {"correctives": correctives, "shape": shape, "colour": colour}
    outputs = [view, told, legend_line]
    live = {"show_progress": "hidden", "trigger_mode": "always_last", "concurrency_id": "pose", "concurrency_limit": _LIVE_AT_ONCE}
    gr.on(
        [*(slider.input for slider in sliders.values()), *(switch.input for switch in switches.values())],
        show,
        inputs_kwargs={**sliders, **switches},
        outputs=outputs,
        api_name="pose",
        api_description=f"The hand at 28 joint angles in degrees: its surface, what was measured on it, a legend. {SCENE_FORMAT}",
        **live,
    )
    preset.input(
        _preset(poser, show),
        inputs_kwargs={"name": preset, **switches},
        outputs=[*sliders.values(), *outputs],
        api_visibility="private",
        **live,
    )
    make.click(
        _files(poser, files),
        inputs_kwargs={**sliders, "correctives": correctives},
        outputs=archive,
        api_name="pose_files",
        api_description="A zip with the posed hand as GLB, OBJ, PLY and BVH, and its angles.",
        concurrency_id="pose",
    )


def _choices() -> list[tuple[str, str]]:
    return [(name.replace("_", " "), name) for name in PAPER_POSES]


def _degrees(name: str) -> list[float]:
    return np.degrees(NAMED_POSES[name]).round(1).tolist()


def _values(poser: Poser, degrees: Sequence[float]) -> dict[str, float]:
    """Angles by the names that they have as parameters: ``index1_z``."""
    return dict(zip((angle.name.replace(".", "_") for angle in poser.angles), degrees, strict=True))


def _theta(poser: Poser, degrees: Mapping[str, float]) -> Float[np.ndarray, " pose"]:
    """Radians from what ``_values`` made.

    Raises:
        InputError: when a value is no number or beyond its limits.
    """
    return theta_of_degrees(poser.angles, tuple(degrees[angle.name.replace(".", "_")] for angle in poser.angles))


def _sliders(poser: Poser, first: Sequence[float]) -> dict[str, gr.Slider]:
    """One accordion a finger; the sliders by name, in the order of theta."""
    made: dict[str, gr.Slider] = {}
    start = _values(poser, first)
    for finger in FINGERS:
        with gr.Accordion(_FINGER_NAMES[finger], open=finger == "index"):
            for angle in reversed([angle for angle in poser.angles if angle.finger == finger]):
                name = angle.name.replace(".", "_")
                made[name] = gr.Slider(angle.lower, angle.upper, start[name], step=0.5, label=angle.label, elem_id=f"slider-{name}")
    return {name: made[name] for name in start}


def _switches(poser: Poser) -> tuple[gr.CheckboxGroup, gr.Radio, gr.Radio]:
    there = bool(poser.available)
    with gr.Accordion("What the model adds", open=there):
        parts = gr.CheckboxGroup(
            [(_NAMES[part], part) for part in CORRECTIVES],
            value=list(poser.available),
            label="Correctives (Figure 4)",
            info="Each adds to the template; what is off is left out."
            if there
            else f"Nothing to switch: this is {poser.description}. A hand that stage 1 has trained has some (--decoder FILE).",
            interactive=there,
        )
        shape = gr.Radio(list(SHAPES), value=SHAPES[0], label="Shape", info="Refined, before skinning: Figure 9 (a); posed: (b).")
        colour = gr.Radio(list(COLOURS), value=COLOURS[0], label="Colour")
    return parts, shape, colour


def _show(poser: Poser) -> Callable:
    def show(correctives: Sequence[Corrective] = (), shape: str = SHAPES[0], colour: str = COLOURS[0], **degrees: float) -> tuple:
        with refused_politely():
            posed = poser.pose(_theta(poser, degrees), frozenset(correctives))
        view = PoseView(shape, colour)
        return scene_document(scene_of_pose(posed, poser.template, view), with_faces=False), pose_summary(posed, poser), legend(posed, view)

    return show


def _preset(poser: Poser, show: Callable) -> Callable:
    def preset(name: str, **switches: object) -> tuple:
        degrees = _degrees(name)
        return (*degrees, *show(**_values(poser, degrees), **switches))

    return preset


def _files(poser: Poser, files: VisitorFiles) -> Callable:
    def make(request: gr.Request, correctives: Sequence[Corrective] = (), **degrees: float) -> str:
        with refused_politely():
            posed = poser.pose(_theta(poser, degrees), frozenset(correctives))
            return str(write_pose(poser, posed, files.new_folder(visitor_of(request))))

    return make
