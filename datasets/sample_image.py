"""Sample images: our own hand, rendered to look like a photograph, so that nobody's hand has to be published.

``python -m datasets.sample_image --out estimator/assets/sample.jpg`` makes the first one again; ``demo/assets/README.md`` names the
commands of the others.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from datasets.camera_effects import develop, lens_blur
from datasets.command import run_command
from datasets.environment import Environment
from datasets.forearm import grow_forearm
from datasets.skin_shading import Body, draw_body
from estimator.hand.camera import DEFAULT_FOV_DEG, Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.poses import NAMED_POSES
from estimator.hand.shading import decode_srgb
from estimator.hand.template import POSE_NAMES, HandTemplate

ASSETS = Path(__file__).parent / "assets"

POSE_DEG = {
    "thumb1.z": 2.0, "thumb2.z": 6.0, "thumb3.z": 10.0,
    "index1.z": -2.0, "index1.y": -4.0, "index2.z": 10.0, "index3.z": 6.0,
    "middle1.z": 3.0, "middle1.y": -1.0, "middle2.z": 15.0, "middle3.z": 8.0,
    "ring1.z": 8.0, "ring1.y": 1.0, "ring2.z": 20.0, "ring3.z": 10.0,
    "pinky1.z": 7.0, "pinky1.y": 5.0, "pinky2.z": 21.0, "pinky3.z": 10.0,
}  # fmt: skip
"""A hand at ease; what is not named is 0."""

UPRIGHT = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""From the hand frame to the camera's: fingers up, palm to the camera."""


@dataclass(frozen=True)
class SampleImage:
    """Render a sample image.

    Attributes:
        out: JPEG file to write.
        pose: one of the named poses; a hand at ease unless given.
        left: a left hand: the picture is mirrored.
        width: pixels.
        height: pixels.
        samples: rendered samples along each side of a pixel.
        quality: of the JPEG, 1 to 100.
        turn_deg: of the hand from upright, about the camera's y, then x, then z axis, written x, y, z.
        wrist_mm: where the wrist is, camera frame.
        forearm_mm: length of arm below the wrist.
        forearm_growth: girth at the arm's end over that of the wrist.
        light_turn: turn of the surroundings about the vertical, 0 to 1.
        exposure: what the camera makes of the light on the hand: red, green, blue.
        blur_px: radius of the blur behind the hand.
        seed: of the sensor's noise.
    """

    out: Path
    pose: str | None = None
    left: bool = False
    width: int = 960
    height: int = 720
    samples: int = 2
    quality: int = 90
    turn_deg: tuple[float, float, float] = (14.0, 160.0, -12.0)
    wrist_mm: tuple[float, float, float] = (46.0, 84.0, 362.0)
    forearm_mm: float = 220.0
    forearm_growth: float = 1.45
    light_turn: float = 0.18
    exposure: tuple[float, float, float] = (1.78, 1.70, 1.60)
    blur_px: float = 16.0
    seed: int = 1


def photograph(
    template: HandTemplate, environment: Environment, backdrop: UInt8[np.ndarray, "rows columns 3"], settings: SampleImage
) -> UInt8[np.ndarray, "height width 3"]:
    """The finished picture."""
    height, width, samples = settings.height, settings.width, settings.samples
    camera = Camera.from_fov(DEFAULT_FOV_DEG, width, height)
    K = np.diag([samples * camera.fx, samples * camera.fy, 1.0])
    K[:2, 2] = samples * np.array([camera.cx, camera.cy]) + (samples - 1) / 2
    colour, covered = draw_body(
        pose_body(template, settings), K, samples * height, samples * width, environment.turned(settings.light_turn)
    )
    blocks = (height, samples, width, samples)
    hand, coverage = colour.reshape(*blocks, 3).mean(axis=(1, 3)), covered.reshape(blocks).mean(axis=(1, 3))
    behind = lens_blur(decode_srgb(fill(backdrop, width, height)), settings.blur_px)
    linear = np.array(settings.exposure) * hand + (1 - coverage)[..., None] * behind
    picture = develop(linear, np.random.default_rng(settings.seed))
    return np.ascontiguousarray(picture[:, ::-1]) if settings.left else picture


def pose_body(template: HandTemplate, settings: SampleImage) -> Body:
    """The template in the sample's pose, with its forearm."""
    decoder = HandDecoder(template)
    at_ease = torch.tensor([POSE_DEG.get(name, 0.0) for name in POSE_NAMES]).deg2rad()
    theta = torch.tensor(NAMED_POSES[settings.pose]) if settings.pose else at_ease
    with torch.no_grad():
        hand, rest = decoder(theta), decoder.frames(torch.zeros_like(theta), decoder.joint_offsets)
    arm, arm_faces = grow_forearm(template, settings.forearm_mm, settings.forearm_growth)
    R = _rotation(settings.turn_deg) @ UPRIGHT
    return Body(
        vertices=np.vstack([hand.vertices.double().numpy(), arm]) @ R.T + settings.wrist_mm,
        rest_vertices=np.vstack([template.vertices, arm]),
        faces=np.vstack([template.faces, arm_faces]),
        joint_rotations=rest.rotations.double().numpy(),
        joint_positions=rest.positions.double().numpy(),
    )


def _rotation(degrees: tuple[float, float, float]) -> Float[np.ndarray, "3 3"]:
    x, y, z = (cv2.Rodrigues(np.radians(angle) * axis)[0] for angle, axis in zip(degrees, np.eye(3), strict=True))
    return z @ x @ y


def fill(image: UInt8[np.ndarray, "rows columns 3"], width: int, height: int) -> UInt8[np.ndarray, "height width 3"]:
    """The middle of an image, scaled to fill a size."""
    scale = max(width / image.shape[1], height / image.shape[0])
    scaled = cv2.resize(image, (round(scale * image.shape[1]), round(scale * image.shape[0])), interpolation=cv2.INTER_CUBIC)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return scaled[top : top + height, left : left + width]


def write(settings: SampleImage) -> None:
    """Write the picture that the settings describe.

    Raises:
        ValueError: one line, when a setting makes no sense.
        OSError: when it cannot be written.
    """
    if settings.pose not in (None, *NAMED_POSES):
        raise ValueError(f"--pose {settings.pose}: there is none of that name; there are {', '.join(NAMED_POSES)}")
    if min(settings.width, settings.height) < 16 or settings.samples < 1 or not 1 <= settings.quality <= 100:
        raise ValueError("expected --width and --height of at least 16 pixels, at least one of --samples, and a --quality of 1 to 100")
    backdrop = cv2.cvtColor(cv2.imread(str(ASSETS / "forest_slope_view.jpg")), cv2.COLOR_BGR2RGB)
    picture = photograph(HandTemplate.load(), Environment.load(ASSETS / "forest_slope_light.npz"), backdrop, settings)
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, settings.quality])
    assert encoded
    settings.out.write_bytes(data.tobytes())


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 2 wrong usage or a file that cannot be written."""
    return run_command(SampleImage, write, "datasets.sample_image", argv)


if __name__ == "__main__":
    sys.exit(main())
