"""Others who draw depth maps of a mesh, each behind one interface, for ``benchmark_rasterizer``. All but the first two are optional."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int

from estimator.hand.depth_map import depth_maps
from estimator.hand.rasterizer import rasterize

if TYPE_CHECKING:
    import pyrender

Depths = Float[np.ndarray, "views size size"]


@dataclass(frozen=True)
class DepthScene:
    """A surface and the cameras that see it.

    Attributes:
        vertices: world frame, mm.
        faces: counter-clockwise seen from outside.
        K: pixels.
        R: world to camera.
        t: world to camera, mm.
        size: height and width of every view, pixels.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    K: Float[np.ndarray, "views 3 3"]
    R: Float[np.ndarray, "views 3 3"]
    t: Float[np.ndarray, "views 3"]
    size: int

    @property
    def points(self) -> Float[np.ndarray, "views vertices 3"]:
        """The surface in each camera's frame."""
        return self.vertices @ self.R.transpose(0, 2, 1) + self.t[:, None]


@dataclass(frozen=True)
class Contender:
    """One way to draw the depth maps of a scene whose surface is new at every call.

    Attributes:
        name: as a reader knows it.
        forward: the depth maps, mm.
        forward_backward: those and the gradient of their sum to the vertices; None for who has no gradient.
    """

    name: str
    forward: Callable[[], Depths]
    forward_backward: Callable[[], object] | None


def ours(scene: DepthScene) -> Contender:
    """``estimator.hand.depth_map``."""
    vertices, K, R, t = (torch.tensor(value, dtype=torch.float32) for value in (scene.vertices, scene.K, scene.R, scene.t))
    faces = torch.tensor(scene.faces)
    wanted = vertices.clone().requires_grad_()

    def forward_backward() -> object:
        return torch.autograd.grad(depth_maps(wanted, faces, K, R, t, scene.size, scene.size).sum(), wanted)

    return Contender("ours", lambda: depth_maps(vertices, faces, K, R, t, scene.size, scene.size).numpy(), forward_backward)


def autograd(scene: DepthScene) -> Contender:
    """Our rasterizer's triangles and barycentrics, the depth and its gradient left to torch: the obvious way."""
    vertices = torch.tensor(scene.vertices, dtype=torch.float32, requires_grad=True)
    K, R, t = (torch.tensor(value, dtype=torch.float32) for value in (scene.K, scene.R, scene.t))
    faces = torch.tensor(scene.faces)

    def read_out() -> torch.Tensor:
        points = vertices @ R.mT + t[:, None]
        seen = torch.from_numpy(rasterize(points.detach().numpy(), scene.faces, scene.K, scene.size, scene.size).faces)
        view, row, column = torch.nonzero(seen >= 0, as_tuple=True)
        rays = torch.linalg.inv(K)[view] @ torch.stack([column, row, torch.ones_like(row)], dim=1).float()[..., None]
        a, b, c = points[view[:, None], faces[seen[view, row, column].long()]].unbind(dim=1)
        normal = torch.linalg.cross(b - a, c - a)
        z = (normal * a).sum(dim=1) / (normal * rays[..., 0]).sum(dim=1)
        return torch.zeros(seen.shape).index_put((view, row, column), z)

    def forward() -> Depths:
        with torch.no_grad():
            return read_out().numpy()

    return Contender("autograd", forward, lambda: torch.autograd.grad(read_out().sum(), vertices))


def deodr(scene: DepthScene) -> Contender:
    """DEODR, without its anti-aliased edges, which cost it more; its own gradient.

    Raises:
        ImportError: when it is not installed.
    """
    from deodr import ColoredTriMesh
    from deodr.differentiable_renderer import Camera, Scene3D

    surface = ColoredTriMesh(scene.faces.copy(), vertices=scene.vertices, colors=np.zeros((len(scene.vertices), 0)))
    renderer = Scene3D(sigma=0)
    renderer.set_mesh(surface)
    renderer.set_background_color(np.zeros(1))
    extrinsics = np.concatenate([scene.R, scene.t[..., None]], axis=2)
    cameras = [Camera(extrinsics[view], scene.K[view], scene.size, scene.size) for view in range(len(scene.K))]
    slopes = np.ones((scene.size, scene.size, 1))

    def forward() -> Depths:
        surface.set_vertices(scene.vertices)
        return np.stack([renderer.render_depth(camera)[..., 0] for camera in cameras])

    def forward_backward() -> object:
        surface.set_vertices(scene.vertices)
        gradient = np.zeros_like(scene.vertices)
        for camera in cameras:
            renderer.clear_gradients()
            renderer.render_depth(camera)
            renderer.render_depth_backward(slopes)
            gradient += surface._vertices_b
        return gradient

    return Contender("deodr", forward, forward_backward)


def opengl(scene: DepthScene) -> Contender:
    """pyrender by OpenGL, which on a computer without a graphics card is Mesa's software renderer.

    Raises:
        ImportError: when it is not installed or finds no OpenGL.
    """
    renderer = _opengl(scene.size)
    import pyrender

    to_opengl = np.diag([1.0, -1.0, -1.0, 1.0])
    poses = [np.linalg.inv(np.block([[R, t[:, None]], [np.zeros(3), 1.0]])) @ to_opengl for R, t in zip(scene.R, scene.t, strict=True)]
    flags = pyrender.RenderFlags.DEPTH_ONLY | pyrender.RenderFlags.SKIP_CULL_FACES
    vertices, faces = scene.vertices.astype(np.float32), scene.faces.astype(np.uint32)

    def forward() -> Depths:
        surface = pyrender.Mesh([pyrender.Primitive(positions=vertices, indices=faces, mode=pyrender.constants.GLTF.TRIANGLES)])
        drawn = pyrender.Scene()
        drawn.add(surface)
        depths = []
        for K, pose in zip(scene.K, poses, strict=True):
            # OpenGL counts pixels from the corner of the image, we from the centre of the first one
            camera = pyrender.IntrinsicsCamera(K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5, znear=100.0, zfar=5000.0)
            node = drawn.add(camera, pose=pose)
            depths.append(renderer.render(drawn, flags))
            drawn.remove_node(node)
        return np.stack(depths)

    return Contender("pyrender", forward, None)


@cache
def _opengl(size: int) -> "pyrender.OffscreenRenderer":
    """One context for all scenes: closing one closes the display of all."""
    if "DISPLAY" not in os.environ:
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")  # read when OpenGL is first imported
    import pyrender

    try:
        return pyrender.OffscreenRenderer(size, size)
    except (AttributeError, OSError, RuntimeError, ValueError) as error:
        raise ImportError(f"no OpenGL context ({error})") from error


def embree(scene: DepthScene) -> Contender:
    """Rays cast by Embree, all views in one call; its tree is built anew, since the surface is new.

    Raises:
        ImportError: when embreex is not installed.
    """
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    row, column = np.mgrid[: scene.size, : scene.size].reshape(2, -1)
    pixels = np.stack([column, row, np.ones_like(row)], axis=1).astype(float)
    rays = pixels @ np.linalg.inv(scene.K).transpose(0, 2, 1) @ scene.R
    centres = -np.einsum("vij,vi->vj", scene.R, scene.t)
    origins = np.ascontiguousarray(np.broadcast_to(centres[:, None], rays.shape).reshape(-1, 3), dtype=np.float32)
    directions = np.ascontiguousarray(rays.reshape(-1, 3), dtype=np.float32)
    vertices, faces = scene.vertices.astype(np.float32), scene.faces.astype(np.int32)

    def forward() -> Depths:
        tree = EmbreeScene()
        TriangleMesh(tree, vertices, faces)
        z = tree.run(origins, directions, query="DISTANCE")  # rays have length one along the camera's z
        return np.where(z < 1e30, z, 0.0).reshape(len(scene.K), scene.size, scene.size)

    return Contender("embree", forward, None)


PEERS: tuple[Callable[[DepthScene], Contender], ...] = (ours, autograd, deodr, opengl, embree)
"""Everyone; the first is who the others are compared with."""
