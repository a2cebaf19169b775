"""The performer's bones: proportions, rest pose, and bone transforms from limb goals.

Not here: surfaces (body.py), what the limbs want (motions.py). Model axes: x subject's left, y up, z front; metres; floor y = 0.
Rest is an A-pose; every bone's local frame equals the model axes at rest, so a transform is (R, joint): p -> R (p - rest) + joint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BONES = (
    "pelvis", "spine", "chest", "neck", "head",
    "left_clavicle", "left_upper_arm", "left_forearm", "left_forearm_twist", "left_hand",
    "right_clavicle", "right_upper_arm", "right_forearm", "right_forearm_twist", "right_hand",
    "left_thigh", "left_shin", "left_foot", "right_thigh", "right_shin", "right_foot",
    "left_eye", "right_eye", "jaw",
    *(f"{side}_{finger}_{k}" for side in ("left", "right") for finger in ("thumb", "index", "middle", "ring", "pinky") for k in (1, 2, 3)),
)  # fmt: skip
BONE = {name: k for k, name in enumerate(BONES)}
FINGER_BONES = np.array([[[BONE[f"{s}_{f}_{k}"] for k in (1, 2, 3)] for f in ("thumb", "index", "middle", "ring", "pinky")] for s in ("left", "right")])
ARM_ANGLE = np.deg2rad(42.0)  # rest angle of the arms from straight down
HEAD_JOINT = np.array([0.0, -0.062, -0.022])  # the atlas in head units (adult head about 0.23 tall, origin between the ears at eye level)


@dataclass(frozen=True)
class BodyShape:
    """Proportions. Lengths in metres, the rest are factors (1 = an ordinary adult)."""

    leg: float = 0.80
    torso: float = 0.50
    neck: float = 0.085
    head: float = 1.12
    shoulder: float = 0.163
    hip: float = 0.084
    arm: float = 0.53
    hand: float = 1.0
    foot: float = 1.0
    thickness: float = 1.0
    chest: float = 1.0
    waist: float = 1.0
    hips: float = 1.0
    belly: float = 0.0
    bust: float = 0.0

    @property
    def ankle(self) -> float:
        """Height of the ankle joint."""
        return 0.078 * self.foot

    @property
    def height(self) -> float:
        """From floor to crown, metres."""
        return self.ankle + self.leg + self.torso + self.neck + (0.113 - HEAD_JOINT[1]) * self.head


def rest_joints(shape: BodyShape) -> np.ndarray:
    """Rest position of every bone's own joint, [len(BONES), 3]; finger joints are filled from hand_joints."""
    joints = np.zeros((len(BONES), 3))
    hip_y = shape.ankle + shape.leg
    neck_y = hip_y + shape.torso
    put = lambda name, x, y, z=0.0: joints.__setitem__(BONE[name], (x, y, z))  # noqa: E731
    put("pelvis", 0, hip_y + 0.02)
    put("spine", 0, hip_y + 0.22 * shape.torso)
    put("chest", 0, hip_y + 0.50 * shape.torso, -0.005)
    put("neck", 0, neck_y, -0.020)
    put("head", 0, neck_y + shape.neck, -0.012)
    head_centre = joints[BONE["head"]] - HEAD_JOINT * shape.head
    put("jaw", 0, *(head_centre[1:] + np.array([-0.030, 0.0]) * shape.head))
    out, down = np.sin(ARM_ANGLE), -np.cos(ARM_ANGLE)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = np.array([sign * shape.shoulder, neck_y - 0.062 * shape.torso / 0.5, -0.012])
        put(f"{side}_clavicle", sign * 0.025, neck_y - 0.03, 0.0)
        direction = np.array([sign * out, down, 0.0])
        elbow = shoulder + direction * shape.arm * 0.53
        wrist = shoulder + direction * shape.arm
        for name, place in (("upper_arm", shoulder), ("forearm", elbow), ("forearm_twist", elbow), ("hand", wrist)):
            joints[BONE[f"{side}_{name}"]] = place
        put(f"{side}_thigh", sign * shape.hip, hip_y)
        put(f"{side}_shin", sign * (shape.hip * 1.06), shape.ankle + shape.leg * 0.49, 0.004)
        put(f"{side}_foot", sign * (shape.hip * 1.12), shape.ankle, -0.012)
        side_index = 0 if side == "left" else 1
        points = hand_joints(shape)[side_index] + wrist
        for finger in range(5):
            joints[FINGER_BONES[side_index, finger]] = points[1 + 4 * finger : 4 + 4 * finger]
    return joints


def hand_frame(side: int) -> np.ndarray:
    """Columns: finger direction, thumb direction, palm normal (out of the palm) of the rest hand; side 0 left, 1 right."""
    sign = 1.0 if side == 0 else -1.0
    along = np.array([sign * np.sin(ARM_ANGLE), -np.cos(ARM_ANGLE), 0.0])
    palm = np.array([-sign * np.cos(ARM_ANGLE), -np.sin(ARM_ANGLE), 0.0])
    return np.stack([along, np.array([0.0, 0.0, 1.0]), palm], axis=1)


# finger roots and segments in hand units: (along, toward the thumb, out of the palm), metres on an adult hand
_FINGER_ROOT = np.array([[0.024, 0.024, 0.010], [0.090, 0.026, 0.0], [0.093, 0.004, -0.003], [0.087, -0.017, -0.001], [0.078, -0.035, 0.004]])
_FINGER_DIRECTION = np.array([[0.66, 0.68, 0.32], [0.985, 0.15, 0.04], [1.0, 0.02, 0.04], [0.99, -0.10, 0.05], [0.97, -0.22, 0.06]])
_FINGER_LENGTH = np.array([[0.042, 0.034, 0.029], [0.043, 0.027, 0.023], [0.048, 0.030, 0.024], [0.044, 0.028, 0.024], [0.034, 0.021, 0.021]])


def hand_joints(shape: BodyShape) -> np.ndarray:
    """The 21 hand points of both rest hands relative to the wrist, [2,21,3] model axes, metres."""
    local = np.zeros((21, 3))
    direction = _FINGER_DIRECTION / np.linalg.norm(_FINGER_DIRECTION, axis=1, keepdims=True)
    for finger in range(5):
        place = _FINGER_ROOT[finger].copy()
        local[1 + 4 * finger] = place
        for k in range(3):
            bend = direction[finger] + np.array([0.0, -0.15 * (finger == 0) * k, 0.05 * (k + 1) * (finger > 0)])
            place = place + bend / np.linalg.norm(bend) * _FINGER_LENGTH[finger, k]
            local[2 + 4 * finger + k] = place
    return np.stack([local @ hand_frame(side).T for side in (0, 1)]) * shape.hand


def frame_from(direction: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """Orthonormal columns (direction, hinge made orthogonal, their cross product)."""
    d = direction / max(np.linalg.norm(direction), 1e-9)
    h = hinge - d * (hinge @ d)
    length = np.linalg.norm(h)
    if length < 1e-6:
        h = np.cross(d, [0.0, 0.0, 1.0]) if abs(d[2]) < 0.9 else np.cross(d, [0.0, 1.0, 0.0])
        length = np.linalg.norm(h)
    h = h / length
    return np.stack([d, h, np.cross(d, h)], axis=1)


def two_bone(root: np.ndarray, target: np.ndarray, pole: np.ndarray, upper: float, lower: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Analytic two-bone reach. pole: direction the middle joint points to.

    Returns upper direction, lower direction and the hinge axis (upper turned toward lower), unit vectors [3].
    Targets out of reach are approached softly, so that a limb never snaps straight.
    """
    line = target - root
    distance = max(float(np.linalg.norm(line)), 1e-6)
    direction = line / distance
    reach = upper + lower
    soft = 0.04 * reach
    if distance > reach - soft:
        distance = reach - soft * np.exp(-(distance - (reach - soft)) / soft)
        distance = min(distance, reach * 0.9995)
    distance = max(distance, abs(upper - lower) * 1.05 + 0.02 * reach)
    side = pole - direction * (pole @ direction)
    length = np.linalg.norm(side)
    if length < 1e-4:
        side = np.cross(direction, [1.0, 0.0, 0.0])
        length = np.linalg.norm(side)
    side = side / length
    cosine = np.clip((upper**2 + distance**2 - lower**2) / (2 * upper * distance), -1.0, 1.0)
    first = direction * cosine + side * np.sqrt(1.0 - cosine**2)
    second = (direction * distance - first * upper) / lower
    hinge = np.cross(first, -side)
    return first, second / np.linalg.norm(second), hinge / max(np.linalg.norm(hinge), 1e-9)


def rotation(axis: str | np.ndarray, angle: float) -> np.ndarray:
    """Rotation matrix about a model axis ("x", "y", "z") or a unit vector, radians."""
    v = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}[axis] if isinstance(axis, str) else axis
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]], float)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Yaw (to the picture's right), pitch (looking down), roll (toward the subject's right shoulder), radians, yaw outermost."""
    return rotation("y", yaw) @ rotation("x", pitch) @ rotation("z", roll)
