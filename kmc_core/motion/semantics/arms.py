"""Rules for arms and hands: waving, clapping, pointing, punching, touching the face, raised arms, gestures."""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from ...pose.skeleton_layouts import HEAD
from .features import ARMS, SEEN, Features, angle_at, from_vertical
from .runs import local_mean, margin, rhythmic, runs
from .whole_body import Found

WAVE_SWING, WAVE_GAP_S, WAVE_HEIGHT = 0.12, 0.6, -0.15
CLAP_DISTANCE, CLAP_OPENING, CLAP_GAP_S = 0.42, 0.16, 1.3
POINT_STRAIGHT_DEG, POINT_RAISED_DEG, POINT_SPEED = 145.0, 120.0, 0.9
PUNCH_SPEED, PUNCH_STRAIGHT_DEG, PUNCH_OPENING_DEG = 2.4, 122.0, 35.0
LOW_ENOUGH_TO_POINT = 0.5
FACE_DISTANCE, RAISED_HEIGHT, GESTURE_SPEED = 0.36, 0.30, 0.45
SIDES = ("left", "right")


def waves(features: Features) -> list[Found]:
    """A raised hand swings from side to side over its elbow."""
    found = []
    for side, arm in _seen_arms(features):
        shoulder, elbow, wrist, knuckles = (features.joints[:, joint] for joint in arm)
        tip = knuckles + 0.5 * (knuckles - wrist)
        upright = (wrist[:, 1] - elbow[:, 1] > 0.12) & (wrist[:, 1] - shoulder[:, 1] > WAVE_HEIGHT)
        swinging = rhythmic(tip[:, 0] - elbow[:, 0], WAVE_SWING, features.frames(WAVE_GAP_S), 3)
        swing = np.ptp((tip - elbow)[:, 0])
        upward = rhythmic(wrist[:, 1], 0.5, features.frames(WAVE_GAP_S), 3)  # the arm goes up and down: not a wave
        for start, stop in runs(upright & swinging & ~upward, features.frames(0.2), features.frames(0.5)):
            found.append(("wave", start, stop, side, margin(np.array([swing]), WAVE_SWING, 0.35)))
    return found


def claps(features: Features) -> list[Found]:
    """Both hands meet, part and meet again."""
    if len(_seen_arms(features)) < 2:
        return []
    left, right = (0.5 * (features.joints[:, arm[2]] + features.joints[:, arm[3]]) for arm in ARMS)
    apart = np.linalg.norm((left - right) * [1, 1, 0.6], axis=-1)
    met, _ = find_peaks(-np.pad(apart, 1, constant_values=9), height=-CLAP_DISTANCE, prominence=CLAP_OPENING)
    met = met - 1
    found = []
    for group in np.split(met, np.flatnonzero(np.diff(met) > features.frames(CLAP_GAP_S)) + 1):
        if len(group) >= 2:
            around = int(np.median(np.diff(group))) // 2
            first, past = max(0, int(group[0]) - around), min(features.frame_count, int(group[-1]) + around + 1)
            found.append(("clap", first, past, "both", margin(-apart[group], -CLAP_DISTANCE, -0.1)))
    return found


def points(features: Features) -> list[Found]:
    """A raised arm held out straight, or the index finger stretched alone."""
    found = []
    for number, (side, arm) in enumerate(zip(SIDES, ARMS, strict=True)):
        if features.seen[list(arm[:3])].min() < SEEN:
            continue
        shoulder, elbow, wrist = (features.joints[:, joint] for joint in arm[:3])
        calm = local_mean(features.speed(wrist), features.frames(0.2)) < POINT_SPEED
        straight = angle_at(shoulder, elbow, wrist) > POINT_STRAIGHT_DEG
        raised = (from_vertical(wrist - shoulder) < POINT_RAISED_DEG) & (wrist[:, 1] - shoulder[:, 1] < LOW_ENOUGH_TO_POINT)
        fingers, seen = features.extension[:, number], features.hand_seen[:, number]
        others = fingers[:, 2:].mean(1)
        index_alone = seen & (fingers[:, 1] > 0.85) & (fingers[:, 1] - others > 0.22)
        open_hand = seen & (others > 0.85)
        lifted = wrist[:, 1] - shoulder[:, 1] > -0.75
        mask = calm & ((raised & straight & ~open_hand & ~_fist(fingers, seen)) | (index_alone & lifted))
        for start, stop in runs(mask, features.frames(0.15), features.frames(0.35)):
            sure = float(index_alone[start:stop].mean())
            found.append(("point", start, stop, side, 0.45 + 0.5 * sure))
    return found


def punches(features: Features) -> list[Found]:
    """The arm shoots out at shoulder height and comes back."""
    found = []
    for side, arm in _seen_arms(features):
        shoulder, elbow, wrist = (features.joints[:, joint] for joint in arm[:3])
        reach = np.linalg.norm(wrist - shoulder, axis=-1)
        bend = angle_at(shoulder, elbow, wrist)
        speed = features.speed(wrist - shoulder)
        peaks, _ = find_peaks(np.pad(reach, 1, constant_values=-9), prominence=0.25)
        for peak in peaks - 1:
            before = slice(max(0, peak - features.frames(0.4)), peak + 1)
            level = abs(float(wrist[peak, 1] - shoulder[peak, 1])) < 0.45
            shot = speed[before].max() > PUNCH_SPEED and bend[peak] > PUNCH_STRAIGHT_DEG
            opened = bend[peak] - bend[before].min() > PUNCH_OPENING_DEG
            guard = float(wrist[before, 1].max() - shoulder[peak, 1]) > -0.55
            ahead = float(wrist[peak, 2] - shoulder[peak, 2]) > 0.35
            if level and shot and opened and guard and ahead:
                past = min(features.frame_count, peak + features.frames(0.2))
                found.append(("punch", before.start, past, side, margin(speed[before].max(keepdims=True), PUNCH_SPEED, 6.0)))
    return found


def face_touches(features: Features) -> list[Found]:
    """A hand at the face, the hair or the ears."""
    found = []
    for side, arm in _seen_arms(features):
        wrist, knuckles = features.joints[:, arm[2]], features.joints[:, arm[3]]
        tips = np.where(_fist(features.extension[:, SIDES.index(side)], features.hand_seen[:, SIDES.index(side)])[:, None], knuckles, knuckles + 0.9 * (knuckles - wrist))
        gap = np.min([np.linalg.norm((point - features.joints[:, HEAD]) * [1, 1, 0.5], axis=-1) for point in (knuckles, tips)], axis=0)
        calm = local_mean(features.speed(wrist), features.frames(0.2)) < 1.6
        for start, stop in runs((gap < FACE_DISTANCE) & calm, features.frames(0.2), features.frames(0.25)):
            found.append(("touch_face", start, stop, side, margin(-gap[start:stop], -FACE_DISTANCE, -0.15)))
    return found


def raised_arms(features: Features) -> list[Found]:
    """Arms held up above the head."""
    found = []
    for side, arm in _seen_arms(features):
        height = features.joints[:, arm[2], 1] - features.joints[:, arm[0], 1]
        for start, stop in runs(height > RAISED_HEIGHT, features.frames(0.3), features.frames(0.25)):
            found.append(("raise_arm", start, stop, side, margin(height[start:stop], RAISED_HEIGHT, 0.9)))
    return found


def gestures(features: Features) -> list[Found]:
    """Hands that move before the body without being anything of the above."""
    found = []
    for side, arm in _seen_arms(features):
        wrist, shoulder = features.joints[:, arm[2]], features.joints[:, arm[0]]
        busy = local_mean(features.speed(features.calm(wrist)), features.frames(1.0))
        lifted = local_mean(wrist[:, 1] - shoulder[:, 1], features.frames(1.0)) > -0.95
        for start, stop in runs((busy > GESTURE_SPEED) & lifted, features.frames(0.5), features.frames(0.8)):
            found.append(("gesture", start, stop, side, margin(busy[start:stop], GESTURE_SPEED, 1.5)))
    return found


def _seen_arms(features: Features) -> list[tuple[str, tuple[int, ...]]]:
    return [(side, arm) for side, arm in zip(SIDES, ARMS, strict=True) if features.seen[list(arm[:3])].min() > SEEN]


def _fist(fingers: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return seen & (fingers[:, 1:].mean(1) < 0.6)
