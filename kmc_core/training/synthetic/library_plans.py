"""The list of the shipped motion library: thirty-odd loops, each a few lines of choreography.

Not here: their building blocks (library_motions.py). Called by scripts/make_motion_library.py.
"""

from __future__ import annotations

import numpy as np

from .arm_poses import ARM_POSES, CLAW, FIST, HAND_SHAPES, LOVE, OKAY, OPEN, POINT, VICTORY, ArmPose, mixed_arm, set_arm
from .library_motions import (
    TAU,
    GoalsOf,
    LibraryPlan,
    arms_on_beats,
    face_of,
    feet_apart,
    living,
    pulse,
    step_touch,
    stride,
)
from .motions import ease, wobble
from .posing import PoseGoals

Pair = tuple[str, str]


def _resting(width: float = 0.05, arms: Pair = ("hang", "hang")) -> PoseGoals:
    goals = PoseGoals()
    feet_apart(goals, width)
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES[arms[side]])
    return goals


def _walk(seconds: float, cycles: int, length: float, sway: float = 0.02, arm: float = 0.30) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, phase = PoseGoals(), cycles * t / seconds
        goals.root += [sway * np.sin(TAU * phase), -0.03 + 0.018 * np.cos(2 * TAU * phase), 0.0]
        goals.pelvis += [0, 0, 2.0 * sway * np.sin(TAU * phase)]
        stride(goals, phase, length, 0.13, 0.60, arm, 0.0)
        return goals

    return goals_of


def _run(seconds: float, cycles: int) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, phase = PoseGoals(), cycles * t / seconds
        goals.root += [0.0, -0.05 - 0.045 * np.cos(2 * TAU * phase + 0.9), 0.0]
        stride(goals, phase, 0.66, 0.34, 0.40, 0.34, 1.0)
        goals.spine += [0.0, 0.12, 0.0]
        goals.head += [0.0, -0.12, 0.0]
        return goals

    return goals_of


def _turn(seconds: float) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = _resting(0.04, ("away", "away")), t / seconds
        goals.heading = TAU * u
        for side in (0, 1):
            goals.ankles[side] += [0, 0.06 * max(np.sin(TAU * 5 * u + np.pi * side), 0), 0]
        goals.root += [0, -0.02, 0]
        return goals

    return goals_of


def _wave(seconds: float, sides: tuple[int, ...], beats: int) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = _resting(), t / seconds
        up = pulse(u, 0.04, 0.92, 0.18)
        swing = np.sin(TAU * beats * u) * up
        for side in sides:
            set_arm(goals, side, mixed_arm(ARM_POSES["hang"], ARM_POSES["wave"], up))
            goals.wrists[side] += [0.12 * swing, 0.0, 0.0]
            goals.fingers_to[side] += [0.45 * swing, 0, 0]
        goals.head += [0, 0, 0.10 * up]
        face_of(goals, smile=0.5 * up, brow_up=0.25 * up)
        return goals

    return goals_of


def _shown_arms(seconds: float, score: tuple[Pair, ...], share: float = 0.45, nod: float = 0.03, look: float = 0.0) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = _resting(), t / seconds
        arms_on_beats(goals, u, score, share)
        beat = (u * len(score)) % 1.0
        out = [pair[1].endswith("out") - pair[0].endswith("out") for pair in score]
        k = int(u * len(score)) % len(score)
        aim = (1 - float(ease(beat / share))) * out[k] + float(ease(beat / share)) * out[(k + 1) % len(score)]
        goals.head += [-look * aim, nod * np.sin(TAU * len(score) * u), 0]
        goals.spine += [-0.4 * look * aim, 0, 0]
        return goals

    return goals_of


def _clap(seconds: float, claps: int, high: float) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = _resting(), t / seconds
        apart = abs(np.sin(np.pi * claps * u)) ** 0.8
        for side in (0, 1):
            set_arm(goals, side, ARM_POSES["clap"])
            goals.wrists[side] += [0.30 * apart, high + 0.03 * apart, -0.05 * apart]
        goals.root += [0, -0.02 * (1 - apart), 0]
        face_of(goals, smile=0.5, lips_apart=0.3)
        return goals

    return goals_of


def _bow(seconds: float) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = _resting(0.0), t / seconds
        down = pulse(u, 0.10, 0.90, 0.42)
        goals.pelvis += [0, 0.55 * down, 0]
        goals.root += [0, -0.02 * down, -0.10 * down]
        goals.spine += [0, 0.35 * down, 0]
        goals.head += [0, 0.25 * down, 0]
        return goals

    return goals_of


def _dance(seconds: float, beats: int, score: tuple[Pair, ...], sway: float, bounce: float, lift: float = 0.09) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = PoseGoals(), t / seconds
        arms_on_beats(goals, u, score, 0.6)
        step_touch(goals, beats / 2 * u, sway, bounce, lift)
        for side in (0, 1):
            goals.wrists[side] += [0, 0.05 * np.sin(TAU * beats * u), 0]
        face_of(goals, smile=0.3)
        return goals

    return goals_of


def _arm_wave(seconds: float) -> GoalsOf:
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


def _twist(seconds: float) -> GoalsOf:
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


def _punches(seconds: float) -> GoalsOf:
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


def _kicks(seconds: float) -> GoalsOf:
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


def _form(seconds: float) -> GoalsOf:
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


def _squats(seconds: float, count: int) -> GoalsOf:
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


def _jacks(seconds: float, count: int) -> GoalsOf:
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


def _side_bends(seconds: float) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, lean = _resting(0.14), np.sin(TAU * t / seconds)
        goals.spine += [0, 0, 0.42 * lean]
        goals.pelvis += [0, 0, -0.08 * lean]
        goals.root += [-0.05 * lean, -0.02, 0]
        for side in (0, 1):
            up = float(ease(max(lean * (1 if side == 0 else -1), 0)))
            set_arm(goals, side, mixed_arm(ARM_POSES["hip"], ARM_POSES["up"], up))
            goals.wrists[side] += [-0.30 * up, 0, 0]
        return goals

    return goals_of


def _signs(seconds: float, seed: int, beats: int) -> GoalsOf:
    """Hand shapes that change in the space before the chest; no real sign language."""
    rng = np.random.default_rng(seed)
    places = rng.uniform([-0.22, -0.36, 0.42], [0.20, 0.16, 0.60], (beats, 2, 3))
    fingers = rng.normal(size=(beats, 2, 3)) * [0.4, 0.25, 0.3] + [-0.15, 0.8, 0.35]
    palms = rng.normal(size=(beats, 2, 3)) * [0.5, 0.3, 0.6] + [-0.3, 0, 0.4]
    shapes = [HAND_SHAPES[k] for k in rng.permutation(len(HAND_SHAPES))] + [OPEN, POINT, VICTORY, OKAY, LOVE, CLAW]

    def pose(k: int, side: int) -> ArmPose:
        shape = shapes[(k * 2 + side) % len(shapes)]
        return ArmPose(tuple(places[k, side]), (0.8, -0.9, -0.1), tuple(fingers[k, side]), tuple(palms[k, side]), shape, 0.4)

    def goals_of(t: float) -> PoseGoals:
        goals, beat = _resting(), t / seconds * beats
        k, amount = int(beat) % beats, float(ease((beat % 1.0) / 0.6))
        for side in (0, 1):
            set_arm(goals, side, mixed_arm(pose(k, side), pose((k + 1) % beats, side), amount))
        goals.head += [0.05 * np.sin(TAU * 2 * t / seconds), 0.04 * np.sin(TAU * 3 * t / seconds), 0]
        face_of(goals, brow_up=0.2 * max(np.sin(TAU * t / seconds), 0))
        return goals

    return goals_of


def _laugh(seconds: float) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = _resting(), t / seconds
        joy = pulse(u, 0.06, 0.94, 0.22)
        shake = np.sin(TAU * round(4.5 * seconds) * u) * joy
        set_arm(goals, 0, mixed_arm(ARM_POSES["hang"], ARM_POSES["chest"], joy))
        goals.spine += [0, -0.10 * joy + 0.045 * shake, 0]
        goals.head += [0.06 * np.sin(TAU * u), -0.20 * joy + 0.05 * shake, 0.06 * joy]
        goals.shrug += 0.10 * joy + 0.06 * shake
        face_of(goals, smile=0.9 * joy, squint=0.6 * joy, jaw=0.5 * joy + 0.10 * shake, lips_apart=0.4 * joy)
        return goals

    return goals_of


def _heads(seconds: float, turns: tuple[float, float, float], times: int, arms: Pair = ("hang", "hang")) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals = _resting(0.05, arms)
        goals.head += np.array(turns) * np.sin(TAU * times * t / seconds)
        return goals

    return goals_of


def _sway(seconds: float, reach: float, arms: Pair) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, way = _resting(0.07, arms), np.sin(TAU * t / seconds)
        goals.root += [reach * way, -0.01 - 0.01 * abs(way), 0]
        goals.pelvis += [0.5 * reach * way, 0, 0.8 * reach * way]
        goals.spine += [-0.4 * reach * way, 0, -1.4 * reach * way]
        goals.head += [0.5 * reach * way, 0, 0.9 * reach * way]
        for side in (0, 1):
            goals.wrists[side] += [0.02 * way * (1 if side == 0 else -1), 0, 0.02 * np.cos(TAU * t / seconds)]
        return goals

    return goals_of


def _talk(seconds: float) -> GoalsOf:
    score = (("talk_low", "hang"), ("talk_high", "talk_low"), ("present", "talk_high"), ("talk_low", "talk_low"), ("shrug", "shrug"), ("talk_high", "hang"))

    def goals_of(t: float) -> PoseGoals:
        goals = _resting()
        arms_on_beats(goals, t / seconds, score, 0.75)
        for side in (0, 1):
            goals.wrists[side] += 0.03 * wobble(t, 40 + side, 3, 1.2)
        goals.head += 0.07 * wobble(t, 44, 3, 0.6)
        return goals

    return goals_of


def library_plans() -> tuple[LibraryPlan, ...]:
    """Every entry of the shipped library."""
    rows = (
        ("walk", "Walk on the spot", "walk", "loop legs full-body first-test", 4.0, _walk(4.0, 4, 0.52), {}),
        ("walk_slow", "Slow stroll", "walk", "loop calm legs full-body", 4.5, _walk(4.5, 3, 0.42, 0.03, 0.22), {}),
        ("run", "Run on the spot", "run", "loop fast legs full-body", 3.0, _run(3.0, 4), {}),
        ("turn", "Full turn", "turn", "loop rotate back full-body", 5.0, _turn(5.0), {}),
        ("wave", "Wave with one hand", "wave", "hello greeting hand", 3.5, _wave(3.5, (0,), 6), {"mood": 0.6}),
        ("wave_both", "Wave with both hands", "wave", "hello goodbye hands", 3.5, _wave(3.5, (0, 1), 6), {"mood": 0.6}),
        ("point", "Point forward, out and up", "point", "show direct hand", 5.0, _shown_arms(5.0, (("hang", "hang"), ("point_front", "hang"), ("point_out", "hip"), ("hang", "point_up")), 0.4, 0.02, 0.4), {}),
        ("present", "Present to both sides", "point", "show product host", 5.0, _shown_arms(5.0, (("present", "talk_low"), ("talk_low", "present"), ("present", "present"), ("talk_low", "talk_low")), 0.5), {"mood": 0.6}),
        ("clap", "Clap", "clap", "applause hands", 3.0, _clap(3.0, 5, 0.0), {"mood": 0.7}),
        ("clap_high", "Clap overhead", "clap", "cheer party hands", 3.0, _clap(3.0, 5, 0.55), {"mood": 0.8}),
        ("bow", "Bow", "bow", "greeting polite thanks", 4.0, _bow(4.0), {}),
        ("dance_groove", "Step-touch groove", "dance", "pop beat full-body", 4.0, _dance(4.0, 8, (("chest", "hip"), ("wide_up", "wide_up"), ("hip", "chest"), ("out", "out")), 0.10, 0.045), {"mood": 0.6}),
        ("dance_disco", "Disco points", "dance", "disco beat retro", 4.0, _dance(4.0, 8, (("hip", "point_up"), ("hip", "point_out"), ("point_up", "hip"), ("point_out", "hip")), 0.07, 0.03), {"mood": 0.6}),
        ("dance_arm_wave", "Arm wave", "dance", "smooth beat arms", 4.0, _arm_wave(4.0), {"mood": 0.4}),
        ("dance_twist", "Twist", "dance", "twist retro hips", 4.0, _twist(4.0), {"mood": 0.6}),
        ("dance_bounce", "Bounce and fists up", "dance", "hip-hop beat energetic", 4.0, _dance(4.0, 8, (("fist_up", "guard"), ("guard", "fist_up"), ("fist_up", "fist_up"), ("front", "front")), 0.05, 0.08, 0.14), {}),
        ("fight_punches", "Jab and cross", "martial arts", "boxing punch fight", 3.0, _punches(3.0), {"mood": -0.3}),
        ("fight_kicks", "Front kicks", "martial arts", "kick fight legs", 3.5, _kicks(3.5), {"mood": -0.3}),
        ("fight_form", "Blocks and palms", "martial arts", "kata form slow", 8.0, _form(8.0), {"mood": -0.1}),
        ("exercise_squats", "Squats", "exercise", "gym legs fitness", 4.0, _squats(4.0, 2), {"mood": 0.0}),
        ("exercise_jacks", "Jumping jacks", "exercise", "gym jump fitness", 3.0, _jacks(3.0, 3), {"mood": 0.1}),
        ("exercise_side_bends", "Side bends", "exercise", "stretch gym fitness", 5.0, _side_bends(5.0), {"mood": 0.1}),
        ("signs_slow", "Hand shapes, slow", "sign", "hands fingers signing", 6.0, _signs(6.0, 4, 6), {}),
        ("signs_quick", "Hand shapes, quick", "sign", "hands fingers signing", 5.0, _signs(5.0, 11, 8), {}),
        ("talk", "Talk with gestures", "talk", "speech host presenter face", 6.0, _talk(6.0), {"talk": 0.9}),
        ("talk_calm", "Talk, hands down", "talk", "speech portrait face", 6.0, _heads(6.0, (0.07, 0.04, 0.03), 2), {"talk": 0.9}),
        ("laugh", "Laugh", "face", "happy joy portrait", 4.0, _laugh(4.0), {"mood": 0.5}),
        ("nod", "Nod yes", "face", "yes head portrait", 3.0, _heads(3.0, (0.0, 0.20, 0.0), 3), {"mood": 0.5}),
        ("shake_head", "Shake the head no", "face", "no head portrait", 3.0, _heads(3.0, (0.36, 0.0, 0.0), 3), {"mood": -0.3}),
        ("look_around", "Look around", "face", "head portrait curious", 6.0, _heads(6.0, (0.62, 0.05, 0.05), 1, ("hip", "hang")), {}),
        ("shrug", "Shrug", "gesture", "hands unsure question", 4.0, _shown_arms(4.0, (("hang", "hang"), ("shrug", "shrug"), ("hang", "hang")), 0.4), {"mood": -0.2}),
        ("salute", "Salute", "gesture", "greeting hand", 4.0, _shown_arms(4.0, (("hang", "hang"), ("salute", "hang"), ("salute", "hang"), ("hang", "hang")), 0.5), {"mood": 0.1}),
        ("breathe", "Breathe", "idle", "loop poster calm portrait", 6.8, _sway(6.8, 0.006, ("hang", "hang")), {"mood": 0.3}),
        ("sway", "Sway", "idle", "loop poster calm", 6.0, _sway(6.0, 0.05, ("hang", "away")), {"mood": 0.4}),
        ("sway_proud", "Sway, hands on hips", "idle", "loop poster hero", 6.0, _sway(6.0, 0.03, ("hip", "hip")), {"mood": 0.4}),
    )  # fmt: skip
    plans = []
    for seed, (name, title, kind, tags, seconds, goals_of, face) in enumerate(rows):
        alive = living(goals_of, seconds, seed=200 + seed, **face)
        plans.append(LibraryPlan(name, title, kind, tuple(tags.split()), seconds, alive))
    return tuple(plans)
