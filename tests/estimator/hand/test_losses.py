"""Every loss against its slow, literal definition, its gradient against finite differences, and the laws that the words promise."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from estimator.hand.decoder import HandDecoder
from estimator.hand.losses import (
    FINGER_BONES,
    FINGERTIP_BONES,
    SEPARATE_BONES,
    BoneSpheres,
    bone_spheres,
    depth_loss,
    drift_loss,
    l2_regulariser,
    laplacian_loss,
    overlapping,
    palm_vertices,
    penetration_nonrigid,
    penetration_rigid,
    pose_loss,
    pose_spheres,
)
from estimator.hand.surface import uniform_laplacian
from estimator.hand.template import FINGERS, JOINT_COUNT, JOINT_NAMES, PARENT_NAMES, POSE_SIZE
from tests.toys import toy_template

BATCHES = [(), (1,), (2, 3), (0,)]
K = 10
TEMPLATE = toy_template()
BONES = len(FINGER_BONES)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def hand(theta: Tensor) -> tuple[Tensor, Tensor]:
    """Joints and vertices of the toy hand, each vertex moved a little: the toy's prisms are symmetric, so that nearest vertices tie."""
    mesh = HandDecoder(TEMPLATE).double()(theta)
    return mesh.joints.positions, mesh.vertices + random(len(TEMPLATE.vertices), 3)


def bent(batch: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Hands from half open to closed, so that fingers meet each other and the palm."""
    return hand(0.7 + 0.4 * random(*batch, POSE_SIZE, seed=1))


def palm_indices() -> Tensor:
    return palm_vertices(torch.tensor(TEMPLATE.skinning_weights))


def assert_equals_slow(fast: Tensor, slow: Callable[..., float], *arguments: Tensor) -> None:
    """Compare with a definition that knows one sample only; each argument has the batch axes in front."""
    for place in itertools.product(*(range(size) for size in fast.shape)):
        assert fast[place].item() == pytest.approx(slow(*(argument[place] for argument in arguments)), rel=1e-9, abs=1e-9)


# Pose


def slow_pose_loss(positions: Tensor, target: Tensor, valid: Tensor) -> float:
    distances = [sum(abs(float(positions[j, axis] - target[j, axis])) for axis in range(3)) for j in range(len(positions)) if valid[j]]
    return sum(distances) / len(distances)


def pose_case(batch: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    valid = random(*batch, JOINT_COUNT, seed=3) > 0
    target = torch.where(valid[..., None], random(*batch, JOINT_COUNT, 3, seed=2), math.nan)
    return random(*batch, JOINT_COUNT, 3), target, valid


@pytest.mark.parametrize("batch", BATCHES)
def test_pose_loss_is_the_mean_over_valid_joints(batch: tuple[int, ...]) -> None:
    case = pose_case(batch)
    loss = pose_loss(*case)
    assert loss.shape == batch
    assert_equals_slow(loss, slow_pose_loss, *case)


def test_pose_loss_of_one_joint_by_hand() -> None:
    positions = torch.zeros(2, 3)
    target = torch.tensor([[1.0, -2, 3], [100, 100, 100]])
    assert pose_loss(positions, target, torch.tensor([True, False])) == 6
    assert pose_loss(positions, target, torch.tensor([False, False])) == 0


def test_one_valid_mask_serves_a_batch() -> None:
    positions, target = random(4, JOINT_COUNT, 3), random(4, JOINT_COUNT, 3, seed=1)
    valid = torch.arange(JOINT_COUNT) > 3
    torch.testing.assert_close(pose_loss(positions, target, valid), pose_loss(positions, target, valid.expand(4, -1)))


def test_gradient_of_the_pose_loss() -> None:
    positions, target, valid = pose_case((2,))
    assert torch.autograd.gradcheck(lambda p: pose_loss(p, target, valid), positions.requires_grad_())


# Depth


def slow_depth_loss(depth: Tensor, target: Tensor) -> float:
    terms = []
    for found, true in zip(depth.flatten().tolist(), target.flatten().tolist(), strict=True):
        if found != 0 and true != 0:
            difference = abs(found - true)
            terms.append(0.5 * difference**2 if difference < 1 else difference - 0.5)
    return sum(terms) / len(terms)


def depth_case(batch: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    depth, target = (500 + 2 * random(*batch, 5, 6, seed=seed) for seed in (0, 1))
    return depth * (random(*batch, 5, 6, seed=2) > 0), target * (random(*batch, 5, 6, seed=3) > 0)


@pytest.mark.parametrize("batch", BATCHES)
def test_depth_loss_is_the_mean_over_pixels_seen_in_both(batch: tuple[int, ...]) -> None:
    case = depth_case(batch)
    loss = depth_loss(*case)
    assert loss.shape == batch
    assert_equals_slow(loss, slow_depth_loss, *case)


def test_empty_border_and_maps_without_a_common_pixel() -> None:
    depth, target = depth_case((2,))
    wider = [torch.nn.functional.pad(image, (3, 3, 3, 3)) for image in (depth, target)]
    torch.testing.assert_close(depth_loss(*wider), depth_loss(depth, target))
    assert depth_loss(depth * (target == 0), target).tolist() == [0, 0]


def test_gradient_of_the_depth_loss() -> None:
    depth, target = depth_case((2,))
    seen = depth > 0
    assert torch.autograd.gradcheck(lambda values: depth_loss(depth.masked_scatter(seen, values), target), depth[seen].requires_grad_())


def test_pixels_seen_in_one_map_get_no_gradient() -> None:
    depth, target = (torch.where(image > 0, image, math.nan) for image in depth_case(()))
    depth_loss(depth.requires_grad_(), target).backward()
    assert depth.grad is not None
    assert torch.equal(depth.grad != 0, (depth > 0) & (target > 0))


# Spheres


def bone_names() -> list[tuple[str, str]]:
    return [(JOINT_NAMES[parent], JOINT_NAMES[joint]) for parent, joint in FINGER_BONES]


def test_finger_bones_are_the_segments_outside_the_palm() -> None:
    segments = {(f"{finger}{a}", f"{finger}{b}") for finger in FINGERS[1:] for a, b in ((1, 2), (2, 3), (3, "_null"))}
    assert set(bone_names()) == segments | {("thumb2", "thumb3"), ("thumb3", "thumb_null")}
    assert len(bone_names()) == 14
    assert {bone_names()[bone][1] for bone in FINGERTIP_BONES} == {"index_null", "middle_null", "ring_null", "pinky_null"}


def test_separate_bones_are_those_of_equation_2() -> None:
    children = [joint for _, joint in bone_names()]
    kept = {
        frozenset((a, b))
        for a, b in itertools.product(range(BONES), repeat=2)
        if children[a] not in (children[b], PARENT_NAMES[children[b]]) and children[b] != PARENT_NAMES[children[a]]
    }
    assert {frozenset(pair) for pair in SEPARATE_BONES} == kept
    assert len(SEPARATE_BONES) == len(kept) == BONES * (BONES - 1) // 2 - 9


def slow_spheres(joints: Tensor, vertices: Tensor) -> tuple[Tensor, Tensor]:
    centres, radii = torch.zeros(BONES, K, 3, dtype=torch.float64), torch.zeros(BONES, K, dtype=torch.float64)
    for bone, (parent, joint) in enumerate(FINGER_BONES):
        for k in range(K):
            centres[bone, k] = joints[parent] + k / (K - 1) * (joints[joint] - joints[parent])
            radii[bone, k] = min(math.dist(centres[bone, k].tolist(), vertex) for vertex in vertices.tolist())
    return centres, radii


@pytest.mark.parametrize("batch", BATCHES)
def test_spheres_divide_the_bones_and_reach_the_closest_vertex(batch: tuple[int, ...]) -> None:
    joints, vertices = bent(batch)
    spheres = bone_spheres(joints, vertices)
    assert spheres.radii.shape == (*batch, BONES, K)
    for place in itertools.product(*(range(size) for size in batch)):
        centres, radii = slow_spheres(joints[place], vertices[place])
        torch.testing.assert_close(spheres.centres[place], centres)
        torch.testing.assert_close(spheres.radii[place], radii)


def test_posed_spheres_are_the_rest_spheres_carried_by_their_bones() -> None:
    rest_joints, rest_vertices = hand(torch.zeros(POSE_SIZE, dtype=torch.float64))
    joints, _ = bent((2, 3))
    rest = bone_spheres(rest_joints, rest_vertices)
    posed = pose_spheres(rest, joints)
    assert torch.equal(posed.radii, rest.radii)
    for bone, (parent, joint) in enumerate(FINGER_BONES):
        torch.testing.assert_close(posed.centres[..., bone, 0, :], joints[..., parent, :])
        torch.testing.assert_close(posed.centres[..., bone, -1, :], joints[..., joint, :])
    spacing = torch.linalg.vector_norm(posed.centres.diff(dim=-2), dim=-1)
    torch.testing.assert_close(spacing, torch.linalg.vector_norm(rest.centres.diff(dim=-2), dim=-1).expand_as(spacing))


def test_gradient_of_the_spheres() -> None:
    joints, vertices = hand(torch.zeros(POSE_SIZE, dtype=torch.float64))

    def mixed(joints: Tensor, vertices: Tensor) -> Tensor:
        spheres = bone_spheres(joints, vertices)
        return torch.stack([(spheres.radii * random(BONES, K)).sum(), (spheres.centres * random(BONES, K, 3)).sum()])

    assert torch.autograd.gradcheck(mixed, (joints.requires_grad_(), vertices.requires_grad_()))


# Penetration between fingers


def slow_penetration_rigid(centres: Tensor, radii: Tensor) -> float:
    total = 0.0
    children = [joint for _, joint in bone_names()]
    for (a, j), (b, other) in itertools.product(enumerate(children), repeat=2):
        if j in (other, PARENT_NAMES[other]) or other == PARENT_NAMES[j]:
            continue
        for k, m in itertools.product(range(K), repeat=2):
            total += max(float(radii[a, k] + radii[b, m]) - math.dist(centres[a, k].tolist(), centres[b, m].tolist()), 0.0)
    return total


def even_spheres(joints: Tensor, radius: float) -> BoneSpheres:
    """Spheres of one size: the toy's own are fat, since its prisms have vertices at their ends only."""
    joints_at_rest, vertices = hand(torch.zeros(POSE_SIZE, dtype=torch.float64))
    spheres = pose_spheres(bone_spheres(joints_at_rest, vertices), joints)
    return BoneSpheres(spheres.centres, torch.full_like(spheres.radii, radius))


@pytest.mark.parametrize("batch", [(), (1,), (2, 2), (0,)])
def test_rigid_penetration_is_equation_2(batch: tuple[int, ...]) -> None:
    joints, _ = bent(batch)
    spheres = even_spheres(joints, 8.0)
    radii = spheres.radii.expand(*batch, -1, -1) + random(*batch, BONES, K)
    loss = penetration_rigid(BoneSpheres(spheres.centres, radii))
    assert loss.shape == batch
    assert bool((loss > 0).all())
    assert_equals_slow(loss, slow_penetration_rigid, spheres.centres, radii)


def test_pairs_left_out_of_the_rigid_penetration_do_not_count() -> None:
    joints, _ = bent((2,))
    spheres = even_spheres(joints, 8.0)
    found = overlapping(spheres)
    assert found.any()
    assert bool((penetration_rigid(spheres, found) == penetration_rigid(spheres)).all())
    assert not penetration_rigid(spheres, ~found).any()
    keep = torch.zeros_like(found)
    keep[1] = found[1]
    one, other = penetration_rigid(spheres, keep)
    assert one == 0
    assert other == penetration_rigid(spheres)[1]


def test_one_hand_of_radii_serves_a_batch_of_poses() -> None:
    joints, _ = bent((2, 3))
    spheres = even_spheres(joints, 8.0)
    whole = BoneSpheres(spheres.centres, spheres.radii.expand(2, 3, -1, -1))
    torch.testing.assert_close(penetration_rigid(spheres), penetration_rigid(whole))


def test_open_fingers_do_not_penetrate_and_two_spheres_count_twice() -> None:
    joints, _ = hand(torch.zeros(POSE_SIZE, dtype=torch.float64))
    apart = even_spheres(joints, 5.0)
    assert penetration_rigid(apart) == 0
    index, middle = (bone_names().index((f"{finger}1", f"{finger}2")) for finger in ("index", "middle"))
    gap = math.dist(apart.centres[index, 4].tolist(), apart.centres[middle, 4].tolist())
    radii = torch.zeros_like(apart.radii)
    radii[index, 4], radii[middle, 4] = gap / 2 + 0.05, gap / 2 + 0.05
    assert penetration_rigid(BoneSpheres(apart.centres, radii)).item() == pytest.approx(2 * 0.1)


def test_neighbours_along_a_finger_may_overlap() -> None:
    """Fingers a metre apart, radii that fill the joints but do not bridge a whole bone."""
    joints, _ = hand(torch.zeros(POSE_SIZE, dtype=torch.float64))
    finger = torch.tensor([next((i for i, name in enumerate(FINGERS) if joint.startswith(name)), 9) for joint in JOINT_NAMES])
    spheres = even_spheres(joints + 1000.0 * finger[:, None], 12.0)
    proximal, middle = (bone_names().index(bone) for bone in (("index1", "index2"), ("index2", "index3")))
    assert math.dist(spheres.centres[proximal, -1].tolist(), spheres.centres[middle, 1].tolist()) < 24  # they do overlap
    assert penetration_rigid(spheres) == 0


def test_spheres_with_one_centre_have_a_finite_gradient() -> None:
    centres = torch.zeros(BONES, K, 3, dtype=torch.float64, requires_grad=True)
    penetration_rigid(BoneSpheres(centres, torch.ones(BONES, K, dtype=torch.float64))).backward()
    assert centres.grad is not None
    assert bool(centres.grad.isfinite().all())


def test_gradient_of_the_rigid_penetration() -> None:
    joints, _ = bent(())
    spheres = even_spheres(joints, 8.0)
    radii = spheres.radii + random(BONES, K)
    inputs = (spheres.centres.detach().requires_grad_(), radii.detach().requires_grad_())
    assert penetration_rigid(BoneSpheres(*inputs)) > 0
    assert torch.autograd.gradcheck(lambda centres, radii: penetration_rigid(BoneSpheres(centres, radii)), inputs)


# Penetration of fingertips into the palm


def slow_penetration_nonrigid(centres: Tensor, radii: Tensor, palm: Tensor) -> float:
    total = 0.0
    for bone, (_, joint) in enumerate(bone_names()):
        if not joint.endswith("_null") or joint.startswith("thumb"):
            continue
        distances = [min(math.dist(centre, vertex) for vertex in palm.tolist()) for centre in centres[bone].tolist()]
        penetrating = [k for k in range(K) if distances[k] < radii[bone, k]]
        if penetrating:
            total += sum(abs(distances[k] - float(radii[bone, k])) for k in range(min(penetrating), K))
    return total


def finger_through_a_plane(batch: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Spheres 3 mm apart that dive into a jittered palm at y = 0: index, middle and ring from three heights; pinky stays above."""
    side = torch.arange(-12.0, 13.0, 3.0, dtype=torch.float64)
    x, z = torch.meshgrid(side, side, indexing="ij")
    palm = torch.stack([x, torch.zeros_like(x), z], dim=-1).reshape(-1, 3) + 0.3 * random(*batch, x.numel(), 3)
    centres = torch.full((*batch, BONES, K, 3), 500.0, dtype=torch.float64)
    for tip, height in zip(FINGERTIP_BONES, (20.0, 8.0, 26.0, 60.0), strict=True):
        centres[..., tip, :, :] = torch.tensor([[0.7, height - 3.1 * k, 0.4] for k in range(K)], dtype=torch.float64)
    centres = centres + 0.3 * random(*batch, BONES, K, 3, seed=1)
    return centres, 5 + 0.3 * random(*batch, BONES, K, seed=2), palm


@pytest.mark.parametrize("batch", [(), (1,), (2, 2), (0,)])
def test_nonrigid_penetration_is_equations_3_and_4(batch: tuple[int, ...]) -> None:
    case = finger_through_a_plane(batch)
    loss = penetration_nonrigid(BoneSpheres(*case[:2]), case[2])
    assert loss.shape == batch
    assert bool((loss > 0).all())
    assert_equals_slow(loss, slow_penetration_nonrigid, *case)


@pytest.mark.parametrize("batch", [(), (2, 2)])
def test_nonrigid_penetration_of_a_bent_toy_hand(batch: tuple[int, ...]) -> None:
    joints, vertices = bent(batch)
    palm = vertices[..., palm_indices(), :]
    spheres = even_spheres(joints, 50.0)  # the toy's palm is sparse
    loss = penetration_nonrigid(spheres, palm)
    assert bool((loss > 0).any())
    assert_equals_slow(loss, slow_penetration_nonrigid, spheres.centres, spheres.radii.expand(*batch, -1, -1), palm)


def test_all_spheres_from_the_first_penetrating_one_to_the_tip_count() -> None:
    """One palm vertex, hit by the fourth index sphere; those after it are far below, those before it do not count."""
    centres = torch.full((BONES, K, 3), 900.0)
    tip = FINGERTIP_BONES[0]
    centres[tip] = torch.tensor([[0.0, 30.0 - 10 * k, 0.0] for k in range(K)])
    radii = torch.full((BONES, K), 4.0)
    loss = penetration_nonrigid(BoneSpheres(centres, radii), torch.zeros(1, 3))
    assert loss == 4 + sum(10 * n - 4 for n in range(1, 7))
    lifted = penetration_nonrigid(BoneSpheres(centres + torch.tensor([0.0, 5, 0]), radii), torch.zeros(1, 3))
    assert lifted == 0  # no sphere is nearer than its radius: distances 5, 5, 15, ...


def test_the_thumb_and_other_segments_may_enter_the_palm() -> None:
    centres = torch.full((BONES, K, 3), 900.0)
    others = [bone for bone in range(BONES) if bone not in FINGERTIP_BONES]
    assert bone_names().index(("thumb3", "thumb_null")) in others
    centres[others] = 0.0
    assert penetration_nonrigid(BoneSpheres(centres, torch.full((BONES, K), 4.0)), torch.zeros(1, 3)) == 0


def test_gradient_of_the_nonrigid_penetration() -> None:
    inputs = tuple(tensor.requires_grad_() for tensor in finger_through_a_plane(()))

    def loss(centres: Tensor, radii: Tensor, palm: Tensor) -> Tensor:
        return penetration_nonrigid(BoneSpheres(centres, radii), palm)

    assert torch.autograd.gradcheck(loss, inputs)
    for gradient in torch.autograd.grad(loss(*inputs), inputs):
        assert gradient.abs().max() > 0


def test_the_palm_is_what_wrist_and_thumb1_move_most() -> None:
    dominant = [JOINT_NAMES[row.index(max(row))] for row in TEMPLATE.skinning_weights.tolist()]
    assert palm_indices().tolist() == [v for v, name in enumerate(dominant) if name in ("wrist", "thumb1")]
    assert {"wrist", "thumb1", "thumb0"} < set(dominant)
    with pytest.raises(ValueError, match="no palm"):
        palm_vertices(torch.eye(JOINT_COUNT)[[JOINT_NAMES.index("index2")]])


# Smoothness


def slow_laplacian_loss(vertices: Tensor) -> float:
    total = 0.0
    faces = TEMPLATE.faces.tolist()
    for v in range(len(vertices)):
        neighbours = sorted({w for face in faces if v in face for w in face} - {v})
        difference = vertices[v] - sum(vertices[w] for w in neighbours) / len(neighbours)
        total += sum(float(component) ** 2 for component in difference)
    return total / len(vertices)


def toy_laplacian() -> Tensor:
    return uniform_laplacian(torch.tensor(TEMPLATE.faces), len(TEMPLATE.vertices), torch.float64)


@pytest.mark.parametrize("batch", [(), (1,), (2, 2), (0,)])
def test_laplacian_loss_is_its_definition(batch: tuple[int, ...]) -> None:
    _, vertices = bent(batch)
    loss = laplacian_loss(vertices, toy_laplacian())
    assert loss.shape == batch
    assert_equals_slow(loss, slow_laplacian_loss, vertices)


def test_laplacian_loss_ignores_where_the_hand_is() -> None:
    _, vertices = bent((2,))
    moved = vertices @ torch.linalg.qr(random(3, 3)).Q + 100.0
    torch.testing.assert_close(laplacian_loss(moved, toy_laplacian()), laplacian_loss(vertices, toy_laplacian()))


def test_gradient_of_the_laplacian_loss() -> None:
    octahedron = torch.tensor([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    laplacian = uniform_laplacian(octahedron, 6, torch.float64)
    assert torch.autograd.gradcheck(lambda vertices: laplacian_loss(vertices, laplacian), random(2, 6, 3).requires_grad_())


def test_laplacian_loss_of_a_point_has_a_gradient() -> None:
    vertices = torch.zeros(len(TEMPLATE.vertices), 3, dtype=torch.float64, requires_grad=True)
    laplacian_loss(vertices, toy_laplacian()).backward()
    assert vertices.grad is not None
    assert vertices.grad.abs().max() == 0  # and not NaN


@pytest.mark.parametrize("batch", BATCHES)
def test_l2_regulariser_is_the_mean_squared_length(batch: tuple[int, ...]) -> None:
    corrective = random(*batch, 7, 3)
    loss = l2_regulariser(corrective)
    assert loss.shape == batch
    assert_equals_slow(loss, lambda rows: sum(math.hypot(*row) ** 2 for row in rows.tolist()) / len(rows), corrective)


def test_gradient_of_the_l2_regulariser() -> None:
    assert torch.autograd.gradcheck(l2_regulariser, random(2, 7, 3).requires_grad_())
    assert torch.autograd.gradcheck(l2_regulariser, torch.zeros(7, 3, dtype=torch.float64, requires_grad=True))


# Drift


def slow_drift_loss(vertices: Tensor, template: Tensor, normals: Tensor) -> float:
    total = 0.0
    for vertex, start, normal in zip(vertices.tolist(), template.tolist(), normals.tolist(), strict=True):
        moved = [now - then for now, then in zip(vertex, start, strict=True)]
        across = sum(way * direction for way, direction in zip(moved, normal, strict=True))
        total += math.hypot(*moved) ** 2 - across**2
    return total / len(vertices)


@pytest.mark.parametrize("batch", BATCHES)
def test_drift_loss_is_its_definition(batch: tuple[int, ...]) -> None:
    template, normals = random(7, 3), torch.nn.functional.normalize(random(7, 3, seed=1), dim=-1)
    vertices = random(*batch, 7, 3, seed=2)
    loss = drift_loss(vertices, template, normals)
    assert loss.shape == batch
    assert_equals_slow(loss, lambda rows: slow_drift_loss(rows, template, normals), vertices)


def test_growing_along_the_normals_costs_nothing() -> None:
    template, normals = random(7, 3), torch.nn.functional.normalize(random(7, 3, seed=1), dim=-1)
    assert drift_loss(template + random(7, 1, seed=2) * normals, template, normals).item() == pytest.approx(0, abs=1e-12)


def test_gradient_of_the_drift_loss() -> None:
    template, normals = random(5, 3), torch.nn.functional.normalize(random(5, 3, seed=1), dim=-1)
    vertices = random(2, 5, 3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda moved: drift_loss(moved, template, normals), vertices)
