"""The skeleton picture Wan-Animate was trained on: thin opaque sticks in muted OpenPose colours, toes and hands, no face points.

Source of the convention: Wan2.2, wan/modules/animate/preprocess (Apache-2.0): 20 body points, stick width from the shorter
side, colours at 60 %, threshold 0.5, no anti-aliasing. Not here: the pack's own drawing style (kmc_core/pose/drawing.py).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from ...kmc_core.pose.drawing import BODY_COLOURS, HAND_COLOURS
from ...kmc_core.pose.skeleton_layouts import OPENPOSE_18, OPENPOSE_HAND_EDGES
from ...kmc_core.types import Canvas

# indices into the 20 points; stick k has colour k
STICKS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14),
    (14, 16), (0, 15), (15, 17), (13, 18), (10, 19),
)  # fmt: skip
COLOURS = (*BODY_COLOURS, (200, 200, 0), (100, 100, 0))
LEFT_TOE, RIGHT_TOE = (31,), (32,)
POINTS = (*OPENPOSE_18, LEFT_TOE, RIGHT_TOE)
STICK_BRIGHTNESS = 0.6
DRAWN_FROM = 0.5
SHORT_SIDE_PER_PX = 200


def stick_width_px(canvas: Canvas) -> int:
    """Half width of a stick and radius of a joint."""
    return max(min(canvas) // SHORT_SIDE_PER_PX - 1, 1)


def draw_training_skeleton(
    canvas: Canvas, body: np.ndarray, body_confidence: np.ndarray, hands: np.ndarray, hands_confidence: np.ndarray
) -> np.ndarray:
    """uint8 [H,W,3]. body [33,2] and hands [2,21,2] in px of the canvas, confidences [33] and [2]."""
    picture = np.zeros((*canvas, 3), np.uint8)
    width = stick_width_px(canvas)
    points = np.stack([body[list(sources)].mean(0) for sources in POINTS])
    seen = np.array([body_confidence[list(sources)].min() >= DRAWN_FROM for sources in POINTS])
    seen &= np.isfinite(points).all(1) & (np.abs(points).max(1) < 30_000)
    for (start, end), colour in zip(STICKS, COLOURS, strict=False):
        if seen[start] and seen[end]:
            _draw_stick(picture, points[start], points[end], width, colour)
    for point, is_seen, colour in zip(points, seen, COLOURS, strict=True):
        if is_seen:
            cv2.circle(picture, (int(point[0]), int(point[1])), width, colour, -1)
    for side in range(2):
        if hands_confidence[side] >= DRAWN_FROM:
            _draw_hand(picture, hands[side], max(width // 2, 1))
    return picture


def _draw_stick(picture: np.ndarray, start: np.ndarray, end: np.ndarray, width: int, colour: tuple[int, ...]) -> None:
    middle, along = (start + end) / 2, start - end
    angle_deg = math.degrees(math.atan2(along[1], along[0]))
    axes = (int(np.hypot(*along) / 2), width)
    outline = cv2.ellipse2Poly((int(middle[0]), int(middle[1])), axes, int(angle_deg), 0, 360, 1)
    cv2.fillConvexPoly(picture, outline, [int(part * STICK_BRIGHTNESS) for part in colour])


def _draw_hand(picture: np.ndarray, points: np.ndarray, width: int) -> None:
    if not (np.isfinite(points).all() and np.abs(points).max() < 30_000):
        return
    whole = points[:, :2].astype(int)
    for colour, (start, end) in zip(HAND_COLOURS, OPENPOSE_HAND_EDGES, strict=True):
        if min(*whole[start], *whole[end]) > 0:
            cv2.line(picture, whole[start].tolist(), whole[end].tolist(), colour, width)
    for point in whole:
        if min(point) > 0:
            cv2.circle(picture, point.tolist(), width, (0, 0, 255), -1)
