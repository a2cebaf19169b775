"""What is performed for the retargeting table: seven ways to be seen, with touches that every body makes at its own places.

Goals are in units of the body (posing.PoseGoals), so one plan fits every body; a touch names the place on the surface of the
body that the palm lies on, so each body reaches it with its own arm. Not here: bodies (retarget_bodies.py), measuring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..training.synthetic.arm_poses import ARM_POSES, ArmPose, set_arm
from ..training.synthetic.library_motions import pulse
from ..training.synthetic.posing import PoseGoals
from ..training.synthetic.renderer import Posed
from ..training.synthetic.skeleton import BONE, FINGER_BONES
from ..training.synthetic.timing import ease
from ..types import Orientation
from .retarget_bodies import Figure

FPS, SECONDS = 24, 3.0
REACH_ROUNDS = 3
PALM_THICKNESS_M = 0.013
TAU = 2 * np.pi
SIDES = ("left", "right")
ON_THIGH = ArmPose((0.1, -0.5, 0.5), (0.9, -0.2, -0.5), (-0.1, -0.55, 0.85), (-0.1, -0.85, -0.5))
ARM_OF_TOUCH = {"face": ARM_POSES["chin"], "hands": ARM_POSES["clap"], "hip": ARM_POSES["hip"], "thigh": ON_THIGH}
"""whose elbow, fingers and palm a touching arm takes"""
GoalsOf = Callable[[float], PoseGoals]


@dataclass(frozen=True)
class Touch:
    """A palm on a place of the own body. side 0 left, 1 right; start, end in shares of the plan; soft: share of it to come and go.

    place: "face" (at: x outward, y up, z front in head units), "hands" (at: from between the shoulders, in arm lengths, chest
    axes), "hip" (at: y in torso lengths above the hip joint, z front), "thigh" (at: x = share of the way from hip to knee).
    """

    side: int
    place: str
    at: tuple[float, float, float]
    start: float
    end: float

    def amount(self, u: float) -> float:
        return pulse(u, self.start, self.end, 0.3)


@dataclass(frozen=True)
class View:
    """A plan and who looks from where: camera yaw and pitch, radians. from_hips: of a lying body the ankles' way counts from the
    hip joints, which lie a little further towards the feet than the pelvis' joint does, on every body by the same 2 cm."""

    name: str
    goals_of: GoalsOf
    touches: tuple[Touch, ...] = ()
    yaw: float = 0.0
    pitch: float = 0.0
    orientation: Orientation = Orientation()
    from_hips: bool = False


def pose_at(figure: Figure, view: View, t: float, heading: float | None = None) -> Posed:
    """The figure at t seconds of a view's plan, its palms exactly on the places the plan touches; heading replaces the plan's."""
    goals = view.goals_of(t)
    if heading is not None:
        goals.heading = heading
    if view.from_hips:
        goals.ankles[:, 2] += 0.02 / figure.shape.leg
    active = [(touch, touch.amount(t / SECONDS)) for touch in view.touches]
    active = [(touch, amount) for touch, amount in active if amount > 0]
    for touch, amount in active:
        pose = ARM_OF_TOUCH[touch.place]
        for values, value in ((goals.elbows, pose.elbow), (goals.fingers_to, pose.fingers), (goals.palms, pose.palm)):
            values[touch.side] += amount * (np.array(value) - values[touch.side])
    free, posed = goals.wrists.copy(), figure.pose_bones(goals)
    for _ in range(REACH_ROUNDS if active else 0):
        wanted = free.copy()
        for touch, amount in active:
            wanted[touch.side] += amount * (_wrist_goal(figure, posed, touch) - free[touch.side])
        goals.wrists = wanted
        posed = figure.pose_bones(goals)
    return figure.with_head(posed, goals)


def palm(figure: Figure, posed: Posed, side: int) -> np.ndarray:
    """Model place of the middle of a palm, half-way from the wrist to the knuckles of first and last finger."""
    knuckles = FINGER_BONES[side, [1, 4], 0]
    return 0.5 * (posed.places[BONE[f"{SIDES[side]}_hand"]] + posed.places[knuckles].mean(0))


def touched_place(figure: Figure, posed: Posed, touch: Touch) -> np.ndarray:
    """Model place [3] of the spot on the body's own surface that a touch means."""
    shape, rest = figure.shape, figure.bare.rest
    sign = 1.0 if touch.side == 0 else -1.0
    at = np.array(touch.at)

    def on(bone: str, rest_place: np.ndarray) -> np.ndarray:
        k = BONE[bone]
        return posed.places[k] + posed.turns[k] @ (rest_place - rest[k])

    if touch.place == "face":
        return on("head", figure.bare.head_origin + at * [sign, 1, 1] * shape.head)
    if touch.place == "hands":
        middle = posed.places[[BONE["left_upper_arm"], BONE["right_upper_arm"]]].mean(0)
        gap = np.array([sign * PALM_THICKNESS_M * shape.hand, 0.0, 0.0])
        return middle + posed.turns[BONE["chest"]] @ (at * shape.arm + gap)
    thigh, shin = f"{SIDES[touch.side]}_thigh", f"{SIDES[touch.side]}_shin"
    if touch.place == "hip":
        height = at[1] * shape.torso
        half_width = hip_half_width(figure, height) + PALM_THICKNESS_M * shape.hand
        return on("pelvis", np.array([sign * half_width, rest[BONE[thigh]][1] + height, at[2] * shape.torso]))
    radii = figure.solids.limbs[thigh].radii
    radius = float(np.interp(at[0], np.linspace(0, 1, len(radii)), radii)) + PALM_THICKNESS_M * shape.hand
    along = rest[BONE[thigh]] + at[0] * (rest[BONE[shin]] - rest[BONE[thigh]])
    return on(thigh, along + [0.0, 0.0, radius])


def hip_half_width(figure: Figure, height: float) -> float:
    """From the midline to the outside of trunk or thigh at a height above the hip joints, metres."""
    rows, thigh = figure.solids.trunk.rows, figure.solids.limbs["left_thigh"]
    trunk = float(np.interp(figure.bare.rest[BONE["left_thigh"]][1] + height, rows[:, 0], rows[:, 1]))
    return max(trunk, float(thigh.start[0]) + max(thigh.radii[0] ** 2 - height**2, 0.0) ** 0.5)


def _wrist_goal(figure: Figure, posed: Posed, touch: Touch) -> np.ndarray:
    """The wrist goal (posing.PoseGoals) that brings the palm, held as it is, to the touched place."""
    name, chest = SIDES[touch.side], BONE["chest"]
    hand, upper = BONE[f"{name}_hand"], BONE[f"{name}_upper_arm"]
    wrist = touched_place(figure, posed, touch) - (palm(figure, posed, touch.side) - posed.places[hand])
    rest = figure.bare.rest
    still = posed.places[chest] + posed.turns[chest] @ (rest[upper] - rest[chest])
    away = posed.turns[chest].T @ (wrist - 0.5 * (still + posed.places[upper])) / figure.shape.arm
    return away * [1.0 if touch.side == 0 else -1.0, 1.0, 1.0]


def _standing(heading: float, arms: tuple[str, str] = ("away", "away"), width: float = 0.06) -> PoseGoals:
    goals = PoseGoals(heading=heading)
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES[arms[side]])
        goals.ankles[side] += [width, 0.0, 0.0]
    return goals


def _gestures(heading: float, resting: tuple[str, str]) -> GoalsOf:
    """Sways on planted feet while the arms rise and fall."""

    def goals_of(t: float) -> PoseGoals:
        goals, sway = _standing(heading, resting), np.sin(TAU * t / 1.5)
        up = pulse(t / SECONDS, 0.30, 0.75, 0.3)
        for side in (0, 1):
            goals.wrists[side] += up * np.array([0.05, 0.75, 0.20])
            goals.elbows[side] += up * np.array([0.3, -0.6, 0.3])
        goals.root += [0.05 * sway, -0.03 - 0.02 * abs(sway), 0.0]
        goals.pelvis += [0.05 * sway, 0.0, 0.05 * sway]
        goals.spine += [-0.06 * sway, 0.02, -0.08 * sway]
        goals.head += [0.15 * sway, 0.05, 0.05 * sway]
        return goals

    return goals_of


def _walk(t: float) -> PoseGoals:
    """Strides to the picture's right; every stance foot stands still on the ground."""
    phase, stride, stance = 0.6 * t, 0.40, 0.60
    goals, travel = _standing(np.pi / 2, ("hang", "hang"), -0.02), stride / stance * phase
    goals.root += [0.0, -0.085 + 0.015 * np.cos(2 * TAU * phase), travel]
    goals.pelvis += [0.10 * np.sin(TAU * phase), 0.03, 0.03 * np.sin(TAU * phase + 0.7)]
    goals.spine += [-0.18 * np.sin(TAU * phase), 0.03, 0.0]
    for side in (0, 1):
        cycle = phase + 0.5 * side
        u = cycle % 1.0
        swing = float(np.clip((u - stance) / (1 - stance), 0, 1))
        z = stride * (0.5 - u / stance) if u < stance else stride * (-0.5 + float(ease(swing)))
        goals.ankles[side] += [0.0, 0.12 * np.sin(np.pi * swing), z + travel]
        goals.foot_pitch[side] += 0.35 * np.sin(TAU * swing)
        goals.wrists[side] += [0.0, 0.03, -0.30 * np.sin(TAU * cycle + 0.6)]
    return goals


def _seated(t: float) -> PoseGoals:
    """On a chair, thighs level, one foot tapping, the trunk leaning."""
    goals, lean = _standing(0.55, ("talk_low", "talk_high"), 0.05), np.sin(TAU * t / SECONDS)
    goals.root += [0.0, -0.46, 0.0]
    goals.spine += [0.10 * lean, 0.10 + 0.06 * lean, 0.0]
    goals.head += [0.20 * lean, 0.08, 0.0]
    for side in (0, 1):
        goals.ankles[side] += [0.02, 0.0, 0.46]
        goals.knees[side] = np.array([0.15, 0.6, 1.0])
    goals.foot_pitch[1] -= 0.25 * max(np.sin(TAU * 1.5 * t), 0.0)
    return goals


def _lying(t: float) -> PoseGoals:
    """On the back along the picture, one knee drawn up and let down again."""
    goals = _standing(np.pi / 2, ("away", "away"), 0.02)
    goals.root += [0.0, -0.95, 0.0]
    goals.pelvis += [0.0, -np.pi / 2, 0.0]
    up = pulse(t / SECONDS, 0.1, 0.9, 0.4)
    for side in (0, 1):
        drawn = up * (side == 0)
        goals.ankles[side] += [0.0, 0.02 * drawn, 0.93 - 0.42 * drawn]
        goals.foot_pitch[side] -= (np.pi / 2 - 0.3) * (1 - drawn)
        goals.knees[side] = np.array([0.10, 1.0, 0.15])
    goals.head += [0.0, 0.15, 0.0]
    return goals


def _crouched(t: float) -> PoseGoals:
    """Deep knee bends with the trunk forward."""
    down = 0.75 + 0.25 * np.sin(TAU * t / SECONDS * 2)
    goals = _standing(-0.5, ("front", "front"), 0.12)
    goals.root += [0.0, -0.48 * down, -0.12 * down]
    goals.pelvis += [0.0, 0.55 * down, 0.0]
    goals.spine += [0.0, 0.25 * down, 0.0]
    goals.head += [0.0, -0.45 * down, 0.0]
    for side in (0, 1):
        goals.knees[side] = np.array([0.45, 0.0, 1.0])
        goals.foot_yaw[side] += 0.25
    return goals


def _turning(t: float) -> PoseGoals:
    """A whole turn on the spot in small steps, one arm out."""
    goals, u = _standing(0.0, ("hip", "out")), t / SECONDS
    goals.heading = TAU * float(ease(u))
    goals.root += [0.0, -0.03, 0.0]
    goals.head += [0.1 * np.sin(TAU * u), 0.0, 0.0]
    for side in (0, 1):
        goals.ankles[side] += [0.0, 0.05 * max(np.sin(TAU * 4 * u + np.pi * side), 0.0), 0.0]
    return goals


FACEPALM, CHIN, CHEEK = (0.015, 0.0, 0.108), (0.0, -0.118, 0.090), (0.085, -0.03, 0.03)
BOTH_HIPS = (Touch(0, "hip", (0, 0.10, 0.0), 0.60, 1.0), Touch(1, "hip", (0, 0.10, 0.0), 0.60, 1.0))


def _clap(start: float, end: float, at: tuple[float, float, float] = (0.0, -0.20, 0.62)) -> tuple[Touch, Touch]:
    return Touch(0, "hands", at, start, end), Touch(1, "hands", at, start, end)


VIEWS = (
    View("front", _gestures(0.0, ("away", "clap")), (Touch(1, "face", FACEPALM, 0.05, 0.40), *_clap(0.35, 0.65), *BOTH_HIPS)),
    View("side", _walk, (Touch(0, "face", CHIN, 0.35, 0.80),)),
    View("back", _gestures(np.pi, ("away", "away")), (*_clap(0.05, 0.45, (0.0, 0.30, 0.50)), *BOTH_HIPS)),
    View("seated", _seated, (Touch(0, "thigh", (0.6, 0, 0), 0.0, 0.5), Touch(1, "thigh", (0.6, 0, 0), 0.05, 0.9), Touch(0, "face", CHIN, 0.5, 0.95))),
    View("lying", _lying, (*_clap(0.1, 0.5), Touch(1, "face", FACEPALM, 0.55, 0.95)), pitch=0.30, from_hips=True),
    View("crouched", _crouched, (Touch(0, "thigh", (0.75, 0, 0), 0.05, 0.6), Touch(1, "thigh", (0.75, 0, 0), 0.05, 0.6), *_clap(0.6, 0.95))),
    View("turning", _turning, (Touch(0, "hip", (0, 0.10, 0.0), 0.0, 1.0),)),
    View("turning_image", _turning, (Touch(0, "hip", (0, 0.10, 0.0), 0.0, 1.0),), orientation=Orientation("image")),
    View("side_image", _gestures(1.3, ("away", "clap")), (Touch(1, "face", CHEEK, 0.05, 0.40), *BOTH_HIPS), orientation=Orientation("image")),
)  # fmt: skip
