"""render_pyrender: the overlay drawn by OpenGL instead of our own renderer."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from estimator.errors import InputError
from estimator.hand.shading import Light, Rgb, decode_srgb, smooth_normals
from estimator.placed_hand import PlacedHand
from estimator.render import SAMPLES, Band, Look, Picture, bands, blend, skin_colours

if TYPE_CHECKING:
    import pyrender

_INTENSITY = 3.0
"""pyrender's light intensity that comes near to our unit light."""

_NEAR_MM, _FAR_MM = 10.0, 20_000.0

_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenGL's camera looks along -z with y up."""


def render_pyrender(image: Picture, hands: Sequence[PlacedHand], look: Look = Look()) -> Picture:
    """What ``estimator.render.render_overlay`` gives, without shadows and occlusion.

    Raises:
        InputError: when pyrender is not installed or finds no OpenGL.
    """
    picture = image.copy()
    if not hands:
        return picture
    scene = _scene(hands, look)
    camera = hands[0].camera
    for band in bands(np.concatenate([hand.vertices for hand in hands]), camera):
        _draw(picture, band, scene)
    return picture


def _draw(picture: Picture, band: Band, scene: "pyrender.Scene") -> None:
    """Draw a scene into one band of a picture."""
    pyrender = _import_pyrender()
    K, (height, width) = band.K, band.sample_shape
    # OpenGL counts pixels from the corner of the image, we from the centre of the first one
    camera = pyrender.IntrinsicsCamera(K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5, znear=_NEAR_MM, zfar=_FAR_MM)
    node = scene.add(camera, pose=_TO_OPENGL)
    encoded, depth = _render(scene, width, height)
    scene.remove_node(node)
    covered = depth > 0
    linear = np.where(covered[..., None], decode_srgb(encoded), 0)
    shape = (height // SAMPLES, SAMPLES, width // SAMPLES, SAMPLES)
    blend(picture, band, linear.reshape(*shape, 3).mean(axis=(1, 3)), covered.reshape(shape).mean(axis=(1, 3)))


def _render(scene: "pyrender.Scene", width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """sRGB and depth of a scene; the context lives for this call."""
    pyrender = _import_pyrender()
    from OpenGL.error import Error as OpenGLError

    try:
        renderer = pyrender.OffscreenRenderer(width, height)
        try:
            return renderer.render(scene, pyrender.RenderFlags.SKIP_CULL_FACES)
        finally:
            renderer.delete()
    except (ImportError, AttributeError, OSError, RuntimeError, ValueError, OpenGLError) as error:
        cure = "install Mesa (Debian: libegl1 libgl1 libgles2) or use --renderer software"
        raise InputError(f"--renderer pyrender: no OpenGL context ({error}); {cure}") from error


def _scene(hands: Sequence[PlacedHand], look: Look) -> "pyrender.Scene":
    """The hands and the lights, in the camera frame."""
    pyrender = _import_pyrender()
    ambient = (np.array(look.lighting.sky) + look.lighting.ground) / 2
    scene = pyrender.Scene(bg_color=(0, 0, 0, 0), ambient_light=ambient)
    for hand, skin in zip(hands, skin_colours(hands), strict=True):
        scene.add(pyrender.Mesh([_primitive(hand, skin)]))
    for light in (look.lighting.key, look.lighting.fill, look.lighting.rim):
        strength = max(light.colour)
        colour = np.array(light.colour) / strength
        scene.add(pyrender.DirectionalLight(color=colour, intensity=_INTENSITY * strength), pose=_pose(light))
    return scene


def _primitive(hand: PlacedHand, skin: Rgb) -> "pyrender.Primitive":
    pyrender = _import_pyrender()
    faces = np.ascontiguousarray(hand.faces)
    material = pyrender.MetallicRoughnessMaterial(baseColorFactor=(*skin, 1.0), metallicFactor=0.0, roughnessFactor=0.6, doubleSided=True)
    return pyrender.Primitive(
        positions=hand.vertices,
        normals=smooth_normals(hand.vertices, faces),
        indices=faces,
        material=material,
        mode=pyrender.constants.GLTF.TRIANGLES,
    )


def _pose(light: Light) -> np.ndarray:
    """Of a light in the scene; pyrender's directional lights shine along their own -z."""
    z = light.unit
    x = np.cross(np.eye(3)[np.abs(z).argmin()], z)
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    return pose


def _import_pyrender():  # noqa: ANN202 - a module
    if sys.platform == "linux" and "PYOPENGL_PLATFORM" not in os.environ and "DISPLAY" not in os.environ:
        os.environ["PYOPENGL_PLATFORM"] = "egl"  # read when OpenGL is first imported
    try:
        import pyrender
    except ImportError as error:
        raise InputError(f'--renderer pyrender: {error}; run pip install ".[pyrender]" or use --renderer software') from error
    return pyrender
