"""Feet and the ground: the ground line, the lowest foot, how far a jump lifts it.

Not here: the horizontal path (framing.py). Called by framing.py.
"""

from __future__ import annotations

import numpy as np

from ..pose.skeleton_layouts import LEFT_LEG, RIGHT_LEG

FOOT_JOINTS = (LEFT_LEG[2], LEFT_LEG[3], RIGHT_LEG[2], RIGHT_LEG[3])


def lowest_foot(joints: np.ndarray) -> np.ndarray:
    """Picture y of the lowest ankle or toe [...] of joints [...,19,2|3]."""
    return joints[..., list(FOOT_JOINTS), 1].max(-1)


def foot_displacement(joints: np.ndarray, reference: slice) -> np.ndarray:
    """How far the lowest foot is below (+) or above (-) where it starts [T]; a jump is a negative excursion."""
    low = lowest_foot(joints)
    return low - low[reference].mean()


def stand_on(joints: np.ndarray, ground_px: np.ndarray | float) -> np.ndarray:
    """Move every frame of joints [T,19,3] vertically so that its lowest foot is at ground_px ([T] or one value)."""
    moved = joints.copy()
    moved[..., 1] += (ground_px - lowest_foot(joints))[:, None]
    return moved


def foot_slide_px(joints: np.ndarray, contact: np.ndarray) -> float:
    """Mean horizontal travel per frame of the lower foot in frames of contact [T] bool: a measure, not a correction."""
    ankles = joints[:, [LEFT_LEG[2], RIGHT_LEG[2]]]
    lower = ankles[..., 1].argmax(1)
    steps = np.abs(np.diff(ankles[np.arange(len(joints))[:, None], [[0, 1]] * len(joints), 0], axis=0))
    used = contact[1:] & contact[:-1] & (lower[1:] == lower[:-1])
    return float(steps[np.arange(len(steps)), lower[1:]][used].mean()) if used.any() else 0.0
