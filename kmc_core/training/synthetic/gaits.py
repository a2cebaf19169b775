"""Walking and running: the legs of a gait cycle and the arms that swing against them.

Called by motions.py (clips) and library_plans.py (loops on the spot).
"""

from __future__ import annotations

import numpy as np

from .arm_poses import ARM_POSES, mixed_arm, set_arm
from .posing import PoseGoals
from .timing import TAU, ease


def walk(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Strides forward along the heading, arms swinging."""
    pace, stride = rng.uniform(0.75, 1.05), rng.uniform(0.42, 0.62)
    phase = t * pace
    start, way = rng.uniform(-1.0, -0.2), stride / 0.60 * phase
    travels = rng.random() < 0.5
    travel = start + min(way, 2.0) if travels else 0.0
    stride = stride * float(1 - ease((way - 1.7) / 0.3)) if travels else stride
    goals.root += [0.02 * np.sin(2 * np.pi * phase), -0.025 + 0.018 * np.cos(4 * np.pi * phase), travel]
    goals.pelvis += [0.12 * np.sin(2 * np.pi * phase), 0.03, 0.04 * np.sin(2 * np.pi * phase + 0.7)]
    goals.spine += [-0.22 * np.sin(2 * np.pi * phase), 0.03, 0.0]
    for side in (0, 1):
        u = (phase + 0.5 * side) % 1.0
        swing = np.clip((u - 0.60) / 0.40, 0, 1)
        z = stride * (0.5 - u / 0.60) if u < 0.60 else stride * (-0.5 + ease(swing))
        lift = np.sin(np.pi * swing)
        goals.ankles[side] += [-0.03, 0.13 * lift * (1 - 0.4 * swing) + 0.04 * max(0, (u - 0.45) / 0.15) * (u < 0.60), z + travel]
        goals.foot_pitch[side] += 0.55 * np.clip((u - 0.42) / 0.18, 0, 1) * (1 - swing) - 0.30 * swing**2 * (1 - np.clip((u - 0.97) / 0.03, 0, 1)) - 0.2 * (u < 0.05)
        opposite = np.sin(2 * np.pi * (phase + 0.5 * side) + 0.6)
        set_arm(goals, side, ARM_POSES["hang"])
        goals.wrists[side] += [0.0, 0.08 * max(-opposite, -0.3) ** 2 + 0.03, -0.34 * opposite]
        goals.fingers_to[side] += [0, 0, -0.45 * opposite]


def stride(goals: PoseGoals, phase: float, length: float, lift: float, stance: float, swing_arm: float, bend: float) -> None:
    """One gait cycle in place; stance: share of the cycle a foot is on the ground; bend: how far forearms are raised."""
    goals.pelvis += [0.11 * np.sin(TAU * phase), 0.03, 0.035 * np.sin(TAU * phase + 0.7)]
    goals.spine += [-0.20 * np.sin(TAU * phase), 0.03 + 0.10 * bend, 0.0]
    for side in (0, 1):
        u = (phase + 0.5 * side) % 1.0
        swing = float(np.clip((u - stance) / (1 - stance), 0, 1))
        z = length * (0.5 - u / stance) if u < stance else length * (-0.5 + float(ease(swing)))
        push = float(np.clip((u - 0.7 * stance) / (0.3 * stance), 0, 1)) * (u < stance)
        goals.ankles[side] += [-0.03, lift * np.sin(np.pi * swing) * (1 - 0.35 * swing) + 0.04 * push, z]
        goals.foot_pitch[side] += 0.5 * push + 0.5 * (u >= stance) * (1 - swing) - 0.28 * np.sin(np.pi * swing) * swing
        opposite = np.sin(TAU * (phase + 0.5 * side) + 0.6)
        pose = mixed_arm(ARM_POSES["hang"], ARM_POSES["guard"], 0.75 * bend)
        set_arm(goals, side, pose)
        goals.wrists[side] += [0.0, 0.07 * max(-opposite, -0.3) ** 2 + 0.02, -swing_arm * opposite]
        goals.fingers_to[side] += [0, 0, -0.4 * opposite]


def run(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Runs forward along the heading or on the spot: both feet off the floor twice in a cycle, forearms up."""
    pace, length = rng.uniform(1.25, 1.6), rng.uniform(0.55, 0.78)
    phase, lean = t * pace + rng.random(), rng.uniform(0.08, 0.18)
    travel = rng.uniform(-1.0, -0.4) + min(0.9 * length / 0.40 * t * pace, 1.5) if rng.random() < 0.35 else 0.0
    goals.root += [0.015 * np.sin(TAU * phase), -0.05 - 0.045 * np.cos(2 * TAU * phase + 0.9), travel]
    stride(goals, phase, length, rng.uniform(0.26, 0.40), 0.40, rng.uniform(0.28, 0.38), 1.0)
    hop = rng.uniform(0.05, 0.10) * np.sin(np.pi * min(((phase - 0.36) % 0.5) / 0.18, 1.0))  # flight, between two strides
    goals.root[1] += hop
    goals.ankles[:, 1:] += [hop, travel]
    goals.spine += [0.0, lean, 0.0]
    goals.head += [0.0, -lean, 0.0]
    goals.curls = np.clip(goals.curls + 0.25, 0, 0.9)
