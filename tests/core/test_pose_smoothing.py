"""Gaps, lag and scene borders of the smoothing, on tracks whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from kmc_core.pose import smoothing
from kmc_core.types import Canvas, HolisticMotion


def make_motion(frames: int = 60, fps: float = 30.0, cuts: tuple[int, ...] = ()) -> HolisticMotion:
    """A still body (torso 200 px) whose everything moves right by 2 px per frame."""
    body = np.zeros((frames, 33, 2), np.float32)
    body[:, [11, 12]], body[:, [23, 24]] = (300, 200), (300, 400)
    body += np.arange(frames, dtype=np.float32)[:, None, None] * (2, 0)
    hands = np.random.default_rng(0).normal(0, 30, (1, 2, 21, 3)).astype(np.float32).repeat(frames, 0)
    hands[..., :2] += body[:, None, None, 15]
    face = np.random.default_rng(1).normal(0, 30, (1, 478, 3)).astype(np.float32).repeat(frames, 0)
    return HolisticMotion(
        fps=fps,
        canvas=Canvas(600, 800),
        body=body,
        body_confidence=np.ones((frames, 33), np.float32),
        body_world=np.zeros((frames, 33, 3), np.float32),
        hands=hands,
        hands_confidence=np.ones((frames, 2), np.float32),
        face=face,
        face_confidence=np.ones(frames, np.float32),
        expression=np.zeros((frames, 1), np.float32),
        head_pose=np.zeros((frames, 3), np.float32),
        root_yaw=np.zeros(frames, np.float32),
        camera=np.tile(np.eye(2, 3, dtype=np.float32), (frames, 1, 1)),
        cuts=cuts,
    )


def test_smoothing_calms_noise_without_delay():
    rng = np.random.default_rng(0)
    time = np.arange(120) / 30
    truth = np.stack([np.sin(np.pi * time), np.cos(np.pi * time)], -1)[:, None] * 30
    noisy = truth + rng.normal(0, 2, truth.shape)
    smooth = smoothing.smooth_zero_lag(noisy, 30, 1 / 200)
    shake = [np.diff(track, 2, axis=0).std() for track in (noisy, smooth)]
    assert shake[1] < 0.5 * shake[0]
    errors = [np.abs(smooth[5:-5] - np.roll(truth, lag, 0)[5:-5]).mean() for lag in (-1, 0, 1)]
    assert np.argmin(errors) == 1


def test_a_body_at_rest_does_not_wander_and_a_moving_one_keeps_every_step():
    time = np.arange(120) / 30
    wander = 0.8 * np.stack([np.sin(6.5 * time), np.cos(5 * time)], -1)
    nod = np.stack([0 * time, 12 * np.sin(2 * np.pi * time)], -1)
    gesture = np.where((time[:, None] > 1.8) & (time[:, None] < 2.2), [25.0, 0.0], 0.0)
    drift = np.stack([6 * time, 0 * time], -1)
    track = np.stack([wander, wander + nod, wander + gesture, drift], 1)
    calm = smoothing.rested(track, 30, 1 / 200)
    assert np.abs(calm[:, 0]).mean() < 0.35 * np.abs(track[:, 0]).mean()
    np.testing.assert_array_equal(calm[:, 1], track[:, 1])
    np.testing.assert_allclose(calm[48:72, 2], track[48:72, 2], atol=1e-9)
    np.testing.assert_allclose(calm[45:75, 3], track[45:75, 3], atol=0.3)
    assert smoothing.rested(track, 30, 1 / 200, 0.0) is track


def test_the_filter_agrees_with_a_plain_loop_over_one_point():
    rng = np.random.default_rng(3)
    track = rng.normal(0, 5, (20, 2)).cumsum(0)
    fps, scale = 24.0, 1 / 50
    gain = lambda cutoff: 1 / (1 + fps / (2 * np.pi * cutoff))  # noqa: E731
    state, speed, expected = track[0].copy(), np.zeros(2), [track[0]]
    for before, now in zip(track[:-1], track[1:], strict=True):
        speed = speed + gain(1.0) * ((now - before) * fps * scale - speed)
        state = state + gain(1.0 + 5.0 * np.hypot(*speed)) * (now - state)
        expected.append(state)
    np.testing.assert_allclose(smoothing.one_euro(track, fps, scale), expected, atol=1e-9)


def test_short_hand_gaps_are_filled_with_fading_confidence_and_long_ones_stay_absent():
    motion = make_motion()
    hands, confidence = motion.hands.copy(), motion.hands_confidence.copy()
    confidence[10:14, 0] = 0
    confidence[30:45, 0] = 0
    hands[confidence == 0] = 0
    raw = make_motion()
    object.__setattr__(raw, "hands", hands)
    object.__setattr__(raw, "hands_confidence", confidence)
    out = smoothing.smooth_motion(raw)
    filled = out.hands_confidence[10:14, 0]
    assert (filled > 0).all() and (filled < 1).all() and filled[1] <= filled[0]
    np.testing.assert_allclose(out.hands[10:14, 0], motion.hands[10:14, 0], atol=2.0)
    assert (out.hands_confidence[30:45, 0] == 0).all()
    assert np.isfinite(out.hands).all()
    np.testing.assert_allclose(out.hands[30:45, 0], motion.hands[30:45, 0], atol=2.0)


def test_nothing_crosses_a_cut():
    motion = make_motion(cuts=(30,))
    body = motion.body.copy()
    body[30:] += 300
    object.__setattr__(motion, "body", body)
    out = smoothing.smooth_motion(motion, 1.0)
    np.testing.assert_allclose(np.diff(out.body[:30, 0, 0]), 2, atol=0.7)
    assert out.body[30, 0, 0] - out.body[29, 0, 0] > 295


def test_joints_hidden_for_a_moment_are_interpolated():
    motion = make_motion()
    motion.body[20:25, 15] += 500
    motion.body_confidence[20:25, 15] = 0.1
    out = smoothing.smooth_motion(motion)
    assert np.abs(out.body[20:25, 15, 0] - out.body[20:25, 16, 0]).max() < 1
    assert (out.body_confidence[20:25, 15] == np.float32(0.1)).all()


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_tiny_and_empty_tracks_survive(frames):
    motion = make_motion(frames)
    for name in ("body_confidence", "hands_confidence", "face_confidence"):
        getattr(motion, name)[:] = 0
    out = smoothing.smooth_motion(motion)
    assert out.frame_count == frames and not out.body_confidence.any() and np.isfinite(out.face).all()


def test_strength_zero_keeps_seen_values():
    motion = make_motion()
    noisy = motion.body + np.random.default_rng(0).normal(0, 1, motion.body.shape).astype(np.float32)
    object.__setattr__(motion, "body", noisy)
    np.testing.assert_array_equal(smoothing.smooth_motion(motion, 0.0).body, noisy)
