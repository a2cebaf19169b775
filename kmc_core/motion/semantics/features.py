"""The skeleton as the rules read it: torso lengths, seconds and degrees, in the performer's own axes.

Not here: the rules (whole_body.py, arms.py, head.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, NECK, PELVIS, RIGHT_ARM, RIGHT_LEG, rig_joints
from ...subject.rig import joint_confidence
from ...types import HolisticMotion
from ..lift import smooth_over_time
from ..orientation import about_vertical

POSE_SIGMA_S, YAW_SIGMA_S, CALM_SIGMA_S = 0.05, 0.12, 0.09
SEEN = 0.4
ARMS, LEGS = (LEFT_ARM, RIGHT_ARM), (LEFT_LEG, RIGHT_LEG)
FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))


@dataclass(frozen=True)
class Features:
    """T frames at fps; lengths in torso lengths, y up.

    joints [T,19,3] about the pelvis: x to the performer's left, y up, z ahead of the performer (its own facing, not the camera's)
    picture [T,19,2] px / torso px, y up; yaw [T] of the hips, unwrapped, degrees, rising = turning to the performer's left
    seen [19] share of the clip a joint is known; head [T,2] yaw, pitch of the head, degrees; face_seen share
    extension [T,2,5] how straight the fingers are, 0..1 (thumb first); hand_seen [T,2] bool
    """

    fps: float
    joints: np.ndarray
    picture: np.ndarray
    yaw: np.ndarray
    seen: np.ndarray
    head: np.ndarray
    face_seen: float
    extension: np.ndarray
    hand_seen: np.ndarray

    @property
    def frame_count(self) -> int:
        return len(self.joints)

    @property
    def legs_seen(self) -> bool:
        return bool(self.seen[[joint for leg in LEGS for joint in leg[:3]]].min() > SEEN)

    def speed(self, values: np.ndarray) -> np.ndarray:
        """Length of the change per second of values [T,...,C] -> [T,...]."""
        return np.linalg.norm(self.rate(values), axis=-1)

    def rate(self, values: np.ndarray) -> np.ndarray:
        """Change per second of values [T,...]."""
        return np.gradient(values, axis=0) * self.fps if self.frame_count > 1 else np.zeros_like(values)

    def calm(self, values: np.ndarray) -> np.ndarray:
        """Values [T,...] without what is quicker than a beat: for rhythms and for how busy something is."""
        return smooth_over_time(values, CALM_SIGMA_S * self.fps)

    def frames(self, seconds: float) -> int:
        """Seconds in frames, at least 1."""
        return max(1, round(seconds * self.fps))


def features_of(motion: HolisticMotion) -> Features:
    """Read the skeleton of a motion, tracked or on a character."""
    fps = float(motion.fps)
    world = rig_joints(motion.body_world.astype(np.float64))
    body = rig_joints(motion.body.astype(np.float64))
    torso_m = max(float(np.median(np.linalg.norm(world[:, NECK] - world[:, PELVIS], axis=-1))), 1e-3)
    torso_px = max(float(np.median(np.linalg.norm(body[:, NECK] - body[:, PELVIS], axis=-1))), 1e-3)
    seen = joint_confidence(motion.body, motion.body_confidence, motion.canvas).mean(0)
    world = smooth_over_time((world - world[:, :1]) / torso_m, POSE_SIGMA_S * fps)
    yaw = _hip_yaw(world, seen, fps)
    own = np.einsum("tij,tnj->tni", about_vertical(-yaw), world) * [1, -1, -1]
    extension, hand_seen = _fingers(motion)
    head = np.degrees(np.unwrap(motion.head_pose[:, :2].astype(np.float64), axis=0))
    present = motion.face_confidence > 0
    picture = smooth_over_time(body / torso_px * [1, -1], POSE_SIGMA_S * fps)
    return Features(
        fps, own, picture, np.degrees(yaw), seen, _held(smooth_over_time(head, POSE_SIGMA_S * fps), present), float(present.mean()),
        extension, hand_seen,
    )  # fmt: skip


def angle_at(before: np.ndarray, joint: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Angle at a joint [T,3] between its neighbours, degrees: 180 = straight."""
    one, other = before - joint, after - joint
    cosine = (one * other).sum(-1) / np.maximum(np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1), 1e-9)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def from_vertical(vectors: np.ndarray) -> np.ndarray:
    """Degrees between vectors [T,3] (y up) and straight up."""
    return np.degrees(np.arccos(np.clip(vectors[..., 1] / np.maximum(np.linalg.norm(vectors, axis=-1), 1e-9), -1, 1)))


def _hip_yaw(world: np.ndarray, seen: np.ndarray, fps: float) -> np.ndarray:
    """Facing of the hips [T] (of the shoulders where hips are out of sight), unwrapped, radians."""
    pair = (11, 15) if seen[[11, 15]].min() > SEEN else (3, 7)
    across = world[:, pair[0]] - world[:, pair[1]]
    flat = across[:, [0, 2]] / np.maximum(np.linalg.norm(across[:, [0, 2]], axis=-1, keepdims=True), 1e-9)
    calm = smooth_over_time(flat, YAW_SIGMA_S * fps)
    return np.unwrap(np.arctan2(calm[:, 1], calm[:, 0]))


def _fingers(motion: HolisticMotion) -> tuple[np.ndarray, np.ndarray]:
    hands = motion.hands.astype(np.float64)
    extension = np.zeros((motion.frame_count, 2, 5))
    for number, finger in enumerate(FINGERS):
        chain = hands[:, :, list(finger)]
        links = np.linalg.norm(np.diff(chain, axis=2), axis=-1).sum(-1)
        extension[..., number] = np.linalg.norm(chain[:, :, -1] - chain[:, :, 0], axis=-1) / np.maximum(links, 1e-6)
    return extension, motion.hands_confidence > 0.3


def _held(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Frames without a face take the values interpolated between those with one."""
    if not present.any() or present.all():
        return values
    frames, known = np.arange(len(values)), np.flatnonzero(present)
    return np.stack([np.interp(frames, known, values[known, column]) for column in range(values.shape[1])], axis=-1)
