"""The compiled part of the refinement: forward kinematics with axes, cost, normal equations and their damped solution.

Plain loops over scalars: on arrays this small they run as fast as calls of linear algebra, and compile in a fraction of the time.
Vectors on their way are tuples of three numbers. Arrays are float64 or int64 and contiguous, so that each function is compiled once.
What the compiled functions take is numba's business: their arguments are not annotated.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np

from estimator.hand.compiled import compiled

SMALLEST_PROPORTION = 0.5
"""No step shrinks a bone's proportion below this: the linear model knows no bound, and a bone of negative length points backwards."""


class Bones(NamedTuple):
    """``refinement.Skeleton`` and what the template knows of its joints, as arrays."""

    joint_offsets: np.ndarray
    rest_rotations: np.ndarray
    parents: np.ndarray
    order: np.ndarray
    above: np.ndarray
    groups: np.ndarray
    limits: np.ndarray
    dof_joints: np.ndarray
    dof_axes: np.ndarray
    landmark_joints: np.ndarray
    landmark_offsets: np.ndarray


class State(NamedTuple):
    """``refinement.HandState``."""

    theta: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    proportions: np.ndarray


class Evidence(NamedTuple):
    """Landmarks in pixels, centred landmarks in mm, the camera, and the standard deviation of each kind of residual."""

    pixels: np.ndarray
    relative: np.ndarray
    fx: float
    fy: float
    cx: float
    cy: float
    image_sigma: float
    space_sigma: float
    pose_sigma: float
    limit_sigma: float
    proportion_sigma: float


class Posed(NamedTuple):
    """Joints, the axes they turn about (a row each) and what the landmarks mark, all in the hand frame; the landmarks in the camera's."""

    positions: np.ndarray
    rotations: np.ndarray
    axes: np.ndarray
    marks: np.ndarray
    landmarks: np.ndarray


@compiled
@no_type_check
def row(array, i):
    """Row i of an n x 3 array."""
    return array[i, 0], array[i, 1], array[i, 2]


@compiled
@no_type_check
def turned(rotation, vector):
    """A matrix times a vector."""
    x, y, z = vector
    return (
        rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z,
        rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z,
        rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z,
    )


@compiled
@no_type_check
def cross(a, b):
    """Vector product."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled
@no_type_check
def posed(bones, state):
    """Joints and landmarks of a state: forward kinematics."""
    joint_count, landmark_count = len(bones.parents), len(bones.landmark_joints)
    offsets, rest, translation = bones.joint_offsets, bones.rest_rotations, state.translation
    angles = np.zeros((joint_count, 3))
    for i in range(len(state.theta)):
        angles[bones.dof_joints[i], bones.dof_axes[i]] = state.theta[i]
    positions, rotations = np.zeros((joint_count, 3)), np.zeros((joint_count, 3, 3))
    axes = np.zeros((joint_count, 3, 3))
    for step in range(joint_count):
        j = bones.order[step]
        p, proportion = bones.parents[j], state.proportions[bones.groups[j]]
        for a in range(3):
            if p < 0:
                positions[j, a] = offsets[j, a]
            else:
                positions[j, a] = positions[p, a]
            for b in range(3):
                if p < 0:
                    rotations[j, a, b] = rest[j, a, b]
                else:
                    positions[j, a] += rotations[p, a, b] * offsets[j, b] * proportion
                    for c in range(3):
                        rotations[j, a, b] += rotations[p, a, c] * rest[j, c, b]
        for axis in range(2, -1, -1):  # R = Rz Ry Rx: each turns the frame that the ones before it left
            cosine, sine = math.cos(angles[j, axis]), math.sin(angles[j, axis])
            a, b = (axis + 1) % 3, (axis + 2) % 3
            for c in range(3):
                axes[j, axis, c] = rotations[j, c, axis]
                along, across = rotations[j, c, a], rotations[j, c, b]
                rotations[j, c, a] = cosine * along + sine * across
                rotations[j, c, b] = cosine * across - sine * along

    marks, landmarks = np.zeros((landmark_count, 3)), np.zeros((landmark_count, 3))
    for k in range(landmark_count):
        j = bones.landmark_joints[k]
        x, y, z = turned(rotations[j], row(bones.landmark_offsets, k))
        marks[k, 0], marks[k, 1], marks[k, 2] = positions[j, 0] + x, positions[j, 1] + y, positions[j, 2] + z
        x, y, z = turned(state.rotation, row(marks, k))
        landmarks[k, 0], landmarks[k, 1], landmarks[k, 2] = x + translation[0], y + translation[1], z + translation[2]
    return Posed(positions, rotations, axes, marks, landmarks)


@compiled
@no_type_check
def mean_of(points):
    """Mean of the rows of an n x 3 array."""
    mean = np.zeros(3)
    for k in range(len(points)):
        for a in range(3):
            mean[a] += points[k, a] / len(points)
    return mean


@compiled
@no_type_check
def beyond(angle, lowest, highest):
    """What an angle exceeds its limits by; zero within them."""
    if angle > highest:
        return angle - highest
    return angle - lowest if angle < lowest else 0.0


@compiled
@no_type_check
def cost(bones, state, pose, start, evidence):
    """Half the sum of squared residuals, Huber's for the image; infinite where a landmark is not before the camera."""
    landmarks, theta, limits, pixels, relative = pose.landmarks, state.theta, bones.limits, evidence.pixels, evidence.relative
    mean = mean_of(landmarks)
    total = 0.0
    for k in range(len(landmarks)):
        x, y, z = row(landmarks, k)
        if z < 1.0:
            return np.inf
        u = (evidence.fx * x / z + evidence.cx - pixels[k, 0]) / evidence.image_sigma
        v = (evidence.fy * y / z + evidence.cy - pixels[k, 1]) / evidence.image_sigma
        distance = math.sqrt(u * u + v * v)
        total += 0.5 * distance * distance if distance < 1 else distance - 0.5
        for a in range(3):
            total += 0.5 * ((landmarks[k, a] - mean[a] - relative[k, a]) / evidence.space_sigma) ** 2
    for i in range(len(theta)):
        total += 0.5 * ((theta[i] - start.theta[i]) / evidence.pose_sigma) ** 2
        total += 0.5 * (beyond(theta[i], limits[0, i], limits[1, i]) / evidence.limit_sigma) ** 2
    if evidence.proportion_sigma > 0:
        for i in range(len(state.proportions)):
            total += 0.5 * ((state.proportions[i] - 1) / evidence.proportion_sigma) ** 2
    return total


@compiled
@no_type_check
def landmark_moves(bones, state, pose, proportion_count):
    """How each landmark moves in the camera frame with every unknown: rotation, translation, theta, proportions if they are free."""
    landmark_count, pose_size = len(pose.landmarks), len(state.theta)
    parents, above, rotation, positions, marks = bones.parents, bones.above, state.rotation, pose.positions, pose.marks
    moves = np.zeros((landmark_count, 3, 6 + pose_size + proportion_count))
    for k in range(landmark_count):
        j = bones.landmark_joints[k]
        x, y, z = turned(rotation, row(marks, k))
        moves[k, 1, 0], moves[k, 2, 0] = -z, y
        moves[k, 0, 1], moves[k, 2, 1] = z, -x
        moves[k, 0, 2], moves[k, 1, 2] = -y, x
        for a in range(3):
            moves[k, a, 3 + a] = 1.0
        for i in range(pose_size):
            b = bones.dof_joints[i]
            if b == j or above[b, j]:
                arm = marks[k, 0] - positions[b, 0], marks[k, 1] - positions[b, 1], marks[k, 2] - positions[b, 2]
                move = cross(row(pose.axes[b], bones.dof_axes[i]), arm)
                moves[k, 0, 6 + i], moves[k, 1, 6 + i], moves[k, 2, 6 + i] = turned(rotation, move)
        for b in range(len(parents)):
            if proportion_count > 0 and parents[b] >= 0 and (b == j or above[b, j]):
                i = 6 + pose_size + bones.groups[b]
                x, y, z = turned(rotation, turned(pose.rotations[parents[b]], row(bones.joint_offsets, b)))
                moves[k, 0, i], moves[k, 1, i], moves[k, 2, i] = moves[k, 0, i] + x, moves[k, 1, i] + y, moves[k, 2, i] + z
    return moves


@compiled
@no_type_check
def normal_equations(bones, state, pose, moves, start, evidence):
    """J^T J (its upper triangle) of the weighted residuals, and as last column J^T r: the residuals stand beside J, one more column."""
    landmarks, theta, limits, pixels, relative = pose.landmarks, state.theta, bones.limits, evidence.pixels, evidence.relative
    landmark_count, pose_size, unknown_count = len(landmarks), len(theta), moves.shape[2]
    mean, mean_moves = mean_of(landmarks), np.zeros((3, unknown_count))
    for k in range(landmark_count):
        for a in range(3):
            for i in range(unknown_count):
                mean_moves[a, i] += moves[k, a, i] / landmark_count

    equations, rows = np.zeros((unknown_count, unknown_count + 1)), np.zeros((5, unknown_count + 1))
    for k in range(landmark_count):
        x, y, z = row(landmarks, k)
        u = (evidence.fx * x / z + evidence.cx - pixels[k, 0]) / evidence.image_sigma
        v = (evidence.fy * y / z + evidence.cy - pixels[k, 1]) / evidence.image_sigma
        weight = math.sqrt(1.0 / max(math.sqrt(u * u + v * v), 1.0))  # Huber's, as a weight of least squares
        u_per_mm, v_per_mm = weight * evidence.fx / z / evidence.image_sigma, weight * evidence.fy / z / evidence.image_sigma
        rows[0, unknown_count], rows[1, unknown_count] = weight * u, weight * v
        for i in range(unknown_count):
            rows[0, i] = u_per_mm * (moves[k, 0, i] - x / z * moves[k, 2, i])
            rows[1, i] = v_per_mm * (moves[k, 1, i] - y / z * moves[k, 2, i])
        for a in range(3):
            rows[2 + a, unknown_count] = (landmarks[k, a] - mean[a] - relative[k, a]) / evidence.space_sigma
            for i in range(unknown_count):
                rows[2 + a, i] = (moves[k, a, i] - mean_moves[a, i]) / evidence.space_sigma
        for r in range(5):
            for i in range(unknown_count):
                for other in range(i, unknown_count + 1):
                    equations[i, other] += rows[r, i] * rows[r, other]

    for i in range(pose_size):
        excess = beyond(theta[i], limits[0, i], limits[1, i])
        equations[6 + i, 6 + i] += 1 / evidence.pose_sigma**2 + (1 / evidence.limit_sigma**2 if excess != 0 else 0.0)
        equations[6 + i, unknown_count] += (theta[i] - start.theta[i]) / evidence.pose_sigma**2 + excess / evidence.limit_sigma**2
    for i in range(6 + pose_size, unknown_count):
        equations[i, i] += 1 / evidence.proportion_sigma**2
        equations[i, unknown_count] += (state.proportions[i - 6 - pose_size] - 1) / evidence.proportion_sigma**2
    return equations


@compiled
@no_type_check
def damped_step(equations, damping):
    """The step that solves the normal equations, their diagonal enlarged by ``damping``: Cholesky, right-hand side included."""
    count = len(equations)
    factor, step = equations.copy(), np.zeros(count)
    for pivot in range(count):
        scale = 1 / math.sqrt(factor[pivot, pivot] + damping * equations[pivot, pivot])
        factor[pivot, pivot] += damping * equations[pivot, pivot]
        for other in range(pivot, count + 1):
            factor[pivot, other] *= scale
        for i in range(pivot + 1, count):
            for other in range(i, count + 1):
                factor[i, other] -= factor[pivot, i] * factor[pivot, other]
    for i in range(count - 1, -1, -1):
        step[i] = -factor[i, count]
        for other in range(i + 1, count):
            step[i] -= factor[i, other] * step[other]
        step[i] /= factor[i, i]
    return step


@compiled
@no_type_check
def rotation_of(vector):
    """Rodrigues' formula."""
    R = np.zeros((3, 3))
    angle = math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    cosine, sine = math.cos(angle), math.sin(angle)
    for a in range(3):
        R[a, a] = cosine
    if angle < 1e-12:
        return R
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        R[b, c] -= sine * vector[a] / angle
        R[c, b] += sine * vector[a] / angle
        for b in range(3):
            R[a, b] += (1 - cosine) * (vector[a] / angle) * (vector[b] / angle)
    return R


@compiled
@no_type_check
def moved(state, step):
    """The state after a step of rotation about the wrist, translation, theta and, if it has them, proportions."""
    theta, proportions, translation = state.theta.copy(), state.proportions.copy(), state.translation.copy()
    turn, rotation = rotation_of(step), np.zeros((3, 3))
    for a in range(3):
        translation[a] += step[3 + a]
        for b in range(3):
            for c in range(3):
                rotation[a, b] += turn[a, c] * state.rotation[c, b]
    for i in range(len(theta)):
        theta[i] += step[6 + i]
    for i in range(len(step) - 6 - len(theta)):
        proportions[i] = max(proportions[i] + step[6 + len(theta) + i], SMALLEST_PROPORTION)
    return State(theta, rotation, translation, proportions)
