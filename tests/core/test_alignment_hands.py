"""The procedural hand: where it is drawn, and that overlaps and borders are handled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alignment_figures import standing_view

from kmc_core.alignment.hands import draw_hand, lit_skin
from kmc_core.motion.proportions import PALM_PER_FACE, palm_px
from kmc_core.types import Canvas

SKIN = np.array([0.85, 0.65, 0.55])


def open_hand(centre=(100.0, 150.0), palm: float = 40.0) -> np.ndarray:
    """A flat hand with fingers up: wrist at the centre, landmarks in MediaPipe order."""
    points = np.zeros((21, 3))
    for finger, angle in enumerate(np.radians([-60, -20, -5, 10, 25])):
        base = 0.45 if finger == 0 else 0.95
        for joint in range(4):
            length = base + 0.27 * joint
            points[1 + finger * 4 + joint] = [np.sin(angle) * length, -np.cos(angle) * length, 0]
    return points * palm + np.array([*centre, 0.0])


def paste(patch, canvas: Canvas) -> np.ndarray:
    alpha = np.zeros(canvas, np.float32)
    height, width = patch.alpha.shape
    alpha[patch.y0 : patch.y0 + height, patch.x0 : patch.x0 + width] = patch.alpha
    return alpha


def test_hand_covers_every_landmark_and_little_else():
    canvas = Canvas(220, 200)
    points = open_hand()
    patch = draw_hand(points, 40.0, SKIN, canvas)
    alpha = paste(patch, canvas)
    for x, y, _ in points:
        assert alpha[int(y), int(x)] > 0.9
    assert 0.02 < alpha.mean() < 0.15
    assert patch.rgb.min() >= 0 and patch.rgb.max() <= 1 and np.isfinite(patch.depth).all()


def test_nearer_finger_wins_where_two_cross():
    points = open_hand()
    points[5:9, :2] = points[9:13, :2]  # index finger laid over the middle finger ...
    points[5:9, 2] = -30  # ... and nearer to the camera
    patch = draw_hand(points, 40.0, SKIN, Canvas(220, 200))
    x, y = points[7, :2].astype(int) - (patch.x0, patch.y0)
    assert patch.depth[y, x] < -25


def test_hand_at_the_border_is_cropped_and_outside_is_none():
    canvas = Canvas(100, 100)
    patch = draw_hand(open_hand(centre=(98.0, 50.0)), 30.0, SKIN, canvas)
    assert patch.x0 + patch.alpha.shape[1] <= 100 and patch.y0 >= 0
    assert draw_hand(open_hand(centre=(900.0, 900.0)), 30.0, SKIN, canvas) is None
    assert draw_hand(open_hand(), 0.5, SKIN, canvas) is None


def test_hands_pointing_at_the_camera_get_the_size_that_suits_the_face():
    view = standing_view(with_face=True)
    by_face = PALM_PER_FACE * float(np.linalg.norm(view.keypoints.face[10, :2] - view.keypoints.face[152, :2]))

    def shown(palm: float, confidence: float = 1.0) -> float:
        hands = np.repeat(open_hand(palm=palm)[None], 2, 0).astype(np.float32)
        keypoints = replace(view.keypoints, hands=hands, hands_confidence=np.full(2, confidence, np.float32))
        return palm_px(replace(view, keypoints=keypoints))

    seen = 0.95 * float(np.linalg.norm(open_hand()[9] - open_hand()[0])) / 40  # of a palm of 1 px
    assert shown(0.3 * by_face) == pytest.approx(min(0.95 * by_face, 0.18 * view.torso_px))
    assert shown(0.25 * view.torso_px / seen * 0.95) == pytest.approx(0.25 * view.torso_px, rel=0.06)
    assert shown(1.0, confidence=0.0) == pytest.approx(np.clip(by_face, 0.18 * view.torso_px, 0.2 * view.torso_px))


def test_shadows_of_skin_are_redder_than_its_lights():
    dark, light = lit_skin(SKIN, np.array([[0.7, 1.0]]))[0]
    np.testing.assert_allclose(light, SKIN, atol=1e-6)
    assert dark[0] / dark[2] > 1.1 * light[0] / light[2] and (dark < light).all()
