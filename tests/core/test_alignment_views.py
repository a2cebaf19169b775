"""Which picture serves when: nearest facing, no flicker, short fades, none across cuts; and the report of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints, subject_of, walking_motion

from kmc_core.alignment.views import FADE_FRAMES, HEAD_CARE, choose_views, fade_weights, motion_tracks, views_served
from kmc_core.motion.retarget import retarget
from kmc_core.types import Canvas

FRONT_AND_SIDE = np.array([0.0, np.pi / 2])


@pytest.fixture(scope="module")
def subject():
    front = subject_of(picture_keypoints(HUMAN), Canvas(320, 320))
    side = replace(front.views[0], yaw=np.pi / 2, head_yaw=np.pi / 2)
    return replace(front, views=(front.views[0], side), view_scale=np.ones(2, np.float32))


def turning(subject, degrees, cuts=()):
    yaw = np.radians(degrees).astype(np.float32)
    character = retarget(walking_motion(frames=len(yaw), walk=0.0), subject).character
    return replace(character, body_yaw=yaw, head_yaw=yaw, cuts=cuts)


def test_the_nearest_facing_serves_and_changes_once():
    chosen = choose_views(np.radians(np.linspace(0, 90, 60)), FRONT_AND_SIDE)
    assert chosen[0] == 0 and chosen[-1] == 1 and np.count_nonzero(np.diff(chosen)) == 1


def test_facing_about_the_middle_does_not_flicker():
    rng = np.random.default_rng(0)
    yaw = np.radians(45 + 5 * np.sin(np.arange(200)) + 3 * rng.normal(size=200))
    assert np.count_nonzero(np.diff(choose_views(yaw, FRONT_AND_SIDE))) == 0


def test_a_head_in_profile_serves_from_farther_away_than_a_body():
    at = np.radians(np.full(10, 54.0))
    assert not choose_views(at, FRONT_AND_SIDE).any() and choose_views(at, FRONT_AND_SIDE, care=HEAD_CARE).all()


def test_facing_beyond_the_back_takes_the_short_way_round():
    back = np.array([0.0, np.radians(170)])
    assert choose_views(np.radians(np.full(20, -175.0)), back)[-1] == 1


def test_facing_is_smoothed_over_seconds_whatever_the_frame_rate():
    for fps in (5.0, 25.0, 60.0):
        time = np.arange(round(4 * fps)) / fps
        chosen = choose_views(np.where((time > 1) & (time < 3), np.pi / 2, 0.0), FRONT_AND_SIDE, fps=fps)
        assert chosen.mean() == pytest.approx(0.5, abs=0.06), fps
        glance = choose_views(np.where(np.abs(time - 2) < 0.06, np.pi / 2, 0.0), FRONT_AND_SIDE, fps=fps)
        assert not glance.any() or fps == 5.0


def test_fades_are_short_and_sum_to_one():
    chosen = np.repeat([0, 1], 20)
    weights = fade_weights(chosen, 2)
    np.testing.assert_allclose(weights.sum(1), 1)
    assert np.count_nonzero((weights > 0).all(1)) == FADE_FRAMES - 1


def test_nothing_fades_or_lingers_across_a_cut(subject):
    degrees = np.repeat([0.0, 61.0], 20)  # 61 degrees is nearer to the side, even at 1.8 times, but within the hysteresis
    with_cut = motion_tracks(subject, turning(subject, degrees, cuts=(20,))).shares
    assert [len(shares) for shares in with_cut] == [1] * 40
    assert with_cut[19][0].body_view == 0 and with_cut[20][0].body_view == 1
    without = motion_tracks(subject, turning(subject, degrees)).shares
    assert {share.body_view for shares in without for share in shares} == {0}


def test_the_report_names_the_seconds_of_each_picture(subject):
    spans = views_served(subject, turning(subject, np.linspace(0, 90, 48)), 24.0)
    body = [span for span in spans if span.part == "body"]
    assert [span.view for span in body] == [0, 1] and {span.part for span in spans} == {"body", "head"}
    assert body[0].start_s == 0 and body[0].end_s == body[1].start_s and body[1].end_s == 2.0
    assert 1.3 < body[0].end_s < 1.5  # at 62 degrees: a profile serves from close by alone


def test_one_picture_serves_all_the_time():
    one = subject_of(picture_keypoints(HUMAN), Canvas(320, 320))
    character = retarget(walking_motion(frames=12), one).character
    assert [(span.part, span.view, span.start_s, span.end_s) for span in views_served(one, character, 24.0)] == [
        ("body", 0, 0.0, 0.5), ("head", 0, 0.0, 0.5),
    ]  # fmt: skip
