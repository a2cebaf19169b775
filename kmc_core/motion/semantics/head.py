"""Rules for head and rhythm: nodding, shaking the head, dancing."""

from __future__ import annotations

import numpy as np

from ...pose.skeleton_layouts import PELVIS
from .features import ARMS, LEGS, Features
from .runs import extent, local_mean, margin, rhythmic, runs
from .whole_body import Found

NOD_DEG, SHAKE_DEG, HEAD_GAP_S = 7.0, 9.0, 0.7
LOOK_DEG = 28.0
LARGE_SWAY = 0.3  # once to and fro is enough
SWAY, STEP_LIFT, ARM_SPEED, TWIST_DEG = 0.07, 0.04, 0.3, 15.0
ALIVE_S = 1.6


def head_signs(features: Features) -> list[Found]:
    """Nods, shakes, and looks far to a side."""
    if features.face_seen < 0.3:
        return []
    found: list[Found] = []
    against_body = features.head[:, 0] - (features.yaw - features.yaw[0])
    for kind, angle, smallest in (("nod", features.head[:, 1], NOD_DEG), ("shake_head", against_body, SHAKE_DEG)):
        mask = rhythmic(angle, smallest, features.frames(HEAD_GAP_S), 4)
        for start, stop in runs(mask, features.frames(0.2), features.frames(0.6)):
            found.append((kind, start, stop, "", margin(extent(angle[start:stop], features.frames(0.8)), smallest, 4 * smallest)))
    aside = against_body - np.median(against_body)
    for sign, side in ((1, "left"), (-1, "right")):
        for start, stop in runs(aside * sign > LOOK_DEG, features.frames(0.2), features.frames(0.4)):
            found.append(("look", start, stop, side, margin(aside[start:stop] * sign, LOOK_DEG, 55.0)))
    return found


def dances(features: Features) -> list[Found]:
    """Hips or feet keep a rhythm while the arms move, without leaving the spot."""
    if not features.legs_seen:
        return []
    feet = np.mean([features.picture[:, leg[2]] for leg in LEGS], axis=0)
    hips = features.calm((features.picture[:, PELVIS] - feet)[:, 0])
    sway = rhythmic(hips, SWAY, features.frames(1.4), 3)
    ankles = features.calm(features.joints[:, LEGS[0][2], 1] - features.joints[:, LEGS[1][2], 1])
    steps = rhythmic(ankles, STEP_LIFT, features.frames(1.4), 3)
    swinging = (extent(hips, features.frames(2.0)) > LARGE_SWAY) & (extent(ankles, features.frames(2.0)) > 2 * STEP_LIFT)
    twist = rhythmic(features.yaw, TWIST_DEG, features.frames(1.4), 4)
    wrists = features.calm(np.stack([features.joints[:, arm[2]] - features.joints[:, arm[0]] for arm in ARMS], axis=1))
    busy = local_mean(features.speed(wrists).mean(1), features.frames(ALIVE_S))
    mask = (sway | steps | twist | swinging) & (busy > ARM_SPEED)
    return [("dance", start, stop, "", margin(busy[start:stop], ARM_SPEED, 1.5)) for start, stop in runs(mask, features.frames(0.6), features.frames(1.2))]
