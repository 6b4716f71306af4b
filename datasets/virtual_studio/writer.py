"""Writing what the virtual studio's cameras see in the layout of the DeepHandMesh release."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from datasets.capture_studio_files import KEY_POINT_JOINTS, StudioCamera
from datasets.capture_studio_index import depth_map_name, image_name, key_points_name, scans_name
from datasets.studio_crop import PinholeCamera
from datasets.virtual_studio.light import dome_lamps, light_body, placed
from datasets.virtual_studio.render import photograph
from datasets.virtual_studio.studio_moments import Moment, key_point_errors
from datasets.virtual_studio.studio_sleeve import Sleeve
from datasets.virtual_studio.subject import Subject
from datasets.whole_folder import written_whole
from estimator.hand.compiled import in_threads

JPEG_QUALITY = 95

_NOTE = """Simulated data in the layout of the DeepHandMesh release. Nobody's hand was photographed: a simulated person's hand was rendered.
Subject {subject}, {moments} moments, {cameras} cameras, {width} x {height} pixels, seed {seed}.
"""


@dataclass(frozen=True)
class ReleaseSettings:
    """What a written release is like, beside who moves and how.

    Attributes:
        cameras: those that see every moment.
        width: of images and depth maps, pixels.
        height: of images and depth maps, pixels.
        key_point_error_mm: mean distance of the key points from true joints.
        seed: of light, noise and the key points' error.
    """

    cameras: tuple[StudioCamera, ...]
    width: int
    height: int
    key_point_error_mm: float
    seed: int


def write_release(
    out: Path, subject: Subject, moments: tuple[Moment, ...], settings: ReleaseSettings, advance: Callable[[], None] = lambda: None
) -> None:
    """Write a release's ``data`` folder: images, cameras, key points, depth maps and scans; frames count through the subject's sequences.

    Until all of it is written it lies in a hidden folder inside, which is removed when the work is interrupted.

    Args:
        out: missing, or an empty folder.
        advance: called after each moment.

    Raises:
        ValueError: one line naming folder and cure, when there is something in it or it cannot be written.
    """
    with written_whole(out, ("README.txt", "annotations", "images")) as hidden:  # without images nothing reads as a frame
        _write_parts(hidden, subject, moments, settings, advance)


def _write_parts(root: Path, subject: Subject, moments: tuple[Moment, ...], settings: ReleaseSettings, advance: Callable[[], None]) -> None:
    note = _NOTE.format(
        subject=subject.number,
        moments=len(moments),
        cameras=len(settings.cameras),
        width=settings.width,
        height=settings.height,
        seed=settings.seed,
    )
    (root / "README.txt").write_text(note, encoding="utf-8")
    _make_folder(root / "annotations")
    (root / "annotations" / "KRT_512").write_text(cameras_text(settings.cameras), encoding="ascii")
    sequences = [
        f"{number:04d}_RT_{motion}" for number, (motion, group) in enumerate(groupby(moment.motion for moment in moments)) for _ in group
    ]

    sleeve = Sleeve.on(subject.faces)

    def work(frame: int) -> None:
        _write_moment(root, subject, sleeve, frame, sequences[frame], moments[frame], settings)
        advance()

    in_threads(work, range(len(moments)))


def _write_moment(
    root: Path, subject: Subject, sleeve: Sleeve, frame: int, sequence: str, moment: Moment, settings: ReleaseSettings
) -> None:
    generator = np.random.default_rng([settings.seed, subject.number, frame])
    posed = subject.pose(moment.stance.theta)
    vertices = placed(posed, moment.stance)
    joints = posed.joints @ moment.stance.R_world_hand.T + moment.stance.position
    key_points = joints + key_point_errors((len(joints),), settings.key_point_error_mm, generator)
    body = light_body(vertices, posed, dome_lamps(generator), sleeve)
    number = str(frame)
    _write(root / key_points_name(subject.number, number), key_points_text(key_points, len(settings.cameras)).encode("ascii"))
    _write(root / scans_name(subject.number) / f"{frame:06d}.ply", ply(vertices, posed.faces))
    for camera in settings.cameras:
        K = camera.K_for(settings.width, settings.height)
        image, depth = photograph(body, PinholeCamera(K, camera.R, camera.t, settings.width, settings.height), generator)
        _write(root / image_name(subject.number, sequence, camera.name, number), jpeg(image))
        _write(root / depth_map_name(subject.number, camera.name, number), pickle.dumps(depth, protocol=2))


def cameras_text(cameras: tuple[StudioCamera, ...]) -> str:
    """The text of ``KRT_512``."""
    blocks = []
    for camera in cameras:
        rows = [*camera.K, camera.distortion, *np.column_stack([camera.R, camera.t])]
        blocks.append("\n".join([camera.name, *(" ".join(repr(float(value)) for value in row) for row in rows)]) + "\n\n")
    return "".join(blocks)


def key_points_text(joints: Float[np.ndarray, "joints 3"], view_count: int) -> str:
    """The text of a ``.pts`` file: the 21 rows of a right hand, each seen by all cameras with score 1."""
    rows = enumerate(joints[list(KEY_POINT_JOINTS)])
    return "".join(f"{row} {x:.4f} {y:.4f} {z:.4f} {float(view_count):.4f} {view_count}\n" for row, (x, y, z) in rows)


def ply(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> bytes:
    """A binary PLY file."""
    rows = np.empty(len(faces), dtype=[("count", "u1"), ("vertices", "<i4", 3)])
    rows["count"], rows["vertices"] = 3, faces
    header = (
        f"ply\nformat binary_little_endian 1.0\ncomment simulated scan, millimetres\nelement vertex {len(vertices)}\nproperty float x\n"
        f"property float y\nproperty float z\nelement face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return header.encode("ascii") + vertices.astype("<f4").tobytes() + rows.tobytes()


def jpeg(image: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """A JPEG file."""
    encoded, content = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert encoded
    return content.tobytes()


def _write(path: Path, content: bytes) -> None:
    _make_folder(path.parent)
    path.write_bytes(content)


def _make_folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
