"""Procedural motions: what a performer does over time, as goals that fit any body.

A MotionPlan is a seeded programme of named motions with cross-fades; `goals_at` samples it. Not here: bones (posing.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .arm_poses import ARM_POSES, HAND_SHAPES, ArmPose, mixed_arm, set_arm
from .face_motion import animate_face
from .gaits import run, walk
from .posing import PoseGoals, blend_goals
from .sitting import sit
from .timing import ease, wobble

Motion = Callable[[PoseGoals, float, np.random.Generator], None]


@dataclass(frozen=True)
class MotionPlan:
    """names and start times (s) of the motions in turn; seconds in all; base heading (rad); mood: smile level; talk 0..1."""

    names: tuple[str, ...]
    starts: tuple[float, ...]
    seconds: float
    heading: float = 0.0
    turning: float = 0.0
    mood: float = 0.3
    talk: float = 0.0
    energy: float = 1.0
    seed: int = 0


def idle(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Breathing, weight shifts, small gestures."""
    seed = int(rng.integers(1 << 30))
    shift = wobble(t, seed, 6, 0.25)
    goals.root += [0.03 * shift[0], -0.006 * (1 + shift[1]), 0.0]
    goals.pelvis += [0.06 * shift[2], 0.0, 0.05 * shift[0]]
    goals.spine += [0.05 * shift[3], 0.02 * np.sin(2 * np.pi * 0.3 * t), -0.06 * shift[0]]
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES[("hang", "hang", "away")[int(rng.integers(3))]])
        goals.wrists[side] += 0.02 * wobble(t, seed + side, 3, 0.4)


def turn_around(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """A slow turn on the spot, arms away."""
    goals.heading += rng.choice([-1, 1]) * 2 * np.pi * ease(t / rng.uniform(3.0, 5.0))
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES[rng.choice(["away", "hip", "out", "hang"])])
        step = np.sin(2 * np.pi * 1.4 * t + np.pi * side)
        goals.ankles[side] += [0, 0.05 * max(step, 0), 0]


def wave(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """One hand waves."""
    side, rate = int(rng.integers(2)), rng.uniform(1.3, 2.2)
    set_arm(goals, side, ARM_POSES["wave"])
    set_arm(goals, 1 - side, ARM_POSES[rng.choice(["hang", "hip", "away"])])
    s = np.sin(2 * np.pi * rate * t)
    goals.wrists[side] += [0.13 * s, 0.02 * np.cos(4 * np.pi * rate * t), 0.0]
    goals.fingers_to[side] += [0.45 * s, 0, 0]
    goals.spine += [0, 0, 0.04 * s * (1 if side else -1)]
    goals.head += [0, 0, 0.08 * (1 if side == 0 else -1)]


def clap(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Claps in front of the chest or above."""
    rate, high = rng.uniform(1.4, 2.4), rng.choice([0.0, 0.0, 0.55])
    apart = np.abs(np.sin(np.pi * rate * t)) ** 0.8
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES["clap"])
        goals.wrists[side] += [0.30 * apart, high + 0.03 * apart, -0.05 * apart]
    goals.root += [0, -0.02 * (1 - apart), 0]


def dance(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Arm poses that change on the beat over a step-touch groove."""
    beat = rng.uniform(1.5, 2.2)
    names = ("up", "wide_up", "out", "chest", "hip", "wave", "fist_up", "head", "front", "present", "guard", "point_up", "point_out", "shrug", "victory")
    mirrored = rng.random() < 0.5
    score = rng.integers(0, len(names), (64, 2))
    k, u = int(t * beat / 2), (t * beat / 2) % 1.0
    for side in (0, 1):
        own = 0 if mirrored else side
        pose = mixed_arm(ARM_POSES[names[score[k % 64, own]]], ARM_POSES[names[score[(k + 1) % 64, own]]], float(ease(u / 0.55)))
        set_arm(goals, side, pose)
        goals.wrists[side] += [0, 0.05 * np.sin(2 * np.pi * beat * t), 0]
    groove = np.sin(np.pi * beat * t)
    bounce = 0.5 - 0.5 * np.cos(2 * np.pi * beat * t)
    goals.root += [0.10 * groove, -0.03 - 0.045 * bounce, 0]
    goals.pelvis += [0.22 * groove, 0.0, 0.10 * groove]
    goals.spine += [-0.30 * groove, 0.04 * bounce, -0.16 * groove]
    goals.head += [0.15 * groove, 0.06 * bounce, 0.08 * groove]
    width = rng.uniform(0.05, 0.14)
    for side in (0, 1):
        free = max(0.0, groove * (1 if side == 1 else -1))
        goals.ankles[side] += [width - 0.10 * free, 0.09 * free**2, 0.05 * free]
        goals.foot_pitch[side] += 0.5 * free


def point(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Points to the side, up or at the viewer."""
    side, name = int(rng.integers(2)), rng.choice(["point_front", "point_out", "point_up"])
    set_arm(goals, 1 - side, ARM_POSES[rng.choice(["hang", "hip"])])
    set_arm(goals, side, mixed_arm(ARM_POSES["hang"], ARM_POSES[name], float(ease(t / 0.6))))
    goals.wrists[side] += 0.03 * wobble(t, 5, 3, 1.0)
    goals.head += [(0.4 if name == "point_out" else 0.0) * (1 if side == 0 else -1) * ease(t / 0.6), 0, 0]


def squat(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Knee bends with the arms in front."""
    rate, depth = rng.uniform(0.4, 0.7), rng.uniform(0.25, 0.5)
    down = 0.5 - 0.5 * np.cos(2 * np.pi * rate * t)
    goals.root += [0, -depth * down, -0.12 * down]
    goals.pelvis += [0, 0.55 * down, 0]
    goals.spine += [0, 0.15 * down, 0]
    goals.head += [0, -0.45 * down, 0]
    for side in (0, 1):
        goals.ankles[side] += [0.10, 0, 0]
        goals.knees[side] = [0.45, 0.0, 1.0]
        goals.foot_yaw[side] += 0.25
        set_arm(goals, side, mixed_arm(ARM_POSES["hang"], ARM_POSES[rng.choice(["front", "clap"])], float(down)))


def jump(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Hops or jumping jacks."""
    rate, jack = rng.uniform(0.9, 1.3), rng.random() < 0.6
    u = (t * rate) % 1.0
    crouch = np.sin(np.pi * np.clip(u / 0.40, 0, 1)) + 0.5 * np.sin(np.pi * np.clip((u - 0.85) / 0.15, 0, 1))
    air = np.clip((u - 0.36) / 0.50, 0, 1)
    height = 0.24 * 4 * air * (1 - air)
    goals.root += [0, -0.14 * crouch + height, 0]
    goals.pelvis += [0, 0.25 * crouch, 0]
    open_amount = float(ease(0.5 - 0.5 * np.cos(np.pi * (t * rate)))) if jack else 0.0
    for side in (0, 1):
        goals.ankles[side] += [0.02 + 0.20 * open_amount, height * 0.98, 0]
        goals.foot_pitch[side] += 0.6 * (height > 0.02) * min(1, height * 10)
        pose = mixed_arm(ARM_POSES["hang"], ARM_POSES["wide_up"], open_amount) if jack else mixed_arm(ARM_POSES["guard"], ARM_POSES["away"], float(crouch.clip(0, 1)))
        set_arm(goals, side, pose)


def kick(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Kicks forward with alternating legs."""
    rate = rng.uniform(0.5, 0.8)
    k, u = int(t * rate), (t * rate) % 1.0
    side = k % 2
    out = np.sin(np.pi * np.clip((u - 0.25) / 0.6, 0, 1)) ** 1.5
    load = np.sin(np.pi * np.clip(u / 0.35, 0, 1))
    sign = 1 if side == 0 else -1
    goals.root += [-sign * 0.07, -0.02, 0]
    goals.pelvis += [0, -0.18 * out, -sign * 0.06]
    goals.ankles[side] += [0.0, 0.10 * load + 0.42 * out, -0.25 * load + 0.62 * out]
    goals.foot_pitch[side] += 0.5 * out
    goals.spine += [0, 0.20 * out, 0]
    for arm in (0, 1):
        set_arm(goals, arm, mixed_arm(ARM_POSES["guard"], ARM_POSES["away"], 0.5 * out + 0.2))


def talk(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Hands that underline speech."""
    seed = int(rng.integers(1 << 30))
    names = ("talk_low", "talk_high", "present", "shrug", "chest", "talk_low", "hang", "stop")
    score = rng.integers(0, len(names), (40, 2))
    for side in (0, 1):
        beat = t / 0.9 + 0.5 * side
        k, u = int(beat), beat % 1.0
        set_arm(goals, side, mixed_arm(ARM_POSES[names[score[k % 40, side]]], ARM_POSES[names[score[(k + 1) % 40, side]]], float(ease(u / 0.7))))
        goals.wrists[side] += 0.05 * wobble(t, seed + side, 3, 1.6)
        goals.curls[side] = np.clip(goals.curls[side] + 0.15 * wobble(t, seed + 5 + side, 5, 0.9), 0, 1)
    goals.head += 0.10 * wobble(t, seed + 9, 3, 0.7)


def look_around(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """The head turns far to both sides, body after it."""
    yaw = 0.75 * np.sin(2 * np.pi * rng.uniform(0.2, 0.35) * t + rng.uniform(0, 6))
    goals.head += [yaw, 0.20 * np.sin(2 * np.pi * 0.27 * t), 0.1 * np.sin(2 * np.pi * 0.19 * t)]
    goals.spine += [0.35 * yaw, 0, 0]
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES[rng.choice(["hang", "hip", "chin", "salute", "cross"] if side == 0 else ["hang", "hip", "hang"])])


def arms_up(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Both arms rise to the side or front, hold, and come down."""
    name = rng.choice(["up", "wide_up", "out", "front"])
    u = 0.5 - 0.5 * np.cos(2 * np.pi * t * rng.uniform(0.25, 0.45))
    for side in (0, 1):
        set_arm(goals, side, mixed_arm(ARM_POSES["hang"], ARM_POSES[name], float(ease(u * 1.3))))
    goals.spine += [0, -0.08 * u, 0]


def sign_language(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Hand shapes that change in the space before the chest."""
    seed, rate = int(rng.integers(1 << 30)), rng.uniform(1.1, 1.8)
    places = rng.uniform([-0.30, -0.42, 0.36], [0.25, 0.22, 0.62], (48, 2, 3))
    fingers = rng.normal(size=(48, 2, 3)) * [0.5, 0.35, 0.4] + [-0.15, 0.8, 0.35]
    palms = rng.normal(size=(48, 2, 3)) * [0.6, 0.4, 0.8] + [-0.3, 0, 0.2]
    shapes = rng.integers(0, len(HAND_SHAPES), (48, 2))
    k, u = int(t * rate), (t * rate) % 1.0
    for side in (0, 1):
        a, b = k % 48, (k + 1) % 48
        pose = [ArmPose(tuple(places[i, side]), (0.8, -0.9, -0.1), tuple(fingers[i, side]), tuple(palms[i, side]), HAND_SHAPES[shapes[i, side]], 0.4) for i in (a, b)]
        set_arm(goals, side, mixed_arm(pose[0], pose[1], float(ease(u / 0.65))))
    goals.head += 0.06 * wobble(t, seed, 3, 0.6)


MOTIONS: dict[str, Motion] = {
    "idle": idle, "walk": walk, "run": run, "sit": sit, "turn": turn_around, "wave": wave, "clap": clap, "dance": dance, "point": point, "squat": squat,
    "jump": jump, "kick": kick, "talk": talk, "look_around": look_around, "arms_up": arms_up, "sign": sign_language,
}  # fmt: skip
UPPER_BODY = ("idle", "wave", "clap", "point", "talk", "look_around", "arms_up", "sign")


def suitable_motions(framing: str, skirt: float) -> tuple[str, ...]:
    """What may be performed in a framing (camera.FRAMINGS) in a skirt of this length (clothes.Outfit): skirts neither sit nor run."""
    names = UPPER_BODY if framing in ("half", "close") else tuple(MOTIONS)
    return tuple(name for name in names if skirt == 0 or name not in ("sit", "run"))


def plan_motion(seed: int, seconds: float, allowed: tuple[str, ...] = tuple(MOTIONS)) -> MotionPlan:
    """A seeded programme of one to four motions; who sits does nothing else, and stays facing one way."""
    rng = np.random.default_rng(seed)
    count = int(np.clip(round(seconds / 1.8), 1, 4))
    names = tuple(str(n) for n in rng.choice([n for n in MOTIONS if n in allowed], count))
    starts = tuple(float(s) for s in np.sort(np.concatenate([[0.0], rng.uniform(0.25, 0.95, count - 1) * seconds])))
    heading = float(rng.choice([0.0, rng.normal() * 0.35, rng.normal() * 0.9], p=[0.35, 0.5, 0.15]))
    turning = float(rng.normal() * 0.12)
    if names[0] == "sit":
        names, starts, heading, turning = ("sit",), (0.0,), float(np.clip(heading, -0.9, 0.9)), 0.0
    elif "sit" in names:
        names = tuple(names[0] if name == "sit" else name for name in names)
    return MotionPlan(names, starts, seconds, heading, turning, float(rng.uniform(-0.3, 1.0)), float(rng.random() < 0.5) * float(rng.uniform(0.4, 1.0)), 1.0, seed)


def goals_at(plan: MotionPlan, t: float) -> PoseGoals:
    """The goals of a plan at t seconds."""
    fade = 0.45
    goals: PoseGoals | None = None
    for k, (name, start) in enumerate(zip(plan.names, plan.starts, strict=True)):
        if k and t < start - fade:
            break
        current = PoseGoals()
        MOTIONS[name](current, max(t - (start - fade if k else 0.0), 0.0), np.random.default_rng([plan.seed, k, 77]))
        goals = current if goals is None else blend_goals(goals, current, float(ease((t - start + fade) / fade)))
    assert goals is not None
    goals.heading += plan.heading + plan.turning * t
    sway = wobble(t, plan.seed + 13, 6, 0.5)
    goals.head += np.array([0.10, 0.06, 0.05]) * sway[:3]
    goals.curls = np.clip(goals.curls + 0.05 * wobble(t, plan.seed + 17, 10, 0.8).reshape(2, 5), 0, 1)
    animate_face(goals, t, plan.seed, "talk" in plan.names and max(plan.talk, 0.7) or plan.talk, plan.mood)
    return goals
