"""BVH, read by a literal reader, puts every joint where the hand has it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from estimator.export import write_bvh
from estimator.export_bvh import write_bvh_motion
from estimator.hand.template import JOINT_NAMES, PARENT_NAMES
from estimator.placed_hand import PlacedHand, Side
from tests.estimator.exported_hands import HANDS, TOLERANCE_MM, exported_hand, to_y_up
from tests.toys import toy_placed_hand


@dataclass
class Node:
    """A joint of a BVH file."""

    name: str
    parent: "Node | None"
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: list[str] = field(default_factory=list)


@dataclass
class Bvh:
    """A BVH file: joints in file order, a row of channel values a frame."""

    nodes: list[Node]
    frames: np.ndarray
    frame_time: float

    @classmethod
    def read(cls, path: Path) -> "Bvh":
        words = iter(path.read_text(encoding="ascii").split())
        nodes: list[Node] = []
        stack: list[Node] = []
        assert next(words) == "HIERARCHY"
        for word in words:
            if word in ("ROOT", "JOINT", "End"):
                parent = stack[-1] if stack else None
                name = next(words)
                nodes.append(Node(name if word != "End" else f"end of {parent.name if parent else ''}", parent))
            elif word == "{":
                stack.append(nodes[-1])
            elif word == "}":
                stack.pop()
            elif word == "OFFSET":
                stack[-1].offset = np.array([float(next(words)) for _ in range(3)])
            elif word == "CHANNELS":
                stack[-1].channels = [next(words) for _ in range(int(next(words)))]
            elif word == "MOTION":
                break
        assert not stack
        assert next(words) == "Frames:"
        frame_count = int(next(words))
        assert (next(words), next(words)) == ("Frame", "Time:")
        frame_time = float(next(words))
        return cls(nodes, np.array([float(word) for word in words]).reshape(frame_count, -1), frame_time)

    def positions(self, frame: int) -> dict[str, np.ndarray]:
        """Forward kinematics: where every joint is in one frame."""
        values = iter(self.frames[frame])
        placed: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for node in self.nodes:
            R, t = placed[node.parent.name] if node.parent else (np.eye(3), np.zeros(3))
            t = t + R @ node.offset
            for channel in node.channels:
                axis, value = "XYZ".index(channel[0]), next(values)
                if channel.endswith("position"):
                    t = t + value * np.eye(3)[axis]
                else:
                    R = R @ axis_rotation(axis, np.radians(value))
            placed[node.name] = R, t
        assert next(values, None) is None
        return {name: t for name, (_, t) in placed.items()}


def axis_rotation(axis: int, angle: float) -> np.ndarray:
    R, a, b = np.eye(3), (axis + 1) % 3, (axis + 2) % 3
    R[a, a] = R[b, b] = np.cos(angle)
    R[b, a] = np.sin(angle)
    R[a, b] = -R[b, a]
    return R


def name_in_bvh(joint: str) -> str:
    return f"end of {PARENT_NAMES[joint]}" if joint.endswith("_null") else joint


def joint_positions(bvh: Bvh, frame: int) -> np.ndarray:
    positions = bvh.positions(frame)
    assert len(positions) == len(JOINT_NAMES)
    return np.stack([positions[name_in_bvh(name)] for name in JOINT_NAMES])


@pytest.mark.parametrize(("kind", "side"), HANDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_one_pose(kind: str, side: Side, seed: int, tmp_path: Path) -> None:
    hand = exported_hand(kind, side, seed)
    write_bvh(hand, tmp_path / "hand.bvh")
    bvh = Bvh.read(tmp_path / "hand.bvh")
    assert len(bvh.frames) == 1
    np.testing.assert_allclose(joint_positions(bvh, 0), to_y_up(hand.joint_positions), atol=TOLERANCE_MM)
    assert {node.name: node.parent.name for node in bvh.nodes if node.parent and node.channels} == {
        name: parent for name, parent in PARENT_NAMES.items() if not name.endswith("_null")
    }


def test_a_motion_has_a_row_a_frame(tmp_path: Path) -> None:
    hands = [toy_placed_hand("left", seed) for seed in range(4)]
    write_bvh_motion(hands, tmp_path / "hand.bvh", frame_rate=25.0)
    bvh = Bvh.read(tmp_path / "hand.bvh")
    assert bvh.frame_time == pytest.approx(0.04)
    assert len(bvh.frames) == 4
    for frame, hand in enumerate(hands):
        np.testing.assert_allclose(joint_positions(bvh, frame), to_y_up(hand.joint_positions), atol=TOLERANCE_MM)


def test_a_full_turn_has_no_jump(tmp_path: Path) -> None:
    """Editors interpolate angles, so the next frame's may not differ by a turn."""
    hand = toy_placed_hand()
    hands = [turned(hand, angle) for angle in np.linspace(0, 2 * np.pi, 25)]
    write_bvh_motion(hands, tmp_path / "hand.bvh", frame_rate=30.0)
    bvh = Bvh.read(tmp_path / "hand.bvh")
    assert np.abs(np.diff(bvh.frames[:, 3:], axis=0)).max() < 90
    np.testing.assert_allclose(joint_positions(bvh, 13), to_y_up(hands[13].joint_positions), atol=TOLERANCE_MM)


@pytest.mark.parametrize("y_angle", [90.0, -90.0, 89.9999])
def test_gimbal_lock_is_exact(y_angle: float, tmp_path: Path) -> None:
    hand = toy_placed_hand()
    wanted = np.diag([1.0, -1.0, -1.0]) @ axis_rotation(2, 0.4) @ axis_rotation(1, np.radians(y_angle)) @ axis_rotation(0, 0.3)
    R = wanted @ hand.root_rotation.T
    locked = replace(hand, joint_rotations=R @ hand.joint_rotations, joint_positions=hand.joint_positions @ R.T)
    write_bvh(locked, tmp_path / "hand.bvh")
    bvh = Bvh.read(tmp_path / "hand.bvh")
    np.testing.assert_allclose(joint_positions(bvh, 0), to_y_up(locked.joint_positions), atol=TOLERANCE_MM)


def test_a_motion_needs_frames_of_one_hand(tmp_path: Path) -> None:
    right = toy_placed_hand("right")
    longer = replace(right, rest_positions=1.1 * right.rest_positions)
    for frames in ([], [right, toy_placed_hand("left")], [right, longer]):
        with pytest.raises(ValueError, match="motion"):
            write_bvh_motion(frames, tmp_path / "hand.bvh", frame_rate=30.0)
    with pytest.raises(ValueError, match="rate"):
        write_bvh_motion([right], tmp_path / "hand.bvh", frame_rate=0.0)
    assert not (tmp_path / "hand.bvh").exists()


def turned(hand: PlacedHand, angle: float) -> PlacedHand:
    R = axis_rotation(2, angle)
    return replace(hand, joint_rotations=R @ hand.joint_rotations, joint_positions=hand.joint_positions @ R.T)
