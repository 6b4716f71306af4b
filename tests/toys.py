"""A toy hand of a few vertices, so that tests of the machinery need no asset."""

import numpy as np
import torch

from estimator.hand.camera import Camera
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_COUNT, JOINT_NAMES, LANDMARK_JOINTS, PARENT_NAMES, POSE_SIZE, WRIST, HandTemplate
from estimator.placed_hand import PlacedHand, Side

ROOTS = {"thumb0": (20, 4, 18), "index1": (90, 0, 25), "middle1": (92, -2, 3), "ring1": (86, 0, -18), "pinky1": (78, 2, -36)}
BONES = {"thumb1": 20, "thumb2": 45, "thumb3": 32, "thumb_null": 26, "1": 0, "2": 44, "3": 27, "_null": 22}


def toy_template() -> HandTemplate:
    """A right hand in millimetres: a square prism for each bone, hung from its parent joint."""
    offsets = np.zeros((JOINT_COUNT, 3))
    rest_rotations = np.tile(np.eye(3), (JOINT_COUNT, 1, 1))
    for joint, name in enumerate(JOINT_NAMES):
        if name in ROOTS:
            offsets[joint] = ROOTS[name]
        elif name != "wrist":
            key = next(key for key in (name, name[-5:], name[-1]) if key in BONES)
            offsets[joint] = (BONES[key], 0, 0)
    rest_rotations[JOINT_NAMES.index("thumb0")] = _rotation_y(-0.7)
    parents = [JOINT_NAMES.index(PARENT_NAMES[name]) if name != "wrist" else -1 for name in JOINT_NAMES]
    R, t = np.zeros((JOINT_COUNT, 3, 3)), np.zeros((JOINT_COUNT, 3))
    for joint in reversed(range(JOINT_COUNT)):
        parent_R, parent_t = (R[parents[joint]], t[parents[joint]]) if joint != WRIST else (np.eye(3), np.zeros(3))
        R[joint], t[joint] = parent_R @ rest_rotations[joint], parent_t + parent_R @ offsets[joint]

    vertices, faces, weights = [], [], []
    for joint in range(JOINT_COUNT):
        if joint == WRIST:
            continue
        parent = parents[joint]
        along = t[joint] - t[parent]
        x = along / np.linalg.norm(along)
        z = np.cross(x, (0.0, 1.0, 0.0))
        z /= np.linalg.norm(z)
        y = np.cross(z, x)
        start = len(vertices)
        for end, share in ((t[parent] + 0.05 * along, 1.0), (t[joint] - 0.05 * along, 0.75)):
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                vertices.append(end + 6 * a * y + 6 * b * z)
                row = np.zeros(JOINT_COUNT)
                row[parent] += share
                row[parents[parent] if parent != WRIST else WRIST] += 1 - share
                weights.append(row)
        quads = [(3, 2, 1, 0), (4, 5, 6, 7), *((i, (i + 1) % 4, 4 + (i + 1) % 4, 4 + i) for i in range(4))]
        for a, b, c, d in quads:
            faces += [(start + a, start + b, start + c), (start + a, start + c, start + d)]
    vertices, faces = np.array(vertices), np.array(faces)
    uv = (vertices[:, [0, 2]] - vertices[:, [0, 2]].min(axis=0)) / 250.0
    return HandTemplate(
        vertices=vertices,
        faces=faces,
        uv=uv,
        uv_faces=faces.copy(),
        nail_faces=np.zeros(len(faces), dtype=bool),
        rest_rotations=rest_rotations,
        joint_offsets=offsets,
        skinning_weights=np.array(weights),
        pose_lower=np.full(POSE_SIZE, -0.5),
        pose_upper=np.full(POSE_SIZE, 1.6),
    )


def toy_placed_hand(side: Side = "right", seed: int = 0) -> PlacedHand:
    """A randomly bent toy hand half a metre before a 640x480 camera; a left one mirrors the right one of the same seed."""
    template = toy_template()
    decoder = HandDecoder(template)
    generator = torch.Generator().manual_seed(seed)
    theta = 0.6 * torch.rand(POSE_SIZE, generator=generator)
    mesh, rest = decoder(theta), decoder.rest_frames(decoder.joint_offsets)
    R = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]) @ _rotation_y(0.3)
    t = np.array([20.0, 80.0, 520.0])
    world, own = (np.diag([-1.0, 1.0, 1.0]), np.diag([1.0, 1.0, -1.0])) if side == "left" else (np.eye(3), np.eye(3))

    def placed(points: torch.Tensor) -> np.ndarray:
        return (points.double().numpy() @ R.T + t) @ world

    camera = Camera.from_fov(60.0, 640, 480)
    positions = placed(mesh.joints.positions)
    return PlacedHand(
        side=side,
        score=0.9,
        box=(200.0, 100.0, 180.0, 240.0),
        camera=camera,
        landmarks_px=camera.project(positions[list(LANDMARK_JOINTS)]) + 1.0,
        theta=theta.double().numpy(),
        template=template,
        rest_vertices=template.vertices @ own,
        rest_rotations=own @ rest.rotations.double().numpy() @ own,
        rest_positions=rest.positions.double().numpy() @ own,
        vertices=placed(mesh.vertices),
        joint_rotations=world @ R @ mesh.joints.rotations.double().numpy() @ own,
        joint_positions=positions,
        joints_mm=positions[list(LANDMARK_JOINTS)],
        scale_source="subject default",
    )


def _rotation_y(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
