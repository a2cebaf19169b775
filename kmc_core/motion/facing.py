"""Orientation "image": how far to turn the driver in every frame so that the torso keeps the picture's facing.

Not here: turns by a directed camera (orientation.py), what is turned (retarget.py, face_motion.py).
"""

from __future__ import annotations

import math

import numpy as np

from ..types import Orientation
from .lift import smooth_over_time

SWAY_DEG = 3.0
"""the torso may sway about the picture's facing by this much, so that steps and gestures stay alive"""
YAW_SIGMA_S, FACING_SIGMA_S = 0.1, 0.6
"""noise is below the one, what the root does above the other; the sway lies between"""


def turn_to_picture(driver_yaw: np.ndarray, subject_yaw: float, orientation: Orientation, fps: float) -> np.ndarray:
    """Yaw to add to the driver in every frame [T], radians; zeros unless the orientation is "image".

    driver_yaw [T]: yaw of the driver's torso, subject_yaw: the picture's. A driver that turns, stands in profile or shows
    its back is turned to the picture frame by frame; the quick sway of steps stays, up to SWAY_DEG.
    """
    driver_yaw = np.asarray(driver_yaw, np.float64)
    if orientation.mode != "image" or not len(driver_yaw):
        return np.zeros(len(driver_yaw))
    gap = calmed_angle(driver_yaw - subject_yaw, YAW_SIGMA_S * fps)
    limit = math.radians(SWAY_DEG)
    sway = gap - calmed_angle(gap, FACING_SIGMA_S * fps)
    return limit * np.tanh(sway / limit) - gap


def calmed_angle(angle: np.ndarray, sigma_frames: float) -> np.ndarray:
    """Unwrapped and smoothed angles [T]; the ends are continued point-symmetrically, so a steady turn stays as it is."""
    angle = np.unwrap(np.asarray(angle, np.float64))
    reach = min(len(angle) - 1, math.ceil(4 * sigma_frames))
    if reach < 1:
        return angle
    before = 2 * angle[0] - angle[reach:0:-1]
    after = 2 * angle[-1] - angle[-2 : -reach - 2 : -1]
    return smooth_over_time(np.concatenate([before, angle, after]), sigma_frames)[reach:-reach]
