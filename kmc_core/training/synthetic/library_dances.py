"""Dances, martial arts and exercises of the shipped motion library: each gives the goals of one seamless period.

Not here: walks, gestures, faces and the list itself (library_plans.py).
"""

from __future__ import annotations

import numpy as np

from .arm_poses import ARM_POSES, FIST, OPEN, ArmPose, mixed_arm, set_arm
from .library_motions import GoalsOf, Pair, arms_on_beats, face_of, pulse, resting, step_touch
from .posing import PoseGoals
from .timing import TAU, ease


def dance(seconds: float, beats: int, score: tuple[Pair, ...], sway: float, bounce: float, lift: float = 0.09) -> GoalsOf:
    """Arms go through a score over a step-touch groove."""

    def goals_of(t: float) -> PoseGoals:
        goals, u = PoseGoals(), t / seconds
        arms_on_beats(goals, u, score, 0.6)
        step_touch(goals, beats / 2 * u, sway, bounce, lift)
        for side in (0, 1):
            goals.wrists[side] += [0, 0.05 * np.sin(TAU * beats * u), 0]
        face_of(goals, smile=0.3)
        return goals

    return goals_of


def arm_wave(seconds: float) -> GoalsOf:
    """Dance 3: a wave runs from one hand through the shoulders to the other."""

    def goals_of(t: float) -> PoseGoals:
        goals, u = PoseGoals(), t / seconds
        step_touch(goals, 2 * u, 0.05, 0.02, 0.05)
        for side in (0, 1):
            set_arm(goals, side, ARM_POSES["out"])
            lag = 0.22 if side == 1 else -0.22
            crest = np.sin(TAU * (2 * u + lag))
            goals.wrists[side] += [-0.06 * abs(crest), 0.30 * crest, 0.05]
            goals.elbows[side] = [0.1, -0.4 - 0.6 * crest, -0.6]
            goals.fingers_to[side] += [0, 0.8 * np.sin(TAU * (2 * u + 1.6 * lag)), 0]
            goals.shrug[side] += 0.16 * np.sin(TAU * (2 * u + 0.4 * lag))
        return goals

    return goals_of


def twist(seconds: float) -> GoalsOf:
    """Dance 4: hips and bent arms twist against each other over bent knees."""

    def goals_of(t: float) -> PoseGoals:
        goals, u = PoseGoals(), t / seconds
        swing, deep = np.sin(TAU * 4 * u), 0.5 - 0.5 * np.cos(TAU * u)
        goals.root += [0.03 * np.sin(TAU * u), -0.06 - 0.14 * deep, 0]
        goals.pelvis += [0.38 * swing, 0.06 + 0.10 * deep, 0]
        goals.spine += [-0.60 * swing, 0.08, 0]
        goals.head += [0.24 * swing, -0.08, 0]
        for side in (0, 1):
            set_arm(goals, side, mixed_arm(ARM_POSES["guard"], ARM_POSES["talk_low"], 0.6))
            goals.wrists[side] += [0.10 + 0.12 * swing * (1 if side == 0 else -1), -0.10, 0.0]
            goals.ankles[side] += [0.10, 0.02 * max(swing * (1 if side else -1), 0), 0.03 * swing * (1 if side == 0 else -1)]
            goals.foot_yaw[side] += 0.28 * swing * (1 if side == 0 else -1)
        face_of(goals, smile=0.45)
        return goals

    return goals_of


def _fighting_stance(goals: PoseGoals, bob: float) -> None:
    goals.root += [0, -0.09 - 0.02 * bob, 0]
    goals.heading += 0.35
    for side, way in ((0, 0.22), (1, -0.20)):
        goals.ankles[side] += [0.08, 0, way]
        set_arm(goals, side, ARM_POSES["guard"])
    goals.head += [-0.30, 0, 0]


def punches(seconds: float) -> GoalsOf:
    """Jab, cross, jab, cross with the hips behind them."""

    def goals_of(t: float) -> PoseGoals:
        goals, u = PoseGoals(), t / seconds
        _fighting_stance(goals, np.sin(TAU * 4 * u))
        for side, start in ((0, 0.02), (1, 0.22), (0, 0.52), (1, 0.72)):
            out = pulse(u, start, start + 0.20, 0.45)
            aim = ArmPose((-0.10, 0.12, 0.94), (0.6, -0.9, 0.0), (-0.10, 0.05, 1.0), (-0.2, -1.0, 0.0), FIST, 0.0)
            if out > 0:
                set_arm(goals, side, mixed_arm(ARM_POSES["guard"], aim, out))
            turn = 0.45 * out * (-1 if side == 0 else 1)
            goals.spine += [turn, 0.05 * out, 0]
            goals.pelvis += [0.4 * turn, 0, 0]
            goals.head += [-turn, 0, 0]
        return goals

    return goals_of


def kicks(seconds: float) -> GoalsOf:
    """A front kick of each leg from the guard."""

    def goals_of(t: float) -> PoseGoals:
        goals, u = PoseGoals(), t / seconds
        goals.root += [0, -0.05, 0]
        for side in (0, 1):
            set_arm(goals, side, ARM_POSES["guard"])
            goals.ankles[side] += [0.05, 0, 0]
        for side, start in ((0, 0.05), (1, 0.55)):
            load, out = pulse(u, start, start + 0.38, 0.45), pulse(u, start + 0.10, start + 0.32, 0.45)
            sign = 1 if side == 0 else -1
            goals.ankles[side] += [-0.05 * load, 0.36 * load + 0.28 * out, 0.10 * load + 0.52 * out]
            goals.foot_pitch[side] += 0.35 * out
            goals.root += [-sign * 0.07 * load, 0, -0.03 * out]
            goals.pelvis += [0, -0.16 * out, -sign * 0.05 * load]
            goals.spine += [0, 0.20 * out, 0]
        return goals

    return goals_of


def form(seconds: float) -> GoalsOf:
    """Slow blocks and open palms in a deep stance."""
    low = ArmPose((0.42, -0.62, 0.42), (0.6, -0.4, -0.5), (0.35, -0.75, 0.45), (-0.3, -0.5, 0.6), FIST, 0.0)
    high = ArmPose((0.00, 0.46, 0.36), (1.0, 0.0, 0.3), (-0.6, 0.75, 0.1), (0.2, 0.3, 1.0), FIST, 0.0)
    palm = ArmPose((0.02, 0.02, 0.86), (0.7, -0.8, 0.0), (0.0, 0.95, 0.35), (0.0, -0.1, 1.0), OPEN, 0.1)
    ready = ArmPose((0.05, -0.58, 0.05), (0.3, -0.2, -1.0), (-0.2, 0.1, 1.0), (0.2, 1.0, 0.0), FIST, 0.0)
    score = ((ready, ready), (low, ready), (high, ready), (ready, palm), (ready, ready), (ready, low), (ready, high), (palm, ready))

    def goals_of(t: float) -> PoseGoals:
        goals, beat = PoseGoals(), t / seconds * len(score)
        k, amount = int(beat) % len(score), float(ease((beat % 1.0) / 0.65))
        for side in (0, 1):
            set_arm(goals, side, mixed_arm(score[k][side], score[(k + 1) % len(score)][side], amount))
            goals.ankles[side] += [0.26, 0, 0]
            goals.knees[side] = [0.5, 0, 1.0]
            goals.foot_yaw[side] += 0.2
        shift = np.sin(TAU * t / seconds)
        goals.root += [0.08 * shift, -0.17, 0]
        goals.spine += [0.22 * shift, 0, 0]
        return goals

    return goals_of


def squats(seconds: float, count: int) -> GoalsOf:
    """Knee bends with the arms rising to the front."""

    def goals_of(t: float) -> PoseGoals:
        goals = PoseGoals()
        down = 0.5 - 0.5 * np.cos(TAU * count * t / seconds)
        goals.root += [0, -0.42 * down, -0.12 * down]
        goals.pelvis += [0, 0.50 * down, 0]
        goals.spine += [0, 0.12 * down, 0]
        goals.head += [0, -0.40 * down, 0]
        for side in (0, 1):
            goals.ankles[side] += [0.11, 0, 0]
            goals.knees[side] = [0.45, 0.0, 1.0]
            goals.foot_yaw[side] += 0.25
            set_arm(goals, side, mixed_arm(ARM_POSES["hang"], ARM_POSES["front"], float(down)))
        return goals

    return goals_of


def jacks(seconds: float, count: int) -> GoalsOf:
    """Jumping jacks."""

    def goals_of(t: float) -> PoseGoals:
        goals, u = PoseGoals(), count * t / seconds
        spread = float(ease(0.5 - 0.5 * np.cos(TAU * u)))
        hop = abs(np.sin(TAU * u)) ** 1.4
        goals.root += [0, -0.05 + 0.13 * hop - 0.03 * spread, 0]
        for side in (0, 1):
            goals.ankles[side] += [0.02 + 0.26 * spread, 0.12 * hop, 0]
            goals.foot_pitch[side] += 0.5 * hop
            set_arm(goals, side, mixed_arm(ARM_POSES["hang"], ARM_POSES["wide_up"], spread))
        return goals

    return goals_of


def side_bends(seconds: float) -> GoalsOf:
    """Bends to both sides, the free arm over the head."""

    def goals_of(t: float) -> PoseGoals:
        goals, lean = resting(0.14), np.sin(TAU * t / seconds)
        goals.spine += [0, 0, 0.42 * lean]
        goals.pelvis += [0, 0, -0.08 * lean]
        goals.root += [-0.05 * lean, -0.02, 0]
        for side in (0, 1):
            up = float(ease(max(lean * (1 if side == 0 else -1), 0)))
            set_arm(goals, side, mixed_arm(ARM_POSES["hip"], ARM_POSES["up"], up))
            goals.wrists[side] += [-0.30 * up, 0, 0]
        return goals

    return goals_of
