"""Laws of the joints' motion that other tests do not see."""

import pytest
import torch
from torch.autograd.functional import jacobian

from estimator.hand.decoder import HandDecoder
from estimator.hand.kinematics import joint_jacobian
from estimator.hand.template import JOINT_COUNT, POSE_SIZE
from tests.toys import toy_template


@pytest.mark.parametrize("batch", [(), (3,)])
def test_the_jacobian_is_the_derivative_of_forward_kinematics(batch: tuple[int, ...]) -> None:
    decoder = HandDecoder(toy_template()).double()
    theta = 0.7 * torch.randn(*batch, POSE_SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    offsets = decoder.joint_offsets.expand(*batch, -1, -1)
    found = joint_jacobian(theta, decoder.frames(theta, offsets), decoder.parents)
    assert found.shape == (*batch, POSE_SIZE, JOINT_COUNT, 3)
    for pose, row in zip(theta.reshape(-1, POSE_SIZE), found.reshape(-1, POSE_SIZE, JOINT_COUNT, 3), strict=True):
        expected = jacobian(lambda turned: decoder.frames(turned, decoder.joint_offsets).positions, pose)
        torch.testing.assert_close(row, torch.as_tensor(expected).movedim(-1, 0))
