"""From limb goals to bone transforms. Goals are in units of the body, so that one motion fits every body.

Not here: the motions themselves (motions.py). Model axes: x subject's left, y up, z front; the performer's own facing is `heading`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .head import CONTROLS
from .skeleton import (
    BONE,
    BONES,
    FINGER_BONES,
    BodyShape,
    frame_from,
    hand_frame,
    rotation,
    turn,
    two_bone,
)

REST_FINGERS = np.tile(np.array([0.15, 0.22, 0.26, 0.30, 0.34]), (2, 1))


@dataclass
class PoseGoals:
    """What a body does at one instant.

    root          pelvis offset from standing: x, y, z in leg lengths (y < 0 squats, > 0 jumps)
    heading       yaw of the performer, radians; pelvis, spine, head: (yaw, pitch, roll) radians, each relative to its parent
    wrists        [2,3] left/right wrist from its shoulder, in arm lengths, chest axes (x outward from the body, y up, z front)
    elbows        [2,3] direction the elbow points to, same axes; fingers_to, palms [2,3] hand directions, same axes
    curls         [2,5] finger curl 0 open .. 1 fist (thumb first); spread [2]
    ankles        [2,3] ankle from its standing place in leg lengths, heading axes (x outward); foot_pitch [2] radians, toe down > 0; foot_yaw [2] outward
    knees         [2,3] direction of the knee, heading axes (x outward)
    shrug         [2] clavicle lift, radians
    face          [K] controls of head.CONTROLS; gaze [2] radians (to the picture's right for a frontal face, up)
    """

    root: np.ndarray = field(default_factory=lambda: np.zeros(3))
    heading: float = 0.0
    pelvis: np.ndarray = field(default_factory=lambda: np.zeros(3))
    spine: np.ndarray = field(default_factory=lambda: np.zeros(3))
    head: np.ndarray = field(default_factory=lambda: np.zeros(3))
    wrists: np.ndarray = field(default_factory=lambda: np.array([[0.28, -0.92, 0.12]] * 2))
    elbows: np.ndarray = field(default_factory=lambda: np.array([[0.7, -0.2, -0.9]] * 2))
    fingers_to: np.ndarray = field(default_factory=lambda: np.array([[0.15, -1.0, 0.15]] * 2))
    palms: np.ndarray = field(default_factory=lambda: np.array([[-1.0, 0.0, -0.35]] * 2))
    curls: np.ndarray = field(default_factory=lambda: REST_FINGERS.copy())
    spread: np.ndarray = field(default_factory=lambda: np.zeros(2))
    ankles: np.ndarray = field(default_factory=lambda: np.zeros((2, 3)))
    foot_pitch: np.ndarray = field(default_factory=lambda: np.zeros(2))
    foot_yaw: np.ndarray = field(default_factory=lambda: np.full(2, 0.16))
    knees: np.ndarray = field(default_factory=lambda: np.array([[0.12, 0.0, 1.0]] * 2))
    shrug: np.ndarray = field(default_factory=lambda: np.zeros(2))
    face: np.ndarray = field(default_factory=lambda: np.concatenate([[1.0, 1.0], np.zeros(len(CONTROLS) - 2)]))
    gaze: np.ndarray = field(default_factory=lambda: np.zeros(2))


GOAL_FIELDS = tuple(PoseGoals.__dataclass_fields__)


def blend_goals(first: PoseGoals, second: PoseGoals, amount: float) -> PoseGoals:
    """Linear mix of two goals; amount 0 = first."""
    return PoseGoals(**{name: (1 - amount) * getattr(first, name) + amount * getattr(second, name) for name in GOAL_FIELDS})


def pose_bones(shape: BodyShape, rest: np.ndarray, goals: PoseGoals) -> tuple[np.ndarray, np.ndarray]:
    """Rotations [B,3,3] and joint places [B,3] of every bone; a rest point p goes to R (p - rest) + place."""
    turns, places = np.tile(np.eye(3), (len(BONES), 1, 1)), rest.copy()
    heading = rotation("y", goals.heading)
    pelvis = heading @ turn(*goals.pelvis)
    places[0] = rest[0] + heading @ (goals.root * [1, 0, 1] * shape.leg) + [0, goals.root[1] * shape.leg, 0]
    turns[0] = pelvis

    def child(name: str, parent: str, matrix: np.ndarray) -> None:
        k, p = BONE[name], BONE[parent]
        turns[k] = matrix
        places[k] = places[p] + turns[p] @ (rest[k] - rest[p])

    half = turn(*(goals.spine * 0.5))
    child("spine", "pelvis", pelvis @ half)
    child("chest", "spine", turns[BONE["spine"]] @ half)
    half = turn(*(goals.head * 0.45))
    child("neck", "chest", turns[BONE["chest"]] @ half)
    child("head", "neck", turns[BONE["neck"]] @ turn(*(goals.head * 0.55)))
    for side in (0, 1):
        _arm(shape, rest, goals, side, turns, places, child)
        _leg(shape, rest, goals, side, turns, places, heading)
    return turns, places


def place_face(turns: np.ndarray, places: np.ndarray, rest: np.ndarray, eye_centres: np.ndarray, goals: PoseGoals) -> None:
    """Fills eye and jaw bones in place; eye_centres [2,3] rest metres."""
    head = BONE["head"]
    for side, name in enumerate(("left_eye", "right_eye")):
        k = BONE[name]
        rest[k] = eye_centres[side]
        places[k] = places[head] + turns[head] @ (rest[k] - rest[head])
        turns[k] = turns[head] @ rotation("y", goals.gaze[0]) @ rotation("x", -goals.gaze[1])
    k = BONE["jaw"]
    places[k] = places[head] + turns[head] @ (rest[k] - rest[head])
    turns[k] = turns[head] @ rotation("x", 0.36 * goals.face[CONTROLS.index("jaw")])


def _arm(shape: BodyShape, rest: np.ndarray, goals: PoseGoals, side: int, turns: np.ndarray, places: np.ndarray, child) -> None:
    name, sign = ("left", 1.0) if side == 0 else ("right", -1.0)
    mirror = np.array([sign, 1.0, 1.0])
    chest = turns[BONE["chest"]]
    raise_amount = np.clip(goals.wrists[side, 1] + 0.15, 0, 1.1)
    lift = goals.shrug[side] + 0.42 * raise_amount
    child(f"{name}_clavicle", "chest", chest @ rotation("z", sign * lift) @ rotation("y", -sign * 0.18 * np.clip(goals.wrists[side, 2] - 0.3, -0.5, 0.7)))
    upper, fore, twist, hand = (BONE[f"{name}_{b}"] for b in ("upper_arm", "forearm", "forearm_twist", "hand"))
    clavicle = BONE[f"{name}_clavicle"]
    places[upper] = places[clavicle] + turns[clavicle] @ (rest[upper] - rest[clavicle])
    still = places[BONE["chest"]] + chest @ (rest[upper] - rest[BONE["chest"]])
    target = 0.5 * (still + places[upper]) + chest @ (goals.wrists[side] * mirror) * shape.arm
    lengths = np.linalg.norm(rest[fore] - rest[upper]), np.linalg.norm(rest[hand] - rest[fore])
    first, second, hinge = two_bone(places[upper], target, chest @ (goals.elbows[side] * mirror), *lengths)
    rest_direction = (rest[fore] - rest[upper]) / lengths[0]
    rest_frame = frame_from(rest_direction, np.cross(rest_direction, [0.0, 0.0, 1.0]))
    turns[upper] = frame_from(first, hinge) @ rest_frame.T
    places[fore] = places[upper] + first * lengths[0]
    turns[fore] = frame_from(second, hinge) @ rest_frame.T
    places[twist] = places[fore]
    places[hand] = places[fore] + second * lengths[1]
    frame = hand_frame(side)
    fingers, palm = chest @ (goals.fingers_to[side] * mirror), chest @ (goals.palms[side] * mirror)
    fingers = _limit_bend(fingers / np.linalg.norm(fingers), second, np.deg2rad(75))
    turns[hand] = frame_from(fingers, palm) @ frame_from(frame[:, 0], frame[:, 2]).T
    turns[twist] = _half_twist(turns[fore], turns[hand], second) @ turns[fore]
    _fingers(rest, goals, side, turns, places, hand)


def _limit_bend(direction: np.ndarray, axis: np.ndarray, most: float) -> np.ndarray:
    angle = np.arccos(np.clip(direction @ axis, -1, 1))
    if angle <= most:
        return direction
    side = direction - axis * (direction @ axis)
    length = np.linalg.norm(side)
    return axis if length < 1e-6 else axis * np.cos(most) + side / length * np.sin(most)


def _half_twist(forearm: np.ndarray, hand: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """0.6 of the turn about the forearm's axis that leads from the forearm to the hand."""
    relative = hand @ forearm.T
    vector = np.array([relative[2, 1] - relative[1, 2], relative[0, 2] - relative[2, 0], relative[1, 0] - relative[0, 1]])
    scalar = 1.0 + np.trace(relative)
    angle = 2 * np.arctan2(vector @ axis, max(scalar, 1e-6))
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    return rotation(axis, 0.6 * angle)


def _fingers(rest: np.ndarray, goals: PoseGoals, side: int, turns: np.ndarray, places: np.ndarray, hand: int) -> None:
    frame = hand_frame(side)
    sign = 1.0 if side == 0 else -1.0
    across = np.cross(frame[:, 0], frame[:, 2])
    for finger in range(5):
        curl, spread = float(goals.curls[side, finger]), float(goals.spread[side])
        parent = hand
        for k in range(3):
            bone = int(FINGER_BONES[side, finger, k])
            if finger == 0:  # the thumb closes across the palm
                axis = 0.75 * frame[:, 0] * -sign + 0.55 * frame[:, 1] * 0 + 0.25 * across
                axis = (-sign) * (0.80 * frame[:, 0]) + 0.45 * across if k == 0 else (-sign) * (0.55 * frame[:, 0]) + 0.35 * across - 0.55 * sign * frame[:, 2] * 0
                axis = axis / np.linalg.norm(axis)
                angle = (0.55, 0.65, 0.95)[k] * (curl - 0.1)
                local = rotation(axis, angle)
            else:
                local = rotation(across, (1.45, 1.75, 1.15)[k] * curl + 0.02)
                if k == 0:
                    local = local @ rotation(frame[:, 2], sign * (0.10, 0.0, -0.10, -0.20)[finger - 1] * (spread - 1.0 * min(curl, 0.6)))
            turns[bone] = turns[parent] @ local
            places[bone] = places[parent] + turns[parent] @ (rest[bone] - rest[parent])
            parent = bone


def _leg(shape: BodyShape, rest: np.ndarray, goals: PoseGoals, side: int, turns: np.ndarray, places: np.ndarray, heading: np.ndarray) -> None:
    name, sign = ("left", 1.0) if side == 0 else ("right", -1.0)
    mirror = np.array([sign, 1.0, 1.0])
    thigh, shin, foot = (BONE[f"{name}_{b}"] for b in ("thigh", "shin", "foot"))
    places[thigh] = places[0] + turns[0] @ (rest[thigh] - rest[0])
    target = heading @ (rest[foot] + goals.ankles[side] * mirror * shape.leg)
    lengths = np.linalg.norm(rest[shin] - rest[thigh]), np.linalg.norm(rest[foot] - rest[shin])
    first, second, hinge = two_bone(places[thigh], target, heading @ (goals.knees[side] * mirror), *lengths)
    side_axis = np.array([1.0, 0.0, 0.0])
    turns[thigh] = frame_from(first, hinge) @ frame_from(rest[shin] - rest[thigh], side_axis).T
    places[shin] = places[thigh] + first * lengths[0]
    turns[shin] = frame_from(second, hinge) @ frame_from(rest[foot] - rest[shin], side_axis).T
    places[foot] = places[shin] + second * lengths[1]
    turns[foot] = heading @ rotation("y", sign * goals.foot_yaw[side]) @ rotation("x", goals.foot_pitch[side])


def reach_floor(shape: BodyShape, turns: np.ndarray, places: np.ndarray, rest: np.ndarray) -> float:
    """Lowest sole point, metres above the floor (both feet)."""
    lowest = np.inf
    for name in ("left_foot", "right_foot"):
        k = BONE[name]
        sole = np.array([[0, -rest[k][1], -0.055 * shape.foot], [0, -rest[k][1], 0.16 * shape.foot]])
        lowest = min(lowest, float((places[k] + sole @ turns[k].T)[:, 1].min()))
    return lowest
