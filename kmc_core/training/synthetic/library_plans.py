"""The list of the shipped motion library: thirty-odd loops, each a few lines of choreography.

Not here: their building blocks (library_motions.py). Called by scripts/make_motion_library.py.
"""

from __future__ import annotations

import numpy as np

from .arm_poses import ARM_POSES, CLAW, HAND_SHAPES, LOVE, OKAY, OPEN, POINT, VICTORY, ArmPose, mixed_arm, set_arm
from .library_dances import arm_wave, dance, form, jacks, kicks, punches, side_bends, squats, twist
from .gaits import stride
from .library_motions import GoalsOf, LibraryPlan, Pair, arms_on_beats, face_of, living, pulse, resting
from .posing import PoseGoals
from .timing import TAU, ease, wobble


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
        goals, u = resting(0.04, ("away", "away")), t / seconds
        goals.heading = TAU * u
        for side in (0, 1):
            goals.ankles[side] += [0, 0.06 * max(np.sin(TAU * 5 * u + np.pi * side), 0), 0]
        goals.root += [0, -0.02, 0]
        return goals

    return goals_of


def _wave(seconds: float, sides: tuple[int, ...], beats: int) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = resting(), t / seconds
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
        goals, u = resting(), t / seconds
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
        goals, u = resting(), t / seconds
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
        goals, u = resting(0.0), t / seconds
        down = pulse(u, 0.10, 0.90, 0.42)
        goals.pelvis += [0, 0.55 * down, 0]
        goals.root += [0, -0.02 * down, -0.10 * down]
        goals.spine += [0, 0.35 * down, 0]
        goals.head += [0, 0.25 * down, 0]
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
        goals, beat = resting(), t / seconds * beats
        k, amount = int(beat) % beats, float(ease((beat % 1.0) / 0.6))
        for side in (0, 1):
            set_arm(goals, side, mixed_arm(pose(k, side), pose((k + 1) % beats, side), amount))
        goals.head += [0.05 * np.sin(TAU * 2 * t / seconds), 0.04 * np.sin(TAU * 3 * t / seconds), 0]
        face_of(goals, brow_up=0.2 * max(np.sin(TAU * t / seconds), 0))
        return goals

    return goals_of


def _laugh(seconds: float) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, u = resting(), t / seconds
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
        goals = resting(0.05, arms)
        goals.head += np.array(turns) * np.sin(TAU * times * t / seconds)
        return goals

    return goals_of


def _sway(seconds: float, reach: float, arms: Pair) -> GoalsOf:
    def goals_of(t: float) -> PoseGoals:
        goals, way = resting(0.07, arms), np.sin(TAU * t / seconds)
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
        goals = resting()
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
        ("dance_groove", "Step-touch groove", "dance", "pop beat full-body", 4.0, dance(4.0, 8, (("chest", "hip"), ("wide_up", "wide_up"), ("hip", "chest"), ("out", "out")), 0.10, 0.045), {"mood": 0.6}),
        ("dance_disco", "Disco points", "dance", "disco beat retro", 4.0, dance(4.0, 8, (("hip", "point_up"), ("hip", "point_out"), ("point_up", "hip"), ("point_out", "hip")), 0.07, 0.03), {"mood": 0.6}),
        ("dance_arm_wave", "Arm wave", "dance", "smooth beat arms", 4.0, arm_wave(4.0), {"mood": 0.4}),
        ("dance_twist", "Twist", "dance", "twist retro hips", 4.0, twist(4.0), {"mood": 0.6}),
        ("dance_bounce", "Bounce and fists up", "dance", "hip-hop beat energetic", 4.0, dance(4.0, 8, (("fist_up", "guard"), ("guard", "fist_up"), ("fist_up", "fist_up"), ("front", "front")), 0.05, 0.08, 0.14), {}),
        ("fight_punches", "Jab and cross", "martial arts", "boxing punch fight", 3.0, punches(3.0), {"mood": -0.3}),
        ("fight_kicks", "Front kicks", "martial arts", "kick fight legs", 3.5, kicks(3.5), {"mood": -0.3}),
        ("fight_form", "Blocks and palms", "martial arts", "kata form slow", 8.0, form(8.0), {"mood": -0.1}),
        ("exercise_squats", "Squats", "exercise", "gym legs fitness", 4.0, squats(4.0, 2), {"mood": 0.0}),
        ("exercise_jacks", "Jumping jacks", "exercise", "gym jump fitness", 3.0, jacks(3.0, 3), {"mood": 0.1}),
        ("exercise_side_bends", "Side bends", "exercise", "stretch gym fitness", 5.0, side_bends(5.0), {"mood": 0.1}),
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
