"""The compiled part of the refinement: forward kinematics with axes, cost, normal equations, Levenberg-Marquardt.

Arguments that repeat: ``arrays`` is a skeleton as ``refinement.Skeleton`` lays it out; ``state`` is (theta, rotation, translation,
proportions); ``evidence`` is (landmarks in pixels, centred relative landmarks, fx fy cx cy, the five standard deviations of image,
space, pose, limits and proportions). The types of numba's arguments are numba's business: nothing here is annotated.
"""

from typing import no_type_check

import numpy as np

from estimator.hand.compiled import compiled


@compiled
@no_type_check
def forward(arrays, theta, proportions):
    """Joint positions, rotations and the axis of every degree of freedom, in the hand frame."""
    offsets, rest, parents, order, _, groups, _, dof_joint, dof_axis, _, _ = arrays
    joints = len(parents)
    euler = np.zeros((joints, 3))
    for i in range(len(theta)):
        euler[dof_joint[i], dof_axis[i]] = theta[i]
    position = np.zeros((joints, 3))
    rotation = np.zeros((joints, 3, 3))
    axes = np.zeros((joints, 3, 3))
    for j in order:
        if parents[j] < 0:
            frame = rest[j].copy()
            position[j] = offsets[j]
        else:
            p = parents[j]
            frame = rotation[p] @ rest[j]
            position[j] = position[p] + rotation[p] @ (offsets[j] * proportions[groups[j]])
        for axis in (2, 1, 0):
            axes[j, axis] = frame[:, axis]
            c, s = np.cos(euler[j, axis]), np.sin(euler[j, axis])
            a, b = (axis + 1) % 3, (axis + 2) % 3
            column = c * frame[:, a] + s * frame[:, b]
            frame[:, b] = c * frame[:, b] - s * frame[:, a]
            frame[:, a] = column
        rotation[j] = frame
    return position, rotation, axes


@compiled
@no_type_check
def cross(a, b):
    """Vector product; numba has none."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


@compiled
@no_type_check
def placed_landmarks(arrays, state):
    """The points that the detector's landmarks mark, in the camera frame."""
    theta, rotation, translation, proportions = state
    position, frames, _ = forward(arrays, theta, proportions)
    landmarks, marks = arrays[9], arrays[10]
    placed = np.empty((len(landmarks), 3))
    for k in range(len(landmarks)):
        j = landmarks[k]
        placed[k] = rotation @ (position[j] + frames[j] @ marks[k]) + translation
    return placed


@compiled
@no_type_check
def cost(arrays, state, start, evidence):
    """Half the sum of squared residuals, Huber's for the image; infinite where a landmark is not before the camera."""
    theta, proportions, limits = state[0], state[3], arrays[6]
    pixels, relative, intrinsics, sigmas = evidence
    placed = placed_landmarks(arrays, state)
    count = len(placed)
    mean = np.zeros(3)
    for k in range(count):
        mean += placed[k] / count
    total = 0.0
    for k in range(count):
        x, y, z = placed[k]
        if z < 1.0:
            return np.inf
        u = (intrinsics[0] * x / z + intrinsics[2] - pixels[k, 0]) / sigmas[0]
        v = (intrinsics[1] * y / z + intrinsics[3] - pixels[k, 1]) / sigmas[0]
        distance = np.sqrt(u * u + v * v)
        total += 0.5 * distance**2 if distance < 1 else distance - 0.5
        difference = (placed[k] - mean - relative[k]) / sigmas[1]
        total += 0.5 * (difference**2).sum()
    for i in range(len(theta)):
        beyond = max(theta[i] - limits[1, i], 0.0) + min(theta[i] - limits[0, i], 0.0)
        total += 0.5 * ((theta[i] - start[0][i]) / sigmas[2]) ** 2 + 0.5 * (beyond / sigmas[3]) ** 2
    if sigmas[4] > 0:
        total += 0.5 * (((proportions - 1) / sigmas[4]) ** 2).sum()
    return total


@compiled
@no_type_check
def normal_equations(arrays, state, start, evidence):
    """J^T J and J^T r of the weighted residuals."""
    offsets, _, parents, _, above, groups, limits, dof_joint, dof_axis, landmarks, marks = arrays
    theta, rotation, translation, proportions = state
    pixels, relative, intrinsics, sigmas = evidence
    position, frames, axes = forward(arrays, theta, proportions)
    joints, count, poses = len(parents), len(landmarks), len(theta)
    unknowns = 6 + poses + len(proportions)

    # How each landmark moves in the camera frame, a row an unknown: rotation about the wrist, translation, theta, proportions.
    moves = np.zeros((count, unknowns, 3))
    placed = np.empty((count, 3))
    for k in range(count):
        j = landmarks[k]
        point = position[j] + frames[j] @ marks[k]
        turned = rotation @ point
        placed[k] = turned + translation
        for a in range(3):
            moves[k, 3 + a, a] = 1.0
        moves[k, 0, 1], moves[k, 0, 2] = -turned[2], turned[1]
        moves[k, 1, 0], moves[k, 1, 2] = turned[2], -turned[0]
        moves[k, 2, 0], moves[k, 2, 1] = -turned[1], turned[0]
        for i in range(poses):
            a = dof_joint[i]
            if above[a, j] or a == j:
                moves[k, 6 + i] = rotation @ cross(axes[a, dof_axis[i]], point - position[a])
        if sigmas[4] > 0:
            for b in range(joints):
                if parents[b] >= 0 and (b == j or above[b, j]):
                    moves[k, 6 + poses + groups[b]] += rotation @ (frames[parents[b]] @ offsets[b])
    mean_moves = np.zeros((unknowns, 3))
    mean = np.zeros(3)
    for k in range(count):
        mean_moves += moves[k] / count
        mean += placed[k] / count

    H = np.zeros((unknowns, unknowns))
    g = np.zeros(unknowns)
    rows = np.zeros((5, unknowns))
    residuals = np.zeros(5)
    for k in range(count):
        x, y, z = placed[k]
        u = (intrinsics[0] * x / z + intrinsics[2] - pixels[k, 0]) / sigmas[0]
        v = (intrinsics[1] * y / z + intrinsics[3] - pixels[k, 1]) / sigmas[0]
        weight = np.sqrt(1.0 / max(np.sqrt(u * u + v * v), 1.0))
        residuals[0], residuals[1] = weight * u, weight * v
        fu, fv = weight * intrinsics[0] / z / sigmas[0], weight * intrinsics[1] / z / sigmas[0]
        for i in range(unknowns):
            rows[0, i] = fu * (moves[k, i, 0] - x / z * moves[k, i, 2])
            rows[1, i] = fv * (moves[k, i, 1] - y / z * moves[k, i, 2])
            for a in range(3):
                rows[2 + a, i] = (moves[k, i, a] - mean_moves[i, a]) / sigmas[1]
        residuals[2:] = (placed[k] - mean - relative[k]) / sigmas[1]
        H += rows.T @ rows
        g += rows.T @ residuals
    for i in range(poses):
        beyond = max(theta[i] - limits[1, i], 0.0) + min(theta[i] - limits[0, i], 0.0)
        H[6 + i, 6 + i] += 1 / sigmas[2] ** 2 + (1 / sigmas[3] ** 2 if beyond != 0 else 0.0)
        g[6 + i] += (theta[i] - start[0][i]) / sigmas[2] ** 2 + beyond / sigmas[3] ** 2
    for i in range(6 + poses, unknowns):
        if sigmas[4] > 0:
            H[i, i] += 1 / sigmas[4] ** 2
            g[i] += (proportions[i - 6 - poses] - 1) / sigmas[4] ** 2
        else:
            H[i, i] += 1.0
    return H, g


@compiled
@no_type_check
def rotation_of(vector):
    """Rodrigues' formula."""
    angle = np.sqrt((vector**2).sum())
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    K = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * (K @ K)


@compiled
@no_type_check
def moved(state, step):
    """The state after a step of rotation about the wrist, translation, theta and proportions."""
    theta, rotation, translation, proportions = state
    poses = len(theta)
    return (
        theta + step[6 : 6 + poses],
        rotation_of(step[:3]) @ rotation,
        translation + step[3:6],
        np.maximum(proportions + step[6 + poses :], 0.5),
    )


@compiled
@no_type_check
def levenberg_marquardt(arrays, start, evidence, iterations):
    """Levenberg-Marquardt: damping falls after a step that helps and rises after one that does not."""
    state = start
    before = cost(arrays, state, start, evidence)
    damping = 1e-3
    H, g = normal_equations(arrays, state, start, evidence)
    for _ in range(iterations):
        damped = H.copy()
        for i in range(len(g)):
            damped[i, i] *= 1 + damping
        trial = moved(state, np.linalg.solve(damped, -g))
        after = cost(arrays, trial, start, evidence)
        if after < before:
            improvement = before - after
            state, before, damping = trial, after, damping / 5
            if improvement < 1e-4 * before:
                break
            H, g = normal_equations(arrays, state, start, evidence)
        else:
            damping *= 10
    return state
