"""The points of a BVH file: 19 rig joints, the nose, both hands; from a motion and back.

Not here: text (bvh.py), names of other programs (bvh_names.py). Every bone is one BVH joint that sits where the bone begins,
so rotations alone give every point exactly as long as bones keep their lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pose.skeleton_layouts import HEAD, LEFT_ARM, PELVIS, RIG_BONES, RIG_JOINTS, RIGHT_ARM, rig_joints, torso_yaw
from ..subject.rig import joint_confidence, nose_yaw, pixels_per_metre
from ..types import Canvas, HolisticMotion
from .lift import smooth_over_time

NOSE_POINT = len(RIG_JOINTS)
HAND_POINTS = (NOSE_POINT + 1, NOSE_POINT + 21)
"""where the left and the right hand begin: MediaPipe's points 1..20, the wrist is the rig's"""
POINT_COUNT = NOSE_POINT + 41
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")
CAMERA_DISTANCE_M = 5.0
"""a path towards the camera is told from the performer's size as if filmed from here"""
SCALE_SIGMA_FRAMES = 8.0
LONG_SIDE_PX, FILLED = 1280, 0.8
HEAD_HALF_WIDTH_M, KNUCKLE_HALF_WIDTH_M = 0.075, 0.03

_UP, _LEFT, _RIGHT, _DOWN, _FRONT = (0.0, 1, 0), (1.0, 0, 0), (-1.0, 0, 0), (0.0, -1, 0), (0.0, 0, 1)
_RIG_NAMES = (
    "Spine", "Neck", "LeftCollar", "LeftArm", "LeftForeArm", "LeftHand", "RightCollar", "RightArm", "RightForeArm", "RightHand",
    "LeftHip", "LeftUpLeg", "LeftLeg", "LeftFoot", "RightHip", "RightUpLeg", "RightLeg", "RightFoot",
)  # fmt: skip
_RIG_REST = (_UP, _UP, *[_LEFT] * 4, *[_RIGHT] * 4, _LEFT, _DOWN, _DOWN, _FRONT, _RIGHT, _DOWN, _DOWN, _FRONT)


@dataclass(frozen=True)
class Bone:
    """name of the BVH joint at point `parent`, which carries point `child`; rest: direction in the T-pose
    (x to the subject's left, y up, z to the front)."""

    name: str
    child: int
    parent: int
    rest: tuple[float, float, float]


def skeleton(with_hands: bool) -> tuple[Bone, ...]:
    """Bones, parents before children."""
    rig = zip(_RIG_NAMES, RIG_BONES, _RIG_REST, strict=True)
    bones = [Bone(name, child, parent, rest) for name, (child, parent), rest in rig]
    bones.append(Bone("Head", NOSE_POINT, HEAD, _FRONT))
    if with_hands:
        for side, first, wrist, rest in zip(("Left", "Right"), HAND_POINTS, (LEFT_ARM[2], RIGHT_ARM[2]), (_LEFT, _RIGHT), strict=True):
            for number in range(20):
                finger, knuckle = divmod(number, 4)
                parent = wrist if knuckle == 0 else first + number - 1
                bones.append(Bone(f"{side}Hand{FINGERS[finger]}{knuckle}", first + number, parent, rest))
    return tuple(bones)


def points_of(motion: HolisticMotion) -> tuple[np.ndarray, bool]:
    """(points [T,60,3] metres with the performer's path, x right, y down, z away; whether hands are among them)."""
    world = motion.body_world.astype(np.float64)
    rig = rig_joints(world)
    pelvis = rig[:, PELVIS].copy()
    picture = rig_joints(motion.body.astype(np.float64))
    presence = joint_confidence(motion.body, motion.body_confidence, motion.canvas).mean(0)
    scale = smooth_over_time(pixels_per_metre(picture, rig, presence), SCALE_SIGMA_FRAMES)
    middle = np.array([motion.canvas.width, motion.canvas.height]) / 2
    root = np.zeros((len(rig), 3))
    root[:, :2] = (picture[:, PELVIS] - middle) / scale[:, None]
    root[:, 2] = CAMERA_DISTANCE_M * (np.exp(np.log(scale).mean()) / scale - 1)
    points = np.zeros((len(rig), POINT_COUNT, 3))
    points[:, :NOSE_POINT], points[:, NOSE_POINT] = rig, world[:, 0]
    with_hands = bool((motion.hands_confidence > 0.3).mean() > 0.3)
    for side, (first, wrist) in enumerate(zip(HAND_POINTS, (LEFT_ARM[2], RIGHT_ARM[2]), strict=True)):
        hand = motion.hands[:, side].astype(np.float64)
        points[:, first : first + 20] = rig[:, wrist, None] + (hand[:, 1:] - hand[:, :1]) / scale[:, None, None]
    return points + (root - pelvis)[:, None], with_hands


def motion_from_points(points: np.ndarray, fps: float, with_hands: bool, with_nose: bool = True) -> HolisticMotion:
    """Points [T,60,3] metres as in `points_of` -> a motion on a canvas that holds the whole path; no face."""
    points = points.astype(np.float64)
    root = points[:, PELVIS].copy()
    away = root[:, 2] - root[:, 2].mean()
    nearness = CAMERA_DISTANCE_M / np.maximum(CAMERA_DISTANCE_M + away, 0.5)
    canvas, middle_m, px = _canvas(points, nearness)
    scale = px * nearness
    rig = points[:, :NOSE_POINT] - root[:, None]
    across, nose = _head(points, root, with_nose)
    world = _blazepose(rig, nose, across)
    for side, (first, pinky, index, thumb) in enumerate(((HAND_POINTS[0], 17, 19, 21), (HAND_POINTS[1], 18, 20, 22))):
        knuckles = rig[:, (6, 10)[side]]
        half = KNUCKLE_HALF_WIDTH_M * (1 if side == 0 else -1) * across
        world[:, thumb] = knuckles
        if with_hands:
            half = (points[:, first + 4] - points[:, first + 16]) / 2
            world[:, thumb] = points[:, first + 1] - root
        world[:, index], world[:, pinky] = knuckles + half, knuckles - half
    body = (root[:, None, :2] - middle_m + world[..., :2]) * scale[:, None, None] + np.array(canvas[::-1]) / 2
    hands = np.zeros((len(points), 2, 21, 3))
    for side, (first, wrist) in enumerate(zip(HAND_POINTS, (LEFT_ARM[2], RIGHT_ARM[2]), strict=True)):
        hands[:, side, 1:] = (points[:, first : first + 20] - points[:, wrist, None]) * scale[:, None, None]
        hands[:, side, :, :2] += body[:, 15 + side, None]
    return _assembled(fps, canvas, body, world, hands, with_hands)


def _assembled(
    fps: float, canvas: Canvas, body: np.ndarray, world: np.ndarray, hands: np.ndarray, with_hands: bool
) -> HolisticMotion:
    count, float32 = len(body), np.float32
    head_pose = np.zeros((count, 3), float32)
    head_pose[:, 0] = nose_yaw(world)
    return HolisticMotion(
        fps=fps, canvas=canvas, body=body.astype(float32), body_confidence=np.ones((count, 33), float32),
        body_world=world.astype(float32), hands=hands.astype(float32),
        hands_confidence=np.full((count, 2), float(with_hands), float32), face=np.zeros((count, 478, 3), float32),
        face_confidence=np.zeros(count, float32), expression=np.zeros((count, 32), float32), head_pose=head_pose,
        root_yaw=torso_yaw(rig_joints(world)).astype(float32), camera=np.tile(np.eye(2, 3, dtype=float32), (count, 1, 1)),
        provenance={"detector": "BVH file", "people": 1},
    )  # fmt: skip


def _canvas(points: np.ndarray, nearness: np.ndarray) -> tuple[Canvas, np.ndarray, float]:
    """(canvas, its middle in metres [2], px per metre) that holds every point over the whole path."""
    seen = points[:, : NOSE_POINT + 1, :2]
    low, high = seen.min((0, 1)) - 0.15, seen.max((0, 1)) + 0.15
    extent = (high - low) * nearness.max()
    aspect = float(np.clip(extent[0] / extent[1], 9 / 16, 16 / 9))
    size = np.array([aspect, 1.0]) * LONG_SIDE_PX / max(aspect, 1.0)
    width, height = (round(float(side) / 2) * 2 for side in size)
    return Canvas(height, width), (low + high) / 2, float(FILLED * min(width / extent[0], height / extent[1]))


def _head(points: np.ndarray, root: np.ndarray, with_nose: bool) -> tuple[np.ndarray, np.ndarray]:
    """(unit direction to the subject's left of the head [T,3], nose relative to the root [T,3])."""
    shoulders = points[:, LEFT_ARM[0]] - points[:, RIGHT_ARM[0]]
    shoulders /= np.maximum(np.linalg.norm(shoulders, axis=1, keepdims=True), 1e-6)
    up = points[:, HEAD] - (points[:, LEFT_ARM[0]] + points[:, RIGHT_ARM[0]]) / 2
    if with_nose:
        nose = points[:, NOSE_POINT] - root
        ahead = points[:, NOSE_POINT] - points[:, HEAD]
        across = np.cross(ahead, up)
    else:
        ahead = np.cross(up, shoulders)
        ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-6)
        nose, across = points[:, HEAD] + 0.10 * ahead - root, shoulders
    across = across * np.sign((across * shoulders).sum(1, keepdims=True) + 1e-9)
    return across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6), nose


def _blazepose(rig: np.ndarray, nose: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Rig joints [T,19,3] relative to the pelvis -> BlazePose points [T,33,3] with exactly that rig."""
    world = np.zeros((len(rig), 33, 3))
    head = rig[:, HEAD]
    world[:, 0] = nose
    for number, (way, part) in enumerate(((0.2, 0.75), (0.4, 0.75), (0.6, 0.7)), start=1):
        for first, sign in ((number, 1), (number + 3, -1)):
            world[:, first] = head + part * (nose - head) + sign * way * HEAD_HALF_WIDTH_M * across
    world[:, 7], world[:, 8] = head + HEAD_HALF_WIDTH_M * across, head - HEAD_HALF_WIDTH_M * across
    down = (rig[:, 0] - rig[:, 1]) / np.maximum(np.linalg.norm(rig[:, 0] - rig[:, 1], axis=1, keepdims=True), 1e-6)
    for point, sign in ((9, 1), (10, -1)):
        world[:, point] = nose + 0.035 * down - 0.2 * (nose - head) + sign * 0.025 * across
    pairs = ((11, 3), (13, 4), (15, 5), (12, 7), (14, 8), (16, 9), (23, 11), (25, 12), (27, 13), (31, 14), (24, 15), (26, 16),
             (28, 17), (32, 18))  # fmt: skip
    for point, joint in pairs:
        world[:, point] = rig[:, joint]
    for heel, ankle, toe in ((29, 13, 14), (30, 17, 18)):
        world[:, heel] = rig[:, ankle] - 0.25 * (rig[:, toe] - rig[:, ankle])
    return world
