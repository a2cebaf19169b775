"""Edits fade in with the distance from the picture's own pose, and with nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from alignment_figures import standing_view, still_motion

from kmc_core.alignment.maps import MAP_CHANNELS
from kmc_core.sampling.trust import FAR, HEAD_SHARE, NEAR, OUTSIDE_SHARE, edit_share, edit_trust, pose_change
from kmc_core.types import Canvas

VIEW = standing_view(Canvas(384, 288))


def test_the_picture_s_own_pose_is_left_alone_wherever_it_stands() -> None:
    motion = still_motion(VIEW, 2)
    joints = motion.joints.copy()
    joints[1, :, :2] = joints[1, :, :2] * 0.6 + [40, 70]
    moved = replace(motion, joints=joints)
    assert np.allclose(pose_change(moved, VIEW), 0, atol=1e-6) and (edit_trust(moved, VIEW) == 0).all()


def test_trust_grows_with_the_pose_and_ends_at_one() -> None:
    motion = still_motion(VIEW, 6)
    joints = motion.joints.copy()
    for frame in range(6):
        joints[frame, 5:7, 1] -= 0.25 * frame * VIEW.torso_px  # the left forearm rises
    change, trust = (measure(replace(motion, joints=joints), VIEW) for measure in (pose_change, edit_trust))
    assert (np.diff(change) > 0).all() and (np.diff(trust) >= 0).all()
    assert trust[0] == 0 and trust[-1] == 1 and change[-1] > FAR > NEAR
    # two of the joints are off by 0.25 torso, the mean is taken out: sqrt(2/19 * 17/19) of it
    assert change[1] == pytest.approx(0.25 * np.sqrt(2 / 19 * 17 / 19), rel=0.1)


def test_a_picture_of_which_little_is_known_trusts_the_network() -> None:
    unseen = replace(VIEW, joint_confidence=np.zeros(19, np.float32))
    assert np.isnan(pose_change(still_motion(VIEW, 3), unseen)).all() and (edit_trust(still_motion(VIEW, 3), unseen) == 1).all()


def test_heads_and_what_lies_beside_the_character_take_less() -> None:
    maps = torch.zeros(len(MAP_CHANNELS), 2, 1, 3)
    maps[MAP_CHANNELS.index("alpha"), :, 0, 1:] = 1
    maps[MAP_CHANNELS.index("head"), :, 0, 2] = 1
    share = edit_share(np.array([1.0, 0.5], np.float32), maps, MAP_CHANNELS)
    assert share.shape == (1, 1, 2, 1, 3)
    assert torch.allclose(share[0, 0, :, 0], torch.tensor([[1.0], [0.5]]) * torch.tensor([OUTSIDE_SHARE, 1.0, HEAD_SHARE]))
