"""Exact truth of a rendered frame: 33 body points, two 21-point hands, 478 face points, head and torso angles.

Face points ride on the head's surface at places measured once (face_attachment.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...pose.expression import EXPRESSION_NAMES, expression_coefficients
from ...types import Canvas, HolisticMotion, PictureKeypoints
from .camera import Camera
from .face_attachment import attach_face
from .skeleton import BONE, FINGER_BONES, hand_joints

if TYPE_CHECKING:
    from .character import Character
    from .renderer import Posed


@dataclass(frozen=True)
class FrameTruth:
    """Pixels of the canvas, metres in camera axes (x right, y down, z away), as in types.HolisticMotion, one frame."""

    body: np.ndarray
    body_confidence: np.ndarray
    body_world: np.ndarray
    hands: np.ndarray
    hands_confidence: np.ndarray
    face: np.ndarray
    face_confidence: float
    head_pose: np.ndarray
    root_yaw: float


_TO_PICTURE = np.array([1.0, -1.0, -1.0])


def body_points(character: Character, posed: Posed, hands: np.ndarray) -> np.ndarray:
    """BlazePose-33 places [33,3] in model axes, metres; hands [2,21,3].

    Shoulders, hips, ankles, heels and ears are moved from the anatomical joint to where BlazePose puts them (medians over rendered people).
    """
    points = np.zeros((33, 3))
    size = character.design.shape.head
    head = BONE["head"]
    at = lambda p: posed.places[head] + posed.turns[head] @ (character.head_origin + np.asarray(p) * size - character.rest[head])  # noqa: E731
    face = character.design.face
    points[0] = at([0, -0.028, 0.105])
    for sign, inner, middle, outer, ear, mouth in ((1.0, 1, 2, 3, 7, 9), (-1.0, 4, 5, 6, 8, 10)):
        for index, shift in ((inner, -0.8), (middle, 0.0), (outer, 0.8)):
            points[index] = at([sign * (face.eye_gap + shift * face.eye_width), 0.001, 0.080])
        points[ear] = at([sign * 0.066, 0.002, 0.0])
        points[mouth] = at([sign * face.mouth_width, -0.057, 0.080])
    for k, name in enumerate(("left", "right")):
        sign, torso = (1.0 if k == 0 else -1.0), character.design.shape.torso
        for index, bone, parent, shift in (
            (11, "upper_arm", "chest", (0.02 * sign, 0.035, 0.0)), (13, "forearm", "chest", (0, 0, 0)), (15, "hand", "chest", (0, 0, 0)),
            (23, "thigh", "pelvis", (0.018 * sign, -0.040, 0.0)), (25, "shin", "pelvis", (0, 0, 0)), (27, "foot", f"{name}_shin", (0, 0.070, 0)),
        ):  # fmt: skip
            points[index + k] = posed.places[BONE[f"{name}_{bone}"]] + posed.turns[BONE[parent]] @ np.array(shift) * torso
        points[17 + k], points[19 + k], points[21 + k] = hands[k, 17], hands[k, 5], hands[k, 2]
        foot = BONE[f"{name}_foot"]
        scale = character.design.shape.foot
        for index, offset in ((29, (-0.016 * sign, -0.018, -0.040)), (31, (0.0, -0.050, 0.150))):
            points[index + k] = posed.places[foot] + posed.turns[foot] @ (np.array(offset) * scale)
    return points


def hand_points(character: Character, posed: Posed) -> np.ndarray:
    """The 21 points of both hands [2,21,3] in model axes, metres."""
    result = np.zeros((2, 21, 3))
    for side, name in enumerate(("left", "right")):
        hand = BONE[f"{name}_hand"]
        result[side, 0] = posed.places[hand]
        rest = character.rest[hand] + hand_joints(character.design.shape)[side]
        for finger in range(5):
            bones = FINGER_BONES[side, finger]
            result[side, 1 + 4 * finger : 4 + 4 * finger] = posed.places[bones]
            tip = rest[4 + 4 * finger] - character.rest[bones[2]]
            result[side, 4 + 4 * finger] = posed.places[bones[2]] + posed.turns[bones[2]] @ tip
    return result


def frame_truth(character: Character, posed: Posed, camera: Camera, canvas: Canvas, depth_map: np.ndarray) -> FrameTruth:
    """Truth of one frame; visibility is read from the depth map [H,W] (metres, 0 = nothing)."""
    hands = hand_points(character, posed)
    body = body_points(character, posed, hands)
    body_px, body_depth = camera.project(body, canvas)
    axes = camera.axes
    hips = 0.5 * (body[23] + body[24])
    world = (body - hips) @ axes.T * _TO_PICTURE
    allowance = np.full(33, 0.15)
    allowance[:11], allowance[[15, 16, 17, 18, 19, 20, 21, 22]] = 0.05, 0.06
    confidence = _visibility(body_px, body_depth, depth_map, allowance)
    hands_px, hands_depth = camera.project(hands.reshape(-1, 3), canvas)
    scale = camera.focal * canvas.height / hands_depth.reshape(2, 21)[:, :1]
    relative = (hands_depth.reshape(2, 21) - hands_depth.reshape(2, 21)[:, :1]) * scale
    seen = _visibility(hands_px, hands_depth, depth_map, np.full(42, 0.035)).reshape(2, 21)
    hands_confidence = np.where(seen.mean(1) > 0.55, seen.mean(1), 0.0)
    face, face_confidence = _face(character, posed, camera, canvas, depth_map)
    head = axes @ posed.turns[BONE["head"]]
    flip = np.diag(_TO_PICTURE)
    turn = flip @ head @ flip
    yaw, pitch = np.arctan2(-turn[0, 2], turn[2, 2]), np.arctan2(-turn[1, 2], np.hypot(turn[0, 2], turn[2, 2]))
    chest = flip @ axes @ (0.5 * (posed.turns[BONE["chest"]] + posed.turns[0])) @ flip
    return FrameTruth(
        body_px.astype(np.float32), confidence, world.astype(np.float32),
        np.concatenate([hands_px.reshape(2, 21, 2), relative[..., None]], axis=2).astype(np.float32), hands_confidence.astype(np.float32),
        face.astype(np.float32), face_confidence, np.array([yaw, pitch, np.arctan2(turn[1, 0], turn[0, 0])], np.float32),
        float(np.arctan2(chest[2, 0], chest[0, 0])),
    )  # fmt: skip


def _visibility(points: np.ndarray, depth: np.ndarray, depth_map: np.ndarray, allowance: np.ndarray) -> np.ndarray:
    """1 where nothing lies more than `allowance` metres in front of a point, 0.25 behind something, 0 outside the picture."""
    h, w = depth_map.shape
    x, y = np.floor(points[:, 0]).astype(int), np.floor(points[:, 1]).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < w) & (y < h) & (depth > 0.05)
    surface = depth_map[np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)]
    free = (surface <= 0) | (surface > depth - allowance)
    return np.where(inside, np.where(free, 1.0, 0.25), 0.0).astype(np.float32)


def _face(character: Character, posed: Posed, camera: Camera, canvas: Canvas, depth_map: np.ndarray) -> tuple[np.ndarray, float]:
    points = attach_face(character, posed)
    if points is None:
        return np.zeros((478, 3)), 0.0
    pixels, depth = camera.project(points, canvas)
    centre = depth[:468].mean()
    z = (depth - centre) * camera.focal * canvas.height / centre
    facing = (camera.axes @ posed.turns[BONE["head"]])[2, 2]
    seen = _visibility(pixels, depth, depth_map, np.full(478, 0.05))
    found = facing > 0.10 and float((seen > 0.9).mean()) > 0.5
    return np.column_stack([pixels, z]), 1.0 if found else 0.0


def motion_of(truths: list[FrameTruth], fps: float, canvas: Canvas, alpha: np.ndarray) -> HolisticMotion:
    """The frames' truth as one HolisticMotion, with a matte of at most 256 px."""
    stack = lambda name: np.stack([np.asarray(getattr(t, name), np.float32) for t in truths])  # noqa: E731
    count = len(truths)
    factor = min(1.0, 256 / max(canvas))
    size = (max(1, round(canvas.width * factor)), max(1, round(canvas.height * factor)))
    matte = np.stack([cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in alpha])
    face, confidence = stack("face"), stack("face_confidence")
    expression = expression_coefficients(face, confidence) if confidence.any() else np.zeros((count, len(EXPRESSION_NAMES)), np.float32)
    return HolisticMotion(
        float(fps), canvas, stack("body"), stack("body_confidence"), stack("body_world"), stack("hands"), stack("hands_confidence"),
        face, confidence, np.asarray(expression, np.float32), stack("head_pose"), stack("root_yaw"),
        np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1)), (), matte, None, {"detector": "rendered truth"},
    )  # fmt: skip


def picture_keypoints_of(truth: FrameTruth) -> PictureKeypoints:
    """One frame's truth as a still picture's keypoints."""
    return PictureKeypoints(
        truth.body, truth.body_confidence, truth.body_world, truth.hands, truth.hands_confidence, truth.face, float(truth.face_confidence), 1.0
    )
