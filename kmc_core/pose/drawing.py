"""Draws skeletons the way ControlNet-style models know them: OpenPose colours, on black or over a frame.

Not here: conversion to POSE_KEYPOINT dictionaries (interchange.py). Called by nodes, evaluation, demo scripts.
Colours and order: OpenPose body-18, 20-bone hands, white face points, as comfyui_controlnet_aux draws them.
"""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from ..types import Canvas, HolisticMotion
from .skeleton_layouts import FACE_CONTOURS, IBUG_68, OPENPOSE_18, OPENPOSE_FEET, OPENPOSE_HAND_EDGES

BODY_COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
)  # fmt: skip
# limb k has BODY_COLOURS[k]
BODY_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14),
    (14, 16), (0, 15), (15, 17),
)  # fmt: skip
FOOT_LIMBS = ((13, 0), (13, 2), (10, 3), (10, 5))
"""(OpenPose ankle, index into OPENPOSE_FEET): toe and heel of the left, then of the right foot"""
HAND_COLOURS = tuple(
    tuple(int(255 * part) for part in colorsys.hsv_to_rgb(bone / len(OPENPOSE_HAND_EDGES), 1, 1))
    for bone in range(len(OPENPOSE_HAND_EDGES))
)
LIMB_OPACITY = 0.6
DRAWN_FROM = 0.3
"""joints below this confidence are left out"""
SUBPIXEL_BITS = 4


def draw_pose(
    canvas: Canvas,
    body: np.ndarray,
    body_confidence: np.ndarray,
    hands: np.ndarray,
    hands_confidence: np.ndarray,
    face: np.ndarray,
    face_confidence: float,
    *,
    over: np.ndarray | None = None,
    thickness_px: float | None = None,
    face_style: str = "points",
) -> np.ndarray:
    """One frame's skeleton as uint8 [H,W,3], anti-aliased.

    body [33,2], hands [2,21,2|3], face [478,2|3] in pixels of `canvas`; confidences [33], [2], scalar. over: a frame
    uint8 of any size that is resized to the canvas and drawn on (default black). thickness_px: width of the limbs
    (default 1/70 of the canvas' shorter side). face_style: "points" (OpenPose's 68 + pupils), "contours" or "none".
    """
    if over is None:
        picture = np.zeros((*canvas, 3), np.uint8)
    else:
        picture = cv2.resize(np.ascontiguousarray(over[..., :3]), canvas[::-1], interpolation=cv2.INTER_AREA)
    thickness = thickness_px or max(min(canvas) / 70, 2.0)
    _draw_body(picture, body, body_confidence, thickness)
    for side in range(2):
        if hands_confidence[side] > 0:
            _draw_hand(picture, hands[side, :, :2], thickness / 2)
    if face_confidence > 0 and face_style != "none":
        _draw_face(picture, face[:, :2], thickness, face_style)
    return picture


def draw_motion_frame(
    motion: HolisticMotion, frame: int, *, over: np.ndarray | None = None, long_side: int = 0, face_style: str = "points"
) -> np.ndarray:
    """Frame `frame` of a motion as uint8 [h,w,3]; long_side > 0 draws at that size (even sides) instead of the canvas'."""
    height, width = motion.canvas
    canvas = motion.canvas
    if long_side:
        factor = long_side / max(height, width)
        canvas = Canvas(max(round(height * factor / 2), 1) * 2, max(round(width * factor / 2), 1) * 2)
    ratio = np.array([canvas.width / width, canvas.height / height], np.float32)
    return draw_pose(
        canvas,
        motion.body[frame] * ratio,
        motion.body_confidence[frame],
        motion.hands[frame, ..., :2] * ratio,
        motion.hands_confidence[frame],
        motion.face[frame, :, :2] * ratio,
        float(motion.face_confidence[frame]),
        over=over,
        face_style=face_style,
    )


def _draw_body(picture: np.ndarray, body: np.ndarray, confidence: np.ndarray, thickness: float) -> None:
    points = np.stack([body[list(sources)].mean(0) for sources in OPENPOSE_18])
    drawn = np.array([confidence[list(sources)].min() >= DRAWN_FROM for sources in OPENPOSE_18])
    feet, feet_drawn = body[list(OPENPOSE_FEET)], confidence[list(OPENPOSE_FEET)] >= DRAWN_FROM
    limbs = picture.copy()
    for ankle, foot in FOOT_LIMBS:
        if drawn[ankle] and feet_drawn[foot]:
            _draw_limb(limbs, points[ankle], feet[foot], thickness * 0.7, BODY_COLOURS[ankle])
    for colour, (start, end) in zip(BODY_COLOURS, BODY_LIMBS, strict=False):
        if drawn[start] and drawn[end]:
            _draw_limb(limbs, points[start], points[end], thickness, colour)
    cv2.addWeighted(limbs, LIMB_OPACITY, picture, 1 - LIMB_OPACITY, 0, dst=picture)
    for point, is_drawn, colour in zip(points, drawn, BODY_COLOURS, strict=True):
        if is_drawn:
            _draw_dot(picture, point, thickness / 2, colour)


def _draw_limb(picture: np.ndarray, start: np.ndarray, end: np.ndarray, thickness: float, colour: tuple[int, ...]) -> None:
    """An ellipse from joint to joint, as OpenPose draws limbs."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    along = (end - start) / 2
    length = float(np.linalg.norm(along))
    across = np.array([-along[1], along[0]]) / max(length, 1e-6) * (thickness / 2)
    outline = (start + end) / 2 + np.cos(angle)[:, None] * along + np.sin(angle)[:, None] * across
    if _is_drawable(outline):
        cv2.fillConvexPoly(picture, _fixed_point(outline), colour, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_hand(picture: np.ndarray, points: np.ndarray, thickness: float) -> None:
    if not _is_drawable(points):
        return
    width = max(int(round(thickness)), 1)
    for colour, (start, end) in zip(HAND_COLOURS, OPENPOSE_HAND_EDGES, strict=True):
        first, second = _fixed_point(points[[start, end]])
        cv2.line(picture, first.tolist(), second.tolist(), colour, width, cv2.LINE_AA, SUBPIXEL_BITS)
    for point in points:
        _draw_dot(picture, point, max(thickness * 0.6, 1.0), (0, 0, 255))


def _draw_face(picture: np.ndarray, points: np.ndarray, thickness: float, style: str) -> None:
    if not _is_drawable(points):
        return
    if style == "contours":
        for contour, is_closed, colour in FACE_CONTOURS:
            outline = _fixed_point(points[list(contour)]).reshape(-1, 1, 2)
            cv2.polylines(picture, [outline], is_closed, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)
        return
    for index in (*IBUG_68, 468, 473):
        _draw_dot(picture, points[index], max(thickness / 5, 0.8), (255, 255, 255))


def _draw_dot(picture: np.ndarray, point: np.ndarray, radius: float, colour: tuple[int, ...]) -> None:
    if _is_drawable(point):
        centre = _fixed_point(point).tolist()
        cv2.circle(picture, centre, int(round(radius * 2**SUBPIXEL_BITS)), colour, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def _fixed_point(points: np.ndarray) -> np.ndarray:
    """Our pixel centres lie at integer + 0.5, OpenCV's at integers."""
    return np.round((np.asarray(points, np.float64) - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)


def _is_drawable(points: np.ndarray) -> bool:
    return bool(np.isfinite(points).all() and np.abs(points).max() < 30_000)
