"""Feet that stand do not slide: found on the driver, held on the character by moving hips and bending legs a little.

Not here: heights and jumps (ground.py, framing.py). Called by retarget.py after placing.
Source: foot skate clean-up after Kovar, Schreiner and Gleicher, "Footskate cleanup for motion capture editing", 2002.
"""

from __future__ import annotations

import numpy as np

from ..pose.skeleton_layouts import LEFT_LEG, NECK, PELVIS, RIGHT_LEG
from ..types import Canvas
from .contacts import reach
from .lift import LiftedMotion, smooth_over_time
from .perspective import flattened, foreshortened
from .touches import stretches

LEGS = (LEFT_LEG, RIGHT_LEG)
STANDING, LEAVING = 0.14, 0.26  # torso lengths per second of ankle and toe: below the one it stands, above the other it goes
SPEED_SIGMA_S = 0.07
SHORTEST_S = 0.16
ROOT_SIGMA_S = 0.10
LARGEST_HOLD = 0.35  # torso lengths: feet farther from where they are held are let go


def standing_feet(lifted: LiftedMotion, follow: np.ndarray, placed: np.ndarray, fps: float) -> np.ndarray:
    """Which feet stand [T,2]: those that keep their place in the driver's picture, or on the character [T,19,3] as placed."""
    driver = foreshortened(lifted.joints, lifted.nearness, lifted.scene.canvas)
    out = np.zeros((lifted.frame_count, 2), bool)
    for side, leg in enumerate(LEGS):
        speed = np.minimum(_speed(driver, leg, fps), _speed(placed, leg, fps))
        out[:, side] = _with_hysteresis(speed, SHORTEST_S * fps) & (follow[:, leg[3]] > 0.5)
    return out


def _speed(joints: np.ndarray, leg: tuple[int, ...], fps: float) -> np.ndarray:
    """Speed [T] of the faster of ankle and toe in torso lengths per second."""
    if len(joints) < 2:
        return np.zeros(len(joints))
    torso = np.median(np.linalg.norm(joints[:, NECK] - joints[:, PELVIS], axis=-1))
    path = smooth_over_time(joints[:, [leg[2], leg[3]], :2], SPEED_SIGMA_S * fps)
    return np.linalg.norm(np.gradient(path, axis=0), axis=-1).max(-1) * fps / max(float(torso), 1e-6)


def _with_hysteresis(speed: np.ndarray, shortest: float) -> np.ndarray:
    out = np.zeros(len(speed), bool)
    for start, stop in stretches(speed < LEAVING, shortest):
        still = np.flatnonzero(speed[start:stop] < STANDING)
        if len(still) >= max(2, shortest / 2):
            out[start + still[0] : start + still[-1] + 1] = True
    return out


def hold_feet(joints: np.ndarray, standing: np.ndarray, nearness: float, canvas: Canvas, fps: float) -> np.ndarray:
    """Joints [T,19,3] (seen from far away) whose standing feet [T,2] keep one place each in the picture of a near camera.

    The hips go half-way along with what the feet need, the legs bend for the rest; bone lengths stay.
    """
    if not standing.any():
        return joints
    seen = foreshortened(joints, nearness, canvas)
    torso = float(np.median(np.linalg.norm(joints[:, NECK] - joints[:, PELVIS], axis=-1)))
    offsets = np.zeros((len(joints), 2, 2, 2))  # [T, side, ankle|toe, xy]
    for side, leg in enumerate(LEGS):
        offsets[:, side] = _held(seen[:, [leg[2], leg[3]], :2], standing[:, side], LARGEST_HOLD * torso)
    root = _root_shift(offsets[:, :, 0], standing, fps)
    out = joints.copy()
    out[..., :2] += root[:, None]
    for side, leg in enumerate(LEGS):
        out[:, list(leg)] = _bent_leg(out[:, list(leg)], seen[:, [leg[2], leg[3]], :2] + offsets[:, side], nearness, canvas)
    return out


def _held(feet: np.ndarray, standing: np.ndarray, largest: float) -> np.ndarray:
    """What to add to ankle and toe [T,2,2] so that they rest while standing [T]; smooth from one stand to the next."""
    offsets, known = np.zeros_like(feet), np.zeros(len(feet), bool)
    for start, stop in stretches(standing, 1):
        place = np.median(feet[start:stop], axis=0)
        offsets[start:stop] = place - feet[start:stop]
        known[start:stop] = True
    if known.any():
        frames = np.arange(len(feet))
        stands = np.flatnonzero(known)
        before = stands[np.clip(np.searchsorted(stands, frames, side="right") - 1, 0, len(stands) - 1)]
        after = stands[np.clip(np.searchsorted(stands, frames, side="left"), 0, len(stands) - 1)]
        share = np.where(after > before, (frames - before) / np.maximum(after - before, 1), 0.0)
        share = (share * share * (3 - 2 * share))[:, None, None]
        offsets = (1 - share) * offsets[before] + share * offsets[after]
    length = np.linalg.norm(offsets, axis=-1, keepdims=True)
    return offsets * np.minimum(1.0, largest / np.maximum(length, 1e-9))


def _root_shift(offsets: np.ndarray, standing: np.ndarray, fps: float) -> np.ndarray:
    """How far the hips go along [T,2] with offsets [T,2 sides,2]: the mean of the standing feet's, smooth."""
    weight = smooth_over_time(standing.astype(float), ROOT_SIGMA_S * fps) + 1e-3
    mean = (offsets * weight[..., None]).sum(1) / weight.sum(1, keepdims=True)
    return smooth_over_time(mean, ROOT_SIGMA_S * fps)


def _bent_leg(leg: np.ndarray, feet: np.ndarray, nearness: float, canvas: Canvas) -> np.ndarray:
    """A leg [T,4,3] whose ankle and toe are seen at feet [T,2,2] px."""
    target = flattened(feet, leg[:, 2:, 2], nearness, canvas)
    shift = np.zeros((len(leg), 3))
    shift[:, :2] = target[:, 0] - leg[:, 2, :2]
    foot = leg[:, 3] - leg[:, 2]
    moved = reach(leg, shift, bend=foot)
    wanted = foot.copy()
    wanted[:, :2] = target[:, 1] - moved[:, 2, :2]
    size = np.linalg.norm(foot, axis=-1, keepdims=True)
    moved[:, 3] = moved[:, 2] + wanted * size / np.maximum(np.linalg.norm(wanted, axis=-1, keepdims=True), 1e-9)
    return moved
