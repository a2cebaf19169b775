"""What a body is: joint lists, bones and index tables of every layout we read, write or rig.

Not here: detection (tracker.py), retargeting (motion/). Called by pose, motion, subject, alignment, dit, training.
Left and right are the subject's. Sources: BlazePose GHUM-33, MediaPipe Hands-21, MediaPipe Face Mesh-478,
OpenPose-18, iBUG-68; correspondences measured in guides/pose.md section 7.
"""

from __future__ import annotations

import numpy as np

# BlazePose-33
NOSE, LEFT_EAR, RIGHT_EAR = 0, 7, 8
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = 11, 12, 13, 14, 15, 16
LEFT_PINKY, RIGHT_PINKY, LEFT_INDEX, RIGHT_INDEX, LEFT_THUMB, RIGHT_THUMB = 17, 18, 19, 20, 21, 22
LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE = 23, 24, 25, 26, 27, 28
LEFT_HEEL, RIGHT_HEEL, LEFT_TOE, RIGHT_TOE = 29, 30, 31, 32

BODY_EDGES = (
    (11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (11, 23), (12, 24), (23, 24), (23, 25), (25, 27), (24, 26), (26, 28),
    (27, 29), (29, 31), (27, 31), (28, 30), (30, 32), (28, 32), (15, 17), (15, 19), (16, 18), (16, 20),
)  # fmt: skip

# The rig: 19 joints, each the mean of the listed BlazePose points.
BODY_OTHER_SIDE = (0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(side for left in range(11, 33, 2) for side in (left + 1, left)))
"""of the 33 body points, the same on the other side of the body"""
RIG_JOINTS = (
    "pelvis", "neck", "head",
    "left_shoulder", "left_elbow", "left_wrist", "left_knuckles",
    "right_shoulder", "right_elbow", "right_wrist", "right_knuckles",
    "left_hip", "left_knee", "left_ankle", "left_toe",
    "right_hip", "right_knee", "right_ankle", "right_toe",
)  # fmt: skip
RIG_SOURCES = (
    (23, 24), (11, 12), (7, 8), (11,), (13,), (15,), (17, 19), (12,), (14,), (16,), (18, 20),
    (23,), (25,), (27,), (31,), (24,), (26,), (28,), (32,),
)  # fmt: skip
PELVIS, NECK, HEAD = 0, 1, 2
LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG = (3, 4, 5, 6), (7, 8, 9, 10), (11, 12, 13, 14), (15, 16, 17, 18)

# (child, parent), parents before children. The rig's root is the pelvis.
RIG_BONES = (
    (1, 0), (2, 1), (3, 1), (4, 3), (5, 4), (6, 5), (7, 1), (8, 7), (9, 8), (10, 9),
    (11, 0), (12, 11), (13, 12), (14, 13), (15, 0), (16, 15), (17, 16), (18, 17),
)  # fmt: skip
# pairs of indices into RIG_BONES that are mirror images of each other
RIG_BONE_PAIRS = ((2, 6), (3, 7), (4, 8), (5, 9), (10, 14), (11, 15), (12, 16), (13, 17))


def rig_joints(body: np.ndarray) -> np.ndarray:
    """BlazePose points [...,33,C] (pixels, metres or confidences) -> rig joints [...,19,C]."""
    return np.stack([body[..., list(sources), :].mean(-2) for sources in RIG_SOURCES], axis=-2)


def bone_vectors(joints: np.ndarray) -> np.ndarray:
    """Rig joints [...,19,C] -> child minus parent [...,18,C]."""
    child, parent = (list(side) for side in zip(*RIG_BONES, strict=True))
    return joints[..., child, :] - joints[..., parent, :]


def torso_yaw(joints: np.ndarray) -> np.ndarray:
    """Facing of the torso from 3-D rig joints [...,19,3] -> radians [...]; 0 = camera, positive = picture's right."""
    across = joints[..., 3, :] - joints[..., 7, :] + joints[..., 11, :] - joints[..., 15, :]
    return np.arctan2(across[..., 2], across[..., 0])


# Hands: MediaPipe-21 (0 wrist; thumb 1-4, index 5-8, middle 9-12, ring 13-16, pinky 17-20)
HAND_EDGES = (
    (0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (5, 9), (9, 10), (10, 11), (11, 12),
    (9, 13), (13, 14), (14, 15), (15, 16), (13, 17), (17, 18), (18, 19), (19, 20), (0, 17),
)  # fmt: skip
# the 20 bones OpenPose draws (each finger hangs on the wrist), in its colour order
OPENPOSE_HAND_EDGES = (
    (0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (0, 9), (9, 10), (10, 11), (11, 12),
    (0, 13), (13, 14), (14, 15), (15, 16), (0, 17), (17, 18), (18, 19), (19, 20),
)  # fmt: skip

# Face: MediaPipe-478 index lists
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
    172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
# the eye on the subject's right (33 ... 133) and left (362 ... 263), upper lid then lower lid
RIGHT_EYE_RING = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE_RING = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
RIGHT_IRIS, LEFT_IRIS = (468, 469, 470, 471, 472), (473, 474, 475, 476, 477)
RIGHT_BROW, LEFT_BROW = (70, 63, 105, 66, 107), (300, 293, 334, 296, 336)
NOSE_LINE = (168, 6, 197, 195, 5, 4, 1, 2)
# (points, is closed, colour) for drawing
FACE_CONTOURS = (
    (FACE_OVAL, True, (224, 224, 224)), (RIGHT_EYE_RING, True, (255, 48, 48)), (LEFT_EYE_RING, True, (48, 255, 48)),
    (RIGHT_BROW, False, (255, 48, 48)), (LEFT_BROW, False, (48, 255, 48)), (NOSE_LINE, False, (160, 160, 160)),
    (OUTER_LIPS, True, (224, 224, 96)), (INNER_LIPS, True, (224, 224, 96)), (RIGHT_IRIS[1:], True, (96, 224, 255)),
    (LEFT_IRIS[1:], True, (96, 224, 255)),
)  # fmt: skip

# OpenPose-18 from BlazePose (each entry averages the listed points)
OPENPOSE_18 = (
    (0,), (11, 12), (12,), (14,), (16,), (11,), (13,), (15,), (24,), (26,), (28,), (23,), (25,), (27,), (5,), (2,), (8,), (7,),
)  # fmt: skip
OPENPOSE_EDGES = (
    (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14),
    (14, 16), (0, 15), (15, 17),
)  # fmt: skip
# OpenPose feet: left big toe, left small toe, left heel, right big toe, right small toe, right heel
OPENPOSE_FEET = (31, 31, 29, 32, 32, 30)

# iBUG-68 from Face Mesh-478, then both pupils (70 points as OpenPose writes them)
IBUG_68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389, 71, 63, 105, 66, 107, 336, 296, 334,
    293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 39, 37, 0,
    267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
