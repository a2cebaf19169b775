"""A vocabulary of arm and hand poses in body units (see posing.PoseGoals): x outward, y up, z front of the chest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .posing import PoseGoals


class ArmPose(NamedTuple):
    """wrist from the shoulder in arm lengths; elbow, fingers, palm directions; curl of the five fingers; spread."""

    wrist: tuple[float, float, float]
    elbow: tuple[float, float, float]
    fingers: tuple[float, float, float]
    palm: tuple[float, float, float]
    curl: tuple[float, float, float, float, float] = (0.15, 0.12, 0.14, 0.16, 0.18)
    spread: float = 0.3


OPEN, RELAXED, FIST = (0.0, 0.02, 0.02, 0.02, 0.04), (0.2, 0.22, 0.26, 0.30, 0.34), (0.85, 0.95, 0.98, 0.98, 0.98)
POINT, VICTORY, THUMB = (0.75, 0.0, 0.92, 0.95, 0.95), (0.85, 0.0, 0.0, 0.92, 0.95), (0.0, 0.95, 0.95, 0.95, 0.95)
OKAY, LOVE, GUN, CLAW = (0.55, 0.55, 0.08, 0.06, 0.04), (0.0, 0.0, 0.95, 0.95, 0.0), (0.0, 0.0, 0.95, 0.95, 0.95), (0.3, 0.45, 0.45, 0.45, 0.45)
HAND_SHAPES = (OPEN, RELAXED, FIST, POINT, VICTORY, THUMB, OKAY, LOVE, GUN, CLAW)

ARM_POSES = {
    "hang": ArmPose((0.27, -0.93, 0.12), (0.6, -0.1, -0.9), (0.12, -1.0, 0.18), (-1.0, -0.1, -0.3), RELAXED, 0.0),
    "away": ArmPose((0.56, -0.78, 0.10), (0.4, 0.1, -0.9), (0.6, -0.8, 0.15), (-0.8, -0.55, 0.35), OPEN, 0.6),
    "hip": ArmPose((0.13, -0.72, 0.02), (1.0, 0.1, -0.35), (-0.75, -0.45, 0.45), (-0.2, -0.75, -0.5), CLAW, 0.1),
    "up": ArmPose((0.26, 0.93, 0.06), (1.0, 0.0, 0.1), (0.05, 1.0, 0.05), (-0.2, 0.0, 1.0), OPEN, 0.7),
    "wide_up": ArmPose((0.62, 0.68, 0.10), (0.5, -0.8, -0.2), (0.6, 0.8, 0.1), (0.0, -0.1, 1.0), OPEN, 0.8),
    "out": ArmPose((0.97, 0.02, 0.12), (0.0, -0.7, -0.7), (1.0, 0.05, 0.1), (0.0, -0.6, 0.8), OPEN, 0.5),
    "wave": ArmPose((0.46, 0.30, 0.26), (0.6, -1.0, -0.1), (0.12, 1.0, 0.08), (0.0, -0.1, 1.0), OPEN, 0.9),
    "front": ArmPose((0.0, -0.06, 0.93), (0.6, -0.9, 0.0), (0.0, 0.15, 1.0), (-0.35, -1.0, 0.1), OPEN, 0.3),
    "point_front": ArmPose((-0.06, 0.05, 0.92), (0.6, -0.9, 0.0), (-0.05, 0.1, 1.0), (-0.3, -1.0, 0.0), POINT, 0.0),
    "point_out": ArmPose((0.84, 0.30, 0.30), (0.2, -1.0, -0.2), (0.85, 0.35, 0.3), (0.1, -0.8, 0.6), POINT, 0.0),
    "point_up": ArmPose((0.34, 0.42, 0.30), (0.8, -0.8, 0.0), (0.0, 1.0, 0.1), (-0.1, 0.0, 1.0), POINT, 0.0),
    "head": ArmPose((0.06, 0.40, 0.00), (1.0, 0.1, 0.0), (-0.8, 0.55, -0.2), (-0.45, -0.5, -0.4), RELAXED, 0.2),
    "chest": ArmPose((-0.16, -0.30, 0.42), (1.0, -0.6, 0.1), (-0.95, 0.25, 0.0), (-0.1, 0.0, -1.0), OPEN, 0.2),
    "clap": ArmPose((-0.26, -0.22, 0.56), (1.0, -0.7, 0.0), (-0.05, 0.6, 0.75), (-1.0, 0.0, 0.05), OPEN, 0.1),
    "fist_up": ArmPose((0.40, 0.26, 0.28), (0.7, -1.0, 0.0), (0.0, 1.0, 0.05), (-0.5, 0.0, 0.9), FIST, 0.0),
    "guard": ArmPose((-0.02, -0.05, 0.46), (0.6, -1.0, 0.1), (-0.35, 0.9, 0.3), (-0.6, -0.2, -0.7), FIST, 0.0),
    "chin": ArmPose((-0.20, -0.02, 0.44), (0.6, -1.0, 0.0), (-0.25, 0.95, -0.1), (-0.45, 0.0, -0.9), CLAW, 0.1),
    "shrug": ArmPose((0.46, -0.40, 0.42), (0.3, -0.9, -0.5), (0.75, 0.10, 0.60), (0.0, 1.0, 0.25), OPEN, 0.5),
    "thumb": ArmPose((0.10, -0.22, 0.62), (0.7, -0.9, 0.0), (-0.25, 0.15, 1.0), (-1.0, 0.0, -0.2), THUMB, 0.0),
    "victory": ArmPose((0.34, 0.22, 0.36), (0.7, -1.0, 0.0), (0.05, 1.0, 0.05), (0.0, -0.1, 1.0), VICTORY, 0.9),
    "cross": ArmPose((-0.46, -0.30, 0.44), (1.0, -0.5, 0.1), (-0.95, 0.25, -0.1), (0.0, -0.6, -0.8), RELAXED, 0.0),
    "present": ArmPose((0.66, -0.34, 0.44), (0.2, -1.0, -0.3), (0.8, 0.05, 0.55), (0.1, 1.0, 0.35), OPEN, 0.4),
    "talk_low": ArmPose((0.20, -0.50, 0.52), (0.5, -0.7, -0.5), (-0.05, 0.25, 1.0), (-0.75, 0.55, 0.1), RELAXED, 0.3),
    "talk_high": ArmPose((0.18, -0.22, 0.58), (0.7, -0.8, -0.2), (-0.1, 0.75, 0.65), (-0.7, 0.1, 0.3), RELAXED, 0.5),
    "stop": ArmPose((0.18, 0.04, 0.70), (0.7, -0.8, 0.0), (0.0, 1.0, 0.05), (0.0, 0.05, 1.0), OPEN, 0.5),
    "salute": ArmPose((0.04, 0.30, 0.24), (1.0, -0.1, 0.1), (-0.75, 0.65, 0.05), (-0.15, -0.6, 0.7), OPEN, 0.0),
}  # fmt: skip


def set_arm(goals: PoseGoals, side: int, pose: ArmPose, amount: float = 1.0) -> None:
    """Mixes one arm of the goals toward a pose, in place."""
    for name, value in (("wrists", pose.wrist), ("elbows", pose.elbow), ("fingers_to", pose.fingers), ("palms", pose.palm), ("curls", pose.curl)):
        array = getattr(goals, name)
        array[side] = (1 - amount) * array[side] + amount * np.array(value)
    goals.spread[side] = (1 - amount) * goals.spread[side] + amount * pose.spread


def mixed_arm(first: ArmPose, second: ArmPose, amount: float) -> ArmPose:
    """The arm between two poses; it swings round the front where the straight way would cross the body."""
    mix = [tuple((1 - amount) * np.array(a) + amount * np.array(b)) for a, b in zip(first[:5], second[:5], strict=True)]
    wrist = np.array(mix[0])
    travel = np.linalg.norm(np.array(first.wrist) - second.wrist)
    wrist += np.array([0.10, 0.0, 0.12]) * travel * np.sin(np.pi * amount)
    return ArmPose(tuple(wrist), *mix[1:], (1 - amount) * first.spread + amount * second.spread)
