"""A pair from the real renderer and the real alignment, and the damage done to references on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from procedural_body import picture_keypoints, subject_of, walking_motion

from kmc_core.alignment.maps import MAP_CHANNELS
from kmc_core.dit.config import FACE_FEATURE_NAMES
from kmc_core.training import pairs
from kmc_core.training.damage import (
    ARM,
    LEG,
    UNSEEN,
    damaged_facing,
    damaged_keypoints,
    damaged_lengths,
    damaged_matte,
    damaged_motion,
    damaged_picture,
)
from kmc_core.training.measures import gaussian, psnr
from kmc_core.training.registration import registered
from kmc_core.types import Canvas


def test_damage_is_small_seeded_and_sometimes_absent() -> None:
    alpha = np.zeros((120, 100), np.float32)
    alpha[20:100, 30:70] = 1
    overlaps = []
    for seed in range(24):
        matte = damaged_matte(alpha, 60, np.random.default_rng(seed))
        assert matte.shape == alpha.shape and 0 <= matte.min() and matte.max() <= 1 and np.isfinite(matte).all()
        assert np.array_equal(matte, damaged_matte(alpha, 60, np.random.default_rng(seed)))
        overlaps.append(float(np.minimum(matte, alpha).sum() / np.maximum(matte, alpha).sum()))
    assert max(overlaps) > 0.95 and 0.5 < min(overlaps) < 0.9
    keypoints = picture_keypoints()
    moved = damaged_keypoints(keypoints, 150, np.random.default_rng(1))
    distance = np.linalg.norm(moved.body - keypoints.body, axis=-1)
    assert 0 < distance.mean() < 0.08 * 150
    subject = subject_of(keypoints, Canvas(720, 720))
    ratio = damaged_lengths(subject, np.random.default_rng(0)).bone_lengths / subject.bone_lengths
    assert 0.949 < ratio.min() < ratio.max() < 1.051
    motion = walking_motion(frames=5)
    assert np.abs(damaged_motion(motion, 150, np.random.default_rng(0)).body - motion.body).max() < 0.1 * 150
    picture = np.random.default_rng(0).integers(0, 255, (60, 50, 3), np.uint8)
    assert damaged_picture(picture, np.random.default_rng(2)).shape == picture.shape


def test_limbs_are_rarely_exchanged_or_lost_and_only_beyond_shoulder_and_hip() -> None:
    keypoints, exchanged, lost = picture_keypoints(), 0, 0
    limbs = [np.array(limb) + side for limb in (ARM, LEG) for side in (0, 1)]
    fixed = np.setdiff1d(np.arange(33), np.concatenate(limbs))
    for seed in range(300):
        moved = damaged_keypoints(keypoints, 150, np.random.default_rng(seed))
        assert np.linalg.norm(moved.body[fixed] - keypoints.body[fixed], axis=-1).max() < 0.13 * 150
        for limb, other in ((limbs[0], limbs[1]), (limbs[2], limbs[3])):
            exchanged += bool(np.linalg.norm(moved.body[limb] - keypoints.body[other], axis=-1).max() < 0.13 * 150)
        lost += bool(((moved.body_confidence <= UNSEEN) & (keypoints.body_confidence > UNSEEN)).any())
    assert 4 <= exchanged <= 24 and 7 <= lost <= 36


def test_tracks_rarely_lose_a_limb_or_its_depth_and_keep_the_picture_otherwise() -> None:
    motion, turned, lost = walking_motion(frames=8), 0, 0
    for seed in range(200):
        wrong = damaged_motion(motion, 150, np.random.default_rng(seed))
        depth = np.abs(wrong.body_world - motion.body_world)
        assert depth[..., :2].max() == 0 and np.isfinite(wrong.body).all()
        turned += bool(depth[..., 2].max() > 0)
        hidden = wrong.body_confidence < motion.body_confidence
        lost += bool(hidden.any())
        assert np.abs(wrong.body - motion.body)[~hidden].max() < 0.1 * 150
    assert 4 <= turned <= 24 and 4 <= lost <= 24


def test_a_body_is_rarely_taken_to_face_elsewhere() -> None:
    subject = subject_of(picture_keypoints(), Canvas(720, 720))
    turns = [damaged_facing(subject, np.random.default_rng(seed)).primary_view.yaw - subject.primary_view.yaw for seed in range(300)]
    wrong = [abs(turn) for turn in turns if turn]
    assert 5 <= len(wrong) <= 30 and 0.25 < min(wrong) and max(wrong) < 0.71


def test_registration_undoes_a_shift_and_leaves_a_match_alone() -> None:
    torch.manual_seed(0)
    aligned = gaussian(torch.rand(1, 3, 96, 96) * 8 - 4, 3).clamp(-1, 1)
    shifted = aligned.roll(3, -1)
    before, after = psnr(shifted[0], aligned[0]), psnr(registered(shifted, aligned)[0], aligned[0])
    assert after > before + 6
    assert psnr(registered(aligned, aligned)[0], aligned[0]) > 40


@pytest.mark.slow
def test_a_pair_is_finite_shares_its_motion_and_can_be_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "FRAMES", 3)
    pair = pairs.pair_clip(11)
    frames, _, height, width = pair.truth.shape
    assert frames == 3 and pair.maps.shape == (3, len(MAP_CHANNELS), height, width)
    assert pair.joints.shape == (3, 19, 4) and pair.hands.shape == (3, 2, 21, 4) and pair.face.shape == (3, len(FACE_FEATURE_NAMES))
    for name, value in vars(pair).items():
        assert not isinstance(value, torch.Tensor) or value.isfinite().all(), name
    assert pair.caption and pair.references.shape[1] == 4
    overlap = torch.minimum(pair.subject, pair.maps[:, 3:4]).sum() / torch.maximum(pair.subject, pair.maps[:, 3:4]).sum()
    assert overlap > 0.6
    aligned, plate = pair.maps[:, :3], pair.maps[:, 14:17]
    assert (aligned - pair.truth).square().mean() < (plate - pair.truth).square().mean()
    assert (aligned - pair.registered).square().mean() < (aligned - pair.truth).square().mean()
