"""Skeleton drawings: colours, places, and inputs that must not break them."""

from __future__ import annotations

import numpy as np

from kmc_core.pose.drawing import BODY_COLOURS, draw_pose
from kmc_core.types import Canvas

CANVAS = Canvas(200, 160)


def _pose(confidence: float = 1.0):
    body = np.zeros((33, 2), np.float32)
    body[[11, 12]], body[[23, 24]] = [(100, 60), (60, 60)], [(92, 120), (68, 120)]
    body[[13, 15]], body[[14, 16]] = [(120, 85), (135, 110)], [(40, 85), (25, 110)]
    body[[25, 27, 29, 31]] = [(95, 150), (95, 180), (97, 185), (105, 188)]
    body[[26, 28, 30, 32]] = [(65, 150), (65, 180), (63, 185), (55, 188)]
    body[[0, 2, 5, 7, 8]] = [(80, 35), (85, 30), (75, 30), (92, 33), (68, 33)]
    hands = np.zeros((2, 21, 3), np.float32)
    face = np.zeros((478, 3), np.float32)
    return body, np.full(33, confidence, np.float32), hands, np.zeros(2), face, 0.0


def test_joints_have_openpose_colours_at_their_places():
    picture = draw_pose(CANVAS, *_pose(), thickness_px=8)
    assert picture.shape == (200, 160, 3) and picture.dtype == np.uint8
    # OpenPose 3 = right elbow, 6 = left elbow, 9 = right knee; the pixel of (x, y) is the one that covers it
    for index, (x, y) in ((3, (40, 85)), (6, (120, 85)), (9, (65, 150)), (0, (80, 35))):
        np.testing.assert_array_equal(picture[y, x], BODY_COLOURS[index])
    assert not picture[:10].any()


def test_unseen_joints_and_nonsense_coordinates_are_left_out():
    assert not draw_pose(CANVAS, *_pose(0.1)).any()
    body, confidence, hands, hands_confidence, face, _ = _pose()
    body[16] = 1e9
    body[15] = np.nan
    hands[:] = np.inf
    picture = draw_pose(CANVAS, body, confidence, hands, np.ones(2), face * np.nan, 1.0)
    assert picture.any()


def test_drawing_over_a_frame_keeps_the_frame_elsewhere():
    frame = np.full((100, 80, 3), 77, np.uint8)
    body, confidence, hands, _, face, _ = _pose()
    hands[:, :, :2] = np.random.default_rng(0).uniform(20, 60, (2, 21, 2))
    face[:, :2] = np.random.default_rng(0).uniform(70, 90, (478, 2))
    for style in ("points", "contours", "none"):
        picture = draw_pose(CANVAS, body, confidence, hands, np.ones(2), face, 1.0, over=frame, face_style=style)
        assert picture.shape == (200, 160, 3)
        assert (picture[195:] == 77).all() and (frame == 77).all()
        assert (picture != 77).any()
