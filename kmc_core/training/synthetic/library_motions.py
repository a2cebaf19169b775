"""What the shipped motion library performs: seamless loops and short actions, composed from the pose vocabulary.

Not here: the actions of random training clips (motions.py), small files (motion/library). Called by scripts/make_motion_library.py.
Every function below is periodic in t with the period of its entry, or is made so by `closed`, which lets the end flow into
the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .arm_poses import ARM_POSES, mixed_arm, set_arm
from .face_motion import animate_face
from .head import CONTROLS
from .posing import PoseGoals, blend_goals
from .timing import TAU, ease

GoalsOf = Callable[[float], PoseGoals]
Pair = tuple[str, str]
"""names of arm poses, left and right"""
CLOSING_S = 0.6


@dataclass(frozen=True)
class LibraryPlan:
    """One entry: name, title, kind, tags, seconds of one period, and the goals at t seconds."""

    name: str
    title: str
    kind: str
    tags: tuple[str, ...]
    seconds: float
    goals_of: GoalsOf


def closed(goals_of: GoalsOf, seconds: float) -> GoalsOf:
    """A loop of any course: the first CLOSING_S are mixed with what would follow the end."""

    def looped(t: float) -> PoseGoals:
        t = t % seconds
        amount = float(ease(t / CLOSING_S))
        return goals_of(t) if amount >= 1 else blend_goals(goals_of(t + seconds), goals_of(t), amount)

    return looped


def living(goals_of: GoalsOf, seconds: float, *, seed: int, mood: float = 0.35, talk: float = 0.0) -> GoalsOf:
    """Adds breath, blinks, gaze and passing moods to a periodic course, and closes the loop."""

    def alive(t: float) -> PoseGoals:
        goals = goals_of(t % seconds)
        breath = np.sin(TAU * round(seconds / 3.4 + 0.5) * t / seconds)
        goals.spine += [0.0, 0.012 * breath, 0.0]
        goals.shrug += 0.012 * breath
        animate_face(goals, t, seed, talk, mood)
        return goals

    return closed(alive, seconds)


def arms_on_beats(goals: PoseGoals, u: float, score: Sequence[tuple[str, str]], share: float = 0.7) -> None:
    """Both arms go through `score` (left, right) once while u runs 0..1; each change takes `share` of a beat."""
    beat = (u % 1.0) * len(score)
    k = int(beat) % len(score)
    amount = float(ease((beat - int(beat)) / share))
    for side in (0, 1):
        first, second = ARM_POSES[score[k][side]], ARM_POSES[score[(k + 1) % len(score)][side]]
        set_arm(goals, side, mixed_arm(first, second, amount))


def feet_apart(goals: PoseGoals, width: float, turn_out: float = 0.12) -> None:
    """Moves both ankles out, in leg lengths, and turns the feet out."""
    for side in (0, 1):
        goals.ankles[side] += [width, 0, 0]
        goals.foot_yaw[side] += turn_out


def resting(width: float = 0.05, arms: Pair = ("hang", "hang")) -> PoseGoals:
    """Standing at ease, feet `width` further apart, arms in the named poses."""
    goals = PoseGoals()
    feet_apart(goals, width)
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES[arms[side]])
    return goals


def step_touch(goals: PoseGoals, u: float, sway: float, bounce: float, lift: float = 0.09) -> None:
    """A groove: weight from foot to foot, one full cycle while u runs 0..1."""
    side_way, down = np.sin(TAU * u), 0.5 - 0.5 * np.cos(2 * TAU * u)
    goals.root += [sway * side_way, -0.025 - bounce * down, 0]
    goals.pelvis += [0.18 * side_way, 0.0, 0.09 * side_way]
    goals.spine += [-0.24 * side_way, 0.04 * down, -0.13 * side_way]
    goals.head += [0.10 * side_way, 0.05 * down, 0.06 * side_way]
    for side in (0, 1):
        free = max(0.0, side_way * (1 if side == 1 else -1))
        goals.ankles[side] += [0.09 - 0.06 * free, lift * free**2, 0.04 * free]
        goals.foot_pitch[side] += 0.5 * free


def face_of(goals: PoseGoals, **controls: float) -> None:
    """Adds to named face controls (head.CONTROLS); `smile`, `squint`, `brow_up` mean both sides."""
    for name, value in controls.items():
        both = (f"{name}_left", f"{name}_right") if name in ("smile", "squint", "brow_up", "open") else (name,)
        for control in both:
            goals.face[CONTROLS.index(control)] += value


def pulse(u: float, start: float, end: float, soft: float = 0.25) -> float:
    """0..1..0: rises after `start`, falls before `end`, with soft shoulders of that share of the span."""
    span = (end - start) * soft
    return float(ease((u - start) / span) * ease((end - u) / span))
