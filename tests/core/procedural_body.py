"""A walking, waving 33-point body with hands and face, made from joint angles: exact data for subject and motion tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmc_core.subject.rig import BONE_CHILD, BONE_PARENT, HUMAN_PROPORTIONS
from kmc_core.types import Canvas, HolisticMotion, PictureKeypoints, SubjectLibrary, SubjectView

DOWN, LEFT, AWAY = np.array([0.0, 1, 0]), np.array([1.0, 0, 0]), np.array([0.0, 0, 1])


@dataclass(frozen=True)
class Body:
    """proportions [18] bone lengths in torso lengths; torso_m metres."""

    proportions: np.ndarray
    torso_m: float = 0.5


HUMAN = Body(HUMAN_PROPORTIONS)
LONG_LEGS = Body(HUMAN_PROPORTIONS * np.where(np.isin(np.arange(18), [11, 12, 15, 16]), 1.4, 1.0))


def turned(vectors: np.ndarray, yaw: float) -> np.ndarray:
    """x, y, z vectors turned towards the picture's right by yaw."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return vectors @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]).T


def rig_pose(body: Body, time_s: np.ndarray, yaw: float = 0.0, wave: float = 1.0, walk: float = 1.0) -> np.ndarray:
    """Rig joints [T,19,3] in metres, pelvis at the origin."""
    phase = 2 * np.pi * time_s
    frames = len(time_s)
    directions = np.zeros((frames, 18, 3))
    directions[:, 0] = -DOWN
    directions[:, 1] = -DOWN
    directions[:, [2, 10]] = LEFT
    directions[:, [6, 14]] = -LEFT
    raised = wave * (1.9 + 0.5 * np.sin(2 * phase))
    for side, sign in ((3, 1.0), (7, -1.0)):
        lift = raised if side == 3 else 0.2 + 0 * raised
        directions[:, side] = np.stack([sign * np.sin(lift * 0.7), np.cos(lift * 0.7), 0 * lift], -1)
        directions[:, side + 1] = np.stack([sign * np.sin(lift), np.cos(lift), 0 * lift], -1)
        directions[:, side + 2] = directions[:, side + 1]
    for leg, offset in ((11, 0.0), (15, np.pi)):
        swing = walk * 0.35 * np.sin(phase + offset)
        bend = walk * 0.5 * np.maximum(0, np.sin(phase + offset + 0.8))
        directions[:, leg] = np.stack([0 * swing, np.cos(swing), -np.sin(swing)], -1)
        directions[:, leg + 1] = np.stack([0 * swing, np.cos(swing - bend), -np.sin(swing - bend)], -1)
        directions[:, leg + 2] = np.array([0, 0.35, -0.94])
    joints = np.zeros((frames, 19, 3))
    for bone, (child, parent) in enumerate(zip(BONE_CHILD, BONE_PARENT, strict=True)):
        joints[:, child] = joints[:, parent] + turned(directions[:, bone], yaw) * body.proportions[bone] * body.torso_m
    return joints


def blazepose(joints: np.ndarray, yaw: float = 0.0) -> np.ndarray:
    """Rig joints [T,19,3] metres -> 33 points [T,33,3] metres whose rig is exactly those joints."""
    points = np.zeros((len(joints), 33, 3))
    head = joints[:, 2]
    side, ahead = turned(LEFT, yaw), turned(-AWAY, yaw)
    points[:, 0:11] = head[:, None] + 0.09 * ahead
    points[:, 7], points[:, 8] = head + 0.07 * side, head - 0.07 * side
    for point, joint in ((11, 3), (13, 4), (15, 5), (12, 7), (14, 8), (16, 9), (23, 11), (25, 12), (27, 13), (31, 14),
                         (24, 15), (26, 16), (28, 17), (32, 18), (29, 13), (30, 17), (21, 6), (22, 10)):  # fmt: skip
        points[:, point] = joints[:, joint]
    for pinky, index, joint in ((17, 19, 6), (18, 20, 10)):
        points[:, pinky], points[:, index] = joints[:, joint] - 0.02 * side, joints[:, joint] + 0.02 * side
    return points


def face_points(centre: np.ndarray, size_px: float, yaw: np.ndarray, jaw: np.ndarray) -> np.ndarray:
    """A 478-point mask [T,478,3]: correct places for the landmarks the formulas read, an ellipsoid elsewhere."""
    generator = np.random.default_rng(0)
    mask = generator.uniform(-1, 1, (478, 3)) * [0.7, 0.9, 0.1]
    known = {
        33: (-0.5, 0, 0), 263: (0.5, 0, 0), 133: (-0.2, 0, 0), 362: (0.2, 0, 0), 127: (-0.75, 0, 0.5), 356: (0.75, 0, 0.5),
        234: (-0.75, 0.3, 0.5), 454: (0.75, 0.3, 0.5), 54: (-0.55, -0.6, 0.2), 284: (0.55, -0.6, 0.2), 67: (-0.4, -0.7, 0.1),
        297: (0.4, -0.7, 0.1), 129: (-0.18, 0.5, -0.1), 358: (0.18, 0.5, -0.1), 10: (0, -0.8, 0), 151: (0, -0.6, -0.05),
        2: (0, 0.6, -0.1), 94: (0, 0.58, -0.15), 6: (0, 0, -0.1), 168: (0, -0.1, -0.08), 197: (0, 0.15, -0.15),
        195: (0, 0.25, -0.2), 9: (0, -0.3, -0.08), 143: (-0.7, 0, 0.3), 372: (0.7, 0, 0.3), 13: (0, 0.85, -0.1),
        14: (0, 0.87, -0.1), 152: (0, 1.3, 0), 61: (-0.25, 0.86, 0), 291: (0.25, 0.86, 0), 468: (-0.35, 0, 0), 473: (0.35, 0, 0),
        160: (-0.4, -0.05, 0), 159: (-0.35, -0.06, 0), 158: (-0.3, -0.05, 0), 144: (-0.4, 0.05, 0), 145: (-0.35, 0.06, 0),
        153: (-0.3, 0.05, 0), 387: (0.4, -0.05, 0), 386: (0.35, -0.06, 0), 385: (0.3, -0.05, 0), 373: (0.4, 0.05, 0),
        374: (0.35, 0.06, 0), 380: (0.3, 0.05, 0),
    }  # fmt: skip
    for landmark, place in known.items():
        mask[landmark] = place
    face = np.repeat(mask[None], len(centre), 0)
    face[:, [14, 152], 1] += jaw[:, None]
    return np.stack([turned(points, angle) for points, angle in zip(face, yaw, strict=True)]) * size_px + centre[:, None]


def hand_points(wrist_px: np.ndarray, pointing_px: np.ndarray, palm_px: float) -> np.ndarray:
    """A flat spread hand [T,21,3] in px whose middle finger points along pointing_px [T,2]."""
    along = pointing_px / np.maximum(np.linalg.norm(pointing_px, axis=-1, keepdims=True), 1e-6)
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    points = np.zeros((len(wrist_px), 21, 3))
    for finger in range(5):
        for knuckle in range(4):
            reach = (0.5 if finger == 0 else 1.0) * palm_px * (1 + 0.3 * knuckle)
            spread = (finger - 2) * 0.2 * palm_px
            points[:, 1 + 4 * finger + knuckle, :2] = along * reach + across * spread
    points[..., :2] += wrist_px[:, None]
    return points


def walking_motion(
    body: Body = HUMAN,
    *,
    frames: int = 24,
    canvas: Canvas = Canvas(720, 720),
    px_per_metre: float = 300.0,
    yaw: float = 0.0,
    centre: tuple[float, float] = (360.0, 340.0),
    walk_m: float = 0.0,
    jump_m: float = 0.0,
    wave: float = 1.0,
    walk: float = 1.0,
    head_turn: float = 0.0,
) -> HolisticMotion:
    """A clip at 24 fps; ground contact exact: the lowest foot stays on one line except during jumps."""
    time_s = np.arange(frames) / 24
    joints = rig_pose(body, time_s, yaw, wave, walk)
    world = blazepose(joints, yaw)
    lowest = joints[:, [13, 14, 17, 18], 1].max(-1)
    pixels = world[..., :2] * px_per_metre + np.array(centre)
    jump = jump_m * np.maximum(0, np.sin(2 * np.pi * (time_s - time_s[-1] * 0.3)))
    jump[: max(3, frames // 8)] = 0
    pixels[..., 1] += ((lowest[0] - lowest - jump) * px_per_metre)[:, None]
    pixels[..., 0] += (walk_m * time_s * px_per_metre)[:, None]
    face_centre = np.concatenate([pixels[:, 7:9].mean(1), np.zeros((frames, 1))], -1)
    head_yaw = yaw + head_turn * np.sin(2 * np.pi * time_s)
    face = face_points(face_centre, 0.0889 * px_per_metre, head_yaw, 0.2 * (1 + np.sin(4 * np.pi * time_s)))
    hands = np.stack(
        [hand_points(pixels[:, w], pixels[:, [p, i]].mean(1) - pixels[:, w], 0.1 * px_per_metre)
         for w, p, i in ((15, 17, 19), (16, 18, 20))], 1,
    )  # fmt: skip
    return HolisticMotion(
        fps=24.0, canvas=canvas, body=pixels.astype(np.float32), body_confidence=np.ones((frames, 33), np.float32),
        body_world=world.astype(np.float32), hands=hands.astype(np.float32), hands_confidence=np.ones((frames, 2), np.float32),
        face=face.astype(np.float32), face_confidence=np.ones(frames, np.float32),
        expression=np.zeros((frames, 32), np.float32), head_pose=np.zeros((frames, 3), np.float32),
        root_yaw=np.full(frames, yaw, np.float32), camera=np.tile(np.eye(2, 3, dtype=np.float32), (frames, 1, 1)),
    )  # fmt: skip


def picture_keypoints(body: Body = HUMAN, **options: object) -> PictureKeypoints:
    """One standing frame (arms a little raised) of `walking_motion`."""
    motion = walking_motion(body, frames=1, wave=0.3, walk=0.0, **options)
    return PictureKeypoints(
        motion.body[0], motion.body_confidence[0], motion.body_world[0], motion.hands[0], motion.hands_confidence[0],
        motion.face[0], 1.0, 0.95,
    )  # fmt: skip


def subject_of(keypoints: PictureKeypoints, canvas: Canvas) -> SubjectLibrary:
    """A one-view library around keypoints, with a box for a matte."""
    from kmc_core.subject.rig import build_rig

    rig = build_rig(keypoints, canvas)
    alpha = np.zeros(canvas, np.float32)
    low, high = keypoints.body.min(0).astype(int), keypoints.body.max(0).astype(int)
    alpha[max(low[1], 0) : max(high[1], 0), max(low[0], 0) : max(high[0], 0)] = 1
    picture = np.full((*canvas, 3), 128, np.uint8)
    view = SubjectView(
        picture, alpha, picture, keypoints, rig.joints, rig.confidence, rig.torso_px, rig.yaw, rig.head_yaw
    )
    return SubjectLibrary("test", (view,), 0, rig.lengths, rig.known, np.ones(1, np.float32))
