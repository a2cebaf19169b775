"""Rules for the whole body: gait, turns, jumps, kicks, postures. Lengths in torso lengths; see features.py."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.signal import find_peaks

from ...pose.skeleton_layouts import NECK, PELVIS
from .features import ARMS, LEGS, SEEN, Features, angle_at, from_vertical
from .runs import extent, local_mean, margin, rhythmic, runs, swings

Found = tuple[str, int, int, str, float]
"""kind, first frame, past the last, side, confidence"""

STEP_LENGTH, STEP_GAP_S, STEP_LIFT, RUN_LIFT = 0.40, 1.0, 0.10, 0.55
FASTEST_TURN_DEG_PER_S = 900.0  # quicker ones are trackers that lost the person
TURN_DEG_PER_S, SMALLEST_TURN_DEG, SPIN_DEG = 30.0, 40.0, 300.0
JUMP_RISE = 0.12
ARM_SWING, BOB, RUN_ELBOW_DEG = 0.5, 0.03, 125.0
RUN_KNEE_DEG, RUN_STEPS_PER_S = 100.0, 2.2
KICK_HEIGHT, KICK_REACH = 0.65, 0.6
CROUCH_HEIGHT, SIT_BEHIND = 0.80, 0.35
BOW_DEG, LIE_DEG = 24.0, 58.0


def gait(features: Features) -> list[Found]:
    """Walking or running: the ankles swing past each other, ahead and back."""
    if not features.legs_seen:
        return _gait_of_arms(features)
    left, right = (features.joints[:, leg[2]] for leg in LEGS)
    ahead = left[:, 2] - right[:, 2]
    mask = rhythmic(ahead, STEP_LENGTH, features.frames(STEP_GAP_S), 3)
    knees = np.min([angle_at(*(features.joints[:, joint] for joint in leg[:3])) for leg in LEGS], axis=0)
    lift = extent(np.abs(left[:, 1] - right[:, 1]), features.frames(1.0))
    found = []
    for start, stop in runs(mask, features.frames(0.3), features.frames(0.5)):
        height = float(np.median(lift[start:stop]))
        if height < STEP_LIFT:
            continue  # feet that only turn with the hips
        steps_per_s = len(swings(ahead[start:stop], STEP_LENGTH)) / (stop - start) * features.fps
        quick = steps_per_s > RUN_STEPS_PER_S and np.percentile(knees[start:stop], 5) < RUN_KNEE_DEG
        kind = "run" if height > RUN_LIFT or quick else "walk"
        found.append((kind, start, stop, "", margin(extent(ahead[start:stop], features.frames(1.0)), STEP_LENGTH, 0.9)))
    return found


def _gait_of_arms(features: Features) -> list[Found]:
    """Legs out of sight: the arms swing in turn while the neck bobs; bent elbows run."""
    if features.seen[[joint for arm in ARMS for joint in arm[:3]]].min() < SEEN:
        return []
    left, right = (features.joints[:, arm[2]] - features.joints[:, arm[0]] for arm in ARMS)
    swinging = rhythmic(left[:, 2] - right[:, 2], ARM_SWING, features.frames(1.4), 2)
    bobbing = rhythmic(features.picture[:, NECK, 1], BOB, features.frames(1.0), 4)
    elbow = np.mean([angle_at(*(features.joints[:, joint] for joint in arm[:3])) for arm in ARMS], axis=0)
    found = []
    for start, stop in runs(swinging & bobbing, features.frames(0.3), features.frames(0.8)):
        found.append(("run" if float(np.median(elbow[start:stop])) < RUN_ELBOW_DEG else "walk", start, stop, "", 0.5))
    return found


def turns(features: Features) -> list[Found]:
    """Turns of the hips about the vertical, to the performer's own left or right; a whole one is a spin."""
    rate = gaussian_filter1d(features.rate(features.yaw), 0.1 * features.fps, mode="nearest")
    found = []
    for sign, side in ((1, "left"), (-1, "right")):
        for start, stop in runs(rate * sign > TURN_DEG_PER_S, features.frames(0.35), features.frames(0.2)):
            turned = abs(float(features.yaw[stop - 1] - features.yaw[start]))
            if turned >= SMALLEST_TURN_DEG and np.abs(rate[start:stop]).max() < FASTEST_TURN_DEG_PER_S:
                kind = "spin" if turned >= SPIN_DEG else "turn"
                found.append((kind, start, stop, side, margin(np.array([turned]), SMALLEST_TURN_DEG, 90.0)))
    return found


def jumps(features: Features) -> list[Found]:
    """Both feet and the hips rise together from where the feet stood."""
    if not features.legs_seen:
        return []
    feet = features.picture[:, [leg[part] for leg in LEGS for part in (2, 3)], 1].min(1)
    ground = -maximum_filter1d(-feet, features.frames(1.2), mode="nearest")
    rise = feet - gaussian_filter1d(ground, features.frames(0.3), mode="nearest")
    hips = features.picture[:, PELVIS, 1]
    leap = hips - local_mean(hips, features.frames(1.2))
    found = []
    for start, stop in runs((rise > JUMP_RISE) & (leap > 0.3 * JUMP_RISE), 1, features.frames(0.08)):
        if stop - start <= features.frames(0.9):
            first, past = max(0, start - features.frames(0.12)), min(features.frame_count, stop + features.frames(0.12))
            found.append(("jump", first, past, "", margin(np.array([rise[start:stop].max()]), JUMP_RISE, 0.4)))
    return found


def kicks(features: Features) -> list[Found]:
    """A foot swings up and out, ahead or aside, and comes down again."""
    if not features.legs_seen:
        return []
    found = []
    for number, (side, leg) in enumerate(zip(("left", "right"), LEGS, strict=True)):
        hip, ankle = features.joints[:, leg[0]], features.joints[:, leg[2]]
        height = ankle[:, 1] - features.joints[:, LEGS[1 - number][2], 1]
        peaks, _ = find_peaks(np.pad(height, 1, constant_values=-9), height=KICK_HEIGHT, prominence=0.35)
        for peak in peaks - 1:
            first, past = _around(height, int(peak), 0.35)
            away = (ankle - hip)[first:past]
            reaches = np.linalg.norm(away[:, [0, 2]], axis=-1).max() > KICK_REACH and away[:, 2].max() > -0.1
            if reaches and past - first <= features.frames(1.6):
                found.append(("kick", first, past, side, margin(np.array([height[peak]]), KICK_HEIGHT, 1.3)))
    return found


def postures(features: Features) -> list[Found]:
    """Lying, sitting, crouching, bowing: where the hips are over the feet and how the trunk leans."""
    trunk = features.joints[:, NECK] - features.joints[:, PELVIS]
    lean = from_vertical(trunk)
    found = _runs_of(features, "lie", lean > LIE_DEG, lean, (LIE_DEG, 80.0), 0.4) if features.legs_seen else []
    if not features.legs_seen:
        return found
    hips, knees, ankles = (np.mean([features.joints[:, leg[part]] for leg in LEGS], axis=0) for part in range(3))
    length = np.median([np.linalg.norm(np.diff(features.joints[:, leg[:3]], axis=1), axis=-1).sum(1) for leg in LEGS])
    lower = np.min([features.joints[:, leg[2], 1] for leg in LEGS], axis=0)
    height = (hips[:, 1] - lower) / max(float(length), 1e-3)
    middle = 0.5 * (features.joints[:, NECK] + features.joints[:, PELVIS])
    behind = ankles[:, 2] - middle[:, 2]
    thigh = from_vertical(knees - hips)
    low = (height < CROUCH_HEIGHT) & (lean <= LIE_DEG)
    sitting = low & (behind > SIT_BEHIND) & (thigh < 130) & (lean < 40)
    found += _runs_of(features, "sit", sitting, behind, (SIT_BEHIND, 0.7), 0.7)
    covered = np.zeros(features.frame_count, bool)
    for _, start, stop, _, _ in found:
        covered[start:stop] = True
    found += _runs_of(features, "crouch", low & ~covered, -height, (-CROUCH_HEIGHT, -0.5), 0.25)
    ahead = np.degrees(np.arctan2(trunk[:, 2], np.maximum(trunk[:, 1], 1e-6)))
    bent = ahead - np.percentile(ahead, 10)
    bowing = (bent > BOW_DEG) & (ahead > BOW_DEG) & (height > CROUCH_HEIGHT) & (lean <= LIE_DEG + 20)
    return found + _runs_of(features, "bow", bowing & ~covered, bent, (BOW_DEG, 50.0), 0.3)


def _runs_of(
    features: Features, kind: str, mask: np.ndarray, values: np.ndarray, limits: tuple[float, float], shortest_s: float
) -> list[Found]:
    stretches = runs(mask, features.frames(0.25), features.frames(shortest_s))
    return [(kind, start, stop, "", margin(values[start:stop], *limits)) for start, stop in stretches]


def _around(values: np.ndarray, peak: int, share: float) -> tuple[int, int]:
    """The frames about a peak that are above `share` of it."""
    above = values > share * values[peak]
    first = peak
    while first > 0 and above[first - 1]:
        first -= 1
    past = peak + 1
    while past < len(values) and above[past]:
        past += 1
    return first, past
