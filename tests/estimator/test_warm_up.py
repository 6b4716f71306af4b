"""Warming up leaves nothing to compile, and says so when it takes long."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from estimator import warm_up as module
from estimator.refinement import Skeleton
from estimator.warm_up import NOTICE, warm_up
from tests.toys import toy_template

ROOT = Path(__file__).parents[2]

PROGRAM = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import json
import numpy as np
from numba.core.dispatcher import Dispatcher
from estimator import refinement_kernel
from estimator.hand import occlusion, rasterizer, shading
from estimator.hand.camera import Camera
from estimator.hand.template import HandTemplate
from estimator.refinement import HandState, RefinementSettings, Skeleton, landmarks_of, refine
from estimator.render import render_overlay, render_views, Sheet
from estimator.warm_up import warm_up
from tests.toys import toy_placed_hand, toy_template

def signatures():
    modules = refinement_kernel, occlusion, rasterizer, shading
    kernels = [item for module in modules for item in vars(module).items() if isinstance(item[1], Dispatcher)]
    return {{name: len(kernel.signatures) for name, kernel in kernels}}

skeleton = Skeleton.of(toy_template())
warm_up(skeleton, notify=lambda line: None)
warm = signatures()

hands = [toy_placed_hand(), toy_placed_hand("left")]
for image in (np.zeros((480, 640, 3), np.uint8), np.asfortranarray(np.zeros((480, 640, 3), np.uint8))):
    image.flags.writeable = False
    render_overlay(image, hands)
render_views(hands, sheet=Sheet(cell_width=40, cell_height=40))
start = HandState(skeleton.limits.mean(axis=0), np.eye(3), np.array([0.0, 0, 500]), np.ones(6, np.float32))
landmarks = np.asfortranarray(landmarks_of(skeleton, start))
camera = Camera.from_fov(60, 640, 480)
landmarks.flags.writeable = False
pixels = camera.project(landmarks).astype(np.float32)
for settings in (RefinementSettings(), RefinementSettings(proportion_sigma=0)):
    refine(skeleton, start, pixels, landmarks, camera, settings)
vertices, faces = np.asfortranarray(hands[0].vertices[None].repeat(2, axis=0)), hands[0].faces.astype(np.int64)
K = camera.K.astype(np.float32)
for array in (vertices, faces, K):
    array.flags.writeable = False
rasterizer.rasterize(vertices, faces, K, 48, 64)
print(json.dumps([warm, signatures()]))
"""


@pytest.mark.parametrize("compiles", [True, False])
def test_it_speaks_when_it_compiles(compiles: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([3, 3 + compiles])
    monkeypatch.setattr(module, "compile_count", lambda _: next(counts))
    said: list[str] = []
    warm_up(Skeleton.of(toy_template()), said.append)
    assert said == [NOTICE] * compiles


def test_it_leaves_nothing_to_compile_and_no_kernel_is_compiled_twice() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=300)
    warm, used = json.loads(done.stdout)
    assert used == warm
    assert max(warm.values()) == warm["posed"] == warm["draw_faces"] == 1
