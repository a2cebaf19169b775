"""A ball held across arm and trunk stays one piece; without one nothing changes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from alignment_figures import drawn_face, standing_view

from kmc_core.alignment.held import keep_held_whole
from kmc_core.alignment.part_model import L_ARM, TORSO, build_part_model
from kmc_core.types import Canvas, SubjectView

CANVAS = Canvas(384, 288)


def view_with_ball(radius: int) -> tuple[SubjectView, np.ndarray]:
    """The figure with a yellow ball before hip and hand -> (view, ball bool [H,W])."""
    view = standing_view(CANVAS)
    ball = np.zeros(CANVAS, np.uint8)
    place = 0.5 * (view.joints[5, :2] + view.joints[11, :2])
    cv2.circle(ball, tuple(int(v) for v in place), max(radius, 1), 1, -1)
    ball = (ball > 0) & (radius > 0)
    colours = view.foreground.copy()
    colours[ball] = (240, 240, 30)
    face = drawn_face(view.joints[2, :2], 0.06 * CANVAS.height)
    keypoints = replace(view.keypoints, face=face, face_confidence=1.0)
    alpha = np.maximum(view.alpha, ball.astype(np.float32))
    return replace(view, alpha=alpha, picture=colours, foreground=colours, keypoints=keypoints), ball


def test_a_ball_torn_between_arm_and_trunk_goes_to_the_trunk() -> None:
    view, ball = view_with_ball(24)
    model = build_part_model(view)
    model.labels[ball] = np.where(np.arange(CANVAS.width) > np.nonzero(ball)[1].mean(), L_ARM, TORSO)[None].repeat(CANVAS.height, 0)[ball]
    assert keep_held_whole(view, model)
    assert (model.labels[ball] == TORSO).mean() > 0.97
    assert (model.labels == L_ARM).sum() > 100  # the arm itself is still one


def test_empty_hands_and_small_things_change_nothing() -> None:
    for radius in (0, 4):
        view, _ = view_with_ball(radius)
        model = build_part_model(view)
        before = model.labels.copy()
        assert not keep_held_whole(view, model) and (model.labels == before).all()
