"""warm_up: the kernels made ready before the first hand, and a word to whoever waits for them."""

from collections.abc import Callable

import numpy as np

from estimator.hand.camera import Camera
from estimator.hand.compiled import compile_count
from estimator.hand.occlusion import visibility
from estimator.hand.rasterizer import rasterize
from estimator.hand.shading import Surface, shade
from estimator.refinement import PROPORTIONS, HandState, RefinementSettings, Skeleton, landmarks_of, refine
from estimator.refinement_kernel import posed

NOTICE = "compiling numerical kernels: once on this machine, about 10 s"


def warm_up(skeleton: Skeleton, notify: Callable[[str], None]) -> None:
    """Every kernel that a photograph needs, compiled or loaded, so that the first hand takes no longer than the next.

    ``notify`` gets a line when it will take long: the first kernel tells whether the cache has them.
    """
    camera = Camera.from_focal(8.0, 8, 8)
    state = HandState(skeleton.limits.mean(axis=0), np.eye(3), np.array([0.0, 0.0, 1000.0]), np.ones(len(PROPORTIONS)))
    before = compile_count(posed)
    landmarks = landmarks_of(skeleton, state)
    if compile_count(posed) > before:
        notify(NOTICE)
    refine(skeleton, state, camera.project(landmarks), landmarks, camera, RefinementSettings(iterations=1))
    _draw_a_triangle(camera)


def _draw_a_triangle(camera: Camera) -> None:
    vertices, faces = np.array([[-9.0, -9.0, 50.0], [9.0, -9.0, 50.0], [0.0, 9.0, 50.0]]), np.array([[0, 2, 1]])
    towards_camera = np.array([[0.0, 0.0, -1.0]])
    normals = towards_camera.repeat(3, axis=0)
    lit = visibility(vertices, normals, faces, towards_camera)[0]
    surface = Surface(vertices, faces, normals, colours=np.ones((3, 3)), openness=np.ones(3), lit=lit)
    shade(surface, rasterize(vertices, faces, camera.K, camera.height, camera.width), camera.K)
