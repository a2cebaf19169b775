"""The motion as a browser gets it: its numbers, its size, and a table that JavaScript reads back."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from procedural_body import HUMAN, walking_motion

from kmc_core.pose.playback import FACE_POINTS, playback_track

CASES = json.loads((Path(__file__).resolve().parents[1] / "web" / "cases" / "pose_track.json").read_text())


@pytest.fixture(scope="module")
def motion():
    return walking_motion(HUMAN, frames=50)


def decoded(track):
    points = np.frombuffer(base64.b64decode(track["points"]), "<u2").reshape(track["frames"], 145, 2) / 65535 * 2 - 0.5
    trust = np.frombuffer(base64.b64decode(track["confidence"]), np.uint8).reshape(track["frames"], 36) / 255
    return points * (track["width"], track["height"]), trust


def test_points_come_back_to_a_fraction_of_a_pixel(motion):
    points, trust = decoded(playback_track(motion))
    inside = (motion.body > -0.4 * max(motion.canvas)).all(-1) & (motion.body < 1.4 * min(motion.canvas)).all(-1)
    np.testing.assert_allclose(points[:, :33][inside], motion.body[inside], atol=0.05)
    np.testing.assert_allclose(trust[:, :33], motion.body_confidence, atol=0.01)
    assert points.shape[1] == 33 + 42 + len(FACE_POINTS)


def test_long_clips_are_thinned_out(motion):
    track = playback_track(motion, most_frames=20)
    assert (track["step"], track["frames"], track["total"]) == (3, 17, 50)
    np.testing.assert_allclose(decoded(track)[0][1, :33], motion.body[3], atol=0.05)


def test_thirty_seconds_stay_below_half_a_megabyte(motion):
    long = replace(motion, **{name: np.repeat(getattr(motion, name), 18, 0) for name in (
        "body", "body_confidence", "hands", "hands_confidence", "face", "face_confidence")})  # fmt: skip
    assert len(json.dumps(playback_track(long))) < 500_000


def test_the_table_for_javascript_is_ours():
    """The first frame and point of each list of the table stand where JavaScript looks for them."""
    track = CASES["track"]
    points, trust = decoded(track)
    for frame, index, x, y in CASES["places"]:
        np.testing.assert_allclose(points[frame, index] / (track["width"], track["height"]), (x, y), atol=1e-4)
    for frame, index, value in CASES["trusts"]:
        assert trust[frame, index] == pytest.approx(value, abs=1 / 255)
