"""How well the output moves: the motion read back out of it against the motion it was asked for.

Joints in torso lengths, hands found, expression correlation and amplitude, speed. Called by reenact.py.
Not here: pixels (picture_scores.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.expression import EXPRESSION_NAMES
from ..pose.skeleton_layouts import LEFT_ARM, NECK, PELVIS, RIGHT_ARM, rig_joints
from ..types import Canvas, HolisticMotion

SEEN = 0.5
MIN_FACE_SHARE, MIN_FACE_FRAMES = 0.5, 8
LEAST_MOVEMENT = {"blink": 0.03, "jaw": 0.03, "smile": 0.03, "yaw": 0.02, "pitch": 0.02}
"""Standard deviation (coefficients, radians) below which a driver does not move enough to be followed."""


class TargetMotion(NamedTuple):
    """Where the joints should be: joints [T,19,2] px of `canvas`, confidence [T,19]; driver: the tracked motion itself."""

    joints: np.ndarray
    confidence: np.ndarray
    canvas: Canvas
    driver: HolisticMotion


def torso_length(joints: np.ndarray) -> float:
    """Median distance neck to pelvis of rig joints [T,19,2], px."""
    return float(np.median(np.linalg.norm(joints[:, NECK] - joints[:, PELVIS], axis=-1)))


def visible_joints(target: TargetMotion) -> np.ndarray:
    """bool [T,19]: the target joint is known and inside the canvas."""
    x, y = target.joints[..., 0], target.joints[..., 1]
    inside = (x >= 0) & (x < target.canvas.width) & (y >= 0) & (y < target.canvas.height)
    return inside & (target.confidence > SEEN)


def pose_error(target: TargetMotion, found: HolisticMotion) -> tuple[float | None, float | None]:
    """(median, mean) distance of visible joints to their targets, in torso lengths, on frames where a person was found."""
    joints = rig_joints(found.body)
    detected = found.body_confidence.max(1) > 0
    where = visible_joints(target) & detected[:, None]
    torso = torso_length(target.joints)
    if not where.any() or torso < 1:
        return None, None
    distance = np.linalg.norm(joints - target.joints, axis=-1)[where] / torso
    return float(np.median(distance)), float(distance.mean())


def speed_ratio(target: TargetMotion, found: HolisticMotion) -> float | None:
    """Mean speed of the found joints over that of their targets; 1 = moves as much, below 1 = damped."""
    detected = found.body_confidence.max(1) > 0
    where = visible_joints(target) & detected[:, None]
    both = where[1:] & where[:-1]
    wanted = np.linalg.norm(np.diff(target.joints, axis=0), axis=-1)[both]
    shown = np.linalg.norm(np.diff(rig_joints(found.body), axis=0), axis=-1)[both]
    if not both.any() or wanted.mean() < 1e-3 * torso_length(target.joints):
        return None
    return float(shown.mean() / wanted.mean())


def hands_found(target: TargetMotion, found: HolisticMotion) -> float | None:
    """Share of the driver's seen hands (frame, side) that are found again in the output; None when there are none.

    Hands whose wrist or knuckles should lie outside the canvas are not asked for.
    """
    visible = visible_joints(target)
    on_canvas = np.stack([visible[:, list(arm[2:])].all(1) for arm in (LEFT_ARM, RIGHT_ARM)], 1)
    wanted = (target.driver.hands_confidence > SEEN) & on_canvas
    return float((found.hands_confidence > SEEN)[wanted].mean()) if wanted.any() else None


def expression_tracks(motion: HolisticMotion) -> dict[str, np.ndarray]:
    """The five compared tracks [T] of a motion: blink, jaw, smile (coefficients), yaw, pitch (radians)."""
    tracks = {"yaw": motion.head_pose[:, 0], "pitch": motion.head_pose[:, 1]}
    if motion.expression.shape[1] == len(EXPRESSION_NAMES):

        def mean_of(*names: str) -> np.ndarray:
            return motion.expression[:, [EXPRESSION_NAMES.index(name) for name in names]].mean(1)

        tracks["blink"] = mean_of("eyeBlinkLeft", "eyeBlinkRight")
        tracks["jaw"] = mean_of("jawOpen")
        tracks["smile"] = mean_of("mouthSmileLeft", "mouthSmileRight")
    return tracks


def expression_agreement(driver: HolisticMotion, found: HolisticMotion) -> dict[str, dict[str, float | None]]:
    """For blink, jaw, smile, yaw and pitch: correlation r and amplitude (deviation of output / driver).

    Both None where too few faces are seen in both, or where the driver hardly moves.
    """
    seen = (driver.face_confidence > SEEN) & (found.face_confidence > SEEN)
    enough = seen.sum() >= MIN_FACE_FRAMES and seen.sum() >= MIN_FACE_SHARE * (driver.face_confidence > SEEN).sum()
    wanted, shown = expression_tracks(driver), expression_tracks(found)
    agreement: dict[str, dict[str, float | None]] = {}
    for name, least in LEAST_MOVEMENT.items():
        agreement[name] = {"r": None, "amplitude": None}
        if not enough or name not in wanted or name not in shown:
            continue
        a, b = wanted[name][seen].astype(np.float64), shown[name][seen].astype(np.float64)
        if a.std() < least:
            continue
        agreement[name]["amplitude"] = float(b.std() / a.std())
        if b.std() > 1e-6:
            agreement[name]["r"] = float(np.corrcoef(a, b)[0, 1])
    return agreement
